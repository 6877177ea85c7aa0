"""python -m gpen_core restore"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from ..commands import pip_install
from ..errors import OptionError, visible
from ..faces.identity import DLIB_PACKAGES
from ..jobs import (
    FileOptions,
    FrameSequence,
    Job,
    Tools,
    find_pictures,
    load_tools,
    plan_jobs,
    restore_job,
    restore_sequence_job,
    with_sequences,
)
from ..jobs.checks import check_name, check_writable
from ..jobs.places import place
from ..jobs.plan import results_folder
from ..pipeline import Hooks
from ..scale.pins import with_local_model
from .clips import check_sequence
from .far import add_far, run_far
from .progress import PictureBar
from .report import Entry, Report
from .restoring import add_options, file_options, output_of, say_what_is_left_out, tool_options


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = commands.add_parser("restore", help="restore the faces in images and clips")
    parser.set_defaults(run=run)
    add_options(parser)
    add_far(parser)


def run(options: argparse.Namespace) -> int:
    """Restore every image; a failure doesn't stop the others. → 0, or 1 if any failed."""
    if options.engine is not None:
        return run_far(options)
    found = find_pictures(options.inputs, recursive=options.recursive, output=results_folder(options.output))
    jobs, done = plan_jobs(found.sources, output_of(options))
    _check_report(options)
    check_sequence(options)
    work = with_sequences(found.sources, jobs) if options.sequence else list(jobs)
    report = None if options.report is None else Report(options.report)
    files = file_options(options)
    tools = load_tools(with_local_model(tool_options(options)))
    say_what_is_left_out(found, done, options.output)
    _say_with_what(tools)
    for text in found.missing:
        print(visible(f"failed: {text}: no image found"))
        if report is not None:
            report.add(Entry(place(text), None, error="no image found"))
    failures = len(found.missing) + _restore_all(work, tools, files, report)
    if report is not None:
        report.write(tools.model.name)
        print(report.path, file=sys.stderr)
    if failures:
        print(f"{failures} of {len(work) + len(found.missing)} inputs failed", file=sys.stderr)
    return 1 if failures else 0


def _restore_all(jobs: Sequence[Job | FrameSequence], tools: Tools, files: FileOptions, report: Report | None) -> int:
    """One after the other → how many failed."""
    failures = 0
    with PictureBar(len(jobs)) as bar:
        hooks = Hooks(progress=bar.stage, say=bar.say)
        for job in jobs:
            try:
                if isinstance(job, FrameSequence):
                    done = restore_sequence_job(job, tools, files, hooks)
                else:
                    done = restore_job(job, tools, files, hooks, keeps_pair=report is not None)
                if report is not None:
                    told = Entry(
                        job.source, job.target, done.faces, done.facts, done.seconds, text=done.text,
                        left_out=done.left_out, moving=done.moving,
                    )  # fmt: skip
                    report.add(told, done.pair)
                # A file at an address may turn out to be moving: then nothing that was planned beside it is made.
                made = job.target if isinstance(job, FrameSequence) or done.moving else job.written[0]
                bar.finish(f"{job.source} → {made} ({done.text})")
            except Exception as error:  # a failing image must not stop the others
                failures += 1
                if report is not None:
                    report.add(Entry(job.source, job.target, error=str(error) or type(error).__name__))
                bar.finish(f"failed: {job.source}: {str(error) or type(error).__name__}")
    return failures


def _check_report(options: argparse.Namespace) -> None:
    if options.report is None:
        return
    check_name(options.report, "Give --report a shorter one.")
    if options.report.is_dir():
        raise OptionError(f"--report {options.report}: this is a folder. Name a file in it.")
    if options.report.exists() and not options.overwrite:
        raise OptionError(
            f"'{options.report}' is already there. Add --overwrite to replace it, or choose another name."
        )
    check_writable(options.report.parent)


def _say_with_what(tools: Tools) -> None:
    print(
        f"{tools.model.name}: {tools.model.task.name}, {tools.model.config.input_size} px; detector: {tools.detector.name}; "
        f"mask: {'ellipse' if tools.parser is None else tools.parser.name}",
        file=sys.stderr,
    )
    if tools.settings.protect.min_similarity and tools.protect.identity is None:
        print(
            f"--min-similarity has no effect: no recognition network is installed. {pip_install(DLIB_PACKAGES)}, or install "
            "ArcFace.",
            file=sys.stderr,
        )
