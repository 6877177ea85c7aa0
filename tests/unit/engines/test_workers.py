"""Threads that share a face's work: the same numbers, nobody else's settings, nothing left behind."""

import gc
import os
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gpen_core.checkpoints import load_checkpoint
from gpen_core.engines.rows import Blocking, FastGpen
from gpen_core.engines.rows.waiting import Waiting
from gpen_core.engines.rows.workers import CROWD, Team, Workers, cuts
from gpen_core.model import Gpen, GpenConfig
from gpen_core.weights.find import bundled_file

CONFIG = GpenConfig(64, 64, (96, 80, 72, 68, 64), style_dim=8, mapping_layers=2)
BLOCKINGS = {
    "whole": Blocking(),
    "rows": Blocking(together=16, side=32, elements=1 << 14, made_twice=1 << 10),
}


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    made = Gpen(CONFIG).eval().requires_grad_(False)
    for parameter in made.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.2)
    return made


@pytest.fixture(scope="module")
def pictures():
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(1)) * 2 - 1


@pytest.fixture
def everything_shared(monkeypatch):
    """Small maps are handed out too."""
    monkeypatch.setattr("gpen_core.engines.rows.generator.PRODUCTS", 1)
    monkeypatch.setattr("gpen_core.engines.rows.generator.ELEMENTS", 1)
    monkeypatch.setattr("gpen_core.engines.rows.encoder.PRODUCTS", 1)


@pytest.fixture
def waits(monkeypatch):
    """Sets the share of the time that threads seem to wait for others."""

    def seem(share: float) -> None:
        monkeypatch.setattr(Waiting, "share", share)
        monkeypatch.setattr(Waiting, "share_beyond", lambda self, threads, cores: share)

    return seem


@pytest.mark.parametrize("threads", [1, 2, 3, 5])
@pytest.mark.parametrize("blocking", BLOCKINGS.values(), ids=BLOCKINGS)
def test_any_number_of_threads_yields_what_the_plain_network_does(
    network, pictures, torch_threads, everything_shared, threads, blocking, waits
):
    expected = network(pictures)
    waits(1.0)
    torch_threads(threads)
    fast = FastGpen(network, blocking)
    found = fast(pictures)
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-5 * expected.abs().max().item())
    assert all(torch.equal(fast(pictures), found) for _ in range(3))


def test_a_busy_machine_changes_nothing_but_rounding_in_the_bundled_models_faces(torch_threads, waits):
    torch_threads(2)
    model, found = load_checkpoint(bundled_file()), []
    crops = torch.rand(1, 3, 256, 256, generator=torch.Generator().manual_seed(1))
    for share in (
        0.5,
        0.0,
        0.0,
        0.5,
    ):  # what a call finds decides how the next one runs: with several, several, one, one
        waits(share)
        found.append(model(crops))
    for other in found[1:]:  # no bit with AVX2, the last ones on some newer processors
        torch.testing.assert_close(other, found[0], rtol=0, atol=2e-5)


@pytest.mark.parametrize("blocking", BLOCKINGS.values(), ids=BLOCKINGS)
def test_a_quiet_machine_yields_what_the_plain_network_does(network, pictures, torch_threads, blocking, waits):
    torch_threads(2)
    waits(0.0)
    expected, fast = network(pictures), FastGpen(network, blocking)
    for _ in range(2):
        torch.testing.assert_close(fast(pictures), expected, rtol=0, atol=2e-5 * expected.abs().max().item())


def test_on_a_quiet_machine_the_calling_thread_leads_with_all_of_its_threads(torch_threads, waits):
    torch_threads(2)
    workers, here = Workers(2), threading.get_ident()

    def job(team):
        return threading.get_ident(), torch.get_num_threads(), team.count, torch.is_inference_mode_enabled()

    waits(0.01)
    thread, *rest = workers.lead(job)
    assert thread != here and rest == [1, 2, True]  # nothing is known yet
    waits(0.5)
    assert workers.lead(job) == (here, 2, 1, True)
    thread, *rest = workers.lead(job)
    assert thread != here and rest == [1, 2, True]


def test_where_it_becomes_busy_the_call_ends_with_one_thread(torch_threads, waits, monkeypatch):
    monkeypatch.setattr("gpen_core.engines.rows.workers.OFTEN", -1)
    torch_threads(3)
    workers, counts = Workers(3), []
    waits(0.0)
    workers.lead(lambda team: None)

    def disturbed():
        counts.append(torch.get_num_threads())
        waits(0.5)

    with ThreadPoolExecutor(1) as begun_later:
        # The thread that goes on alone has a core for itself: that it waits for nobody then says nothing.
        workers.lead(lambda team: team.run([disturbed, disturbed, disturbed, lambda: waits(0.0)]))
        assert begun_later.submit(torch.get_num_threads).result() == 3
    assert counts == [3, 1, 1] and torch.get_num_threads() == 3 and not workers.quiet


def test_where_the_system_does_not_say_who_waits_the_work_is_handed_out(monkeypatch, tmp_path):
    monkeypatch.setattr("gpen_core.engines.rows.waiting._TASKS", tmp_path / "absent")
    assert Waiting().share == Waiting().share_beyond(4, 2) == 1


@pytest.mark.parametrize(
    "ran, waited, expected",
    [
        ((1.0, 1.0, 1.0, 1.0), (1.0, 1.0, 1.0, 1.0), 0.0),  # four threads fill two cores for two seconds
        ((1.0, 0.5, 0.5, 1.0), (0.5, 0.5, 0.5, 0.5), 0.0),  # for one second; in the other, one of them is alone
        ((0.5, 0.5, 0.5, 0.5), (1.5, 1.5, 1.5, 1.5), 3.0),  # and with a core for all of them
        ((2.0, 0.0, 0.0, 0.0), (0.0, 0.0, 0.0, 0.0), 0.0),
    ],
)
def test_what_threads_make_each_other_wait_is_nobody_elses(monkeypatch, tmp_path, ran, waited, expected):
    monkeypatch.setattr("gpen_core.engines.rows.waiting._TASKS", tmp_path)
    watched = Waiting()
    monkeypatch.setattr(Waiting, "seconds", 2.0)
    for number, times in enumerate(zip(ran, waited)):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "schedstat").write_text("{:.0f} {:.0f} 7\n".format(*(1e9 * time for time in times)))
    assert watched.share_beyond(4, 2) == pytest.approx(expected)


def test_a_thread_that_is_kept_waiting_is_seen():
    """Beside twice as many processes as there are cores."""
    if not Path("/proc/self/schedstat").is_file():
        pytest.skip("only Linux says how long a thread has waited")
    cores = len(os.sched_getaffinity(0))
    spin = "import time\nend = time.time() + 20\nwhile time.time() < end: sum(range(1000))"
    others = [subprocess.Popen([sys.executable, "-c", spin]) for _ in range(2 * cores)]
    watched = Waiting()
    while (watched.share < 0.1 or watched.seconds < 0.1) and any(other.poll() is None for other in others):
        sum(range(1000))
    share = watched.share
    for other in others:
        other.kill()
        other.wait()
    assert share >= 0.1


def test_the_hosts_threads_keep_their_number_of_openmp_threads(network, pictures, torch_threads):
    torch_threads(3)

    def call():
        torch.set_num_threads(2)
        FastGpen(network)(pictures)
        return torch.get_num_threads()

    with ThreadPoolExecutor(1) as host:
        assert host.submit(call).result() == 2
    assert torch.get_num_threads() == 3
    with ThreadPoolExecutor(1) as begun_later:
        assert begun_later.submit(torch.get_num_threads).result() == 2  # what was set last, by the host


def test_each_worker_computes_with_one_thread(torch_threads):
    torch_threads(2)
    counts = []
    both = threading.Barrier(2)

    def piece():
        both.wait(timeout=30)
        counts.append(torch.get_num_threads())
        assert torch.is_inference_mode_enabled()

    Workers(2).lead(lambda team: team.run([piece, piece]))
    assert counts == [1, 1]


def test_threads_end_with_the_model(network, pictures, torch_threads):
    torch_threads(3)
    before = set(threading.enumerate())
    fast = FastGpen(network)
    fast(pictures)
    begun = set(threading.enumerate()) - before
    assert len(begun) == 3 * CROWD
    fast(pictures)
    assert set(threading.enumerate()) - before == begun
    del fast
    gc.collect()
    for thread in begun:
        thread.join(timeout=30)
    assert not any(thread.is_alive() for thread in begun)


def test_one_thread_stays_where_it_is(network, pictures, torch_threads):
    torch_threads(1)
    before = threading.active_count()
    fast = FastGpen(network)
    fast(pictures)
    assert threading.active_count() == before
    assert fast.around(threading.get_ident) == threading.get_ident()


def test_a_pieces_error_reaches_the_caller_and_the_rest_is_not_begun():
    begun = []

    def wrong():
        raise ArithmeticError("of a piece")

    def later():
        begun.append(threading.get_ident())
        time.sleep(0.01)

    for team_of in (lambda job: job(Team()), Workers(2).lead):
        begun.clear()
        with pytest.raises(ArithmeticError, match="of a piece"):
            team_of(lambda team: team.run([wrong, *[later] * 100]))
        assert len(begun) <= 2
    workers = Workers(2)
    with pytest.raises(ArithmeticError):
        workers.lead(lambda team: team.run([wrong]))
    assert workers.lead(lambda team: 5) == 5  # and they work on


def test_an_interrupted_caller_waits_for_what_was_begun_and_nothing_more_begins(monkeypatch):
    workers, begun, running = Workers(2), [], threading.Event()

    def piece():
        begun.append(1)
        running.set()
        time.sleep(0.05)

    def interrupted(future, timeout=None):
        running.wait(timeout=30)
        raise KeyboardInterrupt

    submit = workers._threads.submit

    def submitting(*arguments):
        future = submit(*arguments)
        if threading.current_thread() is threading.main_thread():
            monkeypatch.setattr(future, "result", interrupted.__get__(future), raising=False)
        return future

    monkeypatch.setattr(workers._threads, "submit", submitting)
    with pytest.raises(KeyboardInterrupt):
        workers.lead(lambda team: team.run([piece] * 100))
    found = len(begun)
    assert 1 <= found <= 6
    time.sleep(0.2)
    assert len(begun) == found


def test_jobs_of_several_callers_share_the_threads_without_waiting_forever():
    workers, done = Workers(2), []

    def job(team):
        team.run([lambda: done.append(1)] * 8)
        return workers.lead(lambda inner: inner is team)

    with ThreadPoolExecutor(4) as callers:
        assert all(callers.map(lambda _: workers.lead(job), range(12)))
    assert len(done) == 96


def test_workers_of_another_number_or_process_are_not_used(monkeypatch):
    workers = Workers(2)
    assert workers.fit(2) and not workers.fit(3)
    monkeypatch.setattr("os.getpid", lambda: -1)
    assert not workers.fit(2)


@given(size=st.integers(1, 600), count=st.integers(1, 20), multiple=st.sampled_from([1, 4]), least=st.integers(0, 64))
def test_cuts_cover_everything_once(size, count, multiple, least):
    found = cuts(size, count, multiple, least)
    assert [begin for begin, _ in found] == [0, *(end for _, end in found[:-1])]
    assert found[-1][1] == size and len(found) <= count
    assert all(begin < end and begin % multiple == 0 for begin, end in found)
    if len(found) > 1:
        assert min(end - begin for begin, end in found) >= least - multiple
