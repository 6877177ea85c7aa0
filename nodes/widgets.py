"""Widgets shared by several nodes, so that a setting has the same name and tooltip everywhere."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from comfy_api.latest import io

from ..gpen_core.faces.parts import MASK_MODES, REGIONS
from ..gpen_core.faces.selection.orders import ORDERS
from ..gpen_core.geometry import TEMPLATES
from ..gpen_core.imaging.color_methods import COLOR_METHODS
from ..gpen_core.modes import AUTO, PROTECT_MODES, VIDEO_MODES
from ..gpen_core.pipeline.blend_options import LARGEST_SCALE, BlendOptions
from ..gpen_core.pipeline.clip.options import VideoOptions
from ..gpen_core.video.codec_names import CODECS

if TYPE_CHECKING:
    from ..gpen_core.faces.detectors import DetectOptions
    from ..gpen_core.faces.regions import RegionOptions
    from ..gpen_core.faces.selection import SelectOptions
    from ..gpen_core.pipeline import RestoreOptions


def detection() -> list[io.Input]:
    return [
        io.Float.Input(
            "threshold", default=0.0, min=0.0, max=0.99, step=0.01,
            tooltip="Minimum detection confidence. 0 = the detector's default.",
        ),
        io.Int.Input(
            "min_face", display_name="min face", default=0, min=0, max=4096,
            tooltip="Skip faces smaller than this (shorter side, in pixels). 0 = automatic: 20, more in very large images.",
        ),
        max_faces(),
        order("Order of the faces", [order for order in ORDERS if order != "nearest_to_point"]),
        io.Boolean.Input(
            "rotated_faces", display_name="rotated faces", default=True, advanced=True,
            tooltip="Also search rotated copies of the image when no upright face is found.",
        ),
    ]  # fmt: skip


def max_faces() -> io.Input:
    return io.Int.Input(
        "max_faces", display_name="max faces", default=0, min=0, max=1000,
        tooltip="Maximum number of faces per image. 0 = no limit.",
    )  # fmt: skip


def order(what: str, orders: Sequence[str]) -> io.Input:
    return io.Combo.Input(
        "order", options=list(orders), default="largest",
        tooltip=f"{what}, and which ones are kept when max faces limits them.",
    )  # fmt: skip


def detect_options(threshold: float, min_face: int, rotated_faces: bool) -> DetectOptions:
    """Detector settings from the widgets, where 0 stands for automatic."""
    from ..gpen_core.faces.detectors import LEAST_MIN_FACE, DetectOptions

    return DetectOptions(
        threshold=threshold or None,
        min_face=max(min_face, LEAST_MIN_FACE) if min_face else None,
        try_rotations=rotated_faces,
    )


def select_options(min_face: int, max_faces: int, order: str) -> SelectOptions:
    from ..gpen_core.faces.selection import SelectOptions

    return SelectOptions(order, max_faces, min_face)


def restoring() -> list[io.Input]:
    return [
        io.Combo.Input(
            "template", options=[AUTO, *TEMPLATES], default=AUTO, advanced=True,
            tooltip="Face alignment. auto = as the model was trained.",
        ),
        io.Int.Input(
            "batch_size", display_name="batch size", default=0, min=0, max=64, advanced=True,
            tooltip="Faces processed at once. 0 = automatic.",
        ),
    ]  # fmt: skip


def restore_options(template: str, batch_size: int) -> RestoreOptions:
    from ..gpen_core.pipeline import RestoreOptions

    return RestoreOptions(template, batch_size)


def blending(*, protect: bool = False) -> list[io.Input]:
    """What a first-time user needs, then what is shown on request. ``protect``: with the widget of that name."""
    defaults = BlendOptions()
    return [
        io.Float.Input(
            "strength", default=defaults.strength, min=0.0, max=1.0, step=0.01,
            tooltip="0 = original, 1 = fully restored.",
        ),
        io.Float.Input(
            "scale", default=1.0, min=0.1, max=LARGEST_SCALE, step=0.1,
            tooltip="Output size relative to the input (2 = double width and height). Larger keeps more restored detail.",
        ),
        *(protecting() if protect else ()),
        io.Combo.Input(
            "color_match", display_name="color match", options=list(COLOR_METHODS), default=defaults.color,
            tooltip="Match the colors of the restored face to the original. mean: average color. mean_std: average and spread. "
            "luminance: average brightness only. wavelet: all low frequencies, so uneven light stays. Not used with "
            "colorization models.",
        ),
        io.Combo.Input(
            "scale_mode", display_name="scale mode", options=["factor", AUTO], default="factor", advanced=True,
            tooltip="factor: use scale. auto: enlarge until the largest face is at the model's full resolution.",
        ),
        io.Float.Input(
            "max_megapixels", display_name="max megapixels", default=defaults.max_megapixels, min=0.1, max=400.0, step=0.1,
            tooltip="Upper limit for the output of scale mode auto, in megapixels.", advanced=True,
        ),
        io.Float.Input(
            "softness", default=defaults.softness, min=0.01, max=1.0, step=0.01, advanced=True,
            tooltip="Width of the soft mask edge, as a fraction of the face's radius.",
        ),
    ]  # fmt: skip


def texture() -> list[io.Input]:
    """Optional, and after all other widgets: workflows saved without them work as before."""
    defaults = BlendOptions()
    return [
        io.Float.Input(
            "grain", default=defaults.grain, min=0.0, max=1.0, step=0.05, advanced=True, optional=True,
            tooltip="Put the image's own film grain or noise back on restored faces. 0 = none, 1 = as much as the image has.",
        ),
        io.Int.Input(
            "grain_seed", display_name="grain seed", default=defaults.grain_seed, min=0, max=2**31 - 1, advanced=True,
            optional=True, tooltip="The same seed gives the same grain.",
        ),
        io.Boolean.Input(
            "whole_crop", display_name="whole crop", default=defaults.whole_crop, advanced=True, optional=True,
            tooltip="Replace the whole aligned crop, with hair and background, not only the face. For images that are aligned "
            "faces already.",
        ),
    ]  # fmt: skip


def tracking() -> list[io.Input]:
    return [
        io.Int.Input(
            "smoothing", default=VideoOptions().look_ahead, min=0, max=30,
            tooltip="Frames after each one that help to smooth a face's landmarks in it; of those before it, up to 48 do. "
            "0 = as detected.",
        ),
        io.Int.Input(
            "patience", default=VideoOptions().track.patience, min=0, max=250,
            tooltip="Frames for which a face may be out of sight and still be the same face.",
        ),
    ]  # fmt: skip


def as_video() -> io.Input:
    """Optional, and after all other widgets: workflows saved without it work as before."""
    return io.Combo.Input(
        "video", options=list(VIDEO_MODES), default=AUTO, optional=True, advanced=True,
        tooltip="Whether the images are frames of a clip: faces are then followed and held steady, without flicker. auto: when "
        "neighboring images are alike.",
    )  # fmt: skip


def steadying() -> list[io.Input]:
    return [
        io.Float.Input(
            "steadiness", default=VideoOptions().steadiness, min=0.0, max=1.0, step=0.05,
            tooltip="How long a restored face is held where the video does not change. 0 = every frame by itself, which "
            "flickers.",
        ),
        io.Int.Input(
            "detect_every", display_name="detect every", default=0, min=0, max=250, advanced=True,
            tooltip="Search whole frames for new faces at every n-th only, and follow faces between. 0 = automatic.",
        ),
    ]  # fmt: skip


def encoding() -> list[io.Input]:
    return [
        io.Combo.Input(
            "codec", options=list(CODECS), default=CODECS[0], advanced=True,
            tooltip="auto: as the input, where possible. prores and ffv1 make large files for editing.",
        ),
        io.Int.Input(
            "crf", default=0, min=0, max=63, advanced=True,
            tooltip="Quality of the encoder: lower is better and larger. 0 = automatic, with no visible loss.",
        ),
        io.Float.Input(
            "start", default=0.0, min=0.0, max=1e6, step=0.1, advanced=True, tooltip="Begin here, in seconds."
        ),
        io.Float.Input(
            "end", default=0.0, min=0.0, max=1e6, step=0.1, advanced=True, tooltip="Stop here, in seconds. 0 = at the end."
        ),
    ]  # fmt: skip


def regions() -> list[io.Input]:
    strengths: list[io.Input] = [
        io.Float.Input(
            region, default=0.0 if region == "hat" else 1.0, min=0.0, max=1.0, step=0.05,
            tooltip=f"How much of the {region} is restored: 0 = original, 1 = fully.",
        )
        for region in REGIONS
    ]  # fmt: skip
    return [
        *strengths,
        io.Int.Input(
            "grow", default=0, min=-256, max=256,
            tooltip="Makes the regions you changed larger, or smaller below 0, in pixels of the restored face.",
        ),
        io.Int.Input(
            "feather", default=0, min=0, max=256,
            tooltip="Width of the soft edge between regions, in pixels of the restored face. 0 = automatic.",
        ),
        io.Combo.Input(
            "mask_mode", display_name="mask mode", options=list(MASK_MODES), default="intersect", advanced=True,
            tooltip="intersect: restore only what is inside the mask. unite: restore what is inside in any case. subtract: "
            "keep the original inside. Ignored without a mask.",
        ),
    ]  # fmt: skip


def protecting() -> list[io.Input]:
    return [
        io.Combo.Input(
            "protect", options=list(PROTECT_MODES), default=AUTO,
            tooltip="auto: faces that are already good are changed little or not at all, and fine detail of the image is kept. "
            "off: the restored face is taken as it is.",
        )
    ]  # fmt: skip


def least_similarity() -> io.Input:
    """Optional, and after all other widgets: workflows saved without it work as before."""
    return io.Float.Input(
        "min_similarity", display_name="min similarity", default=0.0, min=0.0, max=1.0, step=0.01, optional=True, advanced=True,
        tooltip="Lower the strength until the restored face looks at least this much like the original: 1 = the same, 0 = any. "
        "Needs a face recognition network; see the help page.",
    )  # fmt: skip


def blend_options(
    strength: float, scale: float, color_match: str, scale_mode: str, max_megapixels: float, softness: float,
    grain: float = 0.0, grain_seed: int = 0, regions: RegionOptions | None = None, whole_crop: bool = False,
) -> BlendOptions:  # fmt: skip
    return BlendOptions(
        AUTO if scale_mode == AUTO else scale, strength, softness, color_match, max_megapixels, grain, grain_seed, regions,
        whole_crop,
    )  # fmt: skip
