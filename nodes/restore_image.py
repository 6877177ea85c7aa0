"""Detection, restoration and blending in one node."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from comfy_api.latest import io
from torch import Tensor

from . import sockets, widgets
from .host.folders import protect_tools
from .host.images import to_frames, to_image, to_mask
from .host.memory import Managed, load_managed
from .host.networks import FaceFactsIO, FacesIO, GpenModelIO, ManagedDetector, ManagedModel, ManagedParser
from .host.progress import CHOSEN_FACES, WHOLE_JOB, node_hooks
from .host.shown import shown_faces, shown_facts
from .host.status import NodeStatus, sent_again
from .loaders import CATEGORY, automatic_detector

if TYPE_CHECKING:
    from ..gpen_core.types import Face


class RestoreImage(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_RestoreImage",
            **sent_again(),
            display_name="GPEN Face Fix",
            category=CATEGORY,
            description="Detects, restores and blends all faces in one step, or those you chose. Frames are streamed, so long "
            "videos need little memory.",
            search_aliases=[
                "face restoration",
                "restore faces",
                "facerestore",
                "fix faces",
                "upscale face",
                "face enhance",
                "facedetailer",
                "face detailer",
                "adetailer",
                "reactor",
                "codeformer",
                "gfpgan",
                "restore old photo",
                "gpen",
            ],
            inputs=[
                io.Image.Input("image", tooltip="A single image, a batch, or video frames."),
                GpenModelIO.Input("model", tooltip="Output of Load GPEN Model."),
                sockets.chosen_faces(),
                sockets.detector(),
                sockets.parser(),
                sockets.face_regions(),
                sockets.background(),
                *widgets.blending(protect=True),
                *widgets.restoring(),
                *widgets.texture(),
                widgets.as_video(),
                widgets.least_similarity(),
            ],
            outputs=[
                io.Image.Output("image", display_name="image", tooltip="The images with restored faces."),
                io.Mask.Output(
                    "mask", display_name="mask", tooltip="Blend mask: white = fully replaced, black = unchanged."
                ),
                FacesIO.Output("faces", display_name="faces", tooltip="The faces that were restored."),
                io.Int.Output("count", display_name="count", tooltip="Number of restored faces."),
                FaceFactsIO.Output(
                    "face_facts",
                    display_name="face facts",
                    tooltip="What is known of each face. Connect to Compare Faces.",
                ),
                sockets.protected_output(),
            ],
            hidden=[io.Hidden.prompt],
        )

    @classmethod
    def execute(
        cls, image: Tensor, model: ManagedModel, protect: str, template: str, batch_size: int,
        faces: Sequence[Face] | None = None, detector: ManagedDetector | None = None,
        parser: ManagedParser | None = None, background: Tensor | None = None, video: str = "auto",
        min_similarity: float = 0.0, **blending: Any,
    ) -> io.NodeOutput:  # fmt: skip
        from ..gpen_core.pipeline import Settings, restore_image
        from ..gpen_core.pipeline.clip import restore_part, video_options_for, with_lead
        from ..gpen_core.pipeline.kept import KeptMasks
        from ..gpen_core.pipeline.options import ProtectOptions
        from ..gpen_core.pipeline.restore import activation_bytes
        from ..gpen_core.pipeline.summary import model_text, run_text
        from .host.parts_of_clips import part_ends, part_of_clip

        status = NodeStatus()
        if faces is None:
            detector = detector or automatic_detector()
        settings = Settings(
            restore=widgets.restore_options(template, batch_size),
            blend=widgets.blend_options(**blending),
            protect=ProtectOptions(protect, min_similarity),
        )
        used = (model, detector if faces is None else None, parser)
        load_managed(
            [network for network in used if network is not None], activation_bytes(model.model, settings.restore)
        )
        frames = to_frames(image, status)
        part = part_of_clip(cls.hidden.prompt)
        before = part_ends().before(part)
        steady = video_options_for(video, with_lead(frames, before))
        kept = KeptMasks(frames)
        job: dict[str, Any] = {
            "faces": faces,
            "parser": None if parser is None else parser.parser,
            "background": None if background is None else to_frames(background, status, "background"),
            "hooks": node_hooks(status, WHOLE_JOB if faces is None else CHOSEN_FACES),
            "on_face": kept.add,
            "tools": protect_tools(settings.protect),
        }
        looks = None if detector is None else detector.configured()
        if steady is None or part is None:
            result = restore_image(frames, model.model, looks, settings, video=steady, **job)
        else:
            status.say(part.note)
            result, end = restore_part(frames, model.model, looks, settings, video=steady, before=before, **job)
            part_ends().keep(part, end)
        text = run_text(result.facts)
        if not result.faces:
            nobody = "No face found" if faces is None else "No face is chosen"
            text = f"{nobody}: the image is returned unchanged, at the requested size."
        ran: dict[str, Managed] = {}
        if detector is not None and faces is None:
            ran[detector.network.name] = detector
        ran |= {model_text(model.model.name): model} if result.faces else {}
        return io.NodeOutput(
            to_image(result.frames),
            to_mask(result.mask),
            shown_faces(result.faces),
            len(result.faces),
            shown_facts(zip(result.faces, result.facts, strict=True)),
            to_mask(kept.masks),
            ui=status.ui(text, ran, notice=not result.faces),
        )
