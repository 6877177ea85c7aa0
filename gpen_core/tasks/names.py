"""The tasks by name, apart from what they do: widgets list them, and importing that takes time in every ComfyUI's start."""

RESTORATION, RESTORATION_FFHQ = "restoration", "restoration-ffhq"
COLORIZATION, INPAINTING, SEG2FACE = "colorization", "inpainting", "seg2face"
TASK_NAMES = (RESTORATION, RESTORATION_FFHQ, COLORIZATION, INPAINTING, SEG2FACE)  # keys of ``published.TASKS``
