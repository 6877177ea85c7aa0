"""Progress on the terminal."""

from __future__ import annotations

import sys
from types import TracebackType

from torch import Tensor
from tqdm import tqdm

from ..errors import visible

_IN_A_LOG = 30.0  # seconds between two lines where nobody watches


class PictureBar:
    """One bar for all images, showing the stage of the current one; use as a context manager."""

    def __init__(self, pictures: int) -> None:
        # None: drawn on a terminal only. A log has a line for each image.
        self._bar = tqdm(total=pictures, unit="image", dynamic_ncols=True, disable=None)
        self._said: set[str] = set()

    def __enter__(self) -> PictureBar:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def stage(self, stage: str, done: int, total: int, preview: Tensor | None = None) -> None:
        """A Progress callback of the core."""
        self._bar.set_postfix_str(f"{stage} {done}/{total}", refresh=False)
        self._bar.update(0)

    def say(self, line: str) -> None:
        """Print ``line`` above the bar, once: something to know about the current image, and likely about others.

        With the errors, where other notices are: the output has one line for each image.
        """
        if line not in self._said:
            self._said.add(line)
            tqdm.write(visible(line), file=sys.stderr)

    def finish(self, line: str) -> None:
        """An image is done: print ``line`` above the bar."""
        tqdm.write(visible(line))
        self._bar.update()


class DownloadBar:
    """Bytes of one download; a Progress callback of ``download``."""

    def __init__(self, name: str) -> None:
        self._bar = tqdm(
            unit="B", unit_scale=True, unit_divisor=1024, desc=name, dynamic_ncols=True,
            mininterval=0.1 if sys.stderr.isatty() else _IN_A_LOG,
        )  # fmt: skip

    def __call__(self, done: int, total: int | None) -> None:
        self._bar.total = total
        self._bar.update(done - self._bar.n)

    def close(self) -> None:
        self._bar.close()
