"""How migrations write our column types: as SQLAlchemy's, so that they import nothing of ours that may change."""

from __future__ import annotations

from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext
from sqlalchemy import JSON

from cjp_fraud.storage.base import UtcDateTime


def render(kind: str, item: Any, autogenerating: AutogenContext) -> str | Literal[False]:
    """Return the code of a column's type; False: as Alembic writes it."""
    if kind == "type" and isinstance(item, UtcDateTime):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and isinstance(item, JSON):
        autogenerating.imports.add("from sqlalchemy.dialects import postgresql")
        return 'sa.JSON().with_variant(postgresql.JSONB(), "postgresql")'
    return False
