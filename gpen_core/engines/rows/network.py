"""The whole network, fast: what runs on whole maps, what by rows, and where one hands over to the other."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import chain
from threading import Lock
from typing import Any, TypeVar

import torch
from torch import Tensor

from ...model.gpen import Gpen, Noise
from ...model.layers import PixelNorm
from ...model.ops import ACTIVATION_GAIN
from ...polling import Poll, current_poll, go_on
from .encoder import Features, Stage, halve_whole
from .generator import Layer, RgbLayer
from .level import ResolutionLevel
from .memory import samples_at_once
from .modulation import linear
from .rows import Blocking, Reader, Windows, channels_last, parted, rows_of, whole
from .workers import Team, Workers

Result = TypeVar("Result")
Stamp = list[tuple[int, torch.dtype, int]]


class FastGpen:
    """Calling it yields what ``network(pictures, noise)`` does, without gradients: [N, 3, S, S] → [N, 3, S', S'].

    What the weights alone decide is worked out at the first call, and again once a weight has been written to or replaced.
    PyTorch doesn't tell of writes through ``.data``, nor of those to tensors made in inference mode: ``forget`` after them.
    """

    def __init__(self, network: Gpen, blocking: Blocking = Blocking()) -> None:
        self.network, self.blocking = network, blocking
        self._lock = Lock()
        self._prepared: tuple[Stamp, Prepared] | None = None
        self._workers: Workers | None = None

    def __call__(self, pictures: Tensor, noise: Noise = None) -> Tensor:
        """[N, 3, S, S] RGB in [-1, 1] → [N, 3, S', S']. ``noise``: for the levels above the encoder's, or None for seed 0."""
        self.network.check_pictures(pictures)
        return self._lead(partial(self._forward, pictures, noise))

    def around(self, job: Callable[[], Result]) -> Result:
        """Run ``job``, which calls this object, where its work is shared out, in inference mode.

        What it does before and after then waits for none of OpenMP's threads either. For what is short beside a call.
        """
        return self._lead(lambda team: job())

    def _lead(self, job: Callable[[Team], Result]) -> Result:
        workers = self._workers_now()
        if workers is not None:
            return workers.lead(job)
        with torch.inference_mode():
            return job(Team(current_poll()))

    def _forward(self, pictures: Tensor, noise: Noise, team: Team) -> Tensor:
        prepared, config = self._up_to_date(team.poll), self.network.config
        noises = prepared.noise(pictures, noise)
        result = pictures.new_empty(len(pictures), 3, config.output_size, config.output_size)
        group = samples_at_once(config, self.blocking)
        for first in range(0, len(pictures), group):
            some = slice(first, first + group)
            noise_of_some = [(one[some], other[some]) for one, other in noises]
            _Run(prepared, team, pictures[some], noise_of_some).fill(result[some])
        return result

    def _workers_now(self) -> Workers | None:
        """As many as torch has threads; none for one."""
        with self._lock:
            if self._workers is not None and self._workers.leads_here:
                return self._workers
            count = torch.get_num_threads()
            if self._workers is None or not self._workers.fit(count):
                self._workers = Workers(count) if count > 1 else None
            return self._workers

    def forget(self) -> None:
        """Free what was worked out; the next call does it again."""
        self._prepared = None

    def _up_to_date(self, poll: Poll) -> Prepared:
        with self._lock:
            stamp = _stamp(self.network)
            if self._prepared is None or self._prepared[0] != stamp:
                self._prepared = None  # first, lest both be held
                self._prepared = stamp, Prepared(self.network, self.blocking, poll)
            return self._prepared[1]

    def __getstate__(self) -> dict[str, Any]:
        """Copies and pickles begin anew: the weights are in the network."""
        return {"network": self.network, "blocking": self.blocking}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__(**state)  # type: ignore[misc]


def _stamp(network: Gpen) -> Stamp:
    """What differs once a weight was written to or replaced."""
    values = chain(network.parameters(), network.buffers())
    return [(value.data_ptr(), value.dtype, 0 if value.is_inference() else value._version) for value in values]


class Prepared:
    """A network's layers with all that does not depend on the picture.

    ``alone_from``: the first level that is made of one sample at a time, ``rows_from``: the first that is made by rows.
    """

    def __init__(self, network: Gpen, blocking: Blocking, poll: Poll = go_on) -> None:
        self.network, self.config, self.blocking = network, network.config, blocking
        config, generator = network.config, network.generator
        sides = [config.start << level for level in range(config.levels)]
        self.alone_from = max(1, sum(side < min(blocking.together, blocking.side) for side in sides))
        self.rows_from = max(1, sum(side < blocking.side for side in sides))
        # Of the encoder. The maps that are made of several samples end where the generator's do; the stage to the largest of
        # them is still made one by one, since what it is made of is four times as large.
        self.large_stages = max(1, config.encoder_levels - self.alone_from + (self.alone_from > 1))
        self.stages = [Stage(network, stage) for stage in range(config.encoder_levels)]
        self.layers = [self._layer(generator.conv1, 0)]
        self.colors = [RgbLayer(generator.to_rgb1)]
        for level in range(1, config.levels):
            poll()
            self.layers += [self._layer(generator.convs[2 * level - 2 + which], level) for which in (0, 1)]
            self.colors.append(RgbLayer(generator.to_rgbs[level - 1]))  # type: ignore[arg-type]

    def _layer(self, layer: torch.nn.Module, level: int) -> Layer:
        return Layer(layer, self.config.start << level, self._feature_gain(level), whole=level < self.rows_from)  # type: ignore[arg-type]

    def _feature_gain(self, level: int) -> float:
        """The factor that a level's features lack: noise, above the encoder, none."""
        return ACTIVATION_GAIN if level < self.config.encoder_levels else 1.0

    def noise(self, pictures: Tensor, noise: Noise) -> list[tuple[Tensor, Tensor]]:
        """In the features' place for the levels above the encoder, of all samples: each draws its own from one generator."""
        if self.config.levels == self.config.encoder_levels:
            return []
        noise = noise or torch.Generator().manual_seed(0)
        return self.network.noise_features(channels_last(pictures), noise, start=self.config.encoder_levels)

    def pair(self, level: int) -> tuple[Layer, Layer]:
        """The two convolutions of a level above the first."""
        return self.layers[2 * level - 1], self.layers[2 * level]


class _Run:
    """One pass of some samples."""

    def __init__(self, prepared: Prepared, team: Team, pictures: Tensor, noise: list[tuple[Tensor, Tensor]]) -> None:
        self.prepared, self.config, self.blocking = prepared, prepared.config, prepared.blocking
        self.team = team
        pictures, stages = channels_last(pictures), prepared.large_stages
        self.large = [Features(prepared.stages[:stages], picture, self.blocking, team) for picture in pictures.split(1)]
        side = self.config.input_size >> (stages - 1)
        maps = [features.rows(stages - 1, 0, side) for features in self.large]
        self.small = [maps[0] if len(maps) == 1 else torch.cat(maps)]
        for stage in prepared.stages[stages:]:  # from there down, of all of them
            self.small.append(halve_whole(stage, self.small[-1], team))
        self.w = self._w(self.small[-1])
        self.noise = noise

    def fill(self, result: Tensor) -> None:
        """[N, 3, S', S'] with the samples' pictures."""
        window, rgb = self.whole_levels()
        if self.prepared.alone_from == self.config.levels:
            result.copy_(rgb)
            return
        for sample in range(len(result)):
            one = slice(sample, sample + 1)
            self.large_levels(sample, window[one], rgb[one], result[one])

    def _w(self, x: Tensor) -> Tensor:
        network = self.prepared.network
        w = linear(network.final_linear[0], x.flatten(1), ACTIVATION_GAIN)  # type: ignore[arg-type]
        for layer in network.generator.style:
            w = layer(w) if isinstance(layer, PixelNorm) else linear(layer, w)  # type: ignore[arg-type]
        return w

    def whole_levels(self) -> tuple[Tensor, Tensor]:
        """Window and running image of the largest level that all samples are made at once of."""
        w, prepared = self.w, self.prepared
        constant = prepared.network.generator.input(len(w))
        x, inside = whole(constant, constant.shape[1], self.config.start)
        inside.copy_(constant)
        x = prepared.layers[0].whole(x, w, self._features(0)[0], 1.0, self.team)
        rgb = prepared.colors[0].whole(x, w, None, self.team)
        for level in range(1, prepared.alone_from):
            x, rgb = self._level(level, x, w, rgb, self._features(level))
        return x, rgb

    def large_levels(self, sample: int, window: Tensor, rgb: Tensor, result: Tensor) -> None:
        """Fill ``result`` [1, 3, S', S'] from what ``whole_levels`` has made of one sample."""
        prepared, w = self.prepared, self.w[sample : sample + 1]
        for level in range(prepared.alone_from, prepared.rows_from):
            side = self.config.start << level
            first, second = (rows(0, side) for rows in self._features_by_rows(level, sample))
            window, rgb = self._level(level, window, w, rgb, (first, second))
        if prepared.rows_from == self.config.levels:
            result.copy_(rgb)
            return
        windows: Windows = [window]
        numbers = range(prepared.rows_from, self.config.levels)
        levels = [self._resolution_level(number, sample) for number in numbers]
        self.team.run([piece for one in levels for piece in one.prepare(w)])
        for number, made_by_rows in zip(numbers, levels):
            side = self.config.start << number
            larger = result if made_by_rows is levels[-1] else rgb.new_empty(1, 3, side, side)
            windows = made_by_rows(parted(windows, self._block_rows(number)), rgb, larger)
            rgb = larger
        for _ in windows:  # each block goes all the way up before the next is begun
            pass

    def _resolution_level(self, level: int, sample: int) -> ResolutionLevel:
        prepared = self.prepared
        features = self._features_by_rows(level, sample)
        return ResolutionLevel(prepared.pair(level), prepared.colors[level], features, self.team)

    def _level(
        self, level: int, window: Tensor, w: Tensor, rgb: Tensor, features: tuple[Tensor, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """A level of whole maps: window and running image of the one below → its own."""
        for layer, feature in zip(self.prepared.pair(level), features):
            window = layer.whole(window, w, feature, ACTIVATION_GAIN, self.team)
        return window, self.prepared.colors[level].whole(window, w, rgb, self.team)

    def _block_rows(self, level: int) -> int:
        """Of the level below, so that one of ``level``'s own blocks is of the right size."""
        row = self.config.joined * self.config.channels[level] * (self.config.start << level)
        return max(1, self.blocking.elements // row // 2)

    def _features(self, level: int) -> tuple[Tensor, Tensor]:
        """A level's features of all samples, for its two convolutions."""
        if level >= self.config.encoder_levels:
            return self.noise[level - self.config.encoder_levels]
        return self.small[-1 - level], self.small[-1 - level]

    def _features_by_rows(self, level: int, sample: int) -> tuple[Reader, Reader]:
        if level >= self.config.encoder_levels:
            first, second = (noise[sample : sample + 1] for noise in self.noise[level - self.config.encoder_levels])
            return rows_of(first), rows_of(second)
        rows = self.large[sample].reader(self.config.encoder_levels - 1 - level)
        return rows, rows
