"""The steps in their order: AWS needs minutes for events, metrics and alarms, in which other steps are done."""

from __future__ import annotations

from tests.acceptance import installing, publishing, refusing, serving, waking, watching

STEPS = (
    *installing.FIRST,
    publishing.UPLOAD,
    *installing.OTHERS,
    publishing.SLOW_UPLOAD,
    *publishing.EVENTS,
    *refusing.STEPS,
    *watching.STEPS,
    *waking.STEPS,
    watching.ALARMS_STEP,
    *serving.STEPS,
    publishing.SESSION,
    *installing.END,
)

COSTS = """\
It creates, and removes at the end, all with the tag acceptance={run}:
  in {regions}: a bootstrap of the CDK's (stack CDKToolkit-{run}, a bucket, five roles, a repository)
  in {first}: six stacks AssetCleaner-{run}-... (21 sites: buckets, functions, roles, rules, queues, topics,
    alarms, dashboards), a distribution; a bucket, a queue, a KMS key, and a role for each build job
  in {second}: such a stack, and one that is refused
It takes one to two hours; the credentials have to live for three. List prices, November 2026, beyond every free tier:
  alarms: {alarms} x 0.10 / 730 x 2 h                       0.05 US dollars
  metrics: some 90 x 0.30 / 730 x 2 h                  0.07
  dashboards: 7 x 3.00 / 730 x 2 h                     0.06
  a KMS key, requests, runs, logs, CloudFront          0.02
The KMS key is deleted after seven days, and costs nothing meanwhile. Metrics and traces expire by themselves.
"""
"""Said before anything is created."""

ALARMS = 4 * 7 + 7 * (1 + 1 + 1 + 1 + 5 + 12 + 1)
