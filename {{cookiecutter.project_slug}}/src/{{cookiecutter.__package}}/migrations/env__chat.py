"""What Alembic runs for every command."""

from typing import Any, Literal

from alembic import context
from sqlalchemy import TypeDecorator


def render(kind: str, item: Any, _: Any) -> str | Literal[False]:
    """Write a type of the models down as what the database makes of it."""
    is_ours = kind == "type" and isinstance(item, TypeDecorator)
    return f"sa.{item.impl_instance!r}" if is_ours else False


attributes = context.config.attributes
context.configure(
    connection=attributes["connection"],
    target_metadata=attributes["metadata"],
    # All of a migration or nothing, on SQLite too; what SQLite cannot alter is copied.
    transactional_ddl=True,
    render_as_batch=True,
    render_item=render,
)
with context.begin_transaction():
    context.run_migrations()
