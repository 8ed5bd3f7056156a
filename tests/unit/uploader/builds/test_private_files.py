"""Private files: the table, the way to publish one on purpose, and links out of the build."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from uploader.builds.collect import collect
from uploader.builds.files import File
from uploader.builds.private_files import source_maps
from uploader.errors import UsageError
from uploader.treatment.rule_tables import parse_rules

if TYPE_CHECKING:
    from pathlib import Path

PRIVATE = [
    ".git/config",
    ".GIT/HEAD",
    "a/.git",
    ".svn/entries",
    ".hg/hgrc",
    ".bzr/README",
    ".env",
    ".env.production",
    "a/.ENV.local",
    ".envrc",
    ".dev.vars",
    ".npmrc",
    ".yarnrc.yml",
    ".pypirc",
    ".netrc",
    "_netrc",
    ".htpasswd",
    ".aws/credentials",
    ".docker/config.json",
    ".kube/config",
    ".config/gcloud/x",
    ".git-credentials",
    ".ssh/known_hosts",
    "id_rsa",
    "ssh/id_ed25519",
    "ssh_host_rsa_key",
    "server.pem",
    "SERVER.PEM",
    "tls/site.key",
    "cert.p12",
    "cert.pfx",
    "app.jks",
    "release.keystore",
    "notes.kdbx",
    "AuthKey_1.p8",
    "terraform.tfstate",
    "terraform.tfstate.backup",
    "prod.tfvars",
    ".terraform/x",
    ".vercel/project.json",
    ".wrangler/state.db",
    ".DS_Store",
    "a/b/.DS_Store",
    "._logo.png",
    "__MACOSX/x",
    "Thumbs.db",
    ".app.js.swp",
    "app.js~",
    ".#app.js",
    "#app.js#",
    ".idea/workspace.xml",
    ".vscode/settings.json",
    ".bash_history",
    "wp-config.php",
    "node_modules/react/index.js",
    "assets/node_modules/@expo/a.ttf",
    "client_secret_1.json",
    "shop-firebase-adminsdk-1.json",
    ".vault_pass",
    "id_rsa.bak",
    "tls/Server.Key.old",
    ".htpasswd.orig",
    "wp-config.php.bak.old",
    "node_modules.bak/x.js",
    "tls/server.pem.gz",
    "id_ed25519.br",
    ".npmrc.zst",
    "site.key.bak.gz",
    ".git.zip",
    "a/.aws.tar.gz",
    "node_modules.tgz",
]

PUBLIC = [
    ".well-known/security.txt",
    ".well-known/acme-challenge/token",
    ".vite/manifest.json",
    ".sprockets-manifest-3f9c2ab1.json",
    ".manifest.json",
    ".nojekyll",
    ".htaccess",
    ".gitkeep",
    ".gitignore",
    ".nuxt/x.js",
    "app.js.map",
    "keys.js",
    "monkey.js",
    "env.js",
    "environment.json",
    "id_rsa.pub",
    "github.svg",
    "node_modules.js",
    "cvs/john.pdf",
    "a.pem.html",
    "app.js.gz",
    "app.css.br",
    "git/config",
    "npmrc",
    "credentials.json",
    "secrets.json",
    "ca.crt",
]


def write(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("{}")
    return folder


def published(folder: Path, *allow: str, rules: object = None) -> set[str]:
    return {asset.key for asset in collect(folder, "", allow=allow, rules=parse_rules(rules, "rules"))}


@pytest.mark.parametrize("name", PRIVATE)
def test_a_private_file_is_refused_and_can_be_published_as_the_error_says(tmp_path: Path, name: str) -> None:
    """Or skipped by a rule."""
    folder = write(tmp_path, "index.html", name)
    with pytest.raises(UsageError, match="private files") as error:
        published(folder)
    told = re.search(r"--allow '?(.*?)'?$", str(error.value))
    assert told is not None
    assert published(folder, told[1]) == {"index.html", name}
    assert published(folder, rules=[{"match": told[1], "skip": True}]) == {"index.html"}


def test_other_hidden_files_and_similar_names_are_published(tmp_path: Path) -> None:
    assert published(write(tmp_path, *PUBLIC)) == set(PUBLIC)


def test_the_error_is_one_line_that_names_each_folder_once(tmp_path: Path) -> None:
    names = [f"node_modules/{number}.js" for number in range(9)]
    write(tmp_path, ".env", "a[1].pem", "c/.netrc", "d/.npmrc", *names)
    with pytest.raises(UsageError) as error:
        published(tmp_path)
    assert str(error.value) == (
        f"{str(tmp_path)!r} holds private files: '.env' (settings that may hold secrets), 'a[1].pem' (keys), "
        "'c/.netrc' (credentials) and 2 more; take them out of the build, leave them out with --exclude, or publish "
        "them on purpose with --allow /.env --allow '/a[[]1].pem' --allow c/.netrc"
    )


@pytest.mark.parametrize("link", ["logo.png", "fonts"])
def test_a_link_out_of_the_build_is_refused(tmp_path: Path, link: str) -> None:
    """Also a folder's; one to a sibling folder with a longer name is one too."""
    outside = write(tmp_path / "dist-outside", "fonts/a.woff2", "logo.png")
    folder = write(tmp_path / "dist", "index.html")
    (folder / link).symlink_to(outside / link)
    with pytest.raises(UsageError, match="a link out of the build, to ") as error:
        published(folder)
    assert "\n" not in str(error.value)
    assert len(published(folder, f"/{link}/" if link == "fonts" else f"/{link}")) == 2


def test_a_link_to_a_private_file_of_the_build_is_refused(tmp_path: Path) -> None:
    """Whatever the link is called, and although a rule skips the file itself."""
    folder = write(tmp_path, "index.html", ".env")
    (folder / "config.txt").symlink_to(".env")
    with pytest.raises(UsageError, match=r"a link to '[.]env'"):
        published(folder, rules=[{"match": "/.env", "skip": True}])


def test_a_build_behind_a_link_is_a_build(tmp_path: Path) -> None:
    write(tmp_path / "releases/7", "index.html", "a/b.js")
    (tmp_path / "current").symlink_to("releases/7")
    assert published(tmp_path / "current") == {"index.html", "a/b.js"}


def test_a_collectors_files_are_checked_by_the_names_under_which_they_are_published(tmp_path: Path) -> None:
    """A collector may take files from anywhere, on purpose."""
    write(tmp_path, "secret.txt")
    found = [File(str(tmp_path / "secret.txt"), "licences/a.txt")]
    assert len(collect(tmp_path, "", collector=lambda _: found)) == 1
    found = [File(str(tmp_path / "secret.txt"), "licences/.env")]
    with pytest.raises(UsageError, match="private files"):
        collect(tmp_path, "", collector=lambda _: found)


def test_source_maps_are_counted_unless_they_are_allowed() -> None:
    names = [
        "a.js.map",
        "a.css.map",
        "b/a.mjs.map",
        "A.JS.MAP",
        "a.js.map.br",
        "a.wasm.map",
        "world.map",
        "a.mapped.js",
    ]
    assert source_maps(names, ()) == 6
    assert source_maps(names, ["*.css.map", "b/", "a.js.*", "A.*", "*.wasm.map"]) == 0
    assert source_maps(names, ["*.map"]) == 2
