"""Choose faces: by order, number, limits, mask, likeness, or by picks that were made by hand.

>>> selection = choose_faces(faces, SelectOptions("left_to_right", indices="0, 2-4, -1"))
>>> selection.chosen, selection.rest, selection.summary()
"""

from typing import TYPE_CHECKING

from ...lazy import lazy_names

if TYPE_CHECKING:
    from .choose import choose_faces, select_faces
    from .decisions import Choice, Selection
    from .indices import parse_indices
    from .masks import MaskRule
    from .options import SelectOptions
    from .orders import MASK_MODES, ORDERS, SAME_PERSON
    from .picks import Pick, Picks, pick_of, read_picks, write_picks
    from .reference import Likeness, Reference, reference_of
    from .report import selection_report

__all__ = [
    "MASK_MODES",
    "ORDERS",
    "SAME_PERSON",
    "Choice",
    "Likeness",
    "MaskRule",
    "Pick",
    "Picks",
    "Reference",
    "SelectOptions",
    "Selection",
    "choose_faces",
    "parse_indices",
    "pick_of",
    "read_picks",
    "reference_of",
    "select_faces",
    "selection_report",
    "write_picks",
]

__getattr__ = lazy_names(
    __name__,
    {
        "choose": ("choose_faces", "select_faces"),
        "decisions": ("Choice", "Selection"),
        "indices": ("parse_indices",),
        "masks": ("MaskRule",),
        "options": ("SelectOptions",),
        "orders": ("MASK_MODES", "ORDERS", "SAME_PERSON"),
        "picks": ("Pick", "Picks", "pick_of", "read_picks", "write_picks"),
        "reference": ("Likeness", "Reference", "reference_of"),
        "report": ("selection_report",),
    },
)
