"""Known events on record: entered, withdrawn, and read for tenants, for the flags of a case and for the queue.

An event never changes a flag, a score or a case: it says to whoever looks at one what was known of that time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Final

from sqlalchemy import ColumnElement, Select, and_, bindparam, or_, select
from sqlalchemy.orm import Session, aliased

from cjp_fraud.audit.log import append
from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.audit.texts import keep_text
from cjp_fraud.clock import aware
from cjp_fraud.contracts.tables import Tenant
from cjp_fraud.contracts.tenants import require_tenant
from cjp_fraud.errors import NotFoundError, OutOfReach, refuse_unless
from cjp_fraud.people.model import Decision, Reach
from cjp_fraud.people.reach import reach_for
from cjp_fraud.people.tables import User
from cjp_fraud.review.bulk_rules import Cause
from cjp_fraud.review.joint_events import span_of_queue
from cjp_fraud.review.known_event import (
    MAY_ENTER,
    Concerned,
    KnownEventView,
    KnownEventWanted,
    NamedEvent,
    checked,
    is_seen_by,
    may_enter_for,
)
from cjp_fraud.review.queue import QueuedCase
from cjp_fraud.review.queue_tables import KnownEvent
from cjp_fraud.review.tables import Case, Episode, Flag
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.locks import named_lock
from cjp_fraud.storage.read_rows import rows_kept

# Made once: to make a statement takes longer than to run it.
_COUNTRY: Final = select(Tenant.country).where(Tenant.id == bindparam("tenant_id"))

_COUNTS: Final = KnownEvent.withdrawn_at.is_(None)
_LONGEST_SPAN: Final = timedelta(days=8)
"""No flag is about more than the week before its interval ends."""


def enter_event(decision: Decision, wanted: KnownEventWanted) -> str:
    """Put a known event on record and return its id; the very same event that counts already is not entered again.

    Raises
    ------
    BadInputError
        Names everything that is wrong with it.
    NotFoundError
        If its tenant is not on record.
    OutOfReach
        If it concerns cases that the person's roles do not reach.
    Refused
        If the person has no role that enters events.
    """
    checked(wanted)
    session, by, at = decision.session, decision.by, decision.at
    if wanted.tenant_id is not None:
        require_tenant(session, wanted.tenant_id)
    named_lock(session, "known events")
    _require_may(decision, wanted.tenant_id, wanted.channel, wanted.countries, "enter a known event")
    assert by.user_id is not None, "only persons have roles"
    if (same := _same(session, wanted)) is not None:
        return same
    words = keep_text(session, wanted.words.strip(), at)
    row = KnownEvent(
        id=new_id(),
        kind=wanted.kind,
        tenant_id=wanted.tenant_id,
        channel=wanted.channel,
        countries=sorted(set(wanted.countries)),
        begins_at=aware(wanted.begins_at),
        ends_at=aware(wanted.ends_at),
        words_text_id=words.id,
        entered_by=by.user_id,
        entered_at=at,
    )
    session.add(row)
    session.flush()
    content = {"kind": row.kind, "tenant_id": row.tenant_id, "words_sha256": words.sha256}
    append(decision, "known_event.entered", "known_events", row.id, content)
    return row.id


def withdraw_event(decision: Decision, event_id: str) -> None:
    """Let a known event count no more; it stays on record, and one that was withdrawn before stays so.

    Raises
    ------
    NotFoundError
        If no such event is on record.
    OutOfReach
        If it concerns cases that the person's roles do not reach.
    Refused
        If the person has no role that enters events.
    """
    session = decision.session
    row = session.get(KnownEvent, event_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFoundError(
            f"no known event {event_id!r} is on record; cjp-fraud known-events list shows them"
        )
    _require_may(decision, row.tenant_id, row.channel, row.countries, "withdraw a known event")
    if row.withdrawn_at is None:
        row.withdrawn_by, row.withdrawn_at = decision.by.user_id, decision.at
        session.flush()
        content = {"entered_by": row.entered_by, "tenant_id": row.tenant_id}
        append(decision, "known_event.withdrawn", "known_events", row.id, content)


def event_on_record(session: Session, event_id: str) -> KnownEventView:
    """Return one event, which is on record."""
    return _views(session, _events().where(KnownEvent.id == event_id))[0]


def events_on_record(
    session: Session, reach: Collection[Reach] | None, *, most: int
) -> tuple[KnownEventView, ...]:
    """Return the events that somebody whose roles reach so far may see, the newest entered first."""
    rows = session.execute(
        select(KnownEvent, Tenant.country)
        .outerjoin(Tenant, Tenant.id == KnownEvent.tenant_id)
        .order_by(KnownEvent.id.desc())
        .limit(most)
    )
    seen = [row.id for row, country in rows if is_seen_by(reach, _concerned(row, country))]
    return _views(session, _events().where(KnownEvent.id.in_(seen)))


def events_of_tenant(
    session: Session, tenant_id: str, since: datetime, until: datetime | None = None
) -> tuple[KnownEventView, ...]:
    """Return the events that count and concern a tenant in a time, the newest entered first.

    Parameters
    ----------
    since, until : aware; those that end after the one and begin before the other; None: whenever they begin.
    """
    tenants = rows_kept(session, Tenant, tenant_id)
    country = tenants[0].country if tenants else session.scalar(_COUNTRY, {"tenant_id": tenant_id})
    asked = {"tenant_id": tenant_id, "since": since} | ({"until": until} if until is not None else {})
    events = _views(session, _events_of_tenant(ends=until is not None), asked)
    return tuple(event for event in events if event.concerns(tenant_id, country))


@cache
def _events_of_tenant(*, ends: bool) -> Select[KnownEvent, str | None, str, str]:
    query = _events().where(
        _COUNTS,
        KnownEvent.ends_at > bindparam("since"),
        or_(KnownEvent.tenant_id == bindparam("tenant_id"), KnownEvent.tenant_id.is_(None)),
    )
    return query.where(KnownEvent.begins_at < bindparam("until")) if ends else query


def events_of_flags(session: Session, tenant_id: str, flags: Sequence[Flag]) -> tuple[KnownEventView, ...]:
    """Return the events that count and that some of a tenant's flags lie in, at least with a part of their span."""
    if not flags:
        return ()
    spans = [
        (flag.channel, flag.span_start, flag.span_start + timedelta(seconds=flag.span_seconds))
        for flag in flags
    ]
    since, until = min(start for _, start, _ in spans), max(end for _, _, end in spans)
    return tuple(
        event
        for event in events_of_tenant(session, tenant_id, since, until)
        if any(event.explains(*span) for span in spans)
    )


def events_of_cases(session: Session, cases: Sequence[QueuedCase]) -> Mapping[str, tuple[NamedEvent, ...]]:
    """Return the events that count and that flags of some cases lie in, by case id; two statements at most."""
    if not cases:
        return {}
    tenants = {case.tenant_id for case in cases}
    near = _events().where(
        _COUNTS,
        KnownEvent.ends_at > min(case.first_flag_at for case in cases) - _LONGEST_SPAN,
        KnownEvent.begins_at <= max(case.last_flag_at for case in cases) + _LONGEST_SPAN,
        or_(KnownEvent.tenant_id.in_(tenants), KnownEvent.tenant_id.is_(None)),
    )
    events = _views(session, near)
    if not events:
        return {}
    flags = session.execute(
        select(
            Episode.case_id,
            *(Flag.tenant_id, Tenant.country, Flag.channel),
            *(Flag.interval_start, Flag.interval_seconds, Flag.span_seconds),
        )
        .join(Flag, Flag.episode_id == Episode.id)
        .join(Tenant, Tenant.id == Flag.tenant_id)
        .where(Episode.case_id.in_([case.id for case in cases]), Flag.superseded_at.is_(None))
    )
    named: dict[str, dict[str, NamedEvent]] = defaultdict(dict)
    for case_id, tenant_id, country, channel, interval_start, interval_seconds, span_seconds in flags:
        until = interval_start + timedelta(seconds=interval_seconds)
        since = until - timedelta(seconds=span_seconds)
        for event in events:
            if event.concerns(tenant_id, country) and event.explains(channel, since, until):
                named[str(case_id)][event.id] = NamedEvent(event.id, event.kind, event.words)
    return {case_id: tuple(of[each] for each in sorted(of, reverse=True)) for case_id, of in named.items()}


def causes_of_events(session: Session) -> tuple[Cause, ...]:
    """Return the known events that count as causes, with the cases in the queue that have a flag in one."""
    span = span_of_queue(session)
    if span is None:
        return ()
    first, last = span
    near = _events().where(_COUNTS, KnownEvent.begins_at <= last, KnownEvent.ends_at > first)
    causes = (_cause(session, event) for event in _views(session, near))
    return tuple(cause for cause in causes if cause.cases)


def cause_of_event(session: Session, event_id: str) -> Cause | None:
    """Return one known event as a cause; None: it is none on record that counts, or no case in the queue is in it."""
    events = _views(session, _events().where(_COUNTS, KnownEvent.id == event_id))
    cause = _cause(session, events[0]) if events else None
    return cause if cause is not None and cause.cases else None


def _cause(session: Session, event: KnownEventView) -> Cause:
    cases = session.execute(
        select(Case.number, Case.tenant_id)
        .join(Episode, Episode.case_id == Case.id)
        .join(Flag, Flag.episode_id == Episode.id)
        .where(Case.in_queue, *_cases_of(event))
        .distinct()
    ).all()
    return Cause(
        id=event.id,
        words=event.sentence,
        words_on_record=event.when,
        begins_at=event.begins_at,
        ends_at=event.ends_at,
        tenants=len({case.tenant_id for case in cases}),
        cases=tuple(sorted(case.number for case in cases)),
        kind=event.cause_kind,
        channel=event.channel,
        entered_by=event.entered_by,
        entered_at=event.entered_at,
    )


def _cases_of(event: KnownEventView) -> Iterable[ColumnElement[bool]]:
    """Conditions that a case has a flag in force that begins within the event."""
    yield Case.first_flag_at < event.ends_at
    yield Case.last_flag_at >= event.begins_at
    yield Flag.superseded_at.is_(None)
    yield and_(Flag.interval_start >= event.begins_at, Flag.interval_start < event.ends_at)
    if event.channel is not None:
        yield Flag.channel == event.channel
    if event.tenant_id is not None:
        yield Case.tenant_id == event.tenant_id
    if event.countries:
        yield Case.tenant_id.in_(select(Tenant.id).where(Tenant.country.in_(event.countries)))


def _require_may(
    decision: Decision, tenant_id: str | None, channel: str | None, countries: Sequence[str], action: str
) -> None:
    session, by = decision.session, decision.by
    roles = ", ".join(sorted(MAY_ENTER))
    refuse_unless((by.may(*MAY_ENTER), f"{by} has none of the roles {roles}"), action=action)
    country = session.scalar(select(Tenant.country).where(Tenant.id == tenant_id))
    concerned = Concerned(channel, frozenset(countries) if tenant_id is None else frozenset({country}))
    if not may_enter_for(reach_for(by, MAY_ENTER), concerned):
        raise OutOfReach(f"the event concerns cases outside of what {by}'s roles are narrowed to")


def _concerned(row: KnownEvent, country: str | None) -> Concerned:
    return Concerned(row.channel, frozenset(row.countries if row.tenant_id is None else [country]))


def _same(session: Session, wanted: KnownEventWanted) -> str | None:
    """Return the id of an event that counts and says the very same; None: there is none."""
    alike = (
        select(KnownEvent, PersonalText.body)
        .join(PersonalText, PersonalText.id == KnownEvent.words_text_id)
        .where(
            _COUNTS,
            KnownEvent.kind == wanted.kind,
            KnownEvent.tenant_id.is_not_distinct_from(wanted.tenant_id),
            KnownEvent.channel.is_not_distinct_from(wanted.channel),
            KnownEvent.begins_at == aware(wanted.begins_at),
            KnownEvent.ends_at == aware(wanted.ends_at),
        )
        .order_by(KnownEvent.id)
    )
    countries = sorted(set(wanted.countries))
    return next(
        (
            row.id
            for row, body in session.execute(alike)
            if list(row.countries) == countries and body == wanted.words.strip()
        ),
        None,
    )


_Entering, _Withdrawing = aliased(User), aliased(User)


def _events() -> Select[KnownEvent, str | None, str, str]:
    return (
        select(KnownEvent, PersonalText.body, _Entering.name, _Withdrawing.name)
        .join(PersonalText, PersonalText.id == KnownEvent.words_text_id)
        .join(_Entering, _Entering.id == KnownEvent.entered_by)
        .outerjoin(_Withdrawing, _Withdrawing.id == KnownEvent.withdrawn_by)
        .order_by(KnownEvent.id.desc())
    )


def _views(
    session: Session,
    query: Select[KnownEvent, str | None, str, str],
    values: Mapping[str, object] | None = None,
) -> tuple[KnownEventView, ...]:
    return tuple(
        KnownEventView(
            id=row.id,
            kind=row.kind,
            words=body,
            tenant_id=row.tenant_id,
            channel=row.channel,
            countries=tuple(row.countries),
            begins_at=row.begins_at,
            ends_at=row.ends_at,
            entered_by=entered_by,
            entered_at=row.entered_at,
            entered_late=row.entered_at > row.begins_at,
            withdrawn_by=withdrawn_by,
            withdrawn_at=row.withdrawn_at,
        )
        for row, body, entered_by, withdrawn_by in session.execute(query, values)
    )
