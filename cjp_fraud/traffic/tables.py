"""What the database keeps of traffic: which intervals changed, and how far the regular runs have come."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import CheckConstraint, Index, SmallInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from cjp_fraud.storage.base import Base, IdOf, new_id


class TrafficChange(Base):
    """A tenant's intervals that an ingest is about to change; written before the lake, so that no change is missed.

    After a kill between the two it names days that did not change: folding them again does no harm.
    """

    __tablename__ = "traffic_changes"
    ROWS_CHANGE = True
    NOT_AUDITED = "bookkeeping of what is still to be folded and scored; no decision reads it"
    __table_args__ = (
        CheckConstraint("first_interval <= last_interval", name="in_order"),
        Index("ix_traffic_changes_folded_at_tenant_id", "folded_at", "tenant_id"),
        Index("ix_traffic_changes_scored_at_bucket", "scored_at", "bucket"),
        {"comment": "intervals of traffic that changed and must be folded and scored (again)"},
    )

    id: Mapped[IdOf] = mapped_column(primary_key=True, default=new_id, comment="UUIDv7")
    tenant_id: Mapped[str] = mapped_column(String(200), comment="whose traffic changed")
    bucket: Mapped[int] = mapped_column(SmallInteger, comment="the tenant's bucket in the lake")
    first_interval: Mapped[datetime] = mapped_column(comment="first changed interval_start, UTC")
    last_interval: Mapped[datetime] = mapped_column(comment="last changed interval_start, UTC")
    recorded_at: Mapped[datetime] = mapped_column(comment="when the ingest recorded it, UTC")
    folded_at: Mapped[datetime | None] = mapped_column(
        comment="when its local days were folded again; null: not yet"
    )
    scored_at: Mapped[datetime | None] = mapped_column(
        comment="when its intervals were scored again; null: not yet"
    )
    scored_open_at: Mapped[datetime | None] = mapped_column(
        comment="when its intervals were scored while their hour was open; null: not yet, or it was closed by then"
    )

    def cut_at(self, at: datetime) -> TrafficChange:
        """Let this change begin at ``at`` (aware); return a new one, not in a session yet, of what lies before."""
        before = TrafficChange(
            tenant_id=self.tenant_id,
            bucket=self.bucket,
            first_interval=self.first_interval,
            last_interval=at - timedelta(seconds=1),
            recorded_at=self.recorded_at,
            folded_at=self.folded_at,
            scored_at=self.scored_at,
            scored_open_at=self.scored_open_at,
        )
        self.first_interval = at
        return before


class Watermark(Base):
    """How far a regular run has come."""

    __tablename__ = "watermarks"
    ROWS_CHANGE = True
    NOT_AUDITED = "bookkeeping of how far a run has come; no decision reads it"
    __table_args__ = ({"comment": "how far each regular run has come"},)

    name: Mapped[str] = mapped_column(String(100), primary_key=True, comment="which run")
    at: Mapped[datetime] = mapped_column(comment="everything before this moment is done, UTC")
