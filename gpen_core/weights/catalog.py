"""Known weight files: their purpose, source and license.

Most are published elsewhere; those of ``INCLUDED`` are part of this package. Files without a published checksum are verified by
loading them (see ``download``).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PureWindowsPath

EXTENSIONS = (".safetensors", ".pth", ".pt", ".ckpt")  # of files of weights, in order of preference
ONNX = ".onnx"
MODEL_EXTENSIONS = (*EXTENSIONS, ONNX)  # of GPEN models
_BASE = "https://public-vigen-video.oss-cn-shanghai.aliyuncs.com/robin/models"
_MODELSCOPE = "https://www.modelscope.cn/models/iic/cv_gpen_image-portrait-enhancement-hires/resolve/master"
_FACEXLIB = "https://github.com/xinntao/facexlib/releases/download"

NON_COMMERCIAL = "non-commercial use only (GPEN's authors, Alibaba DAMO Academy)"
MIT = "MIT"
APACHE = "Apache License 2.0"


@dataclass(frozen=True)
class WeightFile:
    """A known weight file.

    Attributes:
        name: Name in options and commands.
        filename: Published file name.
        urls: Where to download it; empty for a file of this package.
        bytes: Size; may be approximate if ``sha256`` is None.
        sha256: Published checksum, if any.
        license: License of the weights.
        kind: "gpen", "detector" or "parser".
        task: What a GPEN model was trained for (see ``TASKS``).
        size: Input size of a GPEN model, in pixels.
        also_called: Other file names in use.
    """

    name: str
    filename: str
    urls: tuple[str, ...]
    bytes: int | None
    sha256: str | None
    license: str
    kind: str
    task: str = "restoration"
    size: int | None = None
    also_called: tuple[str, ...] = ()


def _gpen(
    name: str, size: int, *, urls: tuple[str, ...] = (), task: str = "restoration", bytes: int | None = None,
    sha256: str | None = None, also_called: tuple[str, ...] = (),
) -> WeightFile:  # fmt: skip
    urls = urls or (f"{_BASE}/{name}.pth",)
    return WeightFile(name, f"{name}.pth", urls, bytes, sha256, NON_COMMERCIAL, "gpen", task, size, also_called)


PUBLISHED = (
    _gpen("GPEN-BFR-256", 256, bytes=75_500_000),
    _gpen(
        "GPEN-BFR-512", 512, bytes=284_085_738,
        urls=(f"{_BASE}/GPEN-BFR-512.pth", "https://huggingface.co/akhaliq/GPEN-BFR-512/resolve/main/GPEN-BFR-512.pth"),
        sha256="f1002c41add95b0decad69604d80455576f7187dd99ca16bd611bcfd44c10b51",
    ),
    _gpen("GPEN-BFR-1024", 1024, urls=(f"{_MODELSCOPE}/pytorch_model.pt",), bytes=285_000_000),
    _gpen(
        "GPEN-BFR-2048", 2048, urls=(f"{_BASE}/GPEN-BFR-2048.pth", f"{_MODELSCOPE}/pytorch_model-2048.pt"),
        bytes=285_200_000, also_called=("pytorch_model-2048.pt",),
    ),
    _gpen("GPEN-Colorization-1024", 1024, task="colorization"),
    _gpen("GPEN-Inpainting-1024", 1024, task="inpainting"),
    _gpen("GPEN-Seg2face-512", 512, task="seg2face"),
    WeightFile(
        "retinaface_resnet50", "detection_Resnet50_Final.pth", (f"{_FACEXLIB}/v0.1.0/detection_Resnet50_Final.pth",),
        109_497_761, "6d1de9c2944f2ccddca5f5e010ea5ae64a39845a86311af6fdf30841b0a5a16d", MIT, "detector",
    ),
    WeightFile(
        "retinaface_mobile0.25", "detection_mobilenet0.25_Final.pth",
        (f"{_FACEXLIB}/v0.1.0/detection_mobilenet0.25_Final.pth",),
        1_789_735, "2979b33ffafda5d74b6948cd7a5b9a7a62f62b949cef24e95fd15d2883a65220", MIT, "detector",
    ),
    WeightFile(
        "parsenet", "parsing_parsenet.pth", (f"{_FACEXLIB}/v0.2.2/parsing_parsenet.pth",),
        85_331_193, "3d558d8d0e42c20224f13cf5a29c79eba2d59913419f945545d8cf7b72920de2", MIT, "parser",
    ),
    WeightFile(
        "bisenet", "parsing_bisenet.pth", (f"{_FACEXLIB}/v0.2.0/parsing_bisenet.pth",),
        53_289_463, "468e13ca13a9b43cc0881a9f99083a430e9c0a38abd935431d1c28ee94b26567", MIT, "parser",
    ),
)  # fmt: skip


# Our own small model (see the model card next to it), and the same with more texture. Files in the package need neither
# checksum nor size.
BUNDLED = WeightFile(
    "bundled", "gpen-bundled-256.safetensors", (), None, None, APACHE, "gpen", "restoration-ffhq", 256
)  # fmt: skip
PERCEPTUAL = WeightFile(
    "bundled-perceptual", "gpen-bundled-256-perceptual.safetensors", (), None, None, APACHE, "gpen", "restoration-ffhq", 256
)  # fmt: skip
INCLUDED = (BUNDLED, PERCEPTUAL)


def published_of(kind: str) -> tuple[WeightFile, ...]:
    """All published files of a kind ("gpen", "detector" or "parser"), in order of preference."""
    return tuple(file for file in PUBLISHED if file.kind == kind)


def entry_named(name: str) -> WeightFile | None:
    """The catalog entry with this name or file name, ignoring case, extension and folders.

    Args:
        name: A name or file name, with either kind of slash.

    Returns:
        A published file, one of ``INCLUDED``, or None.
    """
    wanted = _bare(name)
    return next((file for file in (*INCLUDED, *PUBLISHED) if wanted in map(_bare, _names(file))), None)


def included_named(name: str) -> WeightFile | None:
    """The one of ``INCLUDED`` with exactly this name."""
    return next((entry for entry in INCLUDED if entry.name == name), None)


def published_named(name: str) -> WeightFile | None:
    """Like ``entry_named``, for published files only."""
    entry = entry_named(name)
    return None if entry in INCLUDED else entry


def last_name(name: str) -> str:
    """A path's last part, by either kind of slash: names come from other systems, too."""
    return PureWindowsPath(name.strip()).name


def _names(file: WeightFile) -> tuple[str, ...]:
    return (file.name, file.filename, *file.also_called)


def _bare(name: str) -> str:
    lowered = last_name(name).lower()
    for extension in MODEL_EXTENSIONS:
        lowered = lowered.removesuffix(extension)
    return lowered.replace("_", "-")
