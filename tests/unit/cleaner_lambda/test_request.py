"""What wakes the cleaner: recorded events, payloads by hand, and typos that must not delete anything."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest

from cleaner_lambda.errors import RequestError
from cleaner_lambda.request import Request, parse
from cleaner_lambda.sites import Site, find_site, inside, sites_from
from release_log.policy_settings import Orphans, Policy
from tests.paths import ROOT

if TYPE_CHECKING:
    from pathlib import Path

EVENTS = ROOT / "tests" / "events"
BUCKET = "amzn-s3-demo-bucket1"


def recorded(name: str) -> dict[str, Any]:
    """An event as AWS documents it."""
    event: dict[str, Any] = json.loads((EVENTS / f"{name}.json").read_text(encoding="utf-8"))
    return event


def changed(path: str, value: object) -> dict[str, Any]:
    """The S3 event with one value replaced, or without it if it is None."""
    event = copy.deepcopy(recorded("object_created"))
    *parents, last = path.split("/")
    inner = event
    for name in parents:
        inner = inner[name]
    if value is None:
        del inner[last]
    else:
        inner[last] = value
    return event


# Events


def test_s3_event_says_the_site_and_the_bucket_and_nothing_else() -> None:
    """An event only means "run now"."""
    assert parse(recorded("object_created")) == Request(site="assets/", bucket=BUCKET, by_marker=True)


def test_s3_event_of_a_site_with_an_empty_prefix() -> None:
    """The release log is at the top of the bucket."""
    event = changed("detail/object/key", ".releases/markers/20261123T060538Z-x.json")
    assert parse(event) == Request(site="", bucket=BUCKET, by_marker=True)


@pytest.mark.parametrize(
    ("name", "request_"),
    [("timer", Request(site="assets/", bucket=BUCKET)), ("daily", Request(site="assets/", full=True))],
)
def test_payloads_of_our_schedules(name: str, request_: Request) -> None:
    """As the wake-up and the daily rule send them."""
    assert parse(recorded(name)) == request_


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (changed("detail-type", "Object Deleted"), "'Object Deleted'"),
        (changed("detail-type", None), "not S3's 'Object Created'"),
        (changed("source", "aws.ec2"), "'aws.ec2'"),
        (changed("source", None), "not S3's"),
        (changed("detail", None), "detail.bucket.name"),
        (changed("detail", []), "detail.bucket.name"),
        (changed("detail", "x"), "detail.bucket.name"),
        (changed("detail/bucket", None), "detail.bucket.name"),
        (changed("detail/bucket", "name"), "detail.bucket.name"),
        (changed("detail/bucket/name", None), "detail.bucket.name"),
        (changed("detail/bucket/name", ""), "not both texts"),
        (changed("detail/bucket/name", 5), "not both texts"),
        (changed("detail/object", None), "detail.object.key"),
        (changed("detail/object/key", None), "detail.object.key"),
        (changed("detail/object/key", 5), "detail.object.key"),
        (changed("detail/object/key", "assets/app.js"), "not the key of a release marker"),
        (changed("detail/object/key", "assets/.releases/pending/20261123T060538Z-x.json"), "not the key"),
        ({"detail": {}}, "not S3's"),
        ({"detail-type": "Scheduled Event", "source": "aws.events", "detail": {}}, "'Scheduled Event'"),
    ],
)
def test_other_events_are_refused(event: dict[str, Any], words: str) -> None:
    """The error names the mistake."""
    with pytest.raises(RequestError, match=words):
        parse(event)


# Payloads


@pytest.mark.parametrize(
    ("payload", "request_"),
    [
        ({}, Request()),
        ({"site": None}, Request()),
        ({"site": ""}, Request(site="")),
        ({"site": "assets/", "bucket": "my-assets"}, Request(site="assets/", bucket="my-assets")),
        ({"dry_run": True}, Request(dry_run=True)),
        ({"dry_run": False, "full": True, "force": True}, Request(full=True, force=True)),
        ({"adopt": True}, Request(adopt=True)),
        ({"dry_run": True, "version_ttl": 0}, Request(dry_run=True, settings={"version_ttl": 0})),
        ({"dry_run": True, "orphans": "all"}, Request(dry_run=True, settings={"orphans": Orphans.ALL})),
        (
            {"dry_run": True, "site": "assets/", "max_delete_fraction": 1, "keep_releases": 3},
            Request(site="assets/", dry_run=True, settings={"max_delete_fraction": 1, "keep_releases": 3}),
        ),
    ],
)
def test_good_payloads(payload: dict[str, Any], request_: Request) -> None:
    """All keys are optional."""
    assert parse(payload) == request_


@pytest.mark.scenario("T32a")
@pytest.mark.parametrize(
    ("payload", "words"),
    [
        ({"dryrun": True}, "unknown key 'dryrun'.*dry_run"),
        ({"dry-run": True}, "unknown key 'dry-run'"),
        ({"DRY_RUN": True}, "unknown key 'DRY_RUN'"),
        ({"dry_run": True, "buckets": "b"}, "unknown key 'buckets'"),
        ({"bucket": 1}, "bucket: 1 is not a bucket's name"),
        ({"settings": {}}, "unknown key 'settings'"),
        ({"dry_run": "true"}, "dry_run: 'true' is neither true nor false"),
        ({"dry_run": 1}, "dry_run: 1 is neither"),
        ({"dry_run": None}, "dry_run: None is neither"),
        ({"full": "yes"}, "full: 'yes'"),
        ({"force": 0}, "force: 0"),
        ({"site": 5}, "site: 5"),
        ({"site": ["assets/"]}, "site: "),
        ({"dry_run": True, "version_ttl": -1}, "version_ttl: -1 is not between"),
        ({"dry_run": True, "version_ttl": 60.0}, "version_ttl: 60.0 is not a whole number"),
        ({"dry_run": True, "version_ttl": "60"}, "version_ttl: '60' is not a whole number"),
        ({"dry_run": True, "version_limit": True}, "version_limit: True is not a whole number"),
        ({"dry_run": True, "grace": None}, "grace: None is not"),
        ({"dry_run": True, "pending_ttl": 60}, "pending_ttl: 60 is not between"),
        ({"dry_run": True, "max_delete_fraction": 1.01}, "max_delete_fraction: 1.01 is not between"),
        ({"dry_run": True, "max_delete_fraction": float("nan")}, "max_delete_fraction: nan"),
        ({"dry_run": True, "orphans": "none"}, "orphans: 'none' is not one of"),
        ({"dry_run": True, "orphans": ["all"]}, "orphans: "),
        ({"version_ttl": 60}, 'needs "dry_run": true'),
        ({"dry_run": False, "version_ttl": 60}, 'needs "dry_run": true'),
        ({"force": True, "orphans": "all"}, 'needs "dry_run": true'),
        ([], "not a JSON object"),
        (None, "not a JSON object"),
        ("dry_run", "not a JSON object"),
        (5, "not a JSON object"),
    ],
)
def test_bad_payloads_are_refused(payload: object, words: str) -> None:
    """The error names the key, the value and the remedy."""
    with pytest.raises(RequestError, match=words):
        parse(payload)


# Sites


ONE = Site("b", "assets/", Policy())
TWO = Site("b", "admin/", Policy())
OTHER_BUCKET = Site("c", "assets/", Policy())


def test_only_site_need_not_be_named() -> None:
    """A payload of ``{}`` is enough."""
    assert find_site([ONE], None) is ONE


def test_site_is_found_by_its_prefix_and_bucket() -> None:
    """Two buckets may have the same prefix."""
    assert find_site([ONE, TWO], "admin/") is TWO
    assert find_site([ONE, OTHER_BUCKET], "assets/", "c") is OTHER_BUCKET


@pytest.mark.parametrize(
    ("sites", "prefix", "bucket", "words"),
    [
        ([ONE, TWO], None, None, "which site.*'assets/', 'admin/'"),
        (
            [ONE, OTHER_BUCKET],
            "assets/",
            None,
            "which site. Name one with \"site\" and \"bucket\": 'assets/' in 'b', 'assets/' in 'c'",
        ),
        ([ONE], "asset", None, "site 'asset' is not configured here; configured: 'assets/'"),
        ([ONE], "assets", None, "not configured"),
        ([ONE], "", None, "not configured"),
        ([ONE], "assets/", "elsewhere", "in bucket 'elsewhere' is not configured"),
        ([], None, None, "not configured"),
    ],
)
def test_site_that_is_not_configured_or_not_clear_is_refused(
    sites: list[Site], prefix: str | None, bucket: str | None, words: str
) -> None:
    """The error names the configured sites; a prefix of a prefix is another site."""
    with pytest.raises(RequestError, match=words):
        find_site(sites, prefix, bucket)


PREVIEWS = Site("b", "previews/*/", Policy(removed_ttl=0))


@pytest.mark.parametrize("bucket", [None, "b"])
def test_a_site_of_a_pattern_has_the_patterns_policy_and_counts_for_it(bucket: str | None) -> None:
    found = find_site([ONE, PREVIEWS], "previews/pr-12/", bucket)
    assert found == Site("b", "previews/pr-12/", Policy(removed_ttl=0), pattern="previews/*/")
    assert (found.is_pattern, found.counted_as) == (False, "previews/*/")
    assert (ONE.is_pattern, ONE.counted_as) == (False, "assets/")


def test_a_site_of_its_own_goes_before_a_pattern_and_a_pattern_before_a_later_one() -> None:
    special, later = Site("b", "previews/main/", Policy()), Site("b", "previews/pr-*/", Policy())
    sites = [PREVIEWS, special, later]
    assert find_site(sites, "previews/main/") is special
    assert find_site(sites, "previews/pr-1/").pattern == "previews/*/"
    assert find_site(sites, "previews/pr-*/") is later


def test_a_pattern_itself_can_be_named() -> None:
    """As the daily rule does, for all of its sites."""
    found = find_site([ONE, PREVIEWS], "previews/*/", "b")
    assert found is PREVIEWS
    assert found.is_pattern


@pytest.mark.parametrize(
    ("sites", "prefix", "bucket", "words"),
    [
        ([PREVIEWS], None, None, "which site.*'previews/\\*/'"),
        ([ONE, PREVIEWS], None, None, "which site.*'assets/', 'previews/\\*/'"),
        ([ONE, PREVIEWS], "previews/a/b/", None, "site 'previews/a/b/' is not configured here"),
        ([ONE, PREVIEWS], "previews/.releases/", None, "is not configured here"),
        ([ONE, PREVIEWS], "previews/../", "b", "is not configured here"),
        ([ONE, PREVIEWS], "previews/a/", "c", "in bucket 'c' is not configured here"),
        ([PREVIEWS, Site("c", "previews/*/", Policy())], "previews/a/", None, 'which site.*"bucket"'),
    ],
)
def test_what_a_pattern_does_not_match_is_refused(
    sites: list[Site], prefix: str | None, bucket: str | None, words: str
) -> None:
    with pytest.raises(RequestError, match=words):
        find_site(sites, prefix, bucket)


def test_a_site_that_a_pattern_would_match_inside_another_is_known_by_its_release_log() -> None:
    outer = Site("b", "", Policy())
    assert inside([outer, PREVIEWS, ONE], outer) == ("assets/",)


POLICY = {"version_limit": 7, "orphans": "report"}
READ = Policy(version_limit=7, orphans=Orphans.REPORT)


def test_sites_are_read_from_the_file_as_the_stack_writes_it(tmp_path: Path) -> None:
    """The bucket of the stack has its name in the environment."""
    file = tmp_path / "sites.json"
    entries = [(None, "assets/"), ("c", "previews/*/")]
    written = [{"bucket": bucket, "prefix": prefix, "policy": POLICY} for bucket, prefix in entries]
    file.write_text(json.dumps(written))
    assert sites_from({"BUCKET": "b"}, file) == (Site("b", "assets/", READ), Site("c", "previews/*/", READ))
    with pytest.raises(RequestError, match=r"file sites.json is wrong.*BUCKET.*deploy the stack again"):
        sites_from({}, file)


def test_sites_in_the_environment_of_an_older_stack_go_before_the_file(tmp_path: Path) -> None:
    """A function is updated in two steps: for a moment the new code has the old environment."""
    text = json.dumps([{"bucket": "b", "prefix": "assets/", "policy": POLICY}])
    (tmp_path / "sites.json").write_text("[]")
    assert sites_from({"SITES": text}, tmp_path / "sites.json") == (Site("b", "assets/", READ),)


def test_asked_for_its_sites_it_is_asked_nothing_else() -> None:
    assert parse({"list_sites": True}) == Request(list_sites=True)
    with pytest.raises(RequestError, match=r"list_sites: nothing else can be asked with it, but there are .*dry_run"):
        parse({"list_sites": True, "dry_run": True})


@pytest.mark.scenario("T15", "T33a")
@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "{",
        "5",
        '{"bucket": "b"}',
        "[5]",
        '[{"bucket": "b", "prefix": "assets/"}]',
        '[{"bucket": "b", "policy": {}}]',
        '[{"bucket": "b", "prefix": "assets", "policy": {}}]',
        '[{"bucket": "b", "prefix": 5, "policy": {}}]',
        '[{"bucket": "b", "prefix": "assets/", "policy": []}]',
        '[{"bucket": "b", "prefix": "assets/", "policy": {"ttl": 5}}]',
        '[{"bucket": "b", "prefix": "assets/", "policy": {"grace": -5}}]',
        '[{"bucket": "b", "prefix": "assets/", "policy": {"orphans": []}}]',
    ],
)
def test_wrong_or_missing_sites_are_refused_with_the_remedy(tmp_path: Path, text: str | None) -> None:
    """A function without its settings must not fall back to defaults."""
    file = tmp_path / "sites.json"
    if text is not None:
        file.write_text(text)
        with pytest.raises(RequestError, match=r"variable SITES is wrong.*deploy the stack again"):
            sites_from({"SITES": text}, file)
    with pytest.raises(RequestError, match=r"file sites.json is wrong.*deploy the stack again"):
        sites_from({"BUCKET": "b"}, file)


def test_an_events_key_is_taken_as_it_is() -> None:
    """EventBridge does not encode keys: a plus is a plus."""
    detail = {"bucket": {"name": "b"}, "object": {"key": "a+b%20/.releases/markers/20261123T060500Z-x.json"}}
    event = {"source": "aws.s3", "detail-type": "Object Created", "detail": detail}
    assert parse(event).site == "a+b%20/"


def test_sites_inside_a_site_are_those_of_its_bucket_further_down() -> None:
    """Not the site itself, nor a neighbour whose name begins alike, nor a site in another bucket."""
    outer, inner, *others = (
        Site(bucket, prefix, Policy())
        for bucket, prefix in (
            ("b", "assets/"),
            ("b", "assets/admin/"),
            ("b", "assets-2/"),
            ("c", "assets/x/"),
            ("b", ""),
        )
    )
    sites = (outer, inner, *others)
    assert inside(sites, outer) == ("assets/admin/",)
    assert inside(sites, inner) == ()
    assert set(inside(sites, others[-1])) == {"assets/", "assets/admin/", "assets-2/"}


@pytest.mark.parametrize(
    "given",
    [
        *({}, {"range": 1}, {"at": "today"}, {"at": None}, 5, "2026-07-01T12:00:00Z"),
        *({"at": "2026-07-01T12:00:00Z", "range": wrong} for wrong in (-1, "1", True, 1.5)),
        *({"at": "2026-07-01T12:00:00Z", "group": wrong} for wrong in (-1, "1", True, 1.5)),
        *({"group": 1}, {"at": "2026-07-01T12:00:00Z", "range": 1, "group": 1}),
        {"at": "2026-07-01T12:00:00Z", "of": 3},
    ],
)
def test_a_wrong_task_of_a_map_run_is_refused(given: object) -> None:
    with pytest.raises(RequestError, match=r"map_run: .* is not an object with an instant `at`"):
        parse({"map_run": given})


def test_a_map_run_is_of_one_site() -> None:
    request = parse({"site": "previews/*/", "map_run": {"at": "2026-07-01T12:00:00Z"}})
    with pytest.raises(RequestError, match="map_run: 'previews/\\*/' is a pattern; name one of its sites"):
        request.check_for(Site("bucket", "previews/*/", Policy()))
