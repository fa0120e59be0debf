"""Registered model versions: what they were fitted on, what they are, from when they count."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from cjp_fraud.storage.base import Base, Id, Recorded, Sha256


class FollowedZoneChange(Base):
    """A tenant's change of time zone after which its days are folded again; no row ever changes.

    Written together with the change of traffic that makes those days due.
    """

    __tablename__ = "followed_zone_changes"
    NOT_AUDITED = "bookkeeping of what is folded again; no decision reads it"

    zone_change_id: Mapped[str] = mapped_column(
        ForeignKey("zone_changes.id"), primary_key=True, comment="the change that is followed"
    )
    followed_at: Mapped[datetime] = mapped_column(comment="the clock when it was followed")
    traffic_from: Mapped[datetime | None] = mapped_column(
        comment="first interval that the lake still had, UTC; null: none"
    )


class ModelVersion(Recorded, Base):
    """One fitted version; no row ever changes."""

    __tablename__ = "model_versions"
    __table_args__ = (CheckConstraint("window_from < window_to", name="window"),)

    id: Mapped[Id]
    monday: Mapped[datetime] = mapped_column(unique=True, comment="Monday 00:00 UTC that it was fitted for")
    window_from: Mapped[datetime] = mapped_column(comment="first moment of the rows fitted on")
    window_to: Mapped[datetime] = mapped_column(comment="end of the rows fitted on (exclusive)")
    fitted_at: Mapped[datetime] = mapped_column(comment="the clock when it was fitted")
    recipe_version: Mapped[str] = mapped_column(
        String(40), comment="version of the recipe's shipped constants"
    )
    parameters: Mapped[dict[str, Any]] = mapped_column(comment="parameters of the forests")
    features: Mapped[list[str]] = mapped_column(comment="names of the forest's features, in order")
    lake_versions: Mapped[dict[str, Any]] = mapped_column(comment="Delta version of each table read")
    library_versions: Mapped[dict[str, Any]] = mapped_column(comment="versions of the libraries used")
    metrics: Mapped[dict[str, Any]] = mapped_column(
        comment="of the window: days, series-weeks, flags, episodes, cases at the threshold, stability indices"
    )
    threshold: Mapped[float] = mapped_column(comment="score (-log10 p) from which an interval may be flagged")
    clock_thresholds: Mapped[dict[str, Any]] = mapped_column(
        comment="the same of each longer clock, by its name"
    )
    episodes_per_series_week: Mapped[float] = mapped_column(
        comment="budget that the threshold was chosen for"
    )
    cases_per_day: Mapped[float] = mapped_column(comment="budget that the threshold was chosen for")
    standing_version_id: Mapped[str | None] = mapped_column(
        ForeignKey("model_versions.id"),
        comment="version in force that it was tried against; null: the initial one",
    )
    trials: Mapped[dict[str, Any]] = mapped_column(
        comment="what both find where the truth is known: recall and false episodes; empty: nothing to try them on"
    )
    waits_because: Mapped[list[str]] = mapped_column(
        comment="why it was not promoted when it was fitted; empty: it was"
    )
    file_name: Mapped[str] = mapped_column(String(200), comment="skops file in the model folder")
    sha256: Mapped[Sha256] = mapped_column(comment="SHA-256 of the file")
    size_bytes: Mapped[int] = mapped_column(comment="size of the file")


class ModelPromotion(Recorded, Base):
    """From when on a version counts; a version may be promoted again, and no row ever changes."""

    __tablename__ = "model_promotions"
    __table_args__ = (Index("ix_model_promotions_valid_from", "valid_from"),)

    id: Mapped[Id]
    model_version_id: Mapped[str] = mapped_column(ForeignKey("model_versions.id"), comment="version promoted")
    promoted_at: Mapped[datetime] = mapped_column(comment="the clock when it was promoted")
    valid_from: Mapped[datetime] = mapped_column(comment="intervals from here on use it; a UTC midnight")
    because_text_id: Mapped[str | None] = mapped_column(
        ForeignKey("personal_texts.id"),
        comment="why it is promoted anyway; null: nothing spoke against it",
    )
