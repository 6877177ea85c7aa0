"""Ctrl-C is not lost where an exception would be."""

import signal

import pytest

from gpen_core.scale.interrupts import remembered_interrupts


@pytest.fixture
def interruptible():
    """Also where the tests themselves were begun in the background, whose Ctrl-C is ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield signal.default_int_handler
    signal.signal(signal.SIGINT, before)


def test_an_interrupt_that_was_swallowed_is_raised_again(interruptible):
    with pytest.raises(KeyboardInterrupt), remembered_interrupts() as go_on:
        go_on()
        with pytest.raises(KeyboardInterrupt):  # swallowed, as in a callback
            signal.raise_signal(signal.SIGINT)
        go_on()
    assert signal.getsignal(signal.SIGINT) is interruptible
