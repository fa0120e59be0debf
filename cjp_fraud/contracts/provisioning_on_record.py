"""Notices of provisioning on record: entered by the tenants file or by counsel, ended and never erased."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.recording import insert_rows
from cjp_fraud.contracts.model import Origin
from cjp_fraud.contracts.provisioning import ProvisioningNotice
from cjp_fraud.contracts.tables import ProvisioningRecord
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.read_rows import rows_kept

# Made once: to make a statement takes longer than to run it.
_COUNTING: Final = select(ProvisioningRecord).where(
    ProvisioningRecord.subscription_id == bindparam("subscription_id"),
    ProvisioningRecord.counts_at(bindparam("at")),
)


@dataclass(frozen=True, slots=True)
class GivenNotice:
    """What somebody says of a notice of provisioning; see :class:`ProvisioningNotice`."""

    given_on: str | None = None
    part: str | None = None
    how: str | None = None
    proof: str | None = None
    page: str | None = None


@dataclass(frozen=True, slots=True)
class ProvisioningChange:
    """The change by which the notices of a subscription become the given ones; not on record yet."""

    ended: tuple[ProvisioningRecord, ...]
    added: tuple[ProvisioningRecord, ...]

    @property
    def facts(self) -> dict[str, list[str]]:
        """What the log says of it: ids."""
        return {"added": [row.id for row in self.added], "ended": [row.id for row in self.ended]}


def provisioning_change(
    known: Sequence[ProvisioningRecord],
    subscription_id: str,
    wanted: Sequence[GivenNotice],
    origin: Origin,
    source: str,
    at: datetime,
) -> ProvisioningChange | None:
    """Return what must change so that the notices in force are exactly these; None: nothing.

    Parameters
    ----------
    known : those that are in force.
    at : aware; from when on the new ones count, and the others no more. The first ones count since ever.
    """
    said = {row: GivenNotice(row.given_on, row.part, row.how, row.proof, row.page) for row in known}
    kept = {notice for row, notice in said.items() if notice in wanted and row.origin is origin}
    ended = tuple(row for row, notice in said.items() if notice not in kept or row.origin is not origin)
    added = tuple(
        ProvisioningRecord(
            id=new_id(),
            subscription_id=subscription_id,
            valid_from=at if known else None,
            recorded_at=at,
            source=source,
            origin=origin,
            **asdict(notice),
        )
        for notice in dict.fromkeys(wanted)
        if notice not in kept
    )
    return ProvisioningChange(ended, added) if ended or added else None


def put_provisioning(session: Session, changes: Sequence[ProvisioningChange], at: datetime) -> None:
    """Put changes on record; ``at`` (aware) is when what they replace ends."""
    for change in changes:
        for row in change.ended:
            row.valid_to = max(at, row.valid_from or at)
    insert_rows(session, (row for change in changes for row in change.added))


def provisioning_in_force(
    session: Session, subscription_ids: Collection[str]
) -> dict[str, list[ProvisioningRecord]]:
    """Return the notices that nobody has replaced, by subscription."""
    by_subscription: dict[str, list[ProvisioningRecord]] = defaultdict(list)
    for row in session.scalars(
        select(ProvisioningRecord)
        .where(
            ProvisioningRecord.subscription_id.in_(subscription_ids), ProvisioningRecord.valid_to.is_(None)
        )
        .order_by(ProvisioningRecord.id)
    ):
        by_subscription[row.subscription_id].append(row)
    return by_subscription


def provisioning_at(session: Session, subscription_id: str, at: datetime) -> tuple[ProvisioningNotice, ...]:
    """Return the notices that counted at ``at`` (aware), in the order of their days."""
    kept = rows_kept(session, ProvisioningRecord, subscription_id)
    rows = (
        session.scalars(_COUNTING, {"subscription_id": subscription_id, "at": at})
        if kept is None
        else (row for row in kept if row.was_in_force(at))
    )
    return tuple(
        sorted((notice_of(row) for row in rows), key=lambda notice: (notice.given_on or "", notice.id))
    )


def notice_of(row: ProvisioningRecord) -> ProvisioningNotice:
    """Return a row as the rules know it."""
    names: dict[str, Any] = {
        name: getattr(row, name)
        for name in ("id", "given_on", "part", "how", "proof", "page", "source", "recorded_at")
    }
    return ProvisioningNotice(**names)
