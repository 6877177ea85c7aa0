"""The tasks by name, apart from what they do: widgets list them, and importing that takes time in every ComfyUI's start."""

TASK_NAMES = (
    "restoration",
    "restoration-ffhq",
    "colorization",
    "inpainting",
    "seg2face",
)  # keys of ``published.TASKS``
