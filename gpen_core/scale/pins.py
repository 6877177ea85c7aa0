"""Files of weights by their checksums: every worker restores with exactly what the command found."""

from __future__ import annotations

import hashlib
import platform
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..errors import CheckpointError, MissingWeightsError, one_line
from ..faces.detectors.load import detector_file
from ..files import file_sha256, written_whole
from ..jobs import ToolOptions
from ..jobs.places import Address, place
from ..jobs.tools import upscaler_file
from ..weights.catalog import PUBLISHED
from ..weights.find import find_weights


@dataclass(frozen=True)
class Pin:
    """A file, wherever it lies: ``place`` is a path that workers share, or an address."""

    place: str
    sha256: str


@dataclass(frozen=True)
class Pins:
    """All files that a run's networks are made from.

    Attributes:
        model: The checkpoint.
        detector: The detector's file, if it has one.
        others: What else was found in the folders of weights.
        person: The picture of the person who is looked for.
        upscaler: What enlarges whole images.
    """

    model: Pin
    detector: Pin | None = None
    others: tuple[Pin, ...] = ()
    person: Pin | None = None
    upscaler: Pin | None = None


def pin_files(options: ToolOptions) -> Pins:
    """Look up what ``load_tools`` would load here, and compute its checksums."""
    others = (find_weights(entry, options.folders) for entry in PUBLISHED if entry.kind != "gpen")
    upscaler = upscaler_file(options)
    detector = None if options.aligned else detector_file(options.detector, folders=options.folders)
    return Pins(
        _pin(options.model),
        None if detector is None else _pin(detector),
        tuple(_pin(path) for path in others if path is not None),
        None if options.person is None else _pin(options.person.picture),
        None if upscaler is None else _pin(upscaler),
    )


def with_local_files(options: ToolOptions, pins: Pins, cache: Path | None = None) -> ToolOptions:
    """The options for this machine: with files that lie here, fetched if they have an address.

    Raises:
        MissingWeightsError: A file is not on this machine.
        CheckpointError: It is another file.
    """
    person = options.person
    if person is not None and pins.person is not None:
        person = replace(person, picture=local_file(pins.person, cache))
    return replace(
        options,
        model=local_file(pins.model, cache),
        detector=options.detector if pins.detector is None else str(local_file(pins.detector, cache)),
        folders=tuple(dict.fromkeys(local_file(pin, cache).parent for pin in pins.others)),
        person=person,
        upscaler=None if pins.upscaler is None else local_file(pins.upscaler, cache),
    )


def with_local_model(options: ToolOptions, cache: Path | None = None) -> ToolOptions:
    """The options for a run on this machine alone: with the model's file, fetched if it has an address.

    Raises MissingWeightsError where it cannot be read.
    """
    if not isinstance(options.model, Address):
        return options
    return replace(options, model=local_file(_pin(options.model), cache))


def local_file(pin: Pin, cache: Path | None = None) -> Path:
    """The file on this machine, whose checksum is right; addresses are fetched once, into ``cache``."""
    path = place(pin.place)
    if not isinstance(path, Address):
        if not path.is_file():
            raise MissingWeightsError(
                f"'{path}' is not on the machine {platform.node()}. Put it into a folder that all machines share, or "
                "name it by an address, such as s3://bucket/…"
            )
        return _checked(path, pin)
    target = (cache or Path.home() / ".cache" / "gpen-by-sha256") / pin.sha256[:16] / path.name
    if not target.is_file() or file_sha256(target) != pin.sha256:
        with written_whole(target) as temporary:
            path.ask(lambda system, key: system.get_file(key, str(temporary)))
            _checked(temporary, pin)
    return target


def _pin(path: Path) -> Pin:
    if not isinstance(path, Address):
        return Pin(
            str(path.absolute()), file_sha256(path)
        )  # links stay: other machines may have theirs, and names count
    return Pin(str(path), _remote_sha256(path))


def _remote_sha256(address: Address) -> str:
    try:
        return address.ask(_sha256)
    except OSError as error:
        reason = (
            "no such file" if isinstance(error, FileNotFoundError) else one_line(str(error) or type(error).__name__)
        )
        raise MissingWeightsError(reason if str(address) in reason else f"{address}: {reason}") from error


def _sha256(system: Any, key: str) -> str:
    digest = hashlib.sha256()
    with system.open(key, "rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def _checked(path: Path, pin: Pin) -> Path:
    found = file_sha256(path)
    if found != pin.sha256:
        raise CheckpointError(
            f"{pin.place}: another file on {platform.node()} than where the command was started (sha256 {found[:12]}…, not "
            f"{pin.sha256[:12]}…). Give every machine the same file."
        )
    return path
