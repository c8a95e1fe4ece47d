"""Obtains Django's source distribution through the user's own pip, checks its hash, reads the documentation from it.

Nothing is unpacked: pages are read from the archive. Knows nothing of their conversion.
"""

import os
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from pathlib import Path

from core.errors import PackError
from core.files import sha256_file

VERSION = "5.2.19"
SHA256 = "ad03d8abc51dbff95ebf34b27123cf0c26a3b62db7ba0cd520783686362533d1"
OVERRIDE = "GRAFT_DJANGO_SDIST"

_ROOT = f"django-{VERSION}/docs/"
_MAX_PAGE = 4 << 20  # bytes; the longest page has a tenth of that
# Tools and the manual page's copy of ref/django-admin; nothing a reader of the site sees.
_LEFT_OUT = ("_ext/", "_theme/", "man/", "requirements.txt")
# Release notes before 4.0 describe versions that nobody supports and answer questions about 5.2 wrongly;
# later ones are kept, since people still upgrade from those versions.
_FIRST_RELEASE = 4


def read_pages(on_progress: Callable[[str], None]) -> dict[str, str]:
    """Every page of the documentation, name without suffix (`ref/checks`) -> reStructuredText source.

    Raises PackError without a network, or when the archive is not the pinned one.
    """
    if given := os.environ.get(OVERRIDE):
        path = Path(given)
        if not path.is_file():
            raise PackError(f"{OVERRIDE} names {path}, which does not exist: correct or unset it")
        return _pages(_checked(path, f"set {OVERRIDE} to django-{VERSION}.tar.gz"))
    with tempfile.TemporaryDirectory(prefix="graft-django-") as folder:
        on_progress(f"downloading the Django {VERSION} source distribution")
        return _pages(_checked(_download(Path(folder)), "check your package index"))


def is_wanted(page: str) -> bool:
    """Whether the page belongs in the corpus."""
    if not page.startswith("releases/"):
        return True
    major = page.removeprefix("releases/").split(".", 1)[0]
    return not major.isdigit() or int(major) >= _FIRST_RELEASE


def _download(folder: Path) -> Path:
    """Let pip fetch the archive, with its own configuration, proxies and mirrors.

    pip checks the hash before it looks inside. It then asks setuptools for the metadata, in an environment of its own;
    Django has no setup script, so none of its code runs. Nothing is installed.
    """
    requirement = folder / "requirement.txt"
    requirement.write_text(f"django=={VERSION} --hash=sha256:{SHA256}\n", encoding="utf-8")
    command = [
        *(sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"),
        *("--no-binary", "django", "--require-hashes"),
        *("--requirement", str(requirement), "--dest", str(folder)),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = next(folder.glob("[dD]jango-*.tar.gz"), None)
    if found is None:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR")]
        cause = (errors or lines or ["pip gave no reason"])[-1].rstrip(".")
        raise PackError(
            f"cannot download Django {VERSION} ({cause}): check the network and pip's index, "
            f"or set {OVERRIDE} to a django-{VERSION}.tar.gz"
        )
    return found


def _checked(path: Path, remedy: str) -> Path:
    if (found := sha256_file(path)) != SHA256:
        raise PackError(f"{path.name} is not the pinned Django {VERSION} archive (sha256 {found[:12]}...): {remedy}")
    return path


def _pages(path: Path) -> dict[str, str]:
    pages: dict[str, str] = {}
    with tarfile.open(path) as archive:
        for member in archive:
            page = member.name.removeprefix(_ROOT)
            if page == member.name or not page.endswith(".txt") or page.startswith(_LEFT_OUT):
                continue
            file = archive.extractfile(member) if member.isfile() and member.size <= _MAX_PAGE else None
            if file is not None:
                pages[page.removesuffix(".txt")] = file.read().decode("utf-8")
    if not pages:
        raise PackError(f"{path.name} holds no documentation under {_ROOT}")
    return dict(sorted(pages.items()))
