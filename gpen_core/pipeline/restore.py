"""Align faces and run them through the network in batches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import torch
from torch import Tensor

from ..checkpoints import GpenModel
from ..engines import largest_batch
from ..errors import OptionError, RestorationError
from ..faces.alignment import WHOLE
from ..modes import AUTO
from ..polling import polling
from ..types import Face, FaceCrop, FaceFacts, RestoredFace
from .afresh import afresh, is_stuck
from .cutting import cut_out, shown_of
from .frames import check_faces_of, check_frames, notice_another_picture
from .given_mask import checked_input
from .hooks import Hooks
from .options import RestoreOptions
from .workable import workable_faces


def restore_faces(
    frames: Tensor,
    faces: Sequence[Face],
    model: GpenModel,
    options: RestoreOptions = RestoreOptions(),
    hooks: Hooks = Hooks(),
    *,
    mask: Tensor | None = None,
) -> Iterator[RestoredFace]:
    """Restore faces that were found, one batch ahead of the caller.

    Faces of several frames share a batch. When memory runs out the batch is halved, down to one face.

    Args:
        frames: [B, 3 or more, H, W] RGB(…) in [0, 1], in which the faces were found, or a resized copy of those.
        faces: Which to restore.
        model: Restores them.
        options: Alignment and size of a batch.
        hooks: Told after each face, as stage "restore", with the restored face as preview.
        mask: What is to be filled, as ``restore_image`` takes it, for models that fill.

    Returns:
        The restored faces, in the order given. Those that cannot be cut out of their frames are left out, and ``hooks`` hears
        of them.

    Raises:
        ImageError: ``frames`` is no such batch, or a face was found in another one; at once, before any is restored.
        OptionError: None of the faces can be cut out: their landmarks coincide, are no numbers, or lie outside.
        RestorationError: Not even one face fits into memory, or the network yields NaN or infinity.
    """
    faces, fill = checked_faces(frames, faces, model, options, hooks, mask)
    return restore_each(frames, faces, model, options, hooks, fill)


def checked_faces(
    frames: Tensor,
    faces: Sequence[Face],
    model: GpenModel,
    options: RestoreOptions,
    hooks: Hooks,
    mask: Tensor | None = None,
) -> tuple[tuple[Face, ...], Tensor | None]:
    """Look at what ``restore_faces`` is given → the faces that can be restored, and what is to be filled [B, 1, H, W]."""
    check_frames(frames)
    check_faces_of(frames, faces)
    if model.task.is_map:
        raise OptionError(f"{model.name} makes a face of a whole label map: it takes no faces of another picture")
    fill = checked_input(frames, model, mask, hooks)
    good = workable_faces(frames, faces, model.config.input_size, template_for(model, options), hooks.miss)
    notice_another_picture(frames, good, hooks.miss)
    return good, fill


def restore_each(
    frames: Tensor,
    faces: Sequence[Face],
    model: GpenModel,
    options: RestoreOptions,
    hooks: Hooks,
    fill: Tensor | None = None,
) -> Iterator[RestoredFace]:
    """``restore_faces`` for frames and faces that have been checked; ``fill`` [B, 1, H, W]: what is to be filled."""
    template = template_for(model, options)
    batch_size = batch_size_for(model, options)
    done = 0
    while done < len(faces):
        crops = [
            cut_out(frames[face.frame], face, model, template, None if fill is None else fill[face.frame])
            for face in faces[done : done + batch_size]
        ]
        pixels, batch_size = run_batch(model, crops, batch_size, hooks)
        for crop, pixels_of_batch in zip(crops, pixels.to(frames.device)):
            result = pixels_of_batch.clone()  # in memory of its own, and no inference tensor
            done += 1
            hooks.progress("restore", done, len(faces), result)
            yield RestoredFace(crop, result, model.task.name, facts=facts_of(crop.face, model))


def facts_of(face: Face, model: GpenModel) -> FaceFacts:
    """What is known of a face as soon as it is restored."""
    return FaceFacts(min(face.width, face.height), model=model.name, model_size=model.config.output_size)


def template_for(model: GpenModel, options: RestoreOptions) -> str:
    """The alignment template asked for, or the one the model's task was trained with; "picture" for whole pictures.

    Raises OptionError for whole pictures where the task is for faces alone.
    """
    if options.whole_picture and not (model.task.whole_pictures or model.task.is_map):
        raise OptionError(f"{model.name} is for {model.task.name}, which works on faces, not on whole pictures")
    if options.whole_picture or model.task.is_map:
        return WHOLE
    return model.task.template if options.template == AUTO else options.template


def activation_bytes(model: GpenModel, options: RestoreOptions = RestoreOptions(), faces: int | None = None) -> int:
    """What a run needs beside the weights at its peak, in bytes, on the device that the model's engine was chosen for.

    Args:
        model: Its weights may still be elsewhere.
        options: Of the run.
        faces: How many there are; None: a full batch at least.
    """
    batch = batch_size_for(model, options)
    return model.engine.working_bytes(model.config, batch if faces is None else min(max(faces, 1), batch), model.dtype)


def batch_size_for(model: GpenModel, options: RestoreOptions) -> int:
    """Faces at a time: as asked for, or as many as suit the engine and the memory."""
    engine, config, dtype = model.engine, model.config, model.dtype
    budget = options.memory_mib << 20 if options.memory_mib else None
    if options.batch_size:
        return largest_batch(engine, config, dtype, options.batch_size, budget)
    return engine.faces_at_once(config, dtype, budget)


def run_batch(model: GpenModel, crops: Sequence[FaceCrop], batch_size: int, hooks: Hooks) -> tuple[Tensor, int]:
    """One batch of crops, split where memory asks for it → pixels [N, 3, S', S'] and the batch size that fitted."""
    pixels = torch.stack([shown_of(crop, model.task) for crop in crops])
    return in_batches(model, pixels, min(batch_size, len(crops)), hooks, f"a face of {model.config.output_size} px")


def in_batches(
    network: Callable[[Tensor], Tensor], items: Tensor, batch_size: int, hooks: Hooks, what: str
) -> tuple[Tensor, int]:
    """Run ``network`` over ``items`` [N, …], halving the batch when memory runs out → results and the size that fitted.

    Raises RestorationError, naming ``what``, where not even one item fits.
    """
    stuck = False
    while True:
        try:
            with polling(hooks.poll):
                job = partial(_in_parts, network, items, batch_size)
                return (afresh(job) if stuck else job()), batch_size
        except Exception as error:
            if not hooks.is_out_of_memory(error):
                raise
            stuck, was_stuck = stuck or is_stuck(error), stuck
            if batch_size == 1 and stuck == was_stuck:
                raise RestorationError(
                    f"not enough memory for {what}. Close other programs, use a smaller model, half precision, or the CPU."
                ) from error
        if stuck == was_stuck:
            batch_size = max(1, batch_size // 2)
        hooks.free_memory()  # outside the handler: the error holds on to the tensors it failed with


def _in_parts(network: Callable[[Tensor], Tensor], items: Tensor, batch_size: int) -> Tensor:
    parts = [network(part) for part in items.split(batch_size)]
    return torch.cat(parts) if len(parts) > 1 else parts[0]
