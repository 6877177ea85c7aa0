"""Ctrl-C is not lost where an exception would be."""

import signal

import pytest

from gpen_core.scale.interrupts import remembered_interrupts


def test_an_interrupt_that_was_swallowed_is_raised_again():
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt), remembered_interrupts() as go_on:
        go_on()
        with pytest.raises(KeyboardInterrupt):  # swallowed, as in a callback
            signal.raise_signal(signal.SIGINT)
        go_on()
    assert signal.getsignal(signal.SIGINT) is before
