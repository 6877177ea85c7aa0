"""The same jobs on many machines, with Ray Data. Nothing of Ray is imported before a run asks for it."""

from typing import TYPE_CHECKING

from ..lazy import lazy_names

if TYPE_CHECKING:
    from .cluster import ClusterOptions
    from .manifest import Manifest
    from .run import restore_on_cluster

__all__ = ["ClusterOptions", "Manifest", "restore_on_cluster"]

__getattr__ = lazy_names(
    __name__, {"cluster": ("ClusterOptions",), "manifest": ("Manifest",), "run": ("restore_on_cluster",)}
)
