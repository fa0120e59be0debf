"""A case as a person at the queue sees it: everything on record, what can be done about it, and that it was read."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import TypeVar

from sqlalchemy.orm import Session

from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, Refused, StorageError
from cjp_fraud.operations.case_page import CasePage, case_page
from cjp_fraud.operations.case_timeline import TimelineEntry, timeline
from cjp_fraud.operations.contracts import ContractView, EarliestView, contract_view, earliest_views
from cjp_fraud.operations.customer_questions import CustomerAsked, asked_of
from cjp_fraud.operations.grounds import CatalogueGround, fitting_grounds
from cjp_fraud.operations.letter_preview import PreviewedLetter, letters_of
from cjp_fraud.operations.measure_choice import OfferedMeasure, offered_measures
from cjp_fraud.operations.narrowing import narrower_offered
from cjp_fraud.operations.readings_on_record import Read, put_reading_on_record, read_lately
from cjp_fraud.people.denials import denials_on_record
from cjp_fraud.people.form_drafts import drafts_of
from cjp_fraud.people.form_submissions import READ, case_version
from cjp_fraud.people.model import Actor, Decision, Role
from cjp_fraud.people.participation import parts_taken
from cjp_fraud.people.reach import reach_for
from cjp_fraud.people.users import actor_named
from cjp_fraud.review.approval import ApprovalObstacles, approval_faults, capacity_of
from cjp_fraud.review.case_reach import require_reach, roles_reaching
from cjp_fraud.review.cases import case_id_of, case_named
from cjp_fraud.review.claim import case_workers
from cjp_fraud.review.holdings import Holding, holdings_of
from cjp_fraud.review.mentions import is_mentioned, see_mentions
from cjp_fraud.review.model import CaseState, DisputeState, Finding
from cjp_fraud.review.next_acts import Act, OfferedAct, StagesStand, Standing, acts_for
from cjp_fraud.review.presence import viewers
from cjp_fraud.review.similar_cases import SimilarCase, similar_cases
from cjp_fraud.review.tables import Case
from cjp_fraud.review.tenant_history import TenantCase, TenantDispute, cases_of_tenant, disputes_of_tenant
from cjp_fraud.storage.database import at_one_moment, reading, transaction
from cjp_fraud.suspension.emergency import emergency_obstacles, repeat_faults
from cjp_fraud.suspension.gate_facts import approval_obstacles, gate_facts

_Past = TypeVar("_Past")


@dataclass(frozen=True, slots=True)
class CaseDesk:
    """A case on somebody's desk.

    Parameters
    ----------
    version : what a form about the case bears, so that nobody acts on what they did not see.
    acts : what the case's state allows, the next first, each with what the person lacks to do it.
    grounds : those of the catalogue that speak of its flagged traffic.
    earliest : from when each kind of measure is lawful, the narrowest first.
    measures : the measures that could meet its fraud, replayed, where the person may decide on it; None: they may not,
        or the traffic cannot be read.
    narrower : to what a measure in force can be narrowed, where the person may decide its dispute or reinstate.
    customer : through whom the customer may be asked "was this you?", and what was asked before.
    letters : what the customer gets to read, word for word, where the person may approve it.
    contract : the tenant's contract now, each value beside its source.
    holding : until when it is held or put aside, and its service clock.
    others : who else has it on the screen.
    drafts : what the person typed into its forms and did not send, by form.
    colleagues : who can be given it.
    tenants_cases, tenants_disputes : all others of the tenant, with what was found; the newest first.
    similar : cases of other tenants that share something with it and that the person may see, the most alike first.
    """

    page: CasePage
    timeline: tuple[TimelineEntry, ...]
    version: int
    acts: tuple[OfferedAct, ...]
    grounds: tuple[CatalogueGround, ...]
    earliest: tuple[EarliestView, ...]
    measures: tuple[OfferedMeasure, ...] | None
    narrower: tuple[OfferedMeasure, ...]
    customer: CustomerAsked
    letters: tuple[PreviewedLetter, ...]
    contract: ContractView
    holding: Holding
    others: tuple[str, ...]
    drafts: Mapping[str, Mapping[str, str]]
    colleagues: tuple[str, ...]
    tenants_cases: tuple[TenantCase, ...]
    tenants_disputes: tuple[TenantDispute, ...]
    similar: tuple[SimilarCase, ...]


@dataclass(frozen=True, slots=True)
class ReadCase:
    """What is on record of a case, and the version by which somebody may act on just that."""

    page: CasePage
    version: int


def look_at_case(deployment: Deployment, by: str, now: datetime, case: str) -> CaseDesk:
    """Return a case as it stands for the user ``by``; that they read it is on record, once an hour.

    Parameters
    ----------
    case : the case's number or id.

    Raises
    ------
    NotFoundError
        If the case or the user is not on record.
    OutOfReach
        If the person's roles are narrowed to other cases.
    """
    with _opened(deployment, by, now, case) as (session, row, reader):
        facts = gate_facts(session, row, deployment.policy, now)
        page = case_page(session, deployment, row, now, facts)
        holding = holdings_of(session, [row], now, deployment.claim_policy)[row.id]
        ask_gate = partial(approval_obstacles, policy=deployment.policy, facts=facts)
        decision = Decision(session, reader, now)
        customer = asked_of(session, row, now)
        acts = _acts(
            *(decision, row, page, holding, customer, ask_gate),
            emergency=emergency_obstacles(session, row, facts, now) == (),
        )
        return CaseDesk(
            page=page,
            timeline=timeline(page),
            version=case_version(session, row.id),
            acts=acts,
            grounds=fitting_grounds(session, row.id),
            earliest=earliest_views(row.number, facts, now, page.outline),
            measures=_measures(decision, deployment, row, acts, holding),
            narrower=narrower_offered(session, row, now) if _may_narrow(acts) else (),
            customer=customer,
            letters=_letters(decision, deployment, row, acts),
            contract=contract_view(session, row.tenant_id, now),
            holding=holding,
            others=tuple(viewers(session, row.id, now, but=by)),
            drafts=drafts_of(session, reader.reference, f"/cases/{row.number}/"),
            colleagues=tuple(name for name in case_workers(session, row) if name != page.claimed_by),
            tenants_cases=_others(cases_of_tenant, lambda each: each.number, session, page, row),
            tenants_disputes=_others(disputes_of_tenant, lambda each: each.case, session, page, row),
            similar=similar_cases(session, row, reach_for(reader)),
        )


def read_case(deployment: Deployment, by: str, now: datetime, case: str) -> ReadCase:
    """Return what is on record of a case, for the user ``by``; that they read it is on record, once an hour.

    Raises
    ------
    NotFoundError
        If the case or the user is not on record.
    OutOfReach
        If the person's roles are narrowed to other cases.
    """
    with _opened(deployment, by, now, case) as (session, row, _reader):
        return ReadCase(case_page(session, deployment, row, now), case_version(session, row.id))


def note_reading(deployment: Deployment, by: str, now: datetime, case: str) -> None:
    """Put on record, once an hour, that the user ``by`` read something of a case.

    Raises
    ------
    NotFoundError
        If the case or the user is not on record.
    """
    with reading(deployment.engine) as session:
        row = session.get_one(Case, case_id_of(session, case))
        read, reader = _read_of(row), actor_named(session, by)
        read_before = read_lately(session, read, reader.reference, now)
    if not read_before:
        put_reading_on_record(deployment, reader, now, read)


@contextmanager
def _opened(
    deployment: Deployment, by: str, now: datetime, case: str
) -> Iterator[tuple[Session, Case, Actor]]:
    """Read a case as of one moment; once that is done, keep that ``by`` read it, and that no mention waits any more."""
    with denials_on_record(deployment.engine, by, now), reading(deployment.engine) as session:
        at_one_moment(session)
        row = case_named(session, case)
        reader = actor_named(session, by)
        require_reach(session, reader, row)
        yield session, row, reader
        read = _read_of(row)
        read_before = read_lately(session, read, reader.reference, now)
        mentioned = is_mentioned(session, row.id, reader.user_id)
    if not read_before:
        put_reading_on_record(deployment, reader, now, read)
    if mentioned:
        with transaction(deployment.engine) as session:
            see_mentions(session, row.id, reader.user_id, now)


def _others(
    read_history: Callable[[Session, str], Iterable[_Past]],
    number: Callable[[_Past], int],
    session: Session,
    page: CasePage,
    case: Case,
) -> tuple[_Past, ...]:
    """Return what of a tenant's history is about other cases; it is not read where the page names none."""
    if not page.tenants_other_cases:
        return ()
    return tuple(each for each in read_history(session, case.tenant_id) if number(each) != case.number)


def _read_of(case: Case) -> Read:
    return Read(READ, "cases", case.id, {"tenant_id": case.tenant_id})


def _acts(
    decision: Decision,
    row: Case,
    page: CasePage,
    holding: Holding,
    customer: CustomerAsked,
    ask_gate: ApprovalObstacles,
    *,
    emergency: bool,
) -> tuple[OfferedAct, ...]:
    session, reader = decision.session, decision.by
    unapproved = any(measure.unless_approved_by is not None for measure in page.measures)
    roles, capacity = roles_reaching(session, reader, row), capacity_of(reader)
    beyond_reach = (
        (f"the case lies outside of what {reader}'s role {capacity} is narrowed to",)
        if Role(capacity) in reader.roles - roles
        else ()
    )
    return acts_for(
        Standing(
            state=row.state,
            holder=holding.holder,
            held_until=holding.lease_ends_at,
            me=reader.name,
            roles=roles,
            my_parts=parts_taken(session, reader, row.id),
            approval_faults=(
                (
                    *beyond_reach,
                    *approval_faults(decision, row, capacity, ask_gate, in_emergency=unapproved),
                )
                if row.state is CaseState.DETERMINED or unapproved
                else ()
            ),
            asked=customer.waits,
            nobody_to_ask=customer.faults,
            emergency=emergency,
            emergency_faults=repeat_faults(session, row, reader, decision.at) if emergency else (),
            unapproved=unapproved,
            stages=_stages(page),
            open_dispute=any(dispute.state is DisputeState.OPEN for dispute in page.disputes),
            found_fraudulent=bool(page.caps)
            or any(each.finding is Finding.FRAUDULENT for each in page.determinations),
        )
    )


def _stages(page: CasePage) -> StagesStand | None:
    """Return how the stages by which the measure in force is lifted stand; None: there are none."""
    for measure in page.measures:
        if measure.stages is not None and measure.stages.is_open:
            return StagesStand.GOES_ON if measure.stages.held is None else StagesStand.HELD
    return None


def _may_narrow(acts: Sequence[OfferedAct]) -> bool:
    """Whether the person may decide a dispute, or reinstate in stages: both choose a narrower measure."""
    return OfferedAct(Act.DECIDE_DISPUTE) in acts or OfferedAct(Act.REINSTATE_IN_STAGES) in acts


def _measures(
    decision: Decision, deployment: Deployment, row: Case, acts: Sequence[OfferedAct], holding: Holding
) -> tuple[OfferedMeasure, ...] | None:
    """Replay measures for who holds the case and may determine; for the others the lake is left alone."""
    if holding.holder != decision.by.name or OfferedAct(Act.DETERMINE) not in acts:
        return None
    try:
        return offered_measures(decision.session, deployment, row, decision.at)
    except StorageError:  # the page says so; the determination itself needs the lake and is refused
        return None


def _letters(
    decision: Decision, deployment: Deployment, row: Case, acts: Sequence[OfferedAct]
) -> tuple[PreviewedLetter, ...]:
    """Write the letters that an approval would send, for who may give it."""
    if OfferedAct(Act.APPROVE) not in acts:
        return ()
    try:
        return letters_of(decision.session, deployment, row, decision.at)
    except (BadInputError, Refused):  # the proposal was drawn up without one, and its obstacles say why
        return ()
