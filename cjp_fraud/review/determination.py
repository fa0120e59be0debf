"""Determine fraud, leave it undetermined, dismiss a case, open one again, withdraw what was approved."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.audit.texts import keep_text
from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.contracts.contract_terms import asks_for_the_narrowest
from cjp_fraud.contracts.position import Contract
from cjp_fraud.contracts.restriction import MeasureKind
from cjp_fraud.digests import digest
from cjp_fraud.errors import refuse_unless
from cjp_fraud.notices.plans_on_record import cancel_plan, plan_of
from cjp_fraud.people.model import Decision, Part, Role
from cjp_fraud.people.participation import record_part
from cjp_fraud.review.case_opening import order_openers
from cjp_fraud.review.case_traits import traits_of_finding
from cjp_fraud.review.cases import flags_in_force, in_words, lock_case, move, note, write_comment
from cjp_fraud.review.claim_rules import held_by_another
from cjp_fraud.review.decision_tables import Determination, DeterminationFlag, Proposal
from cjp_fraud.review.evidence import ReadRows, freeze, rows_to_freeze
from cjp_fraud.review.frozen_traffic import flagged_traffic
from cjp_fraud.review.grounds import Ground, in_catalogue_order, misfitting
from cjp_fraud.review.leases import leases_on_record
from cjp_fraud.review.measure_candidates import why_wider_fault
from cjp_fraud.review.measure_fit import (
    Flagged,
    PlannedMeasure,
    measure_faults,
)
from cjp_fraud.review.measure_proposal import proposed_measure
from cjp_fraud.review.model import (
    BEFORE_THE_MEASURE,
    CLOSED_STATES,
    CaseState,
    CommentKind,
    Finding,
    NamedEvidence,
)
from cjp_fraud.review.principals import frozen_principals
from cjp_fraud.review.proposal import Grounds, ProposalObstacles, draw_up, latest_proposal
from cjp_fraud.review.provider_policy import ProviderPolicy
from cjp_fraud.review.refusal import refused_before
from cjp_fraud.review.requests import FraudFinding, MeasureWanted
from cjp_fraud.review.similar_cases import keep_traits
from cjp_fraud.review.tables import Case, EvidenceSet, Flag
from cjp_fraud.storage.base import new_id


def determine_fraud(
    decision: Decision,
    case_id: str,
    finding: FraudFinding,
    *,
    policy: ProviderPolicy,
    read_rows: ReadRows,
    obstacles: ProposalObstacles,
) -> Proposal:
    """Record that the flagged traffic is fraudulent, freeze the evidence, and draw up the proposal.

    Parameters
    ----------
    policy : the provider's settings on which a proposal depends.
    read_rows : reads the traffic and scores that are frozen as evidence.
    obstacles : asks the gate (:func:`cjp_fraud.suspension.gate_facts.proposal_obstacles`).

    Raises
    ------
    Refused
        Names everything that is missing.
    """
    session, at = decision.session, decision.at
    case = lock_case(session, case_id)
    flags, strangers = _named_flags(session, case, finding.flag_ids)
    position = contract_at(session, case.tenant_id, at)
    principals = frozen_principals(session, case.id, flags)
    asked = finding.measure or MeasureWanted()
    rows = rows_to_freeze(case.tenant_id, flags, read_rows)
    flagged = flagged_traffic(flags, rows, principals.rows, principals.usual)
    measure = proposed_measure(asked, flagged, policy.measure_review)
    refuse_unless(
        *_who_and_why(decision, case, finding.reasons),
        (finding.tenants_part is not None, "say the tenant's part: victim, complicit or unknown"),
        (
            bool(finding.grounds),
            f"name at least one ground that fits the flagged traffic, of {', '.join(Ground)}",
        ),
        *((False, fault) for fault in misfitting(finding.grounds, flagged.streams)),
        (not strangers, f"not flags in force of this case: {', '.join(strangers)}"),
        (bool(flags), "no flag in force is named; a determination needs what spiked"),
        (asked.is_named, f"say the kind of measure too: {', '.join(MeasureKind)}"),
        *((False, fault) for fault in measure_faults(measure, flagged)),
        *_narrowest_checks(position, asked, measure, flagged),
        *((False, fault) for fault in refused_before(session, case, flags, finding)),
        action=f"determine {in_words(case)}",
    )
    assert measure is not None, "measure_faults says so otherwise"
    evidence = freeze(session, case, flags, rows, at, principals)
    determination, reasons = _record(
        decision, case, Finding.FRAUDULENT, finding.reasons, flags, finding, evidence
    )
    named = [each for each in NamedEvidence if each in set(finding.evidence)]
    grounds = Grounds(case, determination, reasons.sha256, evidence, flags, position, flagged.replay, named)
    proposal = draw_up(session, grounds, measure, policy, obstacles(position, at), at)
    shown = traits_of_finding(determination.grounds, measure.scope.destination_prefixes)
    keep_traits(session, {case.id: shown})
    content = _determined(determination, reasons, flags, evidence, proposal)
    move(decision, case, CaseState.DETERMINED, "case.determined", content)
    return proposal


def _narrowest_checks(
    position: Contract, asked: MeasureWanted, measure: PlannedMeasure | None, flagged: Flagged
) -> list[tuple[bool, str]]:
    """A measure that is wider than needed needs its reason."""
    if measure is None or (asked.why_wider or "").strip():
        return []
    duty = asks_for_the_narrowest(position.terms)
    fault = why_wider_fault(measure.kind, measure.scope, flagged, duty=duty, home=position.country)
    return (
        [(False, f"{fault}: say why {measure.kind} is needed and no narrower one is enough")] if fault else []
    )


def _determined(
    determination: Determination,
    reasons: PersonalText,
    flags: Sequence[Flag],
    evidence: EvidenceSet,
    proposal: Proposal,
) -> dict[str, Any]:
    """Return what the log says of a determination of fraud."""
    return {
        "determination_id": determination.id,
        "finding": determination.finding,
        "tenants_part": determination.tenants_part,
        "grounds": determination.grounds,
        "account_taken_over": determination.account_taken_over,
        "reasons_sha256": reasons.sha256,
        "flags": len(flags),
        "flags_sha256": digest(sorted(flag.id for flag in flags)),
        "evidence_set_id": evidence.id,
        "evidence_sha256": evidence.sha256,
        "proposal_id": proposal.id,
        "proposal_sha256": proposal.sha256,
        "mode": proposal.mode,
    }


def leave_undetermined(decision: Decision, case_id: str, *, reasons: str) -> Determination:
    """Record that it cannot be said whether it is fraud; the case stays in review."""
    session = decision.session
    case = lock_case(session, case_id)
    flags, _ = _named_flags(session, case, None)
    refuse_unless(*_who_and_why(decision, case, reasons), action=f"determine {in_words(case)}")
    determination, words = _record(decision, case, Finding.UNDETERMINED, reasons, flags)
    content = {"determination_id": determination.id, "reasons_sha256": words.sha256, "state": case.state}
    note(decision, case, "case.undetermined", content)
    return determination


def dismiss(
    decision: Decision, case_id: str, *, reasons: str, bulk_dismissal_id: str | None = None
) -> Determination:
    """Record that the flagged traffic is not fraudulent; the case is closed and a rerun never reopens it.

    Parameters
    ----------
    bulk_dismissal_id : of the act by which cases of one cause are dismissed together; None: it is dismissed alone.
    """
    session = decision.session
    case = lock_case(session, case_id)
    flags, _ = _named_flags(session, case, None)
    refuse_unless(*_who_and_why(decision, case, reasons), action=f"dismiss {in_words(case)}")
    determination, words = _record(decision, case, Finding.NOT_FRAUDULENT, reasons, flags)
    content = {
        "determination_id": determination.id,
        "finding": determination.finding,
        "reasons_sha256": words.sha256,
        "flags": len(flags),
    }
    if bulk_dismissal_id is not None:
        content["bulk_dismissal_id"] = bulk_dismissal_id
    move(decision, case, CaseState.DISMISSED, "case.dismissed", content)
    return determination


def reopen(decision: Decision, case_id: str, *, reasons: str) -> Case:
    """Open a dismissed, expired or withdrawn case again, for review."""
    session, by, at = decision.session, decision.by, decision.at
    order_openers(session)
    case = lock_case(session, case_id)
    open_case = session.scalar(
        select(Case.number).where(
            Case.tenant_id == case.tenant_id, Case.id != case.id, Case.state.not_in(CLOSED_STATES)
        )
    )
    refuse_unless(
        (
            case.state in (CaseState.DISMISSED, CaseState.EXPIRED, CaseState.WITHDRAWN),
            f"it is {case.state}; only dismissed, expired and withdrawn cases are opened again",
        ),
        (by.may(Role.REVIEWER), f"{by} is not a reviewer"),
        (bool(reasons.strip()), "give the reasons"),
        (open_case is None, f"the tenant has an open case: case {open_case}"),
        action=f"reopen {in_words(case)}",
    )
    words = write_comment(decision, case, CommentKind.REOPENED, reasons)
    record_part(session, by, Part.EDITED, case.tenant_id, at, case_id=case.id)
    move(decision, case, CaseState.IN_REVIEW, "case.reopened", words=words)
    return case


def withdraw(decision: Decision, case_id: str, *, reasons: str) -> Case:
    """Withdraw what was approved and not yet carried out; nothing more of its notice is sent.

    Where anything had gone out, a withdrawal notice follows (suspension.enforcement). A machine withdraws
    only what was served and not acted on in time, or disputed with success.
    """
    session, by = decision.session, decision.by
    case = lock_case(session, case_id)
    refuse_unless(
        (
            case.state in BEFORE_THE_MEASURE,
            f"it is {case.state}; only approved, noticed and notice_failed cases are withdrawn",
        ),
        (
            not by.is_person or by.may(Role.REVIEWER, Role.APPROVER),
            f"{by} is neither a reviewer nor an approver",
        ),
        (bool(reasons.strip()), "give the reasons"),
        action=f"withdraw {in_words(case)}",
    )
    words = write_comment(decision, case, CommentKind.WITHDRAWN, reasons) if by.is_person else None
    record_part(session, by, Part.WITHDREW, case.tenant_id, decision.at, case_id=case.id)
    content = {} if by.is_person else {"because": reasons}
    proposal = latest_proposal(session, case)
    if proposal is not None:
        plan = plan_of(session, proposal.id)
        if plan is not None:
            cancel_plan(decision, plan.id)
        content |= {"proposal_id": proposal.id, "proposal_sha256": proposal.sha256}
    move(decision, case, CaseState.WITHDRAWN, "case.withdrawn", content, words)
    return case


def latest_determination(session: Session, case: Case) -> Determination | None:
    """Return the case's newest determination, whatever it found."""
    return session.scalar(
        select(Determination)
        .where(Determination.case_id == case.id)
        .order_by(Determination.number.desc())
        .limit(1)
    )


def _who_and_why(decision: Decision, case: Case, reasons: str) -> list[tuple[bool, str]]:
    by = decision.by
    lease = leases_on_record(decision.session, (case.id,), decision.at).get(case.id)
    held = held_by_another(lease.holder, lease.ends_at, by.name) if lease else ()
    return [
        (
            case.state is CaseState.IN_REVIEW,
            f"it is {case.state}; only a case in review is decided",
        ),
        (by.may(Role.REVIEWER), f"{by} is not a reviewer"),
        *((False, fault) for fault in held),
        (bool(reasons.strip()), "give the reasons"),
    ]


def _named_flags(
    session: Session, case: Case, flag_ids: Collection[str] | None
) -> tuple[list[Flag], list[str]]:
    """Return the named flags of the case, those in force, locked; and the names that fit no flag or more than one.

    A flag is named by its id, or by the first 8 or more characters of it, as tables show them.
    """
    in_force = flags_in_force(session, case.id, lock=True)
    if flag_ids is None:
        return in_force, []
    named: set[str] = set()
    strangers = []
    for name in sorted(set(flag_ids)):
        meant = [
            flag.id for flag in in_force if flag.id == name or (len(name) >= 8 and flag.id.startswith(name))
        ]
        if len(meant) == 1:
            named.add(meant[0])
        else:
            strangers.append(name)
    return [flag for flag in in_force if flag.id in named], strangers


def _record(
    decision: Decision,
    case: Case,
    finding: Finding,
    reasons: str,
    flags: Sequence[Flag],
    fraud: FraudFinding | None = None,
    evidence: EvidenceSet | None = None,
) -> tuple[Determination, PersonalText]:
    session, by, at = decision.session, decision.by, decision.at
    assert by.user_id is not None, "only persons have roles"
    words = keep_text(session, reasons.strip(), at)
    why_wider = ((fraud.measure.why_wider if fraud and fraud.measure else None) or "").strip()
    wider = keep_text(session, why_wider, at) if why_wider else None
    latest = session.scalar(select(func.max(Determination.number)).where(Determination.case_id == case.id))
    determination = Determination(
        id=new_id(),
        case_id=case.id,
        number=(latest or 0) + 1,
        finding=finding,
        tenants_part=fraud.tenants_part if fraud else None,
        grounds=list(in_catalogue_order(fraud.grounds)) if fraud else [],
        account_taken_over=fraud is not None and fraud.account_taken_over,
        reasons_text_id=words.id,
        why_wider_text_id=wider.id if wider is not None else None,
        by_user_id=by.user_id,
        at=at,
        evidence_set_id=evidence.id if evidence else None,
    )
    session.add(determination)
    session.flush()
    session.add_all(DeterminationFlag(determination_id=determination.id, flag_id=flag.id) for flag in flags)
    record_part(session, by, Part.DETERMINED, case.tenant_id, at, case_id=case.id)
    session.flush()
    return determination, words
