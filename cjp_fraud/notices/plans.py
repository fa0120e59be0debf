"""Notice plans: which letter goes where, by which method, in which step; drafted, approved, put on record."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.contracts.position import Contract
from cjp_fraud.contracts.recipients import Recipient
from cjp_fraud.contracts.terms import (
    Combine,
    MethodRule,
    NoticeStep,
    NoticeTerms,
    Wait,
    WaitUnit,
)
from cjp_fraud.digests import digest
from cjp_fraud.documents import UtcMoment, from_document, to_document
from cjp_fraud.errors import NotFoundError, refuse_unless
from cjp_fraud.notices.letter_dates import LetterDates, letter_dates
from cjp_fraud.notices.letter_facts import Letter
from cjp_fraud.notices.letters import LANGUAGES, Addressee, letter_language, render
from cjp_fraud.notices.model import NoticeKind, NoticeState
from cjp_fraud.notices.tables import Notice, NoticePlan
from cjp_fraud.people.model import Decision


@dataclass(frozen=True, slots=True)
class PlannedLetter:
    """One letter of a plan: one step, one method, one address.

    Parameters
    ----------
    required : False for an address that was replaced lately: it is served too, but decides nothing.
    """

    number: int
    step: int
    method_index: int
    rule: MethodRule
    recipient: Recipient
    required: bool


@dataclass(frozen=True, slots=True)
class PlanDraft:
    """A notice plan as it is proposed and approved; holds ids and digests in the place of names and addresses.

    Parameters
    ----------
    lasts_hours : longest duration of the measure that its letters announce; None: they announce none.
    term_to : end of the term, which no measure outlives; None: not known.
    dispute_days : how long after its date a letter may be disputed.
    locale : the language with the contract's region, by which dates are written; None: the language alone.
    """

    kind: NoticeKind
    tenant_id: str
    time_zone: str
    language: str
    template: str
    template_version: str
    subject: str
    body: str
    clause: str
    terms: NoticeTerms
    recipients: tuple[Recipient, ...]
    lasts_hours: int | None
    term_to: UtcMoment | None
    dispute_days: int
    locale: str | None = None

    def dates(self, dispatched_at: datetime, step: int) -> LetterDates:
        """Return the moments that a letter of ``step`` states if it leaves at ``dispatched_at`` (aware)."""
        return letter_dates(
            dispatched_at,
            terms=self.terms,
            time_zone=self.time_zone,
            step=step,
            lasts_hours=self.lasts_hours,
            term_to=self.term_to,
            dispute_days=self.dispute_days,
        )

    @property
    def letters(self) -> tuple[PlannedLetter, ...]:
        """All letters, in the order of step, method, role and address."""
        letters = [
            (step.number, place, rule, recipient)
            for step in self.terms.steps
            for place, rule in enumerate(step.methods)
            for role in dict.fromkeys(rule.address_roles)
            for recipient in self.recipients
            if recipient.role == role and recipient.method == rule.method
        ]
        return tuple(
            PlannedLetter(number, step, place, rule, recipient, recipient.replaced_at is None)
            for number, (step, place, rule, recipient) in enumerate(letters, 1)
        )


def draft_plan(position: Contract, recipients: tuple[Recipient, ...], letter: Letter) -> PlanDraft:
    """Draft a plan: pure, so that the same facts give the same bytes.

    A suspension is noticed as the contract says. Every other kind goes once to everybody in ``recipients``, by the
    method of each address, whatever the contract has become since.

    Raises
    ------
    Refused
        Naming all that stands in the way: terms not read, a role without an address, no letter in the
        contract's language.
    """
    by_contract = letter.kind is NoticeKind.SUSPENSION
    terms = position.notice_terms if by_contract else _once_to_all(recipients)
    unread = position.notice_terms_fault or "the notice clause has not been read"
    refuse_unless(
        (terms is not None, unread if by_contract else "there is nobody to be served"),
        (
            letter_language(position.language) is not None,
            f"the contract's language is {position.language} and there is no letter in it; "
            f"there are {', '.join(LANGUAGES)}",
        ),
        *((False, sentence) for sentence in _without_address(terms, recipients)),
        action=f"draft the {letter.kind} notice of tenant {position.tenant_id}",
    )
    assert terms is not None
    document, read = position.governing_document, position.notice_terms
    rendered = render(
        letter,
        Addressee(
            tag=position.language,
            reference=position.tenant_id,
            time_zone=position.time_zone,
            document=document.reference if document is not None else None,
            notice_clause=read.clause if read is not None else None,
        ),
    )
    return PlanDraft(
        kind=letter.kind,
        tenant_id=position.tenant_id,
        time_zone=position.time_zone,
        language=rendered.language,
        template=rendered.template,
        template_version=rendered.template_version,
        subject=rendered.subject,
        body=rendered.body,
        clause=position.clause,
        terms=terms,
        recipients=recipients,
        lasts_hours=int(letter.lasts / timedelta(hours=1)) if letter.lasts is not None else None,
        term_to=position.term_to,
        dispute_days=letter.sender.dispute_days,
        locale=rendered.locale,
    )


def create_plan(
    decision: Decision,
    draft: PlanDraft,
    *,
    case_id: str,
    proposal_id: str,
    approved_at: datetime,
    mode: PlatformMode,
    round: int = 0,
) -> NoticePlan:
    """Put an approved draft on record with its letters; made once for a proposal, kind and round.

    Parameters
    ----------
    decision : who carries out the approval; the first step is due from its moment on.
    approved_at : when the proposal was approved; aware, not after the decision.
    mode : mode that was approved; in ``observe`` nothing of the plan ever leaves.
    round : of reaffirmations that it tells of; 0: it tells of none.
    """
    session = decision.session
    on_record = plan_of(session, proposal_id, draft.kind, round)
    if on_record is not None:
        return on_record
    document = to_document(draft)
    plan = NoticePlan(
        case_id=case_id,
        proposal_id=proposal_id,
        tenant_id=draft.tenant_id,
        kind=draft.kind,
        round=round,
        mode=mode,
        document=document,
        sha256=digest(document),
        approved_at=approved_at,
        created_at=decision.at,
    )
    session.add(plan)
    session.flush()
    session.add_all(
        Notice(
            plan_id=plan.id,
            planned_at=plan.created_at,
            number=planned.number,
            step=planned.step,
            method_index=planned.method_index,
            method=planned.rule.method,
            basis=planned.rule.basis,
            required=planned.required,
            kind=draft.kind,
            language=draft.language,
            template=draft.template,
            template_version=draft.template_version,
            address_id=planned.recipient.address_id,
            address_known=planned.recipient.known,
            clause=draft.clause,
            state=NoticeState.PLANNED,
        )
        for planned in draft.letters
    )
    session.flush()
    content = {
        "proposal_id": proposal_id,
        "kind": draft.kind,
        "mode": mode,
        "sha256": plan.sha256,
        "letters": len(draft.letters),
    }
    append(decision, "notice.planned", "notice_plans", plan.id, content, case_id=case_id)
    return plan


def cancel_plan(decision: Decision, plan_id: str) -> None:
    """Stop what has not been sent yet of a plan; doing so again changes nothing."""
    plan = decision.session.get(NoticePlan, plan_id, with_for_update=True)
    if plan is None:
        raise NotFoundError(f"no notice plan {plan_id} is on record")
    if plan.cancelled_at is None:
        plan.cancelled_at = decision.at
        append(decision, "notice.plan_cancelled", "notice_plans", plan.id, {}, case_id=plan.case_id)


def plan_of(
    session: Session, proposal_id: str, kind: NoticeKind = NoticeKind.SUSPENSION, round: int = 0
) -> NoticePlan | None:
    """Return the plan of a proposal, if one was made; ``round``: of the reaffirmations that it tells of."""
    return session.scalar(
        select(NoticePlan).where(
            NoticePlan.proposal_id == proposal_id, NoticePlan.kind == kind, NoticePlan.round == round
        )
    )


def stated_end(session: Session, plan_id: str) -> datetime | None:
    """Return the earliest end of the measure that a letter of the plan states which may have left; None: none does.

    What the customer read binds: the measure does not last longer, however late it begins.
    """
    written = (NoticeState.SENT, NoticeState.DEFERRED, NoticeState.OBSERVED)
    return session.scalar(
        select(func.min(Notice.states_end_at)).where(Notice.plan_id == plan_id, Notice.state.in_(written))
    )


def recipients_of(plan: NoticePlan) -> tuple[Recipient, ...]:
    """Return whom a plan serves. Its withdrawal goes to the same recipients, even if the addresses change later."""
    return from_document(PlanDraft, plan.document).recipients


def _once_to_all(recipients: tuple[Recipient, ...]) -> NoticeTerms | None:
    roles: dict[str, list[str]] = {}
    for recipient in recipients:
        roles.setdefault(recipient.method, []).append(recipient.role)
    if not roles:
        return None
    rules = tuple(
        MethodRule(method, DeliveryStatus.SENT, tuple(dict.fromkeys(names)))
        for method, names in roles.items()
    )
    return NoticeTerms((NoticeStep(1, Combine.ALL_OF, rules, Wait(0, WaitUnit.HOURS)),))


def _without_address(terms: NoticeTerms | None, recipients: tuple[Recipient, ...]) -> list[str]:
    """Say which roles of the terms have no address in force; a method cannot be served without one."""
    if terms is None:
        return []
    sentences = []
    for step in terms.steps:
        for rule in step.methods:
            for role in dict.fromkeys(rule.address_roles):
                in_force = [
                    recipient
                    for recipient in recipients
                    if recipient.role == role
                    and recipient.method == rule.method
                    and not recipient.replaced_at
                ]
                if not in_force:
                    sentences.append(
                        f"no {rule.method} address of role {role!r} is in force (step {step.number}); where it was "
                        "erased, enter it again: cjp-fraud tenants load"
                    )
    return list(dict.fromkeys(sentences))
