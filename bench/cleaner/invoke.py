"""``python -m bench.cleaner.invoke [MODULE.NAME=NUMBER ...]``: the Lambda's handler in a process of its own.

Each line of its input is an event. Each line of its output is what the invocation took. A constant of the cleaner may
get another value, so that a small site is treated as a large one.
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import dataclass
from typing import Any

from bench.cold_start import peak_memory
from bench.runtime_api import INVOCATION_SECONDS
from cleaner_lambda.handler import lambda_handler


@dataclass(frozen=True, slots=True)
class Context:
    """Lambda's context, as far as the handler uses it."""

    aws_request_id: str
    ends: float
    function_name: str = "cleaner"
    memory_limit_in_mb: int = 2048
    invoked_function_arn: str = "arn:aws:lambda:us-east-1:000000000000:function:cleaner"

    def get_remaining_time_in_millis(self) -> int:
        """The time that is left."""
        return max(0, int((self.ends - time.monotonic()) * 1000))


def main() -> None:
    """Answer each event."""
    for each in sys.argv[1:]:
        name, _, value = each.partition("=")
        module, _, constant = name.rpartition(".")
        setattr(sys.modules[module], constant, int(value))
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for the log
    for number, line in enumerate(sys.stdin):
        cpu, wall = time.process_time(), time.perf_counter()
        context: Any = Context(f"run-{number}", time.monotonic() + INVOCATION_SECONDS)
        answer = lambda_handler(json.loads(line), context)
        took: dict[str, Any] = {
            "cpu": time.process_time() - cpu,
            "seconds": time.perf_counter() - wall,
            "peak": peak_memory(os.getpid()),
        }
        counts = answer.get("counts", {})
        stops = [stop["reason"] for stop in answer.get("stopped_by", ())]
        took |= {"counts": counts, "stopped_by": stops, "unfinished": answer.get("unfinished", False)}
        took |= {"orphans": answer.get("orphans"), "passed_over": answer.get("passed_over")}
        answers.write(json.dumps(took) + "\n")


if __name__ == "__main__":
    main()
