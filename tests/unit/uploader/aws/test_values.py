"""Values that no request can be sent with, and others that only look odd."""

from __future__ import annotations

import pytest

from uploader.aws.values import (
    ValueProblemError,
    check_bucket,
    check_credential,
    check_endpoint,
    check_profile,
    check_region,
    without_user,
)

ODD = {
    "": "is empty",
    "te st": "holds a space",
    "test\n": "holds a line break",
    "\rtest": "holds a line break",
    "te\tst": "holds a tab",
    "te\0st": r"holds a control character ('\x00')",
    "te\x7fst": r"holds a control character ('\x7f')",
    "te\x85st": r"holds a control character ('\x85')",
    "t\u00e9st": r"holds a character that is not ASCII ('\xe9')",
    "te\u200bst": r"holds a control character ('\u200b')",
    "te\ud800st": r"holds a control character ('\ud800')",
}


@pytest.mark.parametrize(("value", "words"), ODD.items())
@pytest.mark.parametrize("check", [check_bucket, check_region, check_credential, check_endpoint])
def test_what_is_not_visible_ascii_is_named(check: object, value: str, words: str) -> None:
    """In one line, and in ASCII."""
    assert callable(check)
    with pytest.raises(ValueProblemError) as raised:
        check(f"https://{value}.example" if check is check_endpoint and value else value)
    assert words in str(raised.value)
    assert str(raised.value).isprintable()
    assert str(raised.value).isascii()


def test_a_credential_is_never_shown() -> None:
    with pytest.raises(ValueProblemError) as raised:
        check_credential("wJalrXUtnFEMI\n")
    assert "wJal" not in str(raised.value)


@pytest.mark.parametrize("value", ["a/b", "arn:aws:s3:::b", "-b", "..", "b?x", "b#x", "b%00"])
def test_what_would_be_another_url_is_not_a_bucket(value: str) -> None:
    with pytest.raises(ValueProblemError):
        check_bucket(value)
    with pytest.raises(ValueProblemError, match="not a region"):
        check_region(value)


@pytest.mark.parametrize(
    ("value", "remedy"),
    [
        ("s3://site", "is a URL: name the bucket alone: --bucket site"),
        ("s3://site/", "is a URL: name the bucket alone: --bucket site"),
        ("s3://site/assets/", "is a URL: name bucket and prefix apart: --bucket site --prefix assets/"),
        ("s3://", "is a URL: name the bucket alone, as in --bucket my-assets"),
        ("site/", "is more than a bucket's name: name the bucket alone: --bucket site"),
        ("site/a/b", "is more than a bucket's name: name bucket and prefix apart: --bucket site --prefix a/b/"),
        ("arn:aws:s3:::site", "is an ARN: name the bucket alone: --bucket site"),
        ("arn:aws-cn:s3:::site/a/*", "is an ARN: name bucket and prefix apart: --bucket site --prefix a/"),
        ("arn:aws:s3:eu-west-1:1:accesspoint/x", "is not a bucket's ARN: name the bucket itself, without an ARN"),
        ("https://site.s3.eu-west-1.amazonaws.com", "is a URL: name the bucket alone: --bucket site"),
        ("https://s3.amazonaws.com/site/a", "is a URL: name bucket and prefix apart: --bucket site --prefix a/"),
        ("site.s3-website.eu-west-1.amazonaws.com", "is a URL: name the bucket alone: --bucket site"),
        ("gs://site", "is a URL: name the bucket alone, as in --bucket my-assets"),
        ("site-1a-s3alias", "is an access point's alias: name the bucket itself, by which the cleaner knows the site"),
        ("site--euw1-az1--x-s3", "is a directory bucket, whose objects have no tags: name a general purpose bucket"),
        ("192.168.5.4", "is an IP address, which no bucket is called: name the bucket"),
        ("--prefix", "is an option, so the option before it has no value: is its variable empty?"),
        ("$BUCKET", "is the name of a variable: in the shell it needs double quotes"),
        ("", "is empty: name a bucket; is the variable with its name set?"),
        ("my,site", "cannot be used: it is not a bucket's name; names have 3 to 63 lower-case letters"),
    ],
)
def test_what_people_write_for_a_bucket_is_answered_with_its_name(value: str, remedy: str) -> None:
    with pytest.raises(ValueProblemError) as raised:
        check_bucket(value)
    assert str(raised.value).startswith(f"{value!r} {remedy}")


@pytest.mark.parametrize("value", ["localhost:1", "ftp://x", "http://", "https:///x", "http://h:x", "http://h?x"])
def test_what_is_not_a_url_is_not_an_endpoint(value: str) -> None:
    with pytest.raises(ValueProblemError, match="not a URL"):
        check_endpoint(value)


@pytest.mark.parametrize(
    "value",
    [
        "http://user:pass-word@host",
        "https://user:pass-word@host:9000/x",
        "http://user:pass/word@host",
        "http://user:pass@word@host",
        "http://user:pass word@host",
        "http://user:pass\nword@host",
        "http://pass-word@host",
        "user:pass-word@host",
    ],
)
def test_no_message_shows_an_endpoints_password(value: str) -> None:
    with pytest.raises(ValueProblemError, match=r"\*\*\*@host") as raised:
        check_endpoint(value)
    assert "pass" not in str(raised.value).replace("a password", "")
    assert "word" not in str(raised.value).replace("a password", "")
    assert "user:" not in without_user(value)


def test_what_servers_are_really_called_is_accepted() -> None:
    for endpoint in ("http://127.0.0.1:9000", "https://[::1]:9000/", "https://s3.eu-central-1.amazonaws.com/base/path"):
        check_endpoint(endpoint)
    for bucket in ("my-assets", "a.b.c", "Old_Bucket", "x"):
        check_bucket(bucket)
    for region in ("eu-central-1", "auto", "us_east"):
        check_region(region)
    check_profile("my own profile")
    with pytest.raises(ValueProblemError, match="beyond 65535"):
        check_endpoint("http://h:70000")
    for profile in ("", "a\nb"):
        with pytest.raises(ValueProblemError, match="not the name of a profile"):
            check_profile(profile)
