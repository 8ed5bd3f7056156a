"""The files that nobody publishes on purpose without saying so: secrets, and links out of the build."""

from __future__ import annotations

import fnmatch
import os
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from uploader.errors import UsageError
from uploader.treatment.globs import GlobError, translate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from uploader.builds.files import AnyFile


class PrivateKind(NamedTuple):
    """Names of private files.

    Attributes:
        what: What such a file is, in error messages.
        globs: Globs for the name of a file, or of a folder that holds it, with spaces between them.
    """

    what: str
    globs: str

    @property
    def names(self) -> list[str]:
        """Each of the globs."""
        return self.globs.split()


PRIVATE = (
    PrivateKind("version control", ".git .svn .hg .bzr .jj _darcs .gitconfig .gitmodules .hgrc"),
    PrivateKind(
        "settings that may hold secrets",
        ".env* .dev.vars* .npmrc .yarnrc .yarnrc.yml .pypirc .htpasswd .htdigest "
        ".terraformrc *.tfstate *.tfstate.* *.tfvars *.tfvars.json wp-config.php",
    ),
    PrivateKind(
        "credentials",
        ".aws .azure .gcloud .config .docker .dockercfg .kube *.kubeconfig .oci .m2 .netrc _netrc .git-credentials "
        ".pgpass .my.cnf .mylogin.cnf .s3cfg .boto .cargo .gem .bundle .gradle .terraform .terraform.d .pulumi "
        ".vault-token .vault_pass .vault-pass .ftpconfig sftp-config.json .dockerconfigjson .composer .npm "
        ".vercel .netlify .wrangler .serverless .clasprc.json .sentryclirc .databrickscfg "
        "client_secret*.json serviceAccountKey.json *firebase-adminsdk*.json "
        "application_default_credentials.json",
    ),
    PrivateKind(
        "keys",
        ".ssh .gnupg id_rsa id_dsa id_ecdsa id_ecdsa_sk id_ed25519 id_ed25519_sk ssh_host_*_key secring.gpg "
        "*.pem *.key *.p8 *.p12 *.pfx *.pk8 *.ppk *.jks *.keystore *.kdbx *.ovpn",
    ),
    PrivateKind(
        "leftovers of an editor or a shell", ".*.sw[a-p] *.swp *~ .#* #*# .idea .vscode .vs .history .*_history"
    ),
    PrivateKind(
        "leftovers of an operating system",
        ".DS_Store ._* __MACOSX .AppleDouble .Spotlight-V100 .Trashes .fseventsd Thumbs.db ehthumbs.db desktop.ini",
    ),
    PrivateKind("installed packages", "node_modules .venv .yarn .pnpm-store"),
)
"""Names of private files, compared without regard to case.

What several tools leave out, with few false positives: Vercel's defaults, Wrangler's, Netlify's and Firebase's
(``node_modules``; the latter two also every hidden file), and the names under which programs keep keys and passwords.
A hidden file as such is not private: builds have ``.well-known/``, ``.vite/`` and ``.nojekyll``.
"""

SHOWN = 3
"""How many private files an error names."""

_COPIES = (
    *(".bak", ".backup", ".old", ".orig", ".save", ".copy"),
    *(".gz", ".br", ".zst", ".xz", ".bz2", ".zip", ".7z", ".tar", ".tgz"),
)
"""Endings that people and tools add to a file's name for a copy of it, or to a folder's, packed or not."""

_SOURCE_MAP = re.compile(r"\.(?:[cm]?[jt]sx?|css|wasm)\.map(?:\.(?:gz|br|zst))?$", re.IGNORECASE)
_WILD = re.compile(r"[*?\[]")
_WILDCARD = re.compile(r"[*?]|\[[^]]*\]")


class Private(NamedTuple):
    """A private file, or a folder of private files.

    Attributes:
        path: The path below the build's directory; that of a folder ends with a slash.
        why: The reason, for people.
    """

    path: str
    why: str

    @property
    def glob(self) -> str:
        """The glob that names it, and nothing else."""
        literal = re.sub(r"[*?\[{}]", r"[\g<0>]", self.path).replace("\\", "?")
        return literal if "/" in self.path.rstrip("/") else f"/{literal}"


class PrivateFiles:
    """Finds the private files of a build.

    Args:
        directory: The build's directory.
        links: Path of a link below it -> the path to which it leads.
    """

    def __init__(self, directory: Path, links: Mapping[str, str]) -> None:
        self._real = os.path.join(os.path.realpath(directory), "")  # noqa: PTH118 (a text to compare with)
        self._links = {name: why for name, to in links.items() if (why := self._of_link(to)) is not None}
        self._folders: dict[str, Private | None] = {}

    def find(self, name: str) -> Private | None:
        """The private file or folder that a file belongs to; None if it is not private.

        Args:
            name: The path below the site's prefix.
        """
        folder, slash, base = name.rpartition("/")
        found = self._folder(folder) if slash else None
        if found is None:
            why = self._links.get(name) or _kind_of(base)
            found = None if why is None else Private(name, why)
        return found

    def _folder(self, path: str) -> Private | None:
        """The highest private folder of a path."""
        if path not in self._folders:
            above, slash, name = path.rpartition("/")
            found = self._folder(above) if slash else None
            if found is None:
                what = self._links.get(path) or _kind_of(name)
                found = None if what is None else Private(f"{path}/", what)
            self._folders[path] = found
        return self._folders[path]

    def _of_link(self, to: str) -> str | None:
        """Why what a link leads to is not published; None if it may be."""
        if not os.path.join(to, "").startswith(self._real):  # noqa: PTH118 (as above)
            return f"a link out of the build, to {to!r}"
        inside = to[len(self._real) :]
        what = next(filter(None, map(_kind_of, Path(inside).parts)), None)
        return what and f"a link to {inside!r}: {what}"


def refuse_private(
    directory: Path,
    files: Iterable[AnyFile],
    links: Mapping[str, str],
    allow: Iterable[str],
    is_skipped: Callable[[str], bool],
) -> None:
    """Refuse a build that holds private files.

    Args:
        directory: The build's directory.
        files: Its files.
        links: Path of a link below the directory -> the path to which it leads.
        allow: Globs that name the private files to publish.
        is_skipped: Whether the user leaves out the file of this name.

    Raises:
        UsageError: The first private files, and how to publish or to skip them.
    """
    private = PrivateFiles(directory, links)
    allowed = _matcher(allow)
    refused: dict[Private, None] = {}
    for file in files:
        found = private.find(file.name)
        if found is not None and not allowed.fullmatch(file.name) and not is_skipped(file.name):
            refused.setdefault(found)
    if not refused:
        return
    some = list(refused)[:SHOWN]
    more = f" and {len(refused) - len(some)} more" if len(refused) > len(some) else ""
    named = ", ".join(f"{each.path!r} ({each.why})" for each in some)
    allowing = shlex.join(part for each in some for part in ("--allow", each.glob))
    msg = (
        f"{str(directory)!r} holds private files: {named}{more}; take them out of the build, leave them out with "
        f"--exclude, or publish them on purpose with {allowing}"
    )
    raise UsageError(msg)


def check_globs(option: str, globs: Iterable[str]) -> None:
    """Check the globs that an option gives.

    Raises:
        UsageError: One of them is not a valid glob.
    """
    for glob in globs:
        try:
            translate(glob)
        except GlobError as error:
            msg = f"{option}: {glob!r} {error}"
            raise UsageError(msg) from error


def source_maps(names: Iterable[str], allow: Iterable[str]) -> int:
    """How many of these files are source maps, which show the build's source code, and are not allowed by name."""
    allowed = _matcher(allow)
    maps = (name for name in names if ".map" in name.lower() and _SOURCE_MAP.search(name))
    return sum(not allowed.fullmatch(name) for name in maps)


def _matcher(allow: Iterable[str]) -> re.Pattern[str]:
    """An expression for the names of all allowed files."""
    return re.compile("|".join(translate(glob) for glob in allow) or r"(?!)", re.DOTALL)


def _kind_of(name: str) -> str | None:
    """What a file or folder of this name is; None if it is not private. A copy of a private file is private too."""
    name = name.lower()
    while name.endswith(_COPIES):
        name = name.rpartition(".")[0]
    known = _EXACT.get(name) or _ENDINGS.get(name.rpartition(".")[2])
    if known is not None:
        return known
    if not _may_match(name):
        return None
    return next((what for expression, what in _WILD_NAMES if expression.match(name)), None)


def _may_match(name: str) -> bool:
    """Whether one of the globs may match: nearly every name begins with no glob's beginning, and has no glob's text.

    One expression for all the globs takes four times as long.
    """
    if name.startswith(_BEGINNINGS):
        return True
    for text in _TEXTS:  # noqa: SIM110 (`any` would take as long as the expression)
        if text in name:
            return True
    return False


def _is_ending(name: str) -> bool:
    return name.startswith("*.") and "." not in name[2:] and not _WILD.search(name[2:])


_EXACT = {name.lower(): kind.what for kind in PRIVATE for name in kind.names if not _WILD.search(name)}
_ENDINGS = {name[2:]: kind.what for kind in PRIVATE for name in kind.names if _is_ending(name)}
_GLOBS = [
    (name.lower(), kind.what) for kind in PRIVATE for name in kind.names if _WILD.search(name) and not _is_ending(name)
]
_WILD_NAMES = [(re.compile(fnmatch.translate(glob)), what) for glob, what in _GLOBS]
_LITERALS = [_WILDCARD.split(glob) for glob, _ in _GLOBS]
"""The texts between the wildcards of each glob."""
_BEGINNINGS = tuple({first for first, *_ in _LITERALS if first})
_TEXTS = tuple({max(texts, key=len) for texts in _LITERALS if not texts[0]})
"""The longest text of each glob that begins with a wildcard."""
