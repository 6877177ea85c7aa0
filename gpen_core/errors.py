"""The errors a user can act on. Every message says what is wrong, which file or value, and what to do next."""


class GpenError(Exception):
    """Base of every error this package raises on purpose."""

    def __init_subclass__(cls) -> None:
        # ComfyUI shows an exception under its module's name, which for a pack is the path it lies at.
        cls.__module__ = "gpen_core.errors"


class CheckpointError(GpenError):
    """A weight file that cannot be used: damaged, of another network, or unsafe."""


class MissingWeightsError(GpenError):
    """Weights that are not on this machine. The message names the file, where to put it and where to get it."""


class DownloadError(GpenError):
    """A download that could not be finished or whose content is not what the catalog says."""


class ImageError(GpenError):
    """A picture that cannot be read or written, or a tensor that is not a picture."""


class OptionError(GpenError, ValueError):
    """A setting outside its range."""


class RestorationError(GpenError):
    """The network ran but its result cannot be used, or it could not run in the memory there is."""


class TrainingError(GpenError):
    """Training cannot go on: it diverged, its data is gone, or its saved state does not fit."""
