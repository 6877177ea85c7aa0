"""Loader nodes: GPEN model, face detector, face parser."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from comfy_api.latest import io

from ..gpen_core.errors import MissingWeightsError
from ..gpen_core.faces.detectors.names import DETECTOR_NAMES
from ..gpen_core.modes import AUTO
from ..gpen_core.precisions import PRECISIONS
from ..gpen_core.tasks.names import TASK_NAMES
from .host import folders
from .host.networks import DetectorIO, GpenModelIO, ManagedDetector, ManagedModel, ManagedParser, ParserIO

CATEGORY = "face restoration/GPEN"
FACES_CATEGORY = f"{CATEGORY}/faces"
# Returned by validators so that ComfyUI accepts a file name missing from its list (a workflow from another machine).
# ``execute`` then reports what is missing: the editor shows that message right away, a validator's only after three clicks.
LEAVE_IT_TO_EXECUTE = True


class LoadModel(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_LoadModel",
            display_name="Load GPEN Model",
            category=f"{CATEGORY}/loaders",
            description="Loads a GPEN checkpoint of any size. The model type is read from the weights, not from the file name.",
            search_aliases=["gpen", "face restore model", "load face restoration", "GPEN-BFR"],
            inputs=[
                io.Combo.Input(
                    "model_name",
                    display_name="model name",
                    options=folders.model_names(),
                    tooltip="Checkpoints and ONNX files in models/facerestore_models, the small models bundled with this pack, "
                    "and published models that are not installed yet (running with one shows where to download it). "
                    "GPEN-BFR-512 is a good choice for most images, 2048 for very large faces.",
                ),
                io.Combo.Input(
                    "precision",
                    options=list(PRECISIONS),
                    default="float32",
                    tooltip="float32 matches the original results. float16 and bfloat16 halve GPU memory; bfloat16 is "
                    "the safer of the two.",
                    advanced=True,
                ),
                io.Combo.Input(
                    "task",
                    options=[AUTO, *TASK_NAMES],
                    default=AUTO,
                    tooltip="What the model was trained for, which cannot be read from the weights. auto = from the file's "
                    "metadata or a published file name, otherwise restoration.",
                    advanced=True,
                ),
            ],
            outputs=[
                GpenModelIO.Output("model", display_name="model", tooltip="Connect to GPEN Face Fix or Restore Faces.")
            ],
        )

    @classmethod
    def validate_inputs(cls, model_name: str) -> bool:
        return LEAVE_IT_TO_EXECUTE

    @classmethod
    def fingerprint_inputs(cls, model_name: str, precision: str, task: str) -> str:
        return _fingerprint(folders.model_path, model_name)

    @classmethod
    def execute(cls, model_name: str, precision: str, task: str) -> io.NodeOutput:
        from ..gpen_core.checkpoints import load_checkpoint

        path = folders.model_path(model_name)
        if (notice := folders.model_notice(path)) is not None:
            logging.info("GPEN: %s", notice)
        model = load_checkpoint(path, dtype=PRECISIONS[precision], task=None if task == AUTO else task)
        return io.NodeOutput(ManagedModel(model))


class LoadDetector(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_LoadDetector",
            display_name="Load Face Detector (GPEN)",
            category=f"{CATEGORY}/loaders",
            description="Loads a face detector. MTCNN is built in; RetinaFace needs facexlib weights in models/facedetection.",
            search_aliases=["gpen", "retinaface", "mtcnn", "face detection model"],
            inputs=[
                io.Combo.Input(
                    "detector_name",
                    display_name="detector name",
                    options=list(DETECTOR_NAMES),
                    default=AUTO,
                    tooltip="auto = the best installed: RetinaFace ResNet-50, then RetinaFace MobileNet, then built-in MTCNN.",
                )
            ],
            outputs=[
                DetectorIO.Output(
                    "detector", display_name="detector", tooltip="Connect to Detect Faces or GPEN Face Fix."
                )
            ],
        )

    @classmethod
    def validate_inputs(cls, detector_name: str) -> bool:
        return LEAVE_IT_TO_EXECUTE

    @classmethod
    def fingerprint_inputs(cls, detector_name: str) -> str:
        return _fingerprint(_detector_file, detector_name)

    @classmethod
    def execute(cls, detector_name: str) -> io.NodeOutput:
        return io.NodeOutput(automatic_detector(detector_name))


class LoadParser(io.ComfyNode):
    @classmethod
    def define_schema(cls) -> io.Schema:
        return io.Schema(
            node_id="GPEN_LoadParser",
            display_name="Load Face Parser (GPEN)",
            category=f"{CATEGORY}/loaders",
            description="Loads facexlib's ParseNet, which separates the face from hair, hats and background, so that the blend "
            "mask follows the outline of the face instead of an oval.",
            search_aliases=["gpen", "parsenet", "face parsing", "face segmentation"],
            inputs=[
                io.Combo.Input(
                    "parser_name",
                    display_name="parser name",
                    options=folders.parser_names(),
                    tooltip="Parser weights in models/facedetection (parsing_parsenet.pth).",
                )
            ],
            outputs=[
                ParserIO.Output("parser", display_name="parser", tooltip="Connect to Blend Faces or GPEN Face Fix.")
            ],
        )

    @classmethod
    def validate_inputs(cls, parser_name: str) -> bool:
        return LEAVE_IT_TO_EXECUTE

    @classmethod
    def fingerprint_inputs(cls, parser_name: str) -> str:
        return _fingerprint(folders.parser_path, parser_name)

    @classmethod
    def execute(cls, parser_name: str) -> io.NodeOutput:
        from ..gpen_core.faces.parsing import load_parser

        return io.NodeOutput(ManagedParser(load_parser(folders.parser_path(parser_name))))


def automatic_detector(name: str = AUTO) -> ManagedDetector:
    """Load a detector by name, logging which one; also used by nodes whose detector input is not connected."""
    from ..gpen_core.faces.detectors import load_network

    network = load_network(name, folders=folders.detector_folders())
    logging.info("GPEN: using face detector %s", network.name)
    return ManagedDetector(network)


def _detector_file(name: str) -> Path | None:
    from ..gpen_core.faces.detectors import detector_file

    return detector_file(name, folders=folders.detector_folders())


def _fingerprint(find: Callable[[str], Path | None], name: str | None) -> str:
    """A value that changes when the file does. A missing file is not an error here: it may exist on the next run.

    The name is None when it comes from a link; ComfyUI compares linked inputs itself.
    """
    if name is None:
        return "linked"
    try:
        path = find(name)
    except MissingWeightsError:
        return "missing"
    return "built in" if path is None else folders.fingerprint(path)
