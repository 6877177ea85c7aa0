"""The notes in the example workflows, in Markdown."""

BEST = (
    "**Best quality:** choose *GPEN-BFR-512.pth* in *Load GPEN Model*; where it is not installed, *Run* says where to get it. "
    "The published weights are for **non-commercial use only**."
)
NOTE = (
    "*Run* works at once: the picture and the model **bundled** come with the pack. **Your own picture:** put *Load Image* in "
    f"the place of *Example Image*. {BEST}"
)
VIDEO_NOTE = (
    "*Run* works at once: the video and the model **bundled** come with the pack. **Your own video:** put *Load Video* in the "
    f"place of *Example Video*. {BEST}"
)
FILM_NOTE = (
    "Faces are followed and held steady, so that they do not flicker. The file is worked through a few frames at a time: a "
    "whole film takes no more memory than these two seconds. Frame times are kept, and the sound, where there is one."
)
STEPS_NOTE = (
    "Here all frames are in memory, so that other nodes can work on them, too; for a long video, use *Restore Faces in Video*. "
    "**Choose faces:** put *Select Faces* between *Track Faces* and *GPEN Face Fix*; what you choose in one frame is chosen in "
    "all. Sound and frame rate go around, straight to *Create Video*."
)
CHOOSE_NOTE = (
    "Two prints are chosen here. **Choose others:** click faces in *Select Faces* to restore them or to leave them out; "
    "*None* and *All* begin anew; then *Run* again. To look before anything is restored, select *Select Faces* and press the "
    "play button above it: it runs alone. Your choice is saved with the workflow."
)
COMPARE_NOTE = (
    "*Run*, then click into the picture of *Compare Faces*. **Arrow keys** go from face to face, **P** shows one pixel of "
    "the result on one of the screen, and dragging moves the divider."
)
PROTECT_NOTE = (
    "With *protect* on **auto**, faces that are good already are left as they are, and others are changed as far as they need "
    "it; what a hand or a microphone covers keeps its original pixels. Two of the six prints are good: in *Protected*, white "
    "is what was kept. Choose **off** to see the difference."
)
TASK_NOTE = (
    "*{model}* does not come with the pack: *Run* says where to get it and where to put it. Its authors allow **non-commercial "
    "use only**. {more}"
)
COLOR_NOTE = TASK_NOTE.format(
    model="GPEN-Colorization-1024",
    more="For your own picture, put *Load Image* in the place of *Example Image*. To color more than faces, choose **whole "
    "picture** under *area*.",
)
FILL_NOTE = TASK_NOTE.format(
    model="GPEN-Inpainting-1024",
    more="For your own picture, put *Load Image* in the place of *Example Image*: right-click it, open the **mask editor** and "
    "paint over the damage.",
)
MAP_NOTE = TASK_NOTE.format(
    model="GPEN-Seg2face-512",
    more="To paint a map of your own, use the colors that *Label Map of a Face* shows, with a hard brush, and load it with "
    "*Load Image*.",
)
UPSCALED_NOTE = (
    "Faces are pasted into what is connected to *background*. Here that is the picture itself, twice as large; for the best "
    "result, put *Upscale Image (using Model)* in the place of *Upscale Image By*."
)
COVER_NOTE = (
    "The face is restored and the microphone keeps its pixels: the mask on it is connected to *Regions of a Face*, with *mask "
    "mode* on **subtract**. In *Changed*, white is what was restored. **Your own picture:** put *Load Image* in the place of "
    "*Example Image*; right-click it, open the **mask editor** and paint over the hand, the glass or the hair. *protect* on "
    "**auto** also keeps what the model would have painted over, without a mask."
)
REGIONS_NOTE = (
    "0 keeps the original of a region, 1 restores it. Here eyes, nose and mouth are restored, skin a little, and hair, ears "
    "and neck not at all. Connect *Load Face Parser* to follow exact outlines."
)
