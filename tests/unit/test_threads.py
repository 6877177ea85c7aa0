"""Pieces of work side by side: in order, and as many at once as torch has threads."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from gpen_core.threads import by_itself, in_new_thread, side_by_side


def where(_piece=None):
    return threading.get_ident()


def test_results_come_in_the_order_of_the_pieces(torch_threads):
    torch_threads(3)

    def slower_first(piece):
        time.sleep(0.02 / (piece + 1))
        return piece

    assert side_by_side(slower_first, range(10)) == list(range(10))
    assert side_by_side(slower_first, []) == []


@pytest.mark.parametrize(("threads", "pieces"), [(4, 2), (3, 9)])
def test_pieces_run_at_once(torch_threads, threads, pieces):
    torch_threads(threads)
    at_once = min(threads, pieces)
    meeting = threading.Barrier(at_once)
    assert sorted(side_by_side(lambda _: meeting.wait(timeout=30), range(pieces))) == sorted(
        index % at_once for index in range(pieces)
    )


def test_one_piece_or_one_thread_stays_where_it_is(torch_threads):
    torch_threads(4)
    assert side_by_side(where, [0]) == [where()]
    torch_threads(1)
    assert set(side_by_side(where, range(4))) == {where()}


def test_the_first_error_is_raised_and_what_was_not_begun_is_left_out(torch_threads):
    torch_threads(2)
    begun = []

    def work(piece):
        begun.append(piece)
        if piece == 0:
            raise MemoryError("piece 0")
        time.sleep(0.02)

    with pytest.raises(MemoryError, match="piece 0"):
        side_by_side(work, range(100))
    assert len(begun) < 100


def test_by_itself_torch_has_one_thread_and_nobody_else_is_touched(torch_threads):
    torch_threads(3)
    with pytest.raises(KeyError), by_itself():
        assert torch.get_num_threads() == 1
        with by_itself():
            assert torch.get_num_threads() == 1
        assert torch.get_num_threads() == 1
        raise KeyError
    assert torch.get_num_threads() == 3
    with ThreadPoolExecutor(1) as later:
        assert later.submit(torch.get_num_threads).result() == 3


def test_threads_that_compute_by_themselves_at_once_leave_later_ones_as_they_were():
    later = in_new_thread(torch.get_num_threads)
    torch.set_num_threads(8)  # this one's; and what later ones get
    try:

        def often():
            for _ in range(60):
                with by_itself():
                    pass

        some = [threading.Thread(target=often) for _ in range(4)]
        for thread in some:
            thread.start()
        for thread in some:
            thread.join()
        assert in_new_thread(torch.get_num_threads) == 8
    finally:
        torch.set_num_threads(later)
