"""Ctrl-C and SIGTERM interrupt the program, whatever code is running."""

from __future__ import annotations

import os
import signal
import time
import weakref

import pytest

from uploader.cli.signals import terminate_as_interrupt


class Something:
    """An object that a weak reference can refer to."""


@pytest.mark.parametrize(("number", "terminated"), [(signal.SIGINT, False), (signal.SIGTERM, True)])
def test_a_signal_during_a_weak_references_callback_is_not_lost(
    number: signal.Signals, *, terminated: bool, capfd: pytest.CaptureFixture[str]
) -> None:
    """Python drops an exception from such a callback, and writes a traceback to standard error."""

    def called(_reference: object) -> None:
        os.kill(os.getpid(), number)
        time.sleep(1)  # Python handles the signal here
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
    assert time.monotonic() - began < 1, "the signal did not interrupt the sleep"
    assert ending.terminated == terminated
    assert capfd.readouterr() == ("", "")


def test_an_ignored_sigterm_stays_ignored() -> None:
    """A process that shall outlive its terminal ignores the signal."""
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        with terminate_as_interrupt() as ending:
            os.kill(os.getpid(), signal.SIGTERM)
            time.sleep(0.05)
        assert not ending.terminated
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGTERM, before)


def test_another_exception_in_such_a_callback_reaches_the_previous_hook(monkeypatch: pytest.MonkeyPatch) -> None:
    messages: list[str] = []
    monkeypatch.setattr("sys.unraisablehook", lambda each: messages.append(str(each.exc_value)))

    def called(_reference: object) -> None:
        msg = "a mistake"
        raise ValueError(msg)

    with terminate_as_interrupt():
        something = Something()
        reference = weakref.ref(something, called)
        del something
    assert (reference(), messages) == (None, ["a mistake"])
