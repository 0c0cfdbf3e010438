"""Programs that tests need and that this machine may not have."""

import os
import shutil
from pathlib import Path

import pytest

# Where the tests decide over a change, a test that did not run must not look like one that passed.
REQUIRED = any(os.environ.get(name, "") not in ("", "0") for name in ("CI", "REQUIRE_PROGRAMS"))


def program(name: str) -> Path:
    """Return the path of a program, or skip the test; with REQUIRE_PROGRAMS=1, fail it."""
    found = shutil.which(name)
    if found:
        return Path(found)
    reason = f"{name} is not installed"
    if REQUIRED:
        pytest.fail(reason)
    pytest.skip(f"{reason}; REQUIRE_PROGRAMS=1 makes this a failure")
