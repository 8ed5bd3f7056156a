"""The table of what it costs to adopt an old bucket, by the sums that the cleaner makes before it happens."""

from __future__ import annotations

from cleaner_lambda.adoption import bill
from cleaner_lambda.waiting import Waiting
from docs.tables.markdown import table

FOLDERS = 100

NUMBERS = ((10_000, True), (100_000, False), (1_000_000, False), (1_000_000, True))
"""How many orphans, and whether each gets a tag."""


def bills() -> str:
    """The requests and the dollars of some old buckets."""
    rows = []
    for number, tags in NUMBERS:
        costs = bill(Waiting(number, folders=FOLDERS), tags=tags)
        counts = (costs.put, costs.post, costs.list, costs.get, costs.events)
        rows.append([f"{number:,}", "yes" if tags else "no", *map("{:,}".format, counts), f"{costs.dollars:.2f}"])
    return table(["orphans", "tags", "PUT", "POST", "LIST", "GET", "events", "US dollars"], rows)
