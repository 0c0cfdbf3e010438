# Owned by the template: an update may change this file.
"""The service as a project: its package, its command, and what ``pyproject.toml`` says of it."""

from __future__ import annotations

from importlib.metadata import EntryPoint, entry_points
from pathlib import Path

PACKAGE = __name__.partition(".")[0]
"""The name of the service's package."""
FOLDER = Path(__file__).parents[1]
"""Where that package is."""


def command_name() -> str:
    """Return the command of the service, for messages: ``uv run board``."""
    script = _script()
    return f"uv run {script.name}" if script else f"python -m {PACKAGE}"


def described() -> tuple[str, str, str]:
    """Return the name, the version and the description that ``pyproject.toml`` has."""
    script = _script()
    if script is None or script.dist is None:
        return PACKAGE, "0", ""
    summary = script.dist.metadata.get_all("Summary", [])
    return script.dist.name, script.dist.version, "".join(summary)


def _script() -> EntryPoint | None:
    """Return what is known of the command of the service, if the service is installed."""
    for script in entry_points(group="console_scripts"):
        if script.value.startswith(f"{PACKAGE}.__main__:"):
            return script
    return None
