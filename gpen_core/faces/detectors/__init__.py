"""Face detectors: MTCNN, which needs no download, and RetinaFace from a weights file.

>>> detector = load_detector("auto", folders=["models/facedetection"])
>>> faces = detector.detect(frame)  # [3, H, W] RGB in [0, 1]
"""

from typing import TYPE_CHECKING

from ...lazy import lazy_names

if TYPE_CHECKING:
    from .base import Detections, FaceDetector, FaceNetwork
    from .load import detector_file, load_detector, load_network
    from .mtcnn import load_mtcnn
    from .names import DETECTOR_NAMES
    from .options import LEAST_MIN_FACE, DetectOptions
    from .passes import MultiPassDetector
    from .retinaface import load_retinaface

__all__ = [
    "DETECTOR_NAMES",
    "LEAST_MIN_FACE",
    "DetectOptions",
    "Detections",
    "FaceDetector",
    "FaceNetwork",
    "MultiPassDetector",
    "detector_file",
    "load_detector",
    "load_mtcnn",
    "load_network",
    "load_retinaface",
]

__getattr__ = lazy_names(
    __name__,
    {
        "base": ("Detections", "FaceDetector", "FaceNetwork"),
        "load": ("detector_file", "load_detector", "load_network"),
        "mtcnn": ("load_mtcnn",),
        "names": ("DETECTOR_NAMES",),
        "options": ("LEAST_MIN_FACE", "DetectOptions"),
        "passes": ("MultiPassDetector",),
        "retinaface": ("load_retinaface",),
    },
)
