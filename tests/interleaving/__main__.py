"""Random schedules from the command line.

``python -m tests.interleaving SEED`` replays one schedule and prints every request.
``python -m tests.interleaving --schedules 1000000 --seed 0`` plays that many from that seed on, on every core.
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


def play(seeds: range) -> str | None:
    """Play some schedules; returns the first finding, or None."""
    log = logging.getLogger("uploader")
    level = log.level
    log.setLevel(logging.CRITICAL)
    try:
        for seed in seeds:
            random_schedule(seed)
    except FoundError as found:
        return str(found)
    finally:
        log.setLevel(level)
    return None


def main() -> int:
    """Play the schedules; returns 1 if the promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.interleaving")
    parser.add_argument("replay", nargs="?", type=int, metavar="SEED")
    parser.add_argument("--schedules", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    if options.replay is not None:
        print("\n".join(random_schedule(options.replay).trace))  # noqa: T201 (a command line)
        return 0
    began = time.monotonic()
    end = options.seed + options.schedules
    chunks = [range(start, min(start + CHUNK, end)) for start in range(options.seed, end, CHUNK)]
    with ProcessPoolExecutor(os.cpu_count()) as processes:
        for number, found in enumerate(processes.map(play, chunks), 1):
            if number % PROGRESS == 0:
                print(f"{number * CHUNK} schedules, {time.monotonic() - began:.0f} s", file=sys.stderr)  # noqa: T201
            if found is not None:
                print(found)  # noqa: T201
                processes.shutdown(cancel_futures=True)
                return 1
    seconds = time.monotonic() - began
    print(f"{options.schedules} schedules from seed {options.seed}: nothing lost, {seconds:.0f} s")  # noqa: T201
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
