"""Until when cases are held or put aside, and where their service clocks stand, as of a moment."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Protocol

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cjp_fraud.review.claim_rules import ClaimPolicy
from cjp_fraud.review.leases import CLAIMABLE, leases_on_record, waits_on_record
from cjp_fraud.review.model import Awaited, CaseState
from cjp_fraud.review.service_clock import ServiceClock, service_clock
from cjp_fraud.review.tables import Case

_CASES: Final = select(Case.id, Case.state, Case.opened_at, Case.last_flag_at, Case.claimed_by).where(
    Case.id.in_(bindparam("case_ids", expanding=True))
)


class HeldCase(Protocol):
    """What of a case says how it is held; ``claimed_by`` None: nobody holds it, and no lease of it counts."""

    @property
    def id(self) -> str: ...

    @property
    def state(self) -> CaseState: ...

    @property
    def opened_at(self) -> datetime: ...

    @property
    def last_flag_at(self) -> datetime: ...

    @property
    def claimed_by(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Holding:
    """How a case is held.

    Parameters
    ----------
    holder, lease_ends_at, handed_by : whose lease lasts until when, and who handed it to them; None: nobody's lasts.
    put_aside_until, awaited, promised_by : when it is back at the latest, for what, who put it aside; None: it waits
        for nothing.
    clock : service clock; None: it is decided.
    """

    holder: str | None
    lease_ends_at: datetime | None
    handed_by: str | None
    put_aside_until: datetime | None
    awaited: Awaited | None
    promised_by: str | None
    clock: ServiceClock | None


def holdings(
    session: Session, case_ids: Collection[str], now: datetime, policy: ClaimPolicy
) -> dict[str, Holding]:
    """Return how the cases are held at ``now`` (aware), by id."""
    return holdings_of(session, session.execute(_CASES, {"case_ids": list(case_ids)}).all(), now, policy)


def holdings_of(
    session: Session, cases: Sequence[HeldCase], now: datetime, policy: ClaimPolicy
) -> dict[str, Holding]:
    """Return the same of cases that were read already."""
    states = {case.id: (case.state, case.opened_at, case.last_flag_at) for case in cases}
    claimed = [case.id for case in cases if case.claimed_by is not None]
    leases = leases_on_record(session, claimed, now) if claimed else {}
    waits = waits_on_record(session, states)
    holding_of_case = {}
    for case_id, (state, opened_at, last_flag_at) in states.items():
        of_case = waits.get(case_id, [])
        lease = leases.get(case_id)
        lasting = next(
            ((wait, name) for wait, name in reversed(of_case) if wait.lasts(now, last_flag_at)), None
        )
        if state not in CLAIMABLE:
            lasting = None
        stops = [wait.clock_stop for wait, _ in of_case if wait.awaited is Awaited.CUSTOMER]
        holding_of_case[case_id] = Holding(
            holder=lease.holder if lease else None,
            lease_ends_at=lease.ends_at if lease else None,
            handed_by=lease.handed_by if lease else None,
            put_aside_until=lasting[0].until if lasting else None,
            awaited=lasting[0].awaited if lasting else None,
            promised_by=lasting[1] if lasting else None,
            clock=service_clock(opened_at, policy.service, stops, now) if state in CLAIMABLE else None,
        )
    return holding_of_case
