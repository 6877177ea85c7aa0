"""Who may import whom (see the README's map of the code): the core never reaches up, and never into ComfyUI."""

import ast
import json
import subprocess
import sys
from pathlib import Path

# Each room may import from itself and from the rooms named here.
ROOMS = {
    "errors": set(),
    "files": set(),
    "lazy": set(),
    "threads": set(),
    "types": set(),
    "geometry": {"errors", "types"},
    "model": {"errors", "types"},
    "checkpoints": {"errors", "lazy", "types", "files", "model"},
    "imaging": {"errors", "threads", "types", "files", "geometry"},
    "faces": {"errors", "lazy", "types", "files", "geometry", "imaging", "checkpoints"},
    "pipeline": {"errors", "lazy", "types", "files", "geometry", "imaging", "checkpoints", "faces", "model"},
    "export": {"errors", "types", "files", "geometry", "model", "checkpoints"},
    "benchmark": {"errors", "model", "checkpoints"},
    "sampling": {"errors", "lazy", "types", "imaging", "checkpoints", "model", "pipeline"},
    "degradation": {"errors", "types", "geometry", "imaging"},
    "evaluation": {
        "errors",
        "types",
        "files",
        "geometry",
        "imaging",
        "checkpoints",
        "faces",
        "model",
        "pipeline",
        "degradation",
    },
    "training": {"errors", "threads", "types", "files", "checkpoints", "model", "degradation", "evaluation"},
}
ROOMS["cli"] = set(ROOMS)  # the command line may use every room
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


def test_the_core_imports_downwards_only(repo_root):
    core = repo_root / "gpen_core"
    wrong = []
    for path in files_below(core):
        parts = path.relative_to(core).with_suffix("").parts
        room = parts[0]
        package = ("gpen_core", *parts[:-1])
        for target in imports_of(path, package):
            if target[0] in HOST:
                wrong.append(f"{path.name} imports {'.'.join(target)}: the core knows nothing of the host")
            if target[0] != "gpen_core" or len(target) < 2 or room not in ROOMS or target[1] == room:
                continue
            if target[1] not in ROOMS[room]:
                wrong.append(f"{room} ({path.name}) imports {target[1]}")
    assert wrong == []


def test_every_room_of_the_core_is_on_the_map(repo_root):
    rooms = {
        path.stem
        for path in (repo_root / "gpen_core").iterdir()
        if path.stem not in ("__init__", "__main__", "__pycache__")
    }
    assert rooms - {"assets"} == set(ROOMS)


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
    """Neighbouring packs put folders named like ours on sys.path."""
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
    modules = ["gpen_core", "gpen_core.faces.detectors", "gpen_core.pipeline", "gpen_core.cli"]
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
    named = ("facexlib", "torchvision", "kornia", "mtcnn", "joblib", "cv2", "tifffile", "scipy")
    found[module] = seen + [name for name in named if name in sys.modules]
print(json.dumps(found))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == {module: [] for module in modules}
