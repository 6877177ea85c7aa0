"""Who may import whom (see docs/architecture.md): the core never reaches up, and never into ComfyUI."""

import ast
import json
import subprocess
import sys
from pathlib import Path

# Each room may import from itself and from the rooms named here. ``lab`` has rooms of its own.
BASE = {
    "alike",
    "commands",
    "devices",
    "errors",
    "files",
    "heap",
    "lazy",
    "modes",
    "out_of_memory",
    "polling",
    "precisions",
    "tasks",
    "threads",
    "types",
}  # import nothing but each other's types
ROOMS = {
    **{room: set() for room in BASE},
    "devices": {"errors", "modes", "types"},
    "tasks": {"errors", "imaging", "lazy"},  # how a task's pictures are made
    "threads": {"polling"},
    "geometry": {"errors", "types"},
    "weights": {"commands", "errors", "files", "lazy", "tasks", "types"},  # nothing of GPEN's network
    "model": {"commands", "errors", "types"},
    "engines": {"commands", "errors", "lazy", "out_of_memory", "polling", "precisions", "threads", "types", "model"},
    "checkpoints": {*BASE, "weights", "model", "engines"},
    "imaging": {"commands", "errors", "files", "heap", "polling", "threads", "types", "geometry"},
    "faces": {
        "alike",
        "commands",
        "errors",
        "files",
        "lazy",
        "modes",
        "polling",
        "types",
        "geometry",
        "imaging",
        "weights",
    },
    "pipeline": {*BASE, "geometry", "imaging", "weights", "engines", "checkpoints", "faces"},
    "export": {*BASE, "geometry", "weights", "model", "checkpoints"},
    "sampling": {*BASE, "geometry", "imaging", "model", "engines", "checkpoints", "pipeline"},
    "video": {*BASE, "geometry", "imaging", "checkpoints", "faces", "pipeline"},
    "jobs": {*BASE, "geometry", "imaging", "weights", "checkpoints", "faces", "pipeline", "video"},
    "scale": {*BASE, "geometry", "imaging", "weights", "checkpoints", "engines", "faces", "pipeline", "video", "jobs"},
    "api": {
        *BASE,
        "geometry",
        "imaging",
        "weights",
        "checkpoints",
        "faces",
        "pipeline",
    },  # what the front door opens to
}
BELOW_LAB = set(ROOMS)
ROOMS |= {
    "lab": BELOW_LAB,
    "lab.degradation": {*BASE, "geometry", "imaging"},
    "lab.evaluation": BELOW_LAB | {"lab.degradation"},
    "lab.training": BELOW_LAB | {"lab.degradation", "lab.evaluation"},
    "lab.quality": BELOW_LAB | {"lab.degradation", "lab.evaluation", "lab.training"},
    "lab.benchmark": BELOW_LAB,
}
ROOMS["cli"] = set(ROOMS)  # the command line may use every room
# What runs when pictures are restored, faces sampled or weights fetched and looked at: no part of it is the lab's.
WITHOUT_LAB = (
    "arguments",
    "choosing",
    "clips",
    "doctor",
    "export",
    "far",
    "files",
    "models",
    "progress",
    "report",
    "restore",
    "restoring",
    "sample",
    "weights",
)
HOST = {"comfy", "comfy_api", "comfy_execution", "folder_paths", "nodes", "server", "execution"}


def imports_of(path: Path, package: tuple[str, ...]):
    """Absolute dotted names that a file imports, relative ones resolved against ``package``."""
    for found in ast.walk(ast.parse(path.read_text())):
        if isinstance(found, ast.Import):
            yield from (tuple(alias.name.split(".")) for alias in found.names)
        elif isinstance(found, ast.ImportFrom):
            base = package[: len(package) - found.level + 1] if found.level else ()
            target = base + tuple((found.module or "").split(".") if found.module else ())
            yield target
            if not found.module:
                yield from ((*target, alias.name) for alias in found.names)


def files_below(folder: Path):
    return sorted(path for path in folder.rglob("*.py") if "__pycache__" not in path.parts)


def room_of(parts: tuple[str, ...]) -> str:
    """The room that a module of the core, given by its names below ``gpen_core``, belongs to."""
    inside = parts[0] == "lab" and len(parts) > 1 and f"lab.{parts[1]}" in ROOMS
    return ".".join(parts[:2]) if inside else parts[0]


def test_the_core_imports_downwards_only(repo_root):
    core = repo_root / "gpen_core"
    wrong = []
    for path in files_below(core):
        parts = path.relative_to(core).with_suffix("").parts
        room = room_of(parts)
        package = ("gpen_core", *parts[:-1])
        for target in imports_of(path, package):
            if target[0] in HOST:
                wrong.append(f"{path.name} imports {'.'.join(target)}: the core knows nothing of the host")
            if target[0] != "gpen_core" or len(target) < 2 or room not in ROOMS or room_of(target[1:]) == room:
                continue
            if room_of(target[1:]) not in ROOMS[room]:
                wrong.append(f"{room} ({path.name}) imports {room_of(target[1:])}")
    assert wrong == []


def test_every_room_of_the_core_is_on_the_map(repo_root):
    rooms = {
        path.stem
        for path in (repo_root / "gpen_core").iterdir()
        if path.stem not in ("__init__", "__main__", "__pycache__")
    }
    assert rooms - {"assets"} == {room for room in ROOMS if not room.startswith("lab.")}


def test_what_restores_pictures_never_imports_the_lab(repo_root):
    """Neither the nodes nor the commands for daily use; a ComfyUI could go without its folder."""
    core, nodes = repo_root / "gpen_core", repo_root / "nodes"
    commands = [core / "cli" / f"{name}.py" for name in WITHOUT_LAB]
    wrong = [
        path.name
        for path in [*files_below(nodes), *commands]
        for target in imports_of(path, ("gpen_core", "cli") if path.parent == core / "cli" else ("pack", "nodes"))
        if "lab" in target
    ]
    assert wrong == []


def test_only_the_adapter_touches_the_host(repo_root):
    """Nodes may use ComfyUI's public node API; models, folders and progress are the adapter's."""
    nodes = repo_root / "nodes"
    wrong = [
        f"{path.name} imports {'.'.join(target)}"
        for path in files_below(nodes)
        if "host" not in path.relative_to(nodes).parts
        for target in imports_of(path, ("pack", "nodes"))
        if target[0] in HOST - {"comfy_api", "comfy_execution"}
    ]
    assert wrong == []


def test_the_pack_imports_itself_relatively(repo_root):
    """Neighboring packs put folders named like ours on sys.path."""
    wrong = [
        f"{path}: {'.'.join(target)}"
        for path in [
            *files_below(repo_root / "nodes"),
            *files_below(repo_root / "gpen_core"),
            repo_root / "__init__.py",
        ]
        for target in imports_of(path, ("relative",) * 9)
        if target[0] in {"gpen_core", "nodes"}
    ]
    assert wrong == []


def test_importing_touches_neither_network_nor_heavy_packages_nor_files_but_code(repo_root):
    """In a fresh interpreter, watched by an audit hook: what a ComfyUI start pays for. One after the other, so that a
    package is named with the first that brings it in."""
    modules = [
        "gpen_core",
        "gpen_core.faces.detectors",
        "gpen_core.pipeline",
        "gpen_core.api",
        "gpen_core.video",
        "gpen_core.cli",
    ]
    code = f"""
import importlib, json, sys, torch, numpy, PIL.Image, PIL.ImageCms, PIL.ImageDraw, PIL.ImageFont
import safetensors.torch, tqdm, urllib.request
sys.path.insert(0, {str(repo_root)!r})
seen = []
def hook(event, arguments):
    if event.startswith(("socket.", "urllib.", "subprocess.", "os.mkdir", "os.remove", "os.rename")):
        seen.append(event)
    if event == "open" and isinstance(arguments[0], str) and not arguments[0].endswith((".py", ".pyc", ".so")) \\
            and "__pycache__" not in arguments[0]:
        seen.append(arguments[0])
sys.addaudithook(hook)
found = {{}}
for module in {modules!r}:
    importlib.import_module(module)
    named = ("facexlib", "torchvision", "kornia", "mtcnn", "joblib", "cv2", "tifffile", "scipy", "av", "ray", "pyarrow")
    found[module] = seen + [name for name in named if name in sys.modules]
print(json.dumps(found))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {module: [] for module in modules}
