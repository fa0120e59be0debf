"""Registered model versions: what they were fitted on, what they are, from when they count."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, Float, ForeignKey, Index, Integer, String
from sqlalchemy.orm import Mapped, mapped_column

from cjp_fraud.storage.base import Base, JsonDocument, UtcDateTime, id_column, new_id


class FollowedZoneChange(Base):
    """A tenant's change of time zone after which its days are folded again; no row ever changes.

    Written together with the change of traffic that makes those days due.
    """

    __tablename__ = "followed_zone_changes"
    NOT_AUDITED = "bookkeeping of what is folded again; no decision reads it"

    zone_change_id: Mapped[str] = mapped_column(
        ForeignKey("zone_changes.id"), primary_key=True, comment="the change that is followed"
    )
    followed_at: Mapped[datetime] = mapped_column(UtcDateTime, comment="the clock when it was followed")
    traffic_from: Mapped[datetime | None] = mapped_column(
        UtcDateTime, comment="first interval that the lake still had, UTC; null: none"
    )


class ModelVersion(Base):
    """One fitted version; no row ever changes."""

    __tablename__ = "model_versions"
    __table_args__ = (CheckConstraint("window_from < window_to", name="window"),)

    id: Mapped[str] = mapped_column(id_column(), primary_key=True, default=new_id)
    monday: Mapped[datetime] = mapped_column(
        UtcDateTime, unique=True, comment="Monday 00:00 UTC that it was fitted for"
    )
    window_from: Mapped[datetime] = mapped_column(UtcDateTime, comment="first moment of the rows fitted on")
    window_to: Mapped[datetime] = mapped_column(UtcDateTime, comment="end of the rows fitted on (exclusive)")
    fitted_at: Mapped[datetime] = mapped_column(UtcDateTime, comment="the clock when it was fitted")
    recipe_version: Mapped[str] = mapped_column(
        String(40), comment="version of the recipe's shipped constants"
    )
    parameters: Mapped[dict[str, Any]] = mapped_column(
        JsonDocument, comment="estimators' parameters, constants"
    )
    features: Mapped[list[str]] = mapped_column(
        JsonDocument, comment="names of the forest's features, in order"
    )
    lake_versions: Mapped[dict[str, Any]] = mapped_column(
        JsonDocument, comment="Delta version of each table read"
    )
    library_versions: Mapped[dict[str, Any]] = mapped_column(
        JsonDocument, comment="versions of the libraries used"
    )
    metrics: Mapped[dict[str, Any]] = mapped_column(JsonDocument, comment="rows, series, episodes, rates")
    threshold: Mapped[float] = mapped_column(
        Float, comment="score (-log10 p) from which an interval may be flagged"
    )
    file_name: Mapped[str] = mapped_column(String(200), comment="skops file in the model folder")
    sha256: Mapped[str] = mapped_column(String(64), comment="SHA-256 of the file")
    size_bytes: Mapped[int] = mapped_column(Integer, comment="size of the file")


class ModelPromotion(Base):
    """From when on a version counts; a version may be promoted again, and no row ever changes."""

    __tablename__ = "model_promotions"
    __table_args__ = (Index("ix_model_promotions_valid_from", "valid_from"),)

    id: Mapped[str] = mapped_column(id_column(), primary_key=True, default=new_id)
    model_version_id: Mapped[str] = mapped_column(ForeignKey("model_versions.id"), comment="version promoted")
    promoted_at: Mapped[datetime] = mapped_column(UtcDateTime, comment="the clock when it was promoted")
    valid_from: Mapped[datetime] = mapped_column(
        UtcDateTime, comment="intervals from here on use it; a UTC midnight"
    )
