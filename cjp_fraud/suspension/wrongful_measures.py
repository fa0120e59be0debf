"""The ledger of wrongful measures: filled by disputes decided for the tenant and by people's findings, and read."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.audit.texts import keep_text
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.contracts.tables import Tenant
from cjp_fraud.documents import from_document
from cjp_fraud.errors import refuse_unless
from cjp_fraud.people.model import Decision, Part, Role
from cjp_fraud.people.participation import record_part
from cjp_fraud.people.tables import User
from cjp_fraud.review.cases import in_words, lock_case, note
from cjp_fraud.review.decision_tables import Dispute, WrongfulMeasure
from cjp_fraud.review.model import EvidenceOccasion, WrongCause
from cjp_fraud.review.narrower_measure import Restriction
from cjp_fraud.review.tables import Case, EvidenceSet
from cjp_fraud.storage.base import new_id
from cjp_fraud.suspension.ledger_rules import OverturnedRate, hours_down, overturned_rate, usual_per_hour
from cjp_fraud.suspension.model import MeasureState
from cjp_fraud.suspension.tables import Measure, Narrowing

_FINDERS: Final = (Role.REVIEWER, Role.APPROVER, Role.COUNSEL)


@dataclass(frozen=True, slots=True)
class LedgerLine:
    """One wrongful measure; moments are aware.

    Parameters
    ----------
    id : by which :func:`assess` knows it.
    case : the case's number.
    hours_down : how long it was in force, or is so far.
    contacts_lost : usual contacts of that time, by the frozen evidence; None: it does not say what is usual.
    credit_cents, cause : None: nobody has said it yet.
    by_dispute : whether a dispute was decided for the tenant; else a person found it without one.
    narrowed_to : what stayed of one that was only too wide: its line counts what was restricted beyond that, until it
        was narrowed (``ended_at``). None: all of it was wrongful.
    """

    id: str
    case: int
    tenant_id: str
    kind: MeasureKind
    in_force_at: datetime
    ended_at: datetime | None
    hours_down: float
    contacts_lost: float | None
    credit_cents: int | None
    cause: WrongCause | None
    by_dispute: bool
    found_by: str
    found_at: datetime
    measure_id: str
    narrowed_to: MeasureKind | None


@dataclass(frozen=True, slots=True)
class Ledger:
    """The wrongful measures of a time, the newest first, and how often measures are overturned.

    A measure with two lines, narrowed first and overturned later, counts once in rate and hours.

    Parameters
    ----------
    lines, hours_down, contacts_lost, credit_cents : of the cases that the reader reaches.
    rate : of all cases.
    since : from when on they were found; None: from the beginning.
    """

    since: datetime | None
    until: datetime
    lines: tuple[LedgerLine, ...]
    rate: OverturnedRate
    hours_down: float
    contacts_lost: float
    credit_cents: int


def enter_upheld(decision: Decision, dispute: Dispute, cause: WrongCause | None) -> None:
    """Enter the measures of a case of which a dispute was just decided for the tenant; each stands once.

    Parameters
    ----------
    cause : None: it is said later (:func:`assess`).
    """
    case = lock_case(decision.session, dispute.case_id)
    for measure in _measures_in_force_once(decision.session, case):
        _enter(decision, case, measure, cause, dispute=dispute)


def enter_narrowed(decision: Decision, narrowing: Narrowing, cause: WrongCause | None) -> None:
    """Enter what of a measure was too wide by the decision of a dispute; each narrowing stands once.

    Parameters
    ----------
    cause : None: it is said later (:func:`assess`).
    """
    session = decision.session
    case = lock_case(session, narrowing.case_id)
    dispute = session.get_one(Dispute, narrowing.dispute_id)
    measure = session.get_one(Measure, narrowing.measure_id)
    _enter(decision, case, measure, cause, dispute=dispute, narrowing=narrowing)


def find_wrong(decision: Decision, case_id: str, cause: WrongCause | None, reasons: str) -> WrongfulMeasure:
    """Enter a measure that has ended as wrongful, because a person says so.

    Raises
    ------
    Refused
        Names everything that is missing.
    """
    session, by = decision.session, decision.by
    case = lock_case(session, case_id)
    measures = _measures_in_force_once(session, case)
    newest = measures[-1] if measures else None
    refuse_unless(
        (newest is not None, "no measure was ever in force on it"),
        (
            newest is None or newest.state is MeasureState.ENDED,
            "its measure is still in force; lift it first: cjp-fraud measures reinstate",
        ),
        (newest is None or not _entries(session, newest.id), "its measure is in the ledger already"),
        (cause is not None, f"say what it goes back to: {', '.join(WrongCause)}"),
        (by.may(*_FINDERS), f"{by} is neither reviewer, approver nor counsel"),
        (bool(reasons.strip()), "give the reasons"),
        action=f"find the measure of {in_words(case)} wrongful",
    )
    assert newest is not None, "it was refused otherwise"
    words = keep_text(session, reasons.strip(), decision.at)
    record_part(session, by, Part.FOUND_WRONG, case.tenant_id, decision.at, case_id=case.id)
    return _enter(decision, case, newest, cause, words=words)


def assess(
    decision: Decision,
    case_id: str,
    cause: WrongCause | None,
    credit_cents: int | None,
    line_id: str | None = None,
) -> WrongfulMeasure:
    """Say what a wrongful measure of a case goes back to, and what its customer is credited.

    Parameters
    ----------
    line_id : the line of the ledger; None: the only one of the case.
    cause, credit_cents : None: as it stands.

    Raises
    ------
    Refused
        Names everything that is missing.
    """
    session, by = decision.session, decision.by
    case = lock_case(session, case_id)
    entries = session.scalars(
        select(WrongfulMeasure)
        .where(WrongfulMeasure.case_id == case.id)
        .order_by(WrongfulMeasure.id)
        .with_for_update()
    ).all()
    meant = [each for each in entries if line_id in (None, each.id)]
    entry = meant[0] if len(meant) == 1 else None
    refuse_unless(
        (bool(entries), "no measure of it is in the ledger: cjp-fraud measures find-wrong"),
        (bool(meant) or not entries, f"line {line_id} of the ledger is of another case"),
        (
            len(meant) <= 1,
            f"{len(meant)} lines of it are in the ledger, say which: {'; '.join(map(_named, meant))}",
        ),
        (
            cause is not None or entry is None or entry.cause is not None,
            f"say what it goes back to: {', '.join(WrongCause)}",
        ),
        (credit_cents is None or credit_cents >= 0, "a credit is not below zero"),
        (by.may(*_FINDERS), f"{by} is neither reviewer, approver nor counsel"),
        action=f"assess the wrongful measure of {in_words(case)}",
    )
    assert entry is not None, "it was refused otherwise"
    entry.cause = cause or entry.cause
    entry.credit_cents = entry.credit_cents if credit_cents is None else credit_cents
    entry.assessed_by, entry.assessed_at = by.user_id, decision.at
    record_part(session, by, Part.FOUND_WRONG, case.tenant_id, decision.at, case_id=case.id)
    session.flush()
    content = {
        "wrongful_measure_id": entry.id,
        "measure_id": entry.measure_id,
        "cause": entry.cause,
        "credit_cents": entry.credit_cents,
    }
    note(decision, case, "measure.assessed", content)
    return entry


def _named(entry: WrongfulMeasure) -> str:
    """Return a line of the ledger as a refusal names it."""
    what = "as a whole" if entry.narrowing_id is None else "before it was narrowed"
    return f"{entry.id} (the measure {what}, found {entry.found_at:%Y-%m-%d %H:%M}Z)"


def ledger(
    session: Session,
    now: datetime,
    since: datetime | None = None,
    *,
    only: Collection[int] | None = None,
) -> Ledger:
    """Return the ledger as it stands at ``now`` (aware).

    Parameters
    ----------
    only : numbers of the cases whose lines and sums are wanted; None: all. The rate is of all either way.
    """
    query = (
        select(WrongfulMeasure, Measure, Narrowing, Case.number, User.name)
        .join(Measure, Measure.id == WrongfulMeasure.measure_id)
        .outerjoin(Narrowing, Narrowing.id == WrongfulMeasure.narrowing_id)
        .join(Case, Case.id == WrongfulMeasure.case_id)
        .join(User, User.id == WrongfulMeasure.found_by)
        .order_by(WrongfulMeasure.found_at.desc(), WrongfulMeasure.id.desc())
    )
    if since is not None:
        query = query.where(WrongfulMeasure.found_at >= since)
    whole = tuple(_line(session, *row, now) for row in session.execute(query))
    lines = tuple(line for line in whole if only is None or line.case in only)
    longest: dict[str, float] = {}  # a measure that was narrowed and then overturned has two lines
    for line in lines:
        longest[line.measure_id] = max(line.hours_down, longest.get(line.measure_id, 0.0))
    return Ledger(
        since=since,
        until=now,
        lines=lines,
        rate=overturned_rate(len({line.measure_id for line in whole}), _exposure(session, now, since)),
        hours_down=sum(longest.values()),
        contacts_lost=sum(line.contacts_lost or 0.0 for line in lines),
        credit_cents=sum(line.credit_cents or 0 for line in lines),
    )


def _line(
    session: Session,
    entry: WrongfulMeasure,
    measure: Measure,
    narrowing: Narrowing | None,
    number: int,
    finder: str,
    now: datetime,
) -> LedgerLine:
    assert measure.in_force_at is not None, "only such measures are entered"
    ended_at = measure.ended_at
    if narrowing is not None:
        ended_at = narrowing.confirmed_at or measure.ended_at
    hours = hours_down(measure.in_force_at, ended_at, now)
    return LedgerLine(
        id=entry.id,
        case=number,
        tenant_id=measure.tenant_id,
        kind=narrowing.before.kind if narrowing is not None else _before_stages(session, measure).kind,
        in_force_at=measure.in_force_at,
        ended_at=ended_at,
        hours_down=hours,
        contacts_lost=entry.usual_per_hour * hours if entry.usual_per_hour is not None else None,
        credit_cents=entry.credit_cents,
        cause=entry.cause,
        by_dispute=entry.dispute_id is not None,
        found_by=finder,
        found_at=entry.found_at,
        measure_id=measure.id,
        narrowed_to=narrowing.after.kind if narrowing is not None else None,
    )


def _before_stages(session: Session, measure: Measure) -> Restriction:
    """Return what a measure restricted, without the stages of its reinstatement.

    They say nothing of whether it was wrongful; a dispute that narrowed it does, and has a line of its own.
    """
    if measure.narrowed_to is None:
        return measure.restriction
    newest = session.scalar(
        select(Narrowing)
        .where(Narrowing.measure_id == measure.id, Narrowing.dispute_id.is_not(None))
        .order_by(Narrowing.number.desc())
        .limit(1)
    )
    return (
        newest.after if newest is not None else Restriction(measure.kind, from_document(Scope, measure.scope))
    )


def _exposure(session: Session, now: datetime, since: datetime | None) -> timedelta:
    """Return for how long all tenants have been on record, added up."""
    begun = session.scalars(select(Tenant.recorded_at))
    return sum((max(now - max(each, since or each), timedelta()) for each in begun), timedelta())


def _measures_in_force_once(session: Session, case: Case) -> Sequence[Measure]:
    """Return the measures of a case that read-back confirmed once, the oldest first."""
    return session.scalars(
        select(Measure)
        .where(Measure.case_id == case.id, Measure.mode == PlatformMode.ACT, Measure.in_force_at.is_not(None))
        .order_by(Measure.id)
    ).all()


def _entries(session: Session, measure_id: str, narrowing_id: str | None = None) -> Sequence[WrongfulMeasure]:
    """Return the entry of a measure as a whole, or of one narrowing; there is at most one."""
    of = (
        WrongfulMeasure.narrowing_id.is_(None)
        if narrowing_id is None
        else WrongfulMeasure.narrowing_id == narrowing_id
    )
    return session.scalars(select(WrongfulMeasure).where(WrongfulMeasure.measure_id == measure_id, of)).all()


def _enter(
    decision: Decision,
    case: Case,
    measure: Measure,
    cause: WrongCause | None,
    *,
    dispute: Dispute | None = None,
    words: PersonalText | None = None,
    narrowing: Narrowing | None = None,
) -> WrongfulMeasure:
    """Enter a measure, or what a narrowing took off it, unless it is in the ledger already."""
    session, by, at = decision.session, decision.by, decision.at
    narrowing_id = narrowing.id if narrowing is not None else None
    if standing := _entries(session, measure.id, narrowing_id):
        return standing[0]
    assert by.user_id is not None, "people decide it"
    entry = WrongfulMeasure(
        id=new_id(),
        case_id=case.id,
        measure_id=measure.id,
        narrowing_id=narrowing_id,
        dispute_id=dispute.id if dispute is not None else None,
        found_by=by.user_id,
        found_at=at,
        reasons_text_id=words.id if words is not None else None,
        usual_per_hour=_usual(session, case, measure, narrowing),
        cause=cause,
        assessed_by=by.user_id if cause is not None else None,
        assessed_at=at if cause is not None else None,
    )
    session.add(entry)
    session.flush()
    content = {"measure_id": measure.id, "dispute_id": entry.dispute_id, "cause": cause}
    note(decision, case, "measure.found_wrong", content, words)
    return entry


def _usual(session: Session, case: Case, measure: Measure, narrowing: Narrowing | None) -> float | None:
    """Return the usual contacts an hour of what was stopped wrongly, by the evidence frozen when it was determined."""
    document = session.scalar(
        select(EvidenceSet.document)
        .where(EvidenceSet.case_id == case.id, EvidenceSet.occasion == EvidenceOccasion.DETERMINED)
        .order_by(EvidenceSet.frozen_at.desc())
        .limit(1)
    )
    if document is None:
        return None
    rows = json.loads(document).get("rows", ())
    if narrowing is None:
        return usual_per_hour(rows, _before_stages(session, measure).scope)
    usual = usual_per_hour(rows, narrowing.before.scope)
    return None if usual is None or narrowing.freed is None else usual * narrowing.freed
