"""Read a training configuration: a TOML file, or one of the presets by name."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...errors import OptionError
from ...model import DiscriminatorConfig, GpenConfig
from ..degradation import RECIPES
from .config import TrainConfig
from .tables import from_table

PRESETS = Path(__file__).with_name("presets")


def preset_names() -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in PRESETS.glob("*.toml")))


def config_text(name: str | Path) -> str:
    """The TOML text of a file, or of the preset of that name. Raises OptionError."""
    path = PRESETS / f"{name}.toml" if str(name) in preset_names() else Path(name)
    if not path.is_file():
        raise OptionError(f"{name}: no such file, nor a preset. Presets: {', '.join(preset_names())}.")
    return path.read_text(encoding="utf-8")


def read_config(text: str, name: str = "configuration") -> TrainConfig:
    """Raises OptionError with the place of what is wrong.

    Shorthands: ``recipe`` in [degradation] or in one of [[mix]] names the recipe that the other keys change; ``published``
    or ``resnet`` in [model], ``published`` or ``patch`` in [discriminator] is the size of a network as
    ``GpenConfig.published`` and its like build it, and the other keys are what those take.
    """
    table = _parsed(text, name)
    expand = {"degradation": _recipe, "model": _model, "discriminator": _discriminator}
    for key, function in expand.items():
        if isinstance(table.get(key), Mapping):
            table[key] = function(dict(table[key]), f"{name}.{key}")
    if isinstance(table.get("mix"), list):
        table["mix"] = [_weighted(one, f"{name}.mix[{number}]") for number, one in enumerate(table["mix"])]
    return from_table(TrainConfig, table, name)


def _recipe(table: dict[str, Any], where: str) -> dict[str, Any]:
    recipe = table.pop("recipe", "released")
    if recipe not in RECIPES:
        raise OptionError(f"{where}.recipe: one of {', '.join(RECIPES)} expected, not {recipe!r}")
    return asdict(RECIPES[recipe]) | table


def _weighted(table: Any, where: str) -> Any:
    """The weight is given next to the recipe's own keys."""
    if not isinstance(table, Mapping):
        return table
    recipe = dict(table)
    weight = recipe.pop("weight", 1.0)
    return {"weight": weight, "degradation": _recipe(recipe, where)}


def _model(table: dict[str, Any], where: str) -> dict[str, Any]:
    return _built(table, {"published": GpenConfig.published, "resnet": GpenConfig.resnet}, where)


def _discriminator(table: dict[str, Any], where: str) -> dict[str, Any]:
    return _built(table, {"published": DiscriminatorConfig.published, "patch": DiscriminatorConfig.patch}, where)


def _built(table: dict[str, Any], constructors: Mapping[str, Callable[..., Any]], where: str) -> dict[str, Any]:
    chosen = next((name for name in constructors if name in table), None)
    if chosen is None:
        return table
    try:
        return asdict(constructors[chosen](table.pop(chosen), **table))
    except (TypeError, OptionError) as error:
        raise OptionError(f"{where}: {error}") from error


def _parsed(text: str, name: str) -> dict[str, Any]:
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise OptionError(f"{name}: not valid TOML: {error}") from error
