"""Programs that some tests need and no requirement brings: `.ci/run` installs them where root may."""

from __future__ import annotations

import os
import shutil

import pytest

_PLACES = f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


def needed(program: str, package: str, untried: str) -> str:
    """The path of a program. Without it the test says what was not tried; where `.ci/run` runs, it fails."""
    found = shutil.which(program, path=_PLACES)
    if found is None:
        missing(f"no {program} on this machine, so {untried}", package)
    return str(found)


def missing(what: str, package: str) -> None:
    """Ends the test: something of a Debian package is not there."""
    if os.environ.get("CI"):
        pytest.fail(f"{what}: .ci/run should have installed it")
    pytest.skip(f"{what} (Debian: apt install {package})")
