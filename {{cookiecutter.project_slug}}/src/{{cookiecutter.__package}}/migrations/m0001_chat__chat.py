"""The tables of the chat, and its first room.

Revision: 0001
Revises:
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = ("default",)
depends_on = None


def upgrade() -> None:
    """Go there."""
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(40), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_sessions"),
    )
    rooms = op.create_table(
        "rooms",
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("last_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_rooms"),
    )
    op.create_table(
        "messages",
        sa.Column("room", sa.String(80), nullable=False),
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("author_id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Uuid(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["author_id"], ["sessions.id"], name="fk_messages_author_id"),
        sa.ForeignKeyConstraint(["room"], ["rooms.name"], name="fk_messages_room"),
        sa.PrimaryKeyConstraint("room", "id", name="pk_messages"),
        sa.UniqueConstraint(
            "room", "author_id", "client_id", name="uq_messages_room_author_id_client_id"
        ),
    )
    op.create_index("ix_messages_author_id", "messages", ["author_id"])
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
    op.bulk_insert(rooms, [{"name": "lobby", "last_id": 0}])


def downgrade() -> None:
    """Go back."""
    for table in ("memberships", "connections", "processes", "messages", "rooms", "sessions"):
        op.drop_table(table)
