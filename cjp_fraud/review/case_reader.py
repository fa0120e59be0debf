"""Read everything that the review has on record of one case, with as few queries as there are kinds of rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, Final

from sqlalchemy import Select, bindparam, exists, func, literal, select, union_all
from sqlalchemy.orm import Session

from cjp_fraud.audit.entries_of_case import entries_about
from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.contracts.model import Recipient
from cjp_fraud.documents import from_document
from cjp_fraud.notices.contradictions import open_contradictions
from cjp_fraud.notices.letter_words import wrapped
from cjp_fraud.people.tables import User
from cjp_fraud.review.attachments import attachments_of
from cjp_fraud.review.case_lines import outline_on_record
from cjp_fraud.review.cases import flags_in_force
from cjp_fraud.review.decision_tables import (
    Approval,
    Determination,
    DeterminationFlag,
    Dispute,
    Proposal,
    Stop,
)
from cjp_fraud.review.evidence import FlagView
from cjp_fraud.review.joint_events import events_of
from cjp_fraud.review.known_events_on_record import events_of_flags
from cjp_fraud.review.principals import principal_views
from cjp_fraud.review.proposal import document_of, measure_of
from cjp_fraud.review.stops_on_record import standing_stops
from cjp_fraud.review.tables import Case, CaseComment, CaseLine, Episode, EvidenceSet, Flag
from cjp_fraud.review.views import (
    ApprovalView,
    CaseView,
    CommentView,
    DeterminationView,
    DisputeView,
    EpisodeView,
    HistoryEntry,
    OtherCase,
    ProposalView,
    ProposedMeasure,
    StopView,
)
from cjp_fraud.storage.read_rows import has_none, rows_kept

# Made once: to make a statement takes longer than to run it.
_OFTEN_NONE: Final[Sequence[Any]] = (CaseComment, Determination, Proposal, Dispute, Stop)
_WITH_ROWS: Final = union_all(  # most cases have none of these, and are then not asked for them
    *(
        select(literal(table.__tablename__)).where(exists().where(table.case_id == bindparam("case_id")))
        for table in _OFTEN_NONE
    )
)

# Made once: to make a statement takes longer than to run it.
_OTHER_CASES: Final = (
    select(Case.number, Case.state, Case.opened_at)
    .where(Case.tenant_id == bindparam("tenant_id"), Case.id != bindparam("case_id"))
    .order_by(Case.number.desc())
)
_NAMES: Final = select(User.id, User.name).where(User.id.in_(bindparam("ids", expanding=True)))

MOST_FLAGS = 50
"""Flags that are shown, the highest scores first; all are in the evidence."""

ERASED = "(erased)"
"""Stands where a person's words were erased."""


_OF_THE_ROW: Final = (
    *("number", "id", "tenant_id", "state", "opened_at", "closed_at"),
    *("first_flag_at", "last_flag_at", "top_score"),
)
"""Fields of a case's view that are columns of its row."""


def case_view(session: Session, case_id: str, at: datetime) -> CaseView:
    """Return a case that is on record, as it stands, under the contract in force at ``at`` (aware)."""
    case = session.get_one(Case, case_id)
    contract = contract_at(session, case.tenant_id, at)
    in_force = flags_in_force(session, case.id)
    closed_at = case.closed_at
    reader = _CaseReader(session, case)
    return CaseView(
        **{name: getattr(case, name) for name in _OF_THE_ROW},
        customer_name=contract.customer_name,
        claimed_by=reader.name(case.claimed_by),
        flags_in_force=len(in_force),
        flags_since_closed=sum(closed_at is not None and flag.recorded_at > closed_at for flag in in_force),
        notice_terms=contract.notice_terms_fault or "read",
        right_to_suspend=contract.right,
        critical=contract.critical,
        flags=_highest(in_force),
        joint_events=events_of(session, case.tenant_id, case.first_flag_at, case.last_flag_at),
        known_events=events_of_flags(session, case.tenant_id, in_force),
        principals=principal_views(session, case.id, in_force),
        episodes=reader.episodes(),
        comments=reader.comments(),
        determinations=reader.determinations(),
        proposals=reader.proposals(),
        disputes=reader.disputes(),
        contradictions=open_contradictions(session, [case.id]),
        stops_standing=tuple(standing_stops(session, case.id)),
        stops=reader.stops(),
        tenants_other_cases=reader.tenants_other_cases(),
        history=reader.history(),
        outline=outline_on_record(session.get(CaseLine, case.id)),
    )


def _highest(flags: Sequence[Flag]) -> tuple[FlagView, ...]:
    """Return the flags with the highest scores first, at most ``MOST_FLAGS``."""
    ordered = sorted(flags, key=lambda flag: (-flag.score, flag.interval_start, flag.id))
    return tuple(FlagView.of(flag) for flag in ordered[:MOST_FLAGS])


@cache
def _of_case(table: Any, order: Any) -> Select[Any]:
    return select(table).where(table.case_id == bindparam("case_id")).order_by(order)


class _CaseReader:
    """Reads the rows of one case, the oldest first; each name and text that they refer to is read only once."""

    def __init__(self, session: Session, case: Case) -> None:
        self._session, self._case = session, case
        self._names: dict[str, str] = {}
        self._texts: dict[str, str] = {}
        self._with_rows = {Episode}
        if not all(has_none(session, table, case.id) for table in _OFTEN_NONE):
            found = set(session.scalars(_WITH_ROWS, {"case_id": case.id}))
            self._with_rows |= {table for table in _OFTEN_NONE if table.__tablename__ in found}

    def name(self, reference: str | None) -> str | None:
        """Return the name of the user, or the machine's own; None for None."""
        return None if reference is None else self._name(reference)

    def episodes(self) -> tuple[EpisodeView, ...]:
        kept = rows_kept(self._session, Episode, self._case.id)
        rows = (
            self._rows(Episode, order=Episode.first_flag_at)
            if kept is None
            else sorted(kept, key=lambda row: row.first_flag_at)
        )
        return tuple(
            EpisodeView(row.id, row.first_flag_at, row.last_flag_at, row.top_score, row.flag_count)
            for row in rows
            if row.flag_count > 0
        )

    def comments(self) -> tuple[CommentView, ...]:
        rows = self._rows(CaseComment, order=CaseComment.id)
        self._read_texts(row.text_id for row in rows)
        self._read_names(row.by_user_id for row in rows)
        files = attachments_of(self._session, self._case.id) if rows else {}
        return tuple(
            CommentView(
                at=row.at,
                by=self._name(row.by_user_id),
                kind=row.kind,
                text=self._texts[row.text_id],
                attachments=tuple(files.get(row.id, ())),
            )
            for row in rows
        )

    def determinations(self) -> tuple[DeterminationView, ...]:
        rows = self._rows(Determination, order=Determination.number)
        if not rows:
            return ()
        self._read_texts(text_id for row in rows for text_id in (row.reasons_text_id, row.why_wider_text_id))
        self._read_names(row.by_user_id for row in rows)
        flag_counts = dict(
            self._session.execute(
                select(DeterminationFlag.determination_id, func.count())
                .where(DeterminationFlag.determination_id.in_([row.id for row in rows]))
                .group_by(DeterminationFlag.determination_id)
            ).all()
        )
        evidence = dict(
            self._session.execute(
                select(EvidenceSet.id, EvidenceSet.sha256).where(EvidenceSet.case_id == self._case.id)
            ).all()
        )
        return tuple(
            DeterminationView(
                number=row.number,
                at=row.at,
                by=self._name(row.by_user_id),
                finding=row.finding,
                tenants_part=row.tenants_part,
                grounds=tuple(row.grounds),
                flags=flag_counts.get(row.id, 0),
                reasons=self._texts[row.reasons_text_id],
                evidence_sha256=evidence.get(row.evidence_set_id or ""),
                why_wider=self._texts.get(row.why_wider_text_id or ""),
            )
            for row in rows
        )

    def proposals(self) -> tuple[ProposalView, ...]:
        rows = self._rows(Proposal, order=Proposal.number)
        if not rows:
            return ()
        approvals = self._session.scalars(
            select(Approval)
            .where(Approval.proposal_id.in_([row.id for row in rows]))
            .order_by(Approval.at, Approval.id)
        ).all()
        self._read_names(approval.by_user_id for approval in approvals)
        return tuple(
            self._proposal(row, [approval for approval in approvals if approval.proposal_id == row.id])
            for row in rows
        )

    def _proposal(self, row: Proposal, approvals: Sequence[Approval]) -> ProposalView:
        document = document_of(row)
        notice = document["notice"] or {}
        kind, scope, _duration = measure_of(document)
        return ProposalView(
            number=row.number,
            id=row.id,
            sha256=row.sha256,
            mode=row.mode,
            drawn_at=row.drawn_at,
            expires_at=row.expires_at,
            measure=ProposedMeasure(
                kind,
                scope,
                document["measure"]["hours"],
                document["measure"]["review_hours"],
                document["measure"].get("replayed"),
            ),
            grounds=tuple(document["determination"]["grounds"]),
            rests_on=tuple(document["determination"].get("rests_on", ())),
            obstacles=tuple(document["obstacles"]),
            remarks=tuple(document.get("remarks", ())),
            recipients=tuple(
                from_document(Recipient, recipient) for recipient in notice.get("recipients", ())
            ),
            letter=wrapped(notice["body"]) if notice else None,
            approvals=tuple(
                ApprovalView(
                    self._name(approval.by_user_id),
                    approval.capacity,
                    approval.at,
                    approval.proposal_sha256,
                )
                for approval in approvals
            ),
        )

    def disputes(self) -> tuple[DisputeView, ...]:
        rows = self._rows(Dispute, order=Dispute.id)
        self._read_texts(text_id for row in rows for text_id in (row.text_id, row.decision_text_id))
        self._read_names(row.decided_by for row in rows)
        return tuple(
            DisputeView(
                id=row.id,
                state=row.state,
                opened_at=row.opened_at,
                answer_due_at=row.answer_due_at,
                decide_by=row.decide_by,
                text=self._texts[row.text_id],
                decided_by=self.name(row.decided_by),
                decided_at=row.decided_at,
                decision=self._texts.get(row.decision_text_id or ""),
            )
            for row in rows
        )

    def stops(self) -> tuple[StopView, ...]:
        rows = self._rows(Stop, order=Stop.id)
        self._read_texts(row.reason_text_id for row in rows)
        self._read_names(reference for row in rows for reference in (row.opened_by, row.cleared_by))
        return tuple(
            StopView(
                id=row.id,
                kind=row.kind,
                opened_at=row.opened_at,
                opened_by=self._name(row.opened_by),
                reasons=self._texts.get(row.reason_text_id or ""),
                cleared_at=row.cleared_at,
                cleared_by=self.name(row.cleared_by),
            )
            for row in rows
        )

    def tenants_other_cases(self) -> tuple[OtherCase, ...]:
        rows = self._session.execute(
            _OTHER_CASES, {"tenant_id": self._case.tenant_id, "case_id": self._case.id}
        )
        return tuple(OtherCase(number, state, opened_at) for number, state, opened_at in rows)

    def history(self) -> tuple[HistoryEntry, ...]:
        entries = entries_about(self._session, self._case.id)
        self._read_names(entry.actor for entry in entries)
        return tuple(
            HistoryEntry(entry.at, self._name(entry.actor), entry.action, entry.sequence) for entry in entries
        )

    def _rows(self, table: Any, *, order: Any) -> Sequence[Any]:
        if table not in self._with_rows:
            return ()
        return self._session.scalars(_of_case(table, order), {"case_id": self._case.id}).all()

    def _name(self, reference: str) -> str:
        self._read_names([reference])
        return self._names[reference]

    def _read_names(self, references: Iterable[str | None]) -> None:
        """Read the users' names; a machine's reference (``system:detect``) is its name."""
        unread = {reference for reference in references if reference is not None} - self._names.keys()
        people = sorted(reference for reference in unread if not reference.startswith("system:"))
        names = dict(self._session.execute(_NAMES, {"ids": people}).all()) if people else {}
        self._names |= {reference: names.get(reference, reference) for reference in unread}

    def _read_texts(self, text_ids: Iterable[str | None]) -> None:
        unread = {text_id for text_id in text_ids if text_id is not None} - self._texts.keys()
        if not unread:
            return
        rows = self._session.execute(
            select(PersonalText.id, PersonalText.body).where(PersonalText.id.in_(unread))
        )
        self._texts |= {row.id: row.body if row.body is not None else ERASED for row in rows}
