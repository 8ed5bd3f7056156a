"""Ctrl-C and SIGTERM reach the program wherever they meet it."""

from __future__ import annotations

import os
import signal
import time
import weakref

import pytest

from uploader.cli.signals import terminate_as_interrupt


class Something:
    """What a weak reference can refer to."""


@pytest.mark.parametrize(("how", "terminated"), [(signal.SIGINT, False), (signal.SIGTERM, True)])
def test_what_comes_in_a_weak_references_callback_is_not_lost(
    how: signal.Signals, *, terminated: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    """There Python drops what is raised, with a traceback on standard error."""

    def called(_reference: object) -> None:
        os.kill(os.getpid(), how)
        time.sleep(1)  # here the signal is handled
        pytest.fail("it was not interrupted")

    def lose_it_and_go_on() -> None:
        something = Something()
        reference = weakref.ref(something, called)
        del something
        assert reference() is None
        time.sleep(5)

    began = time.monotonic()
    with terminate_as_interrupt() as ending, pytest.raises(KeyboardInterrupt):
        lose_it_and_go_on()
    assert time.monotonic() - began < 1, "it was not woken"
    assert ending.terminated == terminated
    assert capfd.readouterr() == ("", "")


def test_an_ignored_sigterm_stays_ignored() -> None:
    """What is to outlive its terminal is not to be ended by it."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with terminate_as_interrupt() as ending:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.05)
        assert not ending.terminated
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_what_else_cannot_be_raised_goes_where_it_went(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr("sys.unraisablehook", lambda each: told.append(str(each.exc_value)))

    def called(_reference: object) -> None:
        msg = "a mistake"
        raise ValueError(msg)

    with terminate_as_interrupt():
        something = Something()
        reference = weakref.ref(something, called)
        del something
    assert (reference(), told) == (None, ["a mistake"])
