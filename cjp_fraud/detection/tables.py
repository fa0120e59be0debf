"""Registered model versions: what they were fitted on, what they are, from when they count."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from cjp_fraud.storage.base import Base, Id, JsonDocument, Recorded, Sha256
from features.counting_clocks import Clock


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


class ThresholdSetting(Recorded, Base):
    """A threshold that an admin has set for a clock, or taken back; no row ever changes."""

    __tablename__ = "threshold_settings"
    __table_args__ = (CheckConstraint("threshold > 0", name="threshold"),)

    id: Mapped[Id]
    clock: Mapped[Clock] = mapped_column(comment="the clock whose flags need it")
    threshold: Mapped[float | None] = mapped_column(
        comment="score (-log10 p) that a flag needs; null: the model version's own counts again"
    )
    set_at: Mapped[datetime] = mapped_column(comment="the clock when it was set")
    set_by: Mapped[str] = mapped_column(ForeignKey("users.id"), comment="the admin")
    valid_from: Mapped[datetime] = mapped_column(comment="intervals from here on use it; a UTC midnight")
    because_text_id: Mapped[str] = mapped_column(ForeignKey("personal_texts.id"), comment="why")


class ShadowRun(Recorded, Base):
    """Thresholds that each detection tries beside those in force, without cases or letters; stopped at most once."""

    __tablename__ = "shadow_runs"
    __table_args__ = (CheckConstraint("started_at < ends_at", name="ends"),)
    ROWS_CHANGE = True

    id: Mapped[Id]
    thresholds: Mapped[dict[str, Any]] = mapped_column(comment="score that a flag needs, by clock")
    model_version_id: Mapped[str | None] = mapped_column(
        ForeignKey("model_versions.id"), comment="version whose thresholds they are; null: typed in"
    )
    started_at: Mapped[datetime] = mapped_column(comment="detections from here on try it")
    ends_at: Mapped[datetime] = mapped_column(comment="detections from here on do not")
    stopped_at: Mapped[datetime | None] = mapped_column(comment="when somebody stopped it; null: nobody did")


class ShadowHour(Base):
    """What a shadow run and the thresholds in force flag in a UTC hour; the hour's next detection writes it anew."""

    __tablename__ = "shadow_hours"
    NOT_AUDITED = "it is computed from the traffic beside what counts, and no decision reads it"
    ROWS_CHANGE = True

    shadow_run_id: Mapped[str] = mapped_column(ForeignKey("shadow_runs.id"), primary_key=True)
    hour: Mapped[datetime] = mapped_column(primary_key=True, comment="its beginning, UTC")
    flags: Mapped[int] = mapped_column(comment="that the shadow would have recorded")
    flags_in_force: Mapped[int] = mapped_column(comment="that the thresholds in force flag")
    flagged: Mapped[list[Any]] = mapped_column(
        JsonDocument, comment="the intervals with the highest scores among both, with who flags them"
    )


class ShadowFailure(Base):
    """A detection in which a shadow run failed; what counts was recorded all the same."""

    __tablename__ = "shadow_failures"
    __table_args__ = (Index("ix_shadow_failures_shadow_run_id", "shadow_run_id"),)
    NOT_AUDITED = "it says that a trial failed, and no decision reads it"

    id: Mapped[Id]
    shadow_run_id: Mapped[str] = mapped_column(ForeignKey("shadow_runs.id"), comment="the run that failed")
    at: Mapped[datetime] = mapped_column(comment="the clock of the detection")
    error: Mapped[str] = mapped_column(Text, comment="what went wrong, cut to 500 characters")
