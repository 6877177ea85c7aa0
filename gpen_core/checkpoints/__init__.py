"""What a GPEN file is: canonical keys, inferred configuration, loading, saving, converting, describing.

What only some callers need (``convert``, ``discriminators``, ``imagenet``) is imported from its own module.
"""

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .infer import infer_config
    from .load import load_checkpoint
    from .model import GpenModel

__all__ = ["GpenModel", "infer_config", "load_checkpoint"]

__getattr__ = lazy_names(__name__, {"infer": ("infer_config",), "load": ("load_checkpoint",), "model": ("GpenModel",)})
