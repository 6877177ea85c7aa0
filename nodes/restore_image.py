"""Detection, restoration and blending in one node."""

from __future__ import annotations

import logging

from comfy_api.latest import io
from torch import Tensor

from . import widgets
from .host.images import to_frames, to_image, to_mask
from .host.memory import load_managed
from .host.networks import FacesIO, GpenModelIO, ManagedDetector, ManagedModel, ManagedParser
from .host.progress import node_hooks
from .loaders import CATEGORY, automatic_detector


class RestoreImage(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_RestoreImage",
            display_name="Restore Faces in Image (GPEN)",
            category=CATEGORY,
            description="Detects, restores and blends all faces in one step. Frames are streamed, so long videos need little "
            "memory.",
            search_aliases=[
                "face restoration",
                "fix faces",
                "face detailer",
                "restore old photo",
                "gpen",
                "codeformer",
                "gfpgan",
            ],
            inputs=[
                io.Image.Input("image", tooltip="A single image, a batch, or video frames."),
                GpenModelIO.Input("model", tooltip="Output of Load GPEN Model."),
                widgets.detector(),
                widgets.parser(),
                widgets.background(),
                *widgets.blending(),
                *widgets.detection(),
                *widgets.restoring(),
            ],
            outputs=[
                io.Image.Output("image", display_name="image", tooltip="The images with restored faces."),
                io.Mask.Output(
                    "mask", display_name="mask", tooltip="Blend mask: white = fully replaced, black = unchanged."
                ),
                FacesIO.Output("faces", display_name="faces", tooltip="The detected faces."),
                io.Int.Output("count", display_name="count", tooltip="Total number of faces in the batch."),
            ],
        )

    @classmethod
    def execute(
        cls, image: Tensor, model: ManagedModel, strength: float, scale_mode: str, scale: float, color_match: str,
        softness: float, max_megapixels: float, threshold: float, min_face: int, max_faces: int, order: str,
        rotated_faces: bool, template: str, batch_size: int, detector: ManagedDetector | None = None,
        parser: ManagedParser | None = None, background: Tensor | None = None,
    ) -> io.NodeOutput:  # fmt: skip
        from ..gpen_core.pipeline import Settings, restore_image
        from ..gpen_core.pipeline.restore import activation_bytes

        detector = detector or automatic_detector()
        settings = Settings(
            widgets.select_options(min_face, max_faces, order),
            widgets.restore_options(template, batch_size),
            widgets.blend_options(strength, scale_mode, scale, color_match, softness, max_megapixels),
        )
        networks = [network for network in (model, detector, parser) if network is not None]
        load_managed(networks, activation_bytes(model.model, settings.restore))
        result = restore_image(
            to_frames(image),
            model.model,
            detector.configured(widgets.detect_options(threshold, min_face, rotated_faces)),
            settings,
            parser=None if parser is None else parser.parser,
            background=None if background is None else to_frames(background),
            hooks=node_hooks(),
        )
        if not result.faces:
            logging.info("GPEN: no face found. The image is returned unchanged, at the requested size.")
        return io.NodeOutput(to_image(result.frames), to_mask(result.mask), result.faces, len(result.faces))
