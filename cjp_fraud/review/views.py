"""Everything that the review has on record of one case, for screens."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.tables import AuditEntry, PersonalText
from cjp_fraud.contracts.position import position_at
from cjp_fraud.people.tables import User
from cjp_fraud.review.evidence import flag_document
from cjp_fraud.review.proposal import document_of
from cjp_fraud.review.stops import standing_stops
from cjp_fraud.review.tables import (
    Approval,
    Case,
    CaseComment,
    Determination,
    DeterminationFlag,
    Dispute,
    Episode,
    EvidenceSet,
    Flag,
    Proposal,
    Stop,
)

MOST_FLAGS = 50
"""Flags that are shown; all are in the evidence."""


def case_view(session: Session, case_id: str, at: datetime) -> dict[str, Any]:
    """Return a case with its flags, people's decisions, disputes, stops and history, as plain values."""
    case = session.get(Case, case_id)
    assert case is not None, "the caller found it"
    names = {user.id: user.name for user in session.scalars(select(User))}
    position = position_at(session, case.tenant_id, at)
    flags = _flags(session, case)
    return {
        "number": case.number,
        "id": case.id,
        "tenant_id": case.tenant_id,
        "state": case.state,
        "claimed_by": names.get(case.claimed_by or ""),
        "opened_at": case.opened_at,
        "closed_at": case.closed_at,
        "first_flag_at": case.first_flag_at,
        "last_flag_at": case.last_flag_at,
        "top_score": case.top_score,
        "flags_in_force": len(flags),
        "flags_since_closed": sum(
            case.closed_at is not None and flag.recorded_at > case.closed_at for flag in flags
        ),
        "notice_terms": position.notice_terms_fault or "read",
        "right_to_suspend": position.right,
        "critical": position.critical,
        "flags": [
            flag_document(flag)
            for flag in sorted(flags, key=lambda flag: (-flag.score, flag.interval_start))[:MOST_FLAGS]
        ],
        "episodes": [
            {
                "id": episode.id,
                "first_flag_at": episode.first_flag_at,
                "last_flag_at": episode.last_flag_at,
                "top_score": episode.top_score,
                "flags": episode.flag_count,
            }
            for episode in session.scalars(
                select(Episode)
                .where(Episode.case_id == case.id, Episode.flag_count > 0)
                .order_by(Episode.first_flag_at)
            )
        ],
        "comments": _comments(session, case, names),
        "determinations": _determinations(session, case, names),
        "proposals": _proposals(session, case, names),
        "disputes": _disputes(session, case, names),
        "stops_standing": standing_stops(session, case.id),
        "stops": _stops(session, case, names),
        "tenants_other_cases": [
            {"number": number, "state": state, "opened_at": opened_at}
            for number, state, opened_at in session.execute(
                select(Case.number, Case.state, Case.opened_at)
                .where(Case.tenant_id == case.tenant_id, Case.id != case.id)
                .order_by(Case.number.desc())
            )
        ],
        "history": [
            {"at": entry.at, "actor": names.get(entry.actor, entry.actor), "action": entry.action}
            for entry in session.scalars(
                select(AuditEntry).where(AuditEntry.case_id == case.id).order_by(AuditEntry.sequence)
            )
        ],
    }


def _flags(session: Session, case: Case) -> list[Flag]:
    return list(
        session.scalars(
            select(Flag)
            .join(Episode, Episode.id == Flag.episode_id)
            .where(Episode.case_id == case.id, Flag.superseded_at.is_(None))
        )
    )


def _text(session: Session, text_id: str | None) -> str | None:
    if text_id is None:
        return None
    row = session.get(PersonalText, text_id)
    return row.body if row is not None and row.body is not None else "(erased)"


def _comments(session: Session, case: Case, names: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "at": row.at,
            "by": names.get(row.by_user_id),
            "kind": row.kind,
            "text": _text(session, row.text_id),
        }
        for row in session.scalars(
            select(CaseComment).where(CaseComment.case_id == case.id).order_by(CaseComment.id)
        )
    ]


def _determinations(session: Session, case: Case, names: dict[str, str]) -> list[dict[str, Any]]:
    counted = session.execute(
        select(DeterminationFlag.determination_id, func.count().label("flags")).group_by(
            DeterminationFlag.determination_id
        )
    )
    named = {row.determination_id: row.flags for row in counted}
    evidence = {
        row.id: row.sha256
        for row in session.execute(
            select(EvidenceSet.id, EvidenceSet.sha256).where(EvidenceSet.case_id == case.id)
        )
    }
    return [
        {
            "number": row.number,
            "at": row.at,
            "by": names.get(row.by_user_id),
            "finding": row.finding,
            "tenants_part": row.tenants_part,
            "flags": named.get(row.id, 0),
            "reasons": _text(session, row.reasons_text_id),
            "evidence_sha256": evidence.get(row.evidence_set_id or ""),
        }
        for row in session.scalars(
            select(Determination).where(Determination.case_id == case.id).order_by(Determination.number)
        )
    ]


def _proposals(session: Session, case: Case, names: dict[str, str]) -> list[dict[str, Any]]:
    found = []
    for row in session.scalars(select(Proposal).where(Proposal.case_id == case.id).order_by(Proposal.number)):
        document = document_of(row)
        notice = document["notice"] or {}
        found.append(
            {
                "number": row.number,
                "id": row.id,
                "sha256": row.sha256,
                "mode": row.mode,
                "drawn_at": row.drawn_at,
                "expires_at": row.expires_at,
                "measure": document["measure"],
                "obstacles": document["obstacles"],
                "recipients": notice.get("recipients", []),
                "letter": notice.get("body"),
                "approvals": [
                    {
                        "by": names.get(approval.by_user_id),
                        "capacity": approval.capacity,
                        "at": approval.at,
                        "sha256": approval.proposal_sha256,
                    }
                    for approval in session.scalars(
                        select(Approval).where(Approval.proposal_id == row.id).order_by(Approval.at)
                    )
                ],
            }
        )
    return found


def _disputes(session: Session, case: Case, names: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "id": row.id,
            "state": row.state,
            "opened_at": row.opened_at,
            "answer_due_at": row.answer_due_at,
            "text": _text(session, row.text_id),
            "decided_by": names.get(row.decided_by or ""),
            "decided_at": row.decided_at,
            "decision": _text(session, row.decision_text_id),
        }
        for row in session.scalars(select(Dispute).where(Dispute.case_id == case.id).order_by(Dispute.id))
    ]


def _stops(session: Session, case: Case, names: dict[str, str]) -> list[dict[str, Any]]:
    return [
        {
            "id": row.id,
            "kind": row.kind,
            "opened_at": row.opened_at,
            "opened_by": names.get(row.opened_by, row.opened_by),
            "reasons": _text(session, row.reason_text_id),
            "cleared_at": row.cleared_at,
            "cleared_by": names.get(row.cleared_by or ""),
        }
        for row in session.scalars(select(Stop).where(Stop.case_id == case.id).order_by(Stop.id))
    ]
