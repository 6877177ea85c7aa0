"""A ComfyUI base directory of our own: models, inputs and packs are put there, outputs are found there."""

import shutil
from pathlib import Path

FOLDERS = ("custom_nodes", "input", "output", "models", "user", "temp")


class BaseDir:
    """What `--base-directory` points to."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in FOLDERS:
            (root / name).mkdir(parents=True, exist_ok=True)
        self.custom_nodes, self.input, self.output = root / "custom_nodes", root / "input", root / "output"
        self.models, self.temp = root / "models", root / "temp"

    def link_pack(self, pack: Path, name: str | None = None) -> Path:
        """Install a custom node pack (folder or single file) by a link; returns the path ComfyUI loads it from."""
        link = self.custom_nodes / (name or pack.name)
        if not link.is_symlink():
            link.symlink_to(pack.resolve(), target_is_directory=pack.is_dir())
        return link

    def place_model(self, path: Path, folder: str = "facerestore_models", name: str | None = None) -> Path:
        """`models/<folder>/<name>`, linked where possible: weights are large."""
        target = _free_place(self.models / folder / (name or path.name))
        try:
            target.symlink_to(path.resolve())
        except OSError:
            shutil.copyfile(path, target)
        return target

    def place_input(self, path: Path, name: str | None = None) -> str:
        """The name that LoadImage takes. Copied: ComfyUI refuses inputs that are links out of the input folder."""
        target = _free_place(self.input / (name or path.name))
        shutil.copyfile(path, target)
        return target.name

    def output_file(self, entry: dict) -> Path:
        """The file an entry of a node's `ui` means, e.g. `result.outputs["3"]["images"][0]`."""
        return self.root / entry["type"] / entry.get("subfolder", "") / entry["filename"]


def _free_place(target: Path) -> Path:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    return target
