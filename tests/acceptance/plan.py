"""The steps in their order, and what they take. AWS needs minutes for most of them, in which others are done."""

from __future__ import annotations

from tests.acceptance import adopting, beginning, installing, publishing, refusing, serving, waking, watching

STEPS = (
    beginning.BEGIN,
    installing.FIRST,
    publishing.UPLOAD,
    installing.IN_SECOND_REGION,
    # Until a marker is announced there are some five minutes, of which a failing run needs three until it is given up.
    publishing.SLOW_UPLOAD,
    watching.BREAK,
    *refusing.STEPS,
    *adopting.OTHERS,
    adopting.DESTROYED,
    *installing.OTHERS,
    *serving.STEPS,
    watching.DEAD_LETTER,
    *publishing.EVENTS,
    *waking.STEPS,
    *watching.STEPS,
    watching.ALARMS_STEP,
    publishing.SESSION,
    installing.END,
)

MINUTES = {
    "bootstrap in both Regions": 2,
    "the first installation": 3,
    "the time until a marker is announced, with a run that fails three times, a distribution and 12 sites": 7,
    "three wake-ups: 3, 2 until the schedule is looked at, 3, and 5": 13,
    "metrics, traces, alarms, the session's end": 3,
    "destroy, and deploy again": 6,
    "the removal, with the distribution's begun in the twelfth minute": 6,
}
"""What nothing else can be done beside. All other deployments and steps go on meanwhile."""

TAKES = sum(MINUTES.values())
HOURS = -(-TAKES // 60)
"""Each begun hour counts: https://aws.amazon.com/cloudwatch/pricing/."""

MONTH = 730

ALARMS, METRICS, DASHBOARDS = 4 * 7 + 7 * (1 + 1 + 1 + 1 + 5 + 12 + 1), 16 * 7, 7
"""Of seven installations; one site of each is cleaned, and has metrics."""

PRICES = (
    ("alarms", ALARMS, 0.10),
    ("metrics", METRICS, 0.30),
    ("dashboards", DASHBOARDS, 3.00),
    ("KMS key", 1, 1.00),
)
"""What, how many, and the US dollars a month of each."""

REST = ("requests, runs, logs, CloudFront", 0.02)
"""Some 2,000 writes to S3, and some 60 runs of 2 GB and five seconds each."""

DOLLARS = sum(number * price for _, number, price in PRICES) * HOURS / MONTH + REST[1]


def costs(run: str, first: str, second: str) -> str:
    """What is said before anything is created."""
    lines = [
        f"  {number} {what} x {price:.2f} / {MONTH} x {HOURS} h".ljust(60) + f"{number * price * HOURS / MONTH:.3f}"
        for what, number, price in PRICES
    ]
    return f"""\
It creates, and removes at the end, all with the tag acceptance={run}:
  in {first} and {second}: a bootstrap of the CDK's (stack CDKToolkit-{run}, a bucket, five roles, a repository)
  in {first}: six stacks AssetCleaner-{run}-... (21 sites: buckets, functions, roles, rules, queues, topics,
    alarms, dashboards), a distribution; a bucket, a queue, a KMS key, and a role for each build job
  in {second}: such a stack, and one that is refused
It takes about {TAKES} minutes, if AWS is as quick as it mostly is, and the credentials have to live for two hours.
It costs about {DOLLARS:.2f} US dollars by the list prices of November 2026, beyond every free tier:
{chr(10).join(lines)}
{f"  {REST[0]}".ljust(60)}{REST[1]:.3f}
The KMS key is deleted after seven days, and costs nothing meanwhile. Metrics and traces expire by themselves.
"""
