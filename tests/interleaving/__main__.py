"""Random schedules from the command line.

``python -m tests.interleaving SEED`` replays one schedule and prints every request.
``python -m tests.interleaving --schedules 1000000 --seed 0`` plays that many from that seed on, on every core, up to
the first finding; with ``--go-on`` it counts them all.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor

from tests.interleaving.explore import FoundError, random_schedule

CHUNK = 2000
PROGRESS = 50
"""The number of chunks between two progress lines."""


def play(seeds: range) -> list[str]:
    """Play some schedules; returns what was found."""
    findings = []
    log = logging.getLogger("uploader")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        for seed in seeds:
            try:
                random_schedule(seed)
            except FoundError as found:
                findings.append(str(found))
    finally:
        log.setLevel(level)
    return findings


def main() -> int:
    """Play the schedules; returns 1 if the promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.interleaving")
    parser.add_argument("replay", nargs="?", type=int, metavar="SEED")
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--go-on", action="store_true")
    options = parser.parse_args()
    if options.replay is not None:
        print("\n".join(random_schedule(options.replay).trace))  # noqa: T201 (a command line)
        return 0
    began = time.monotonic()
    end = options.seed + options.schedules
    chunks = [range(start, min(start + CHUNK, end)) for start in range(options.seed, end, CHUNK)]
    count = 0
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        for number, findings in enumerate(processes.map(play, chunks), 1):
            if number % PROGRESS == 0:
                print(f"{number * CHUNK} schedules, {time.monotonic() - began:.0f} s", file=sys.stderr)  # noqa: T201
            for found in findings:
                print(found, flush=True)  # noqa: T201
            count += len(findings)
            if findings and not options.go_on:
                processes.shutdown(cancel_futures=True)
                return 1
    seconds = time.monotonic() - began
    says = f"{count} findings" if count else "nothing lost"
    print(f"{options.schedules} schedules from seed {options.seed}: {says}, {seconds:.0f} s")  # noqa: T201
    return int(count > 0)


if __name__ == "__main__":
    raise SystemExit(main())
