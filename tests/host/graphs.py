"""Workflows of our pack, in the form that is sent to ComfyUI."""

from typing import Any

Prompt = dict[str, dict[str, Any]]

SETTINGS: dict[str, dict[str, Any]] = {
    "model": {"precision": "float32", "task": "auto"},
    "detect": {"threshold": 0.0, "min_face": 0, "max_faces": 0, "order": "largest", "rotated_faces": True},
    "select": {
        "indices": "",
        "order": "largest",
        "max_faces": 0,
        "min_size": 0,
        "max_size": 0,
        "min_share": 0.0,
        "max_share": 0.0,
        "min_score": 0.0,
        "min_quality": 0.0,
        "max_quality": 1.0,
        "point_x": 0.5,
        "point_y": 0.5,
        "mask_mode": "inside",
        "mask_overlap": 0.5,
        "picks": "",
    },
    "restore": {"template": "auto", "batch_size": 0},
    "blend": {
        "strength": 1.0,
        "scale": 1.0,
        "color_match": "mean",
        "scale_mode": "factor",
        "max_megapixels": 33.2,
        "softness": 0.35,
    },
    "protect": {"protect": "auto"},
    "track": {"smoothing": 8, "patience": 12},
    "video": {"steadiness": 1.0, "detect_every": 0, "codec": "auto", "crf": 0, "start": 0.0, "end": 0.0},
    "regions": {
        "skin": 1.0,
        "brows": 1.0,
        "eyes": 1.0,
        "glasses": 1.0,
        "nose": 1.0,
        "mouth": 1.0,
        "ears": 1.0,
        "hair": 1.0,
        "neck": 1.0,
        "hat": 0.0,
        "grow": 0,
        "feather": 0,
        "mask_mode": "intersect",
    },
    "sample": {"seed": 0, "count": 4, "truncation": 0.7, "interpolate": False, "end_seed": 1, "batch_size": 0},
}


def node(class_type: str, **inputs: Any) -> dict[str, Any]:
    return {"class_type": class_type, "inputs": inputs}


def load(image: str, model: str = "tiny.pth", detector: str = "mtcnn") -> Prompt:
    """image 1, model 2, detector 3. An image that ends in .npy comes through the probe, exactly."""
    source = node("Probe_Load", name=image[:-4]) if image.endswith(".npy") else node("LoadImage", image=image)
    return {
        "1": source,
        "2": node("GPEN_LoadModel", model_name=model, **SETTINGS["model"]),
        "3": node("GPEN_LoadDetector", detector_name=detector),
    }


def staged(image: str, model: str = "tiny.pth", detector: str = "mtcnn", protect: str = "off", **blend: Any) -> Prompt:
    """detect 4, restore 5, blend 6. Of what an untrained model makes, protecting would take next to nothing."""
    return load(image, model, detector) | {
        "4": node("GPEN_DetectFaces", image=["1", 0], detector=["3", 0], **SETTINGS["detect"]),
        "5": node(
            "GPEN_RestoreFaces",
            image=["1", 0],
            faces=["4", 0],
            model=["2", 0],
            protect=protect,
            **SETTINGS["restore"],
        ),
        "6": node("GPEN_BlendFaces", image=["1", 0], restored_faces=["5", 0], **{**SETTINGS["blend"], **blend}),
    }


def whole(image: str, model: str = "tiny.pth", detector: str | None = "mtcnn", **changes: Any) -> Prompt:
    """The all-in-one node 6; ``detector=None`` leaves its input open; a link to ``faces`` may be among the changes."""
    settings = {**SETTINGS["blend"], **SETTINGS["protect"], **SETTINGS["restore"], **changes}
    made = node("GPEN_RestoreImage", image=["1", 0], model=["2", 0], **settings)
    prompt = load(image, model, detector or "mtcnn")
    if detector is None:
        del prompt["3"]
    else:
        made["inputs"]["detector"] = ["3", 0]
    return prompt | {"6": made}


def selecting(image: str, detector: str = "mtcnn", **changes: Any) -> Prompt:
    """detect 4, select 7, without a model; a link to ``mask`` may be among the changes."""
    prompt = load(image, detector=detector)
    del prompt["2"]
    return prompt | {
        "4": node("GPEN_DetectFaces", image=["1", 0], detector=["3", 0], **SETTINGS["detect"]),
        "7": node("GPEN_SelectFaces", image=["1", 0], faces=["4", 0], **{**SETTINGS["select"], **changes}),
    }


def sampled(model: str = "tiny.pth", **changes: Any) -> Prompt:
    """Sample Faces 6, from model 2 alone; links to ``image`` and ``faces`` may be among the changes."""
    return {
        "2": node("GPEN_LoadModel", model_name=model, **SETTINGS["model"]),
        "6": node("GPEN_SampleFaces", model=["2", 0], **{**SETTINGS["sample"], **changes}),
    }


def probing(prompt: Prompt, **outputs: tuple[str, int]) -> Prompt:
    """Save outputs exactly: name=(node, index)."""
    probes = {f"probe_{name}": node("Probe_Save", value=list(place), name=name) for name, place in outputs.items()}
    return prompt | probes


def saving(prompt: Prompt, place: tuple[str, int] = ("6", 0)) -> Prompt:
    return prompt | {"9": node("SaveImage", images=list(place), filename_prefix="restored")}
