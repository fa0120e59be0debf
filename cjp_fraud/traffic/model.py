"""The words of traffic: what is wrong with a row, what a tenant is to traffic, what became of a delivery."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from typing import Any

from cjp_fraud.errors import BadInputError


class Reason(StrEnum):
    """Why a row is in quarantine."""

    MALFORMED = "malformed"
    UNKNOWN_TENANT = "unknown_tenant"
    MISSING_TENANT = "missing_tenant"
    UNKNOWN_CHANNEL = "unknown_channel"
    UNKNOWN_DIRECTION = "unknown_direction"
    BAD_STAMP = "bad_stamp"
    NO_ZONE = "no_zone"
    FUTURE = "future"
    BAD_INTERVAL = "bad_interval"
    NOT_A_NUMBER = "not_a_number"
    NEGATIVE = "negative"
    FRACTIONAL = "fractional"
    OUT_OF_RANGE = "out_of_range"
    COUNTRY_TWICE = "country_twice"
    BAD_TEXT = "bad_text"
    DISAGREES = "disagrees"
    TOTAL_OR_REST = "total_or_rest"
    TOO_LATE = "too_late"


class UnreadableFileError(BadInputError):
    """The source is missing, empty, cut short, or not in the format that it claims."""


class MissingColumnsError(BadInputError):
    """A required column is not in the source, or the column mapping does not fit it."""


class FileChangedError(BadInputError):
    """The file was written to while it was read."""


@dataclass(frozen=True, slots=True)
class TenantTraffic:
    """What traffic needs to know of a tenant.

    Parameters
    ----------
    tenant_id : the tenant.
    time_zone : IANA name.
    deployment_accepted : whether the provider runs the deployment (offer description, clause 3); where it
        does not, or nobody knows, its rows are counted and nothing of them is kept.
    """

    tenant_id: str
    time_zone: str
    deployment_accepted: bool


@dataclass(frozen=True, slots=True)
class Rejection:
    """One row that cannot be used as it is."""

    line: int
    reason: Reason
    explanation: str
    tenant_id: str | None
    content: dict[str, object]


@dataclass(frozen=True, slots=True)
class Quarantined:
    """One row in quarantine.

    Parameters
    ----------
    quarantine_id : the origin's digest (first 16 digits) and the line.
    source : the name of the file, query or feed that the row came from.
    line : line or row number in the source.
    content : the row as delivered, under our column names; a line that is no row under ``line``.
    """

    quarantine_id: str
    reason: Reason
    explanation: str
    source: str
    source_sha256: str
    line: int
    tenant_id: str | None
    content: Mapping[str, Any]
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What became of the rows read: ``read`` is stored + replaced + unchanged + quarantined + refused.

    Parameters
    ----------
    files : names of the sources, in order.
    read : rows in the sources.
    stored : new keys.
    replaced : keys whose values changed.
    unchanged : keys that were there with the same values.
    quarantined : rows that cannot be used as they are.
    refused : rows of deployments that the provider does not run; nothing of them is kept.
    reasons : quarantined rows by reason.
    taken_away : earlier rows that rows of a correcting source took away, because they cover their whole time;
        zeros that a complete source left out are among them.
    intervals_changed : intervals of the grid, series by series, in which the traffic changed.
    outweighed : rows read that do not count in the traffic, because in their interval another step of the series
        does.
    parts_of_totals : rows read that do not count, because a row without principal is their sum.
    ignored : names of the sources' columns that are none of ours; nothing of them is read.
    """

    files: tuple[str, ...] = ()
    read: int = 0
    stored: int = 0
    replaced: int = 0
    unchanged: int = 0
    quarantined: int = 0
    refused: int = 0
    reasons: Mapping[str, int] = field(default_factory=dict)
    taken_away: int = 0
    intervals_changed: int = 0
    outweighed: int = 0
    parts_of_totals: int = 0
    ignored: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Whether anything of what is stored changed but the quarantine."""
        return self.stored + self.replaced + self.taken_away + self.intervals_changed > 0

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about rows that do not count and columns that were not read."""
        notes = []
        if self.outweighed:
            notes.append(
                f"{self.outweighed:,} of the rows read do not count: other rows of the same series cover their "
                "intervals at a finer step, or more of them. If the new rows correct the old ones, deliver them "
                "with --corrects."
            )
        if self.parts_of_totals:
            notes.append(
                f"{self.parts_of_totals:,} of the rows read do not count: a row without principal_id is their "
                "total and counts for them."
            )
        if self.ignored:
            notes.append(
                f"Columns ignored: {', '.join(self.ignored)}. If one is ours by another name: --map THEIRS=OURS."
            )
        return tuple(notes)

    def __add__(self, other: IngestResult) -> IngestResult:
        sums = {
            f.name: getattr(self, f.name) + getattr(other, f.name)
            for f in fields(self)
            if f.name not in ("reasons", "ignored")
        }
        reasons = dict(Counter(self.reasons) + Counter(other.reasons))
        ignored = tuple(dict.fromkeys((*self.ignored, *other.ignored)))
        return IngestResult(**sums, reasons=reasons, ignored=ignored)
