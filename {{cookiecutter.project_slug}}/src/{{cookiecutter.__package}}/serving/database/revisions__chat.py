# Owned by the template: an update may change this file.
"""Whether a database is up to date, without Alembic, which takes a tenth of a start to import."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from sqlalchemy import Engine, inspect, text

_REVISION = re.compile(r"^(down_)?revision\b[^=\n]*=(.+)$", re.MULTILINE)


def is_up_to_date(engine: Engine, folder: Path) -> bool:
    """Tell whether a database has the newest migrations; if in doubt, Alembic has to find out.

    :param engine: of the database.
    :param folder: the migrations.
    :raises sqlalchemy.exc.SQLAlchemyError: the database does not answer.
    """
    with engine.connect() as connection:
        # Where Alembic keeps the revisions that a database has.
        if not inspect(connection).has_table("alembic_version"):
            return False
        rows = connection.execute(text("SELECT version_num FROM alembic_version"))
        return set(rows.scalars()) == _newest(folder)


def _newest(folder: Path) -> set[str]:
    """Return the revisions that no other one builds upon; none if a file is not plain."""
    newest: set[str] = set()
    former: set[str] = set()
    for file in folder.glob("*.py"):
        for down, value in _REVISION.findall(file.read_text(encoding="utf-8")):
            try:
                named = ast.literal_eval(value.strip())
            except (SyntaxError, ValueError):
                return set()
            known = former if down else newest
            known.update([named] if isinstance(named, str) else named or ())
    return newest - former
