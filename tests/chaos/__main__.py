"""Chaos from the command line.

``python -m tests.chaos --seed 7 --seconds 60`` plays one round: always the same actions in the same order, but not
always the same interleaving, as real processes run side by side. ``--rounds 10`` plays this seed and the nine after it.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections import Counter

from tests.chaos.promise import BrokenError
from tests.chaos.run import play


def main() -> int:
    """Play the rounds; returns 1 if the promise is broken."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6))
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    counts: Counter[str] = Counter()
    for seed in range(options.seed, options.seed + options.rounds):
        try:
            counts += play(seed, options.seconds, lambda line: print(line, file=sys.stderr)).counts  # noqa: T201 (a command line)
        except BrokenError as error:
            print(error)  # noqa: T201
            return 1
    print(f"{options.rounds} rounds from seed {options.seed}: nothing lost, nothing early, nothing left")  # noqa: T201
    print(", ".join(f"{name}: {number}" for name, number in sorted(counts.items())))  # noqa: T201
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
