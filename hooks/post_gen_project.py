"""Keep the files of the chosen answers, drop the others, and say what to do next.

`name__choice.ext` is for the service that chose `choice`, `name__choice__other.ext` for either of
the two. A kept file loses its choices: `name.ext`.
"""

import json
import os
import re
import shutil
from contextlib import suppress
from pathlib import Path

CHOICES = {
    "license": ("MIT", "BSD-3-Clause", "Apache-2.0", "Proprietary"),
    "starter": ("chat", "minimal"),
    "async_mode": ("eventlet", "gevent", "threading"),
    "class_views": ("flask-classful", "flask-classy"),
}
# Generating over an existing service must not reach into what it has installed.
FOREIGN = {".git", ".venv"}

ANY_CHOICE = "|".join(re.escape(choice) for choices in CHOICES.values() for choice in choices)
MARKED = re.compile(rf"(?P<stem>.+?)(?P<choices>(?:__(?:{ANY_CHOICE}))+)(?P<suffix>\..*)?")


def settle(path: Path, chosen: set[str]) -> None:
    """Rename a marked file of a chosen answer, delete one of another answer, leave the rest."""
    marked = MARKED.fullmatch(path.name)
    if not marked:
        return
    if chosen.isdisjoint(marked["choices"].split("__")):
        path.unlink()
        with suppress(OSError):
            # With the last file of it, a folder goes; one that still holds something stays.
            os.removedirs(path.parent)
    else:
        path.replace(path.with_name(marked["stem"] + (marked["suffix"] or "")))


def main() -> None:
    """Settle every file of the service and print the next two commands."""
    answers = json.loads(r"""{{ cookiecutter | tojson }}""")
    chosen = {answers[question] for question in CHOICES}
    for folder, folders, files in os.walk("."):
        folders[:] = sorted(set(folders) - FOREIGN)
        for name in sorted(files):
            settle(Path(folder, name), chosen)

    slug = answers["project_slug"]
    print(f"\nYour service is in {slug}. Next:\n")
    print(f"  cd {slug}")
    print(f"  uv run {slug}")
    print("\nIts tests: uv run pytest")
    if not shutil.which("uv"):
        print("uv is not installed yet: pip install uv")


if __name__ == "__main__":
    main()
