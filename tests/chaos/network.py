"""The network between a process and S3, with faults by chance; and S3's clock, which leaps over the nights."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from time import sleep
from typing import TYPE_CHECKING

from tests.http.fault_proxy import Answer, Fault, FaultProxy, Request

if TYPE_CHECKING:
    import random

LATE_SECONDS = 2.5
"""At most so long after its client has given up, a late request is executed."""

PAUSE_SECONDS = 0.4
"""The longest delay of a request, or of an answer."""

LISTED = re.compile(rb"(?<=<LastModified>)[^<]+")
DATES = {"date", "last-modified"}


class Clock:
    """S3's clock: the real one, and the hours of each leap since it. All that S3 dates is dated by it."""

    def __init__(self) -> None:
        self._leaps: list[tuple[datetime, timedelta]] = []

    def at(self, real: datetime) -> datetime:
        """What this clock said at a real instant."""
        return real + sum((by for when, by in self._leaps if when <= real), timedelta())

    def now(self) -> datetime:
        """What it says now."""
        return self.at(datetime.now(UTC))

    def leap(self, seconds: float) -> None:
        """Let time pass, from the next whole second on: a date without fractions is then clearly before or after it."""
        real = datetime.now(UTC)
        when = real.replace(microsecond=0) + timedelta(seconds=1)
        self._leaps.append((when, timedelta(seconds=seconds)))
        sleep((when - real).total_seconds() + 0.01)


class Network(FaultProxy):
    """A proxy that befalls requests by chance: it delays, cuts, drops, answers with errors, and executes late.

    Attributes:
        rate: The share of requests that meet a fault; 0 for a network without faults.
    """

    def __init__(self, target: str, clock: Clock, chance: random.Random, rate: float) -> None:
        """Prepare the proxy of a server; its faults come from ``chance``, in the order in which requests arrive."""
        super().__init__(target)
        self.rate = rate
        self._clock = clock
        self._chance = chance

    def arrive(self, request: Request) -> tuple[int, Fault | None]:
        """Record a request and choose its fault."""
        index, fault = super().arrive(request)
        self._pause()
        if fault is None and self._chance.random() < self.rate:
            fault = self._chance.choice(list(Fault))
        return index, fault

    def lateness(self, request: Request) -> float | None:
        """A write may be executed when its client has given it up."""
        if request.method in {"PUT", "POST", "DELETE"} and self._chance.random() < self.rate / 2:
            return self._chance.uniform(0.1, LATE_SECONDS)
        return None

    def edit(self, answer: Answer) -> Answer:
        """Date the answer by the clock, and send it late by chance."""
        self._pause()
        headers = [(name, self._header(value) if name.lower() in DATES else value) for name, value in answer.headers]
        body = LISTED.sub(self._listed, answer.body) if b"<LastModified>" in answer.body else answer.body
        return replace(answer, headers=headers, body=body, length=answer.length - len(answer.body) + len(body))

    def _pause(self) -> None:
        if self._chance.random() < self.rate:
            sleep(self._chance.uniform(0, PAUSE_SECONDS))

    def _header(self, value: str) -> str:
        return format_datetime(self._clock.at(parsedate_to_datetime(value)).astimezone(UTC), usegmt=True)

    def _listed(self, found: re.Match[bytes]) -> bytes:
        instant = self._clock.at(datetime.fromisoformat(found[0].decode())).astimezone(UTC)
        return instant.strftime("%Y-%m-%dT%H:%M:%S.000Z").encode()  # whole seconds, as S3 lists them
