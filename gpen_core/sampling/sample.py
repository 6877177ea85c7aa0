"""Run the generator, in batches that fit into memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import lru_cache

import torch
from torch import Tensor

from ..checkpoints import GpenModel
from ..engines import PlainEngine
from ..model import Gpen
from ..pipeline import Hooks
from ..pipeline.restore import in_batches
from .draws import Features, draw_features, draw_styles, face_features, joined, mean_style
from .options import Sample, SampleOptions


def sample_faces(
    model: GpenModel, options: SampleOptions = SampleOptions(), *, face: Tensor | None = None, hooks: Hooks = Hooks()
) -> Iterator[Tensor]:
    """Generate faces from random noise.

    Interpolations are linear in w and keep their features. If memory runs out, the batch is halved, down to one image.

    Args:
        model: A model whose generator was ideally trained on noise.
        options: What to sample.
        face: [3 or more, side, side] RGB in [0, 1], aligned. Its encoder features provide the structure, and only the
            style is random. Without it, the features are N(0, 1) noise, as in the published code.
        hooks: Progress and memory callbacks.

    Yields:
        Faces [3, S', S'] RGB in [0, 1], float32 on the CPU.

    Raises:
        RestorationError: Not even one image fits into memory, or the network returned NaN.
        ImageError: The face is not square.
        OptionError: The network has no encoder features.
    """
    what = f"a picture of {model.config.output_size} px"
    batch_size = _pictures_at_once(model, options)
    return _each_picture(_Run(model, options, face), options.count, batch_size, hooks, what)


def sampling_bytes(model: GpenModel, options: SampleOptions) -> int:
    """Estimate the peak memory of sampling in bytes, without the weights.

    It consists of the maps of a restoration and two features per layer, which exist twice while they are batched.
    """
    batch, config, dtype = min(_pictures_at_once(model, options), options.count), model.config, model.dtype
    maps = sum(width * (config.output_size >> level) ** 2 for level, width in enumerate(reversed(config.channels)))
    drawn = 2 * maps * dtype.itemsize * (2 * batch + 1)
    return PlainEngine(model.device.type).working_bytes(config, batch, dtype) + drawn


def _pictures_at_once(model: GpenModel, options: SampleOptions) -> int:
    return options.batch_size or model.engine.faces_at_once(model.config, model.dtype)


def _each_picture(run: _Run, count: int, batch_size: int, hooks: Hooks, what: str) -> Iterator[Tensor]:
    done = 0
    while done < count:
        numbers = torch.arange(done, min(done + batch_size, count))
        pictures, batch_size = in_batches(run, numbers, min(batch_size, len(numbers)), hooks, what)
        for picture in pictures:
            done += 1
            alone = picture.clone()
            hooks.progress("sample", done, count, alone)
            yield alone


class _Run:
    """The network of one run: indices of samples [N] → images [N, 3, S', S'] in [0, 1], float32 on the CPU."""

    @torch.inference_mode()
    def __init__(self, model: GpenModel, options: SampleOptions, face: Tensor | None) -> None:
        of_face: Features = [] if face is None else face_features(model, face)
        self._model, self._samples, self._truncation = model, options.samples, options.truncation
        self._mean = mean_style(model) if self._truncation < 1 else None
        # The last one is kept: an interpolation uses only one.
        self._draw = lru_cache(maxsize=1)(lambda seed: draw_features(model, seed, of_face))

    @torch.inference_mode()
    def __call__(self, numbers: Tensor) -> Tensor:
        samples = [self._samples[number] for number in numbers.tolist()]
        seeds = [sample.noise_seed for sample in samples]
        drawn = [self._draw(seed) for seed in (seeds if len(set(seeds)) > 1 else seeds[:1])]
        features = joined(drawn, len(samples))
        w = self._styles(samples)

        def synthesized(module: Gpen) -> Tensor:
            dtype = next(module.parameters()).dtype
            pairs = [(first.to(dtype), second.to(dtype)) for first, second in features]
            return module.generator.synthesize(w.to(dtype), pairs)

        return self._model.run(synthesized).cpu()

    def _styles(self, samples: Sequence[Sample]) -> Tensor:
        """The truncated styles w [N, style_dim] float32 of the samples."""
        starts = draw_styles(self._model, [sample.seed for sample in samples])
        ends = draw_styles(self._model, [sample.to_seed for sample in samples])
        shares = torch.tensor([[sample.share] for sample in samples], device=starts.device)
        w = torch.lerp(starts, ends, shares)
        return w if self._mean is None else torch.lerp(self._mean, w, self._truncation)
