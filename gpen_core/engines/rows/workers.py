"""Threads that compute side by side, each with one thread of its own, and meet seldom.

torch shares every operation out among OpenMP's threads, which wait for each other at its end: thousands of times a face.
Where other programs use the cores too, one of those threads is often not running, and the rest burn the time that it would
need by waiting actively. How OpenMP waits is decided by the environment when torch is imported; in a host that is before
our time. So here large pieces of work are taken from a list, by threads whose torch has one thread: those that are done
sleep, and whoever is held up takes fewer. There are more threads than cores, so that a core has a piece to go on with while
another's is held up.

Where nobody else wants the cores, OpenMP is faster: sleepers take long to wake up, and two threads on one map share what
is in the cache. So each call measures what the next one is to do. The numbers are the same either way but for the rounding:
of published networks to the bit with AVX2; on a newer processor last bits were seen to differ.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import partial
from threading import Barrier, Event, local
from typing import TypeVar

import torch

from ...polling import Poll, current_poll, go_on
from ...threads import in_new_thread, set_own_threads
from .waiting import Waiting

CHANNELS = 32  # of a piece at least: a convolution of fewer is slower by the channel
ELEMENTS = 1 << 18  # of a piece that reads and writes each once, at least: what is shorter takes longer to hand out
PRODUCTS = 1 << 26  # of a convolution that is cut into pieces, at least
CROWD = 2  # threads for each core, where others want the cores too
QUIET = 0.1  # of a call's time that a thread waits for others: below that, OpenMP is as fast as ever
DISTURBED = 0.25  # from here up it takes more than twice as long
OFTEN = 0.25  # seconds after which it is looked at again

Piece = Callable[[], object]
Result = TypeVar("Result")


class Stopped(Exception):
    """The caller was interrupted: nothing more is begun."""


class Team:
    """Runs pieces of work in the calling thread: what ``Workers`` do with several. Before each, ``poll`` may end it all."""

    count = 1

    def __init__(self, poll: Poll = go_on) -> None:
        self.poll = poll

    def run(self, pieces: Iterable[Piece]) -> None:
        """Run all pieces, in any order, at once where there are several threads.

        They write where no other reads or writes. Raises the error of one that failed.
        """
        for piece in pieces:
            self.poll()
            piece()


class Workers:
    """Threads that sleep until they are called, to use ``count`` cores. They end with this object, or with the interpreter.

    There are ``CROWD`` for each core: while one is held up by other programs, the next piece is begun.
    """

    def __init__(self, count: int) -> None:
        self.count, self.process = count, os.getpid()
        self.quiet = False  # until a call has found out
        self._threads = ThreadPoolExecutor(CROWD * count, "gpen")
        self._led = local()
        _become_single(self._threads, CROWD * count)

    def fit(self, count: int) -> bool:
        """Whether these are for as many, and of this process: threads do not survive a fork."""
        return (self.count, self.process) == (count, os.getpid())

    @property
    def leads_here(self) -> bool:
        """Whether the calling thread runs a job of theirs."""
        return hasattr(self._led, "team")

    def lead(self, job: Callable[[Team], Result]) -> Result:
        """Run ``job`` in inference mode.

        On a quiet machine in the calling thread, else in one of the threads, with a team of all of them; jobs within a job in
        the thread that runs it. Interrupted, it returns when the pieces that were begun are done, and begins no other.
        """
        if self.leads_here:
            return job(self._led.team)
        return self._lead_alone(job) if self.quiet else self._lead_several(job)

    def _lead_alone(self, job: Callable[[Team], Result]) -> Result:
        waiting = Waiting()
        with _Attentive(current_poll()) as team:
            try:
                return _inferring(self._leading, job, team)
            finally:  # a single thread waits for nobody, on a busy machine too
                self.quiet = waiting.share < QUIET and not team.gave_up

    def _lead_several(self, job: Callable[[Team], Result]) -> Result:
        team, waiting = _Several(self._threads, self.count, current_poll()), Waiting()
        leader = self._threads.submit(_inferring, self._leading, job, team)
        try:
            return leader.result()
        except BaseException:
            team.stop.set()
            if not leader.cancel():
                wait([leader])
            raise
        finally:
            self.quiet = waiting.share_beyond(CROWD * self.count, self.count) < QUIET

    def _leading(self, job: Callable[[Team], Result], team: Team) -> Result:
        self._led.team = team
        try:
            return job(team)
        finally:
            del self._led.team


class _Attentive(Team):
    """OpenMP's threads, as long as the machine is quiet.

    From then on the calling thread alone: no thread that waits for another actively may be left, and the call is half done.
    """

    def __enter__(self) -> _Attentive:
        self._waiting, self._before = Waiting(), 0
        return self

    def __exit__(self, *error: object) -> None:
        if self._before:
            set_own_threads(self._before)

    @property
    def gave_up(self) -> bool:
        """Whether the calling thread went on alone."""
        return self._before > 0

    def run(self, pieces: Iterable[Piece]) -> None:
        for piece in pieces:
            self.poll()
            piece()
            if not self._before and self._waiting.seconds > OFTEN:
                if self._waiting.share >= DISTURBED:
                    self._before = set_own_threads(1)
                self._waiting = Waiting()


class _Several(Team):
    def __init__(self, threads: ThreadPoolExecutor, count: int, poll: Poll = go_on) -> None:
        super().__init__(poll)
        self.threads, self.count, self.stop = threads, count, Event()

    def run(self, pieces: Iterable[Piece]) -> None:
        left = deque(pieces)
        if len(left) < 2:
            self._take(left)
            return
        others: list[Future[None]] = []
        try:
            at_once = min(CROWD * self.count, len(left))
            others += [self.threads.submit(_inferring, self._take, left) for _ in range(at_once - 1)]
            self._take(left)
        finally:
            left.clear()  # of what failed, the rest is not begun
            begun = [other for other in others if not other.cancel()]
            wait(begun)
        for other in begun:
            other.result()

    def _take(self, left: deque[Piece]) -> None:
        while True:
            if self.stop.is_set():
                raise Stopped
            try:
                piece = left.popleft()
            except IndexError:
                return
            try:
                self.poll()
                piece()
            except BaseException:
                left.clear()
                raise


@torch.inference_mode()
def _inferring(work: Callable[..., Result], *arguments: object) -> Result:
    return work(*arguments)


def _become_single(threads: ThreadPoolExecutor, count: int) -> None:
    """Give each thread one of OpenMP's."""
    before: list[int] = []
    meeting = Barrier(count)

    def single() -> None:
        before.append(torch.get_num_threads())
        meeting.wait()
        torch.set_num_threads(1)
        meeting.wait()

    wait([threads.submit(single) for _ in range(count)])
    in_new_thread(partial(torch.set_num_threads, before[0]))


def cuts(size: int, count: int, multiple: int = 1, least: int = 1) -> list[tuple[int, int]]:
    """0 … ``size`` in up to ``count`` parts of about the same length.

    Each is a multiple of ``multiple``, except the last, and not below ``least``.
    """
    units = -(-size // multiple)
    count = max(1, min(count, size // max(least, multiple)))
    ends = [min(size, multiple * (units * (part + 1) // count)) for part in range(count)]
    return list(zip([0, *ends[:-1]], ends))
