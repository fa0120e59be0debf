"""Read what the gate asks about, inside the transaction that records the answer.

Which requirements are asked differs from moment to moment (:mod:`cjp_fraud.suspension.gate`); the facts
are read in the same way each time, so that no two moments can disagree about what is true.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.entries_of_case import newest_names
from cjp_fraud.audit.log import lock_log
from cjp_fraud.audit.mapped_rows import record_of
from cjp_fraud.audit.recording import HOME
from cjp_fraud.audit.tables import Home, PersonalText
from cjp_fraud.clock import aware
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.position import Contract
from cjp_fraud.digests import sha256_hex
from cjp_fraud.people.model import Actor, Decision, Role
from cjp_fraud.people.participation import lately_edited_contract, newcomer_faults, took_part
from cjp_fraud.people.tables import User
from cjp_fraud.people.users import actor_of
from cjp_fraud.review.approval import approvals_of
from cjp_fraud.review.cases import flags_in_force
from cjp_fraud.review.decision_tables import (
    Approval,
    Determination,
    DeterminationFlag,
    NeedStatement,
    Proposal,
)
from cjp_fraud.review.determination import latest_determination
from cjp_fraud.review.earlier_notices_on_record import earlier_notices
from cjp_fraud.review.emergency import emergency_order_of
from cjp_fraud.review.frozen_traffic import flagged_traffic
from cjp_fraud.review.measure_fit import Flagged
from cjp_fraud.review.model import Capacity
from cjp_fraud.review.proposal import document_of, latest_proposal, measure_of
from cjp_fraud.review.provider_policy import ProviderPolicy
from cjp_fraud.review.stops_on_record import standing_stops
from cjp_fraud.review.tables import Case, Episode, EvidenceSet, Flag
from cjp_fraud.storage.database import is_reading
from cjp_fraud.storage.read_rows import rows_kept
from cjp_fraud.suspension.case_records import (
    SUBJECTS,
    TABLES_OF_SUBJECTS,
    records_behind,
    records_of_case,
    references,
)
from cjp_fraud.suspension.contract_facts import contract_fact, position_fact
from cjp_fraud.suspension.gate import approval_faults, check
from cjp_fraud.suspension.model import (
    ApprovalFact,
    DeterminationFact,
    EmergencyFact,
    FlagFact,
    GateFacts,
    ProposalFact,
)
from cjp_fraud.suspension.notice_facts import notice_fact
from cjp_fraud.suspension.requirements import BEFORE_APPROVAL, BEFORE_MEASURE, BEFORE_PROPOSAL, Requirement

_NEWEST: Final = 100
"""Flags of which the one that ends last is looked for, the newest ones."""

# Made once: to make a statement takes longer than to run it.
_FLAG_ENDS: Final = (
    select(Flag.interval_start, Flag.interval_seconds)
    .join(Episode, Episode.id == Flag.episode_id)
    .where(
        Episode.case_id == bindparam("case_id"),
        Flag.superseded_at.is_(None),
        Flag.interval_start <= bindparam("at"),
    )
    .order_by(Flag.interval_start.desc())
    .limit(_NEWEST)
)


def gate_facts(
    session: Session, case: Case, policy: ProviderPolicy, at: datetime, *, compare_rows: bool = True
) -> GateFacts:
    """Return the facts of a locked case at ``at`` (aware); what does not exist yet is None, or empty.

    Parameters
    ----------
    policy : the mode in force and how long approval and notice stay fresh.
    compare_rows : whether all rows of the case are compared with the audit log; False where the caller does,
        and the log is not in this database. The log is locked for it: nobody writes until the transaction ends.
    """
    moment = aware(at)
    changed = row_faults(session, case) if compare_rows else ()
    if changed:
        return unread_facts(policy, changed)
    proposal = latest_proposal(session, case)
    document = document_of(proposal) if proposal is not None else {}
    determination = session.get(Determination, proposal.determination_id) if proposal is not None else None
    named = _named_flags(session, determination)
    evidence = _frozen_evidence(session, determination)
    frozen = {flag["id"]: flag for flag in evidence.get("flags", ())}
    flags = [flag for flag, _ in named]
    approvals = approvals_of(session, proposal) if proposal is not None else []
    return GateFacts(
        mode_in_force=policy.mode,
        fresh=policy.fresh,
        flags=tuple(
            FlagFact(
                of_this_case=episode_case == case.id,
                in_force=flag.superseded_at is None,
                quantity=flag.quantity,
                excess=flag.excess,
                as_frozen=_as_frozen(flag, frozen),
            )
            for flag, episode_case in named
        ),
        row_faults=changed,
        flagged=flagged_traffic(
            flags,
            evidence.get("rows", ()),
            evidence.get("by_principal", ()),
            evidence.get("usual_by_principal", ()),
        ),
        newest_flag_end=_newest_flag_end(session, case, moment),
        need_stated_at=_need_stated_at(session, case, determination, moment),
        determination=_determination(session, case, determination),
        proposal=_proposal(session, proposal, document),
        approvals=tuple(
            _approval(session, case, _actor(session, approval.by_user_id), approval) for approval in approvals
        ),
        contract=contract_fact(session, case, policy, moment),
        notice=notice_fact(session, proposal, moment),
        stops=tuple(standing_stops(session, case.id)),
        earlier=earlier_notices(session, case.id, moment),
        emergency=_emergency(session, proposal),
    )


def unread_facts(policy: ProviderPolicy, row_faults: tuple[str, ...]) -> GateFacts:
    """Return facts that say only that rows were changed; nothing else is known, for changed rows are not read."""
    return GateFacts(
        mode_in_force=policy.mode,
        fresh=policy.fresh,
        flags=(),
        flagged=Flagged(),
        row_faults=row_faults,
        newest_flag_end=None,
        need_stated_at=None,
        determination=None,
        proposal=None,
        approvals=(),
        contract=None,
        notice=None,
        stops=None,
        earlier=None,
    )


def obstacles(
    session: Session,
    case: Case,
    policy: ProviderPolicy,
    at: datetime,
    requirements: Collection[Requirement] = BEFORE_MEASURE,
) -> tuple[str, ...]:
    """Ask the gate about a locked case; return what keeps it shut, each with the number of its point."""
    return check(gate_facts(session, case, policy, at), at, requirements).sentences


def approval_obstacles(
    decision: Decision,
    case: Case,
    capacity: Capacity,
    policy: ProviderPolicy,
    requirements: Collection[Requirement] = BEFORE_APPROVAL,
    facts: GateFacts | None = None,
) -> tuple[str, ...]:
    """Return why ``decision.by`` may not approve, or reaffirm, the proposal that stands, a plain sentence each.

    The person's own faults (role, taking part, having determined) are those that the gate finds in an
    approval given already; the rest are the requirements: before an approval, what the gate will ask before
    the notice anyway.

    Parameters
    ----------
    facts : of the case at that moment, where they are read already.
    """
    session, at = decision.session, decision.at
    facts = facts or gate_facts(session, case, policy, at)
    others = tuple(obstacle.sentence for obstacle in check(facts, at, requirements).obstacles)
    if facts.proposal is None:
        return others
    candidate = Approval(
        proposal_sha256=facts.proposal.sha256, capacity=capacity, by_user_id=decision.by.reference, at=at
    )
    return (*approval_faults(_approval(session, case, decision.by, candidate), facts), *others)


def proposal_obstacles(position: Contract, at: datetime) -> tuple[str, ...]:
    """Return why a proposal drawn up under this contract at ``at`` could not be acted on; none: it could."""
    facts = replace(unread_facts(ProviderPolicy(), ()), contract=position_fact(position, at))
    return tuple(obstacle.sentence for obstacle in check(facts, at, BEFORE_PROPOSAL).obstacles)


def _need_stated_at(
    session: Session, case: Case, determination: Determination | None, at: datetime
) -> datetime | None:
    if determination is None:
        return None
    return session.scalar(
        select(func.max(NeedStatement.at)).where(
            NeedStatement.case_id == case.id,
            NeedStatement.at <= at,
            NeedStatement.at >= determination.at,
        )
    )


def _named_flags(session: Session, determination: Determination | None) -> Sequence[tuple[Flag, str | None]]:
    if determination is None:
        return []
    rows = session.execute(
        select(Flag, Episode.case_id)
        .join(DeterminationFlag, DeterminationFlag.flag_id == Flag.id)
        .outerjoin(Episode, Episode.id == Flag.episode_id)
        .where(DeterminationFlag.determination_id == determination.id)
        .order_by(Flag.id)
    )
    return [(flag, case_id) for flag, case_id in rows]


def _frozen_evidence(session: Session, determination: Determination | None) -> dict[str, Any]:
    """Return the document of the frozen evidence; empty where it is not there or not readable."""
    evidence_id = determination.evidence_set_id if determination is not None else None
    evidence = session.get(EvidenceSet, evidence_id) if evidence_id is not None else None
    if evidence is None:
        return {}
    try:
        document: dict[str, Any] = json.loads(evidence.document)
        return document if all(flag["id"] for flag in document["flags"]) else {}
    except (ValueError, KeyError, TypeError):
        return {}


def _as_frozen(flag: Flag, frozen: Mapping[str, Mapping[str, Any]]) -> bool:
    """Whether a flag says what it said when the evidence was frozen; its episode may have grown since."""
    then, now = frozen.get(flag.id), record_of(flag).fields
    return then is not None and all(now[name] == then[name] for name in then if name != "episode_id")


def row_faults(session: Session, case: Case) -> tuple[str, ...]:
    """Return where the rows of a case are not as the audit log names them, a sentence each; it locks the log."""
    if not is_reading(session):
        lock_log(session)
    records = records_of_case(session, case.id, attached_bytes=False, keeps_rows=True)
    records += records_behind(session, records)
    named = {(record.table, record.id) for record in records} | references(records)
    named.add((Home.__tablename__, HOME))
    subjects = {(table, row_id) for table, row_id in named if table in SUBJECTS}
    names = newest_names(session, named, case.id, subjects, TABLES_OF_SUBJECTS)
    return tuple(names.faults(records))


def _newest_flag_end(session: Session, case: Case, at: datetime) -> datetime | None:
    rows: Iterable[tuple[datetime, int]] = (
        [(flag.interval_start, flag.interval_seconds) for flag in flags_in_force(session, case.id)]
        if rows_kept(session, Flag, case.id) is not None
        else session.execute(_FLAG_ENDS, {"case_id": case.id, "at": at})
    )
    before = sorted((each for each in rows if each[0] <= at), reverse=True)[:_NEWEST]
    return max((start + timedelta(seconds=seconds) for start, seconds in before), default=None)


def _determination(
    session: Session, case: Case, determination: Determination | None
) -> DeterminationFact | None:
    if determination is None:
        return None
    latest = latest_determination(session, case)
    reasons = session.get(PersonalText, determination.reasons_text_id)
    return DeterminationFact(
        finding=determination.finding,
        is_latest=latest is not None and latest.id == determination.id,
        by_user_id=determination.by_user_id,
        by_reviewer=Role.REVIEWER in _actor(session, determination.by_user_id).roles,
        has_reasons=_was_given(reasons),
        grounds=tuple(determination.grounds or ()),
        tenants_part=determination.tenants_part,
        at=determination.at,
        account_taken_over=determination.account_taken_over,
        says_why_wider=determination.why_wider_text_id is not None,
    )


def _proposal(session: Session, proposal: Proposal | None, document: dict[str, Any]) -> ProposalFact | None:
    if proposal is None:
        return None
    evidence = session.get(EvidenceSet, document["evidence"]["id"])
    kind, scope, duration = measure_of(document)
    return ProposalFact(
        sha256=proposal.sha256,
        actual_sha256=sha256_hex(proposal.document),
        mode=PlatformMode(document["mode"]),
        evidence_sha256=document["evidence"]["sha256"],
        actual_evidence_sha256=sha256_hex(evidence.document) if evidence is not None else None,
        plan_sha256=document["notice_sha256"],
        versions=document["contract"]["versions"],
        kind=kind,
        scope=scope,
        duration=duration,
        review_after=timedelta(hours=document["measure"]["review_hours"]),
        drawn_at=proposal.drawn_at,
    )


def _approval(session: Session, case: Case, actor: Actor, approval: Approval) -> ApprovalFact:
    role = Role.COUNSEL if approval.capacity is Capacity.COUNSEL else Role.APPROVER
    return ApprovalFact(
        by_user_id=approval.by_user_id,
        capacity=approval.capacity,
        at=approval.at,
        proposal_sha256=approval.proposal_sha256,
        has_role=actor.may(role),
        took_part=took_part(session, actor, case.id),
        edited_contract=lately_edited_contract(session, actor, case.tenant_id, approval.at),
        too_new=newcomer_faults(session, actor, role, case.id, approval.at),
        name=actor.name,
    )


def _emergency(session: Session, proposal: Proposal | None) -> EmergencyFact | None:
    order = emergency_order_of(session, proposal.id) if proposal is not None else None
    if order is None:
        return None
    actor, reasons = _actor(session, order.by_user_id), session.get(PersonalText, order.reasons_text_id)
    return EmergencyFact(
        by_user_id=order.by_user_id,
        at=order.at,
        proposal_sha256=order.proposal_sha256,
        by_reviewer=actor.may(Role.REVIEWER),
        has_reasons=_was_given(reasons),
        name=actor.name,
    )


def _was_given(text: PersonalText | None) -> bool:
    """Whether a text says something; an erased one was once given: only what was given can be erased."""
    return text is not None and (text.erased_at is not None or bool(text.body))


def _actor(session: Session, user_id: str) -> Actor:
    user = session.get(User, user_id)
    return actor_of(session, user) if user is not None else Actor(user_id, user_id)
