"""A case on one screen, and its forms: each is one call of an operation, once, on what its sender saw."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import TypeVar

from fastapi import APIRouter, Response

from cjp_fraud.contracts.restriction import CallsInProgress, MeasureKind
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, CjpFraudError, FormSentBefore, NotFoundError, Refused, StaleForm
from cjp_fraud.operations import attachments, case_desk, cases, emergency, measures, narrowing
from cjp_fraud.operations.case_timeline import TimelineEntry
from cjp_fraud.operations.posted_forms import acting_by_form
from cjp_fraud.review.grounds import Ground
from cjp_fraud.review.model import (
    CustomersAnswer,
    DisputeDecision,
    DisputeState,
    NamedEvidence,
    RestoreCheck,
    TenantsPart,
    WrongCause,
)
from cjp_fraud.review.requests import FraudFinding
from cjp_fraud.web.access import (
    FORM_ID,
    VERSION,
    Approver,
    CaseReader,
    CaseWorker,
    Commenter,
    CommenterWithFile,
    Reviewer,
    Visit,
)
from cjp_fraud.web.answers import file_answer, page, sentences_of, status_of, to
from cjp_fraud.web.measure_form import choice_of, measure_in

pages = APIRouter(include_in_schema=False)

_Choice = TypeVar("_Choice", bound=StrEnum)

Do = Callable[[Deployment], object]
"""What a form does, with the deployment in which it acts once."""


@pages.get("/cases/{number}")
def show(visit: CaseReader, number: int) -> Response:
    """Show a case."""
    return case_shown(visit, number)


@pages.post("/cases/{number}/claim")
def claim(visit: CaseWorker, number: int) -> Response:
    """Take it to work on it."""
    return act(visit, number, lambda acting: cases.claim(acting, visit.by, visit.now, str(number)))


@pages.post("/cases/{number}/release")
def release(visit: CaseWorker, number: int) -> Response:
    """Give it back to the queue."""
    return act(visit, number, lambda acting: cases.release(acting, visit.by, visit.now, str(number)))


@pages.post("/cases/{number}/comment")
def comment(visit: CommenterWithFile, number: int) -> Response:
    """Write on it, or attach a file to it, or both."""
    text, upload, fault = visit.form.get("text"), visit.form.upload, visit.form.fault

    def write(acting: Deployment) -> object:
        if fault is not None:
            raise fault
        if upload is None:
            return cases.comment(acting, visit.by, visit.now, str(number), text)
        return attachments.attach(acting, visit.by, visit.now, str(number), upload, text)

    return act(visit, number, write, any_version=True)


@pages.get("/cases/{number}/attachments/{attachment_id}")
def download(visit: CaseReader, number: int, attachment_id: str) -> Response:
    """Hand out a file that was attached: to be kept, never shown by the browser."""
    return file_answer(
        attachments.download(visit.deployment, visit.by, visit.now, str(number), attachment_id)
    )


@pages.post("/cases/{number}/determine")
def determine(visit: Reviewer, number: int) -> Response:
    """Determine that the flagged traffic is fraudulent."""
    form = visit.form

    def find(acting: Deployment) -> object:
        finding = FraudFinding(
            reasons=form.get("reasons"),
            tenants_part=_one_of(TenantsPart, form.get("part")),
            measure=measure_in(form),
            flag_ids=form.all("flag") or None,
            grounds=_ticked(Ground, form.all("ground")),
            taken_over=form.get("taken_over") == "yes",
            evidence=_ticked(NamedEvidence, form.all("rests_on")),
        )
        return cases.determine(acting, visit.by, visit.now, str(number), finding)

    return act(visit, number, find)


@pages.post("/cases/{number}/cannot-tell")
def cannot_tell(visit: Reviewer, number: int) -> Response:
    """Record that it can't be said whether it is fraud."""
    reasons = visit.form.get("reasons")
    return act(
        visit,
        number,
        lambda acting: cases.leave_undetermined(acting, visit.by, visit.now, str(number), reasons=reasons),
    )


@pages.post("/cases/{number}/dismiss")
def dismiss(visit: Reviewer, number: int) -> Response:
    """Find that it is no fraud, and close it."""
    reasons = visit.form.get("reasons")
    return act(
        visit, number, lambda acting: cases.dismiss(acting, visit.by, visit.now, str(number), reasons=reasons)
    )


@pages.post("/cases/{number}/reopen")
def reopen(visit: Reviewer, number: int) -> Response:
    """Open it again."""
    reasons = visit.form.get("reasons")
    return act(
        visit, number, lambda acting: cases.reopen(acting, visit.by, visit.now, str(number), reasons=reasons)
    )


@pages.post("/cases/{number}/approve")
def approve(visit: Approver, number: int) -> Response:
    """Approve exactly the proposal that was shown; the notice and the measure follow."""
    shown = _shown_proposal(visit)

    def approve_shown(acting: Deployment) -> object:
        expected = shown()
        visit.take_code()
        return cases.approve_and_carry_out(acting, visit.by, visit.now, str(number), expected_sha256=expected)

    return act(visit, number, approve_shown)


@pages.post("/cases/{number}/emergency")
def order_in_emergency(visit: Reviewer, number: int) -> Response:
    """Take exactly the proposed measure that was shown at once; it ends by itself unless somebody approves it."""
    form, shown = visit.form, _shown_proposal(visit)
    return act(
        visit,
        number,
        lambda acting: emergency.order_in_emergency(
            acting, visit.by, visit.now, str(number), reasons=form.get("reasons"), expected_sha256=shown()
        ),
    )


@pages.post("/cases/{number}/confirm")
def confirm(visit: Approver, number: int) -> Response:
    """Approve the measure that one reviewer had ordered in an emergency."""
    return approve(visit, number)


@pages.post("/cases/{number}/return")
def return_(visit: Commenter, number: int) -> Response:
    """Return the proposal with a comment, or take it back."""
    reasons = visit.form.get("reasons")
    return act(
        visit,
        number,
        lambda acting: cases.return_proposal(acting, visit.by, visit.now, str(number), reasons=reasons),
    )


@pages.post("/cases/{number}/refuse")
def refuse(visit: Commenter, number: int) -> Response:
    """Refuse the proposal: the finding does not hold."""
    reasons = visit.form.get("reasons")
    return act(
        visit,
        number,
        lambda acting: cases.refuse_proposal(acting, visit.by, visit.now, str(number), reasons=reasons),
    )


@pages.post("/cases/{number}/withdraw")
def withdraw(visit: Commenter, number: int) -> Response:
    """Withdraw what was approved."""
    reasons = visit.form.get("reasons")
    return act(
        visit,
        number,
        lambda acting: cases.withdraw_and_notify(acting, visit.by, visit.now, str(number), reasons=reasons),
    )


@pages.post("/cases/{number}/reinstate")
def reinstate(visit: Approver, number: int) -> Response:
    """Lift the measure."""
    reasons, checks = visit.form.get("reasons"), _ticked(RestoreCheck, visit.form.all("check"))
    return act(
        visit,
        number,
        lambda acting: measures.reinstate(
            acting, visit.by, visit.now, str(number), reasons=reasons, checks=checks
        ),
    )


@pages.post("/cases/{number}/dispute")
def open_dispute(visit: Commenter, number: int) -> Response:
    """Enter the customer's dispute, in the customer's words."""
    text = visit.form.get("text")
    return act(
        visit,
        number,
        lambda acting: cases.open_dispute(acting, visit.by, visit.now, str(number), text),
        any_version=True,
    )


@pages.post("/cases/{number}/disputes/{dispute_id}")
def decide_dispute(visit: Commenter, number: int, dispute_id: str) -> Response:
    """Decide a dispute."""
    form = visit.form
    said = form.get("decision")
    reasons, cause = form.get("reasons"), _one_of(WrongCause, form.get("cause"))

    def decide(acting: Deployment) -> object:
        if said == DisputeState.NARROWED:
            wanted = measure_in(form)
            return narrowing.narrow_dispute(
                acting, visit.by, visit.now, dispute_id, wanted=wanted, reasons=reasons, cause=cause
            )
        decision = _one_of(DisputeDecision, said)
        if decision is None:
            raise BadInputError(
                "say how it is decided: for the customer, in part for the customer, or that the finding stands"
            )
        upheld = decision is DisputeDecision.UPHELD
        return cases.decide_dispute(
            acting, visit.by, visit.now, dispute_id, upheld=upheld, reasons=reasons, cause=cause
        )

    return act(visit, number, decide)


def act(
    visit: Visit, number: int, do: Do, *, any_version: bool = False, leads_to: str | None = None
) -> Response:
    """Do what a form about a case asks, once, and lead to the page of the result.

    What stands in the way is shown on the case as it is now, with what was typed still in its form.

    Parameters
    ----------
    any_version : whether it may act on a case that changed since its page was made, as a comment may.
    leads_to : page of the result; None: the case.
    """
    shown = leads_to or f"/cases/{number}"
    try:
        do(_acting(visit, number, shown, any_version=any_version))
    except FormSentBefore as before:
        return to(before.leads_to)
    except (Refused, StaleForm, BadInputError, NotFoundError) as error:
        # A case that is not on record has no page: looking for it says so once more.
        return case_shown(visit, number, in_the_way=error)
    return to(shown)


def case_shown(visit: Visit, number: int, *, in_the_way: CjpFraudError | None = None) -> Response:
    """Return a case's page; ``in_the_way``: why a form on it did not act."""
    desk = case_desk.look_at_case(visit.deployment, visit.by, visit.now, str(number))
    since = in_the_way.version if isinstance(in_the_way, StaleForm) else None
    typed: Mapping[str, str] = visit.form.typed
    return page(
        visit,
        "case.html",
        status=200 if in_the_way is None else status_of(in_the_way),
        desk=desk,
        case=desk.page,
        in_the_way=sentences_of(in_the_way) if in_the_way is not None else (),
        changed_since=_since(desk, since),
        typed=typed,
        sent_to=visit.request.url.path,
        ticked=visit.form.all,
        kinds=MeasureKind,
        parts=TenantsPart,
        causes=WrongCause,
        asks_code=visit.asks_code,
        has_authenticator=visit.person.has_authenticator,
        choice_of=choice_of,
        calls=CallsInProgress,
        evidence=NamedEvidence,
        checks=RestoreCheck,
        answers=CustomersAnswer,
        most_megabytes=attachments.most_bytes(visit.deployment) // 2**20,
    )


def _shown_proposal(visit: Visit) -> Callable[[], str]:
    """Return what gives the digest of the proposal that a form shows, or raises that it shows none."""
    shown = visit.form.get("proposal")

    def digest() -> str:
        if len(shown) != 64:
            raise BadInputError(
                "the form does not name the proposal that it carries out; load the page again"
            )
        return shown

    return digest


def _since(desk: case_desk.CaseDesk, version: int | None) -> Sequence[TimelineEntry]:
    if version is None:
        return ()
    return [entry for entry in desk.timeline if entry.sequence > version]


def _acting(visit: Visit, number: int, leads_to: str, *, any_version: bool) -> Deployment:
    form = visit.form
    version = form.get(VERSION)
    if not any_version and not (version.isascii() and version.isdigit() and len(version) < 19):
        raise BadInputError("the form is not whole; load the page again")
    return acting_by_form(
        visit.deployment,
        form.get(FORM_ID),
        {"path": visit.request.url.path, **form.typed},
        leads_to=leads_to,
        case=str(number),
        version=None if any_version else int(version),
    )


def _one_of(kind: type[_Choice], text: str) -> _Choice | None:
    """Return the member that was chosen; None: none was."""
    return kind(text) if text in list(kind) else None


def _ticked(kind: type[_Choice], texts: Sequence[str]) -> tuple[_Choice, ...]:
    """Return the members that were ticked."""
    return tuple(kind(text) for text in texts if text in list(kind))
