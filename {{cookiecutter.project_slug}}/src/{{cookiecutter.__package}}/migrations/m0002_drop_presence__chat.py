"""Who is in which room is kept in memory, or in the broker, and no longer here.

Revision: 0002
Revises: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go there."""
    for table in ("memberships", "connections", "processes"):
        op.drop_table(table)


def downgrade() -> None:
    """Go back."""
    op.create_table(
        "processes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_processes"),
    )
    op.create_table(
        "connections",
        sa.Column("sid", sa.String(64), nullable=False),
        sa.Column("process_id", sa.Uuid(), nullable=False),
        sa.Column("session_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["process_id"],
            ["processes.id"],
            name="fk_connections_process_id",
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name="fk_connections_session_id"),
        sa.PrimaryKeyConstraint("sid", name="pk_connections"),
    )
    op.create_index("ix_connections_process_id", "connections", ["process_id"])
    op.create_index("ix_connections_session_id", "connections", ["session_id"])
    op.create_table(
        "memberships",
        sa.Column("room", sa.String(80), nullable=False),
        sa.Column("sid", sa.String(64), nullable=False),
        sa.ForeignKeyConstraint(["room"], ["rooms.name"], name="fk_memberships_room"),
        sa.ForeignKeyConstraint(
            ["sid"], ["connections.sid"], name="fk_memberships_sid", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("room", "sid", name="pk_memberships"),
    )
    op.create_index("ix_memberships_sid", "memberships", ["sid"])
