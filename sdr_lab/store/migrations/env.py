"""Run by Alembic. The connection comes from `sdr_lab.store.migrate`, never from an ini file."""

from typing import Any, Literal

from alembic import context

from sdr_lab.store.models import Base, UtcTime


def column_type(kind: str, item: Any, _: object) -> str | Literal[False]:
    """Write plain types into revisions, so that old ones don't depend on today's models."""
    return "sa.DateTime(timezone=True)" if isinstance(item, UtcTime) else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Base.metadata,
    render_item=column_type,
    render_as_batch=True,  # SQLite can't alter a column in place
)
with context.begin_transaction():
    context.run_migrations()
