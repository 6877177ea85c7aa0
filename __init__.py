"""GPEN face restoration for ComfyUI. Importing this loads no network, no weights and no detector."""

from .nodes import comfy_entrypoint

WEB_DIRECTORY = "./web"

__all__ = ["WEB_DIRECTORY", "comfy_entrypoint"]
