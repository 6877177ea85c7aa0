"""The detectors by name, apart from their settings: widgets and the command line list them."""

from ...modes import AUTO
from ...weights.catalog import published_of

EMBEDDED = "mtcnn"
DETECTORS_WITH_FILES = published_of("detector")
DETECTOR_NAMES = (AUTO, *(entry.name for entry in DETECTORS_WITH_FILES), EMBEDDED)
