"""Cases of one shared cause on a page: how many they are, one reason for all, a result for each, and undoing it."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, Response

from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, CjpFraudError, FormSentBefore, NotFoundError, Refused
from cjp_fraud.operations import bulk
from cjp_fraud.operations.bulk import BulkView
from cjp_fraud.operations.posted_forms import acting_by_form
from cjp_fraud.people.model import Role
from cjp_fraud.review.model import BulkResult, CauseKind
from cjp_fraud.review.requests import BulkWanted
from cjp_fraud.web.access import FORM_ID, CaseReader, Reviewer, Visit
from cjp_fraud.web.answers import page, sentences_of, status_of, to

pages = APIRouter(include_in_schema=False)


@pages.get("/bulk")
def overview(visit: CaseReader) -> Response:
    """Show what cases in the queue have in common, and what was dismissed together lately."""
    return page(
        visit,
        "bulk.html",
        causes=bulk.list_causes(visit.deployment, visit.by, visit.now),
        dismissals=bulk.list_bulks(visit.deployment, visit.now, most=20, by=visit.by),
        results=BulkResult,
    )


@pages.get("/bulk/causes/{cause}")
def show_cause(visit: CaseReader, cause: str) -> Response:
    """Show the cases of a cause, and the form that dismisses them."""
    return _cause_shown(visit, cause)


@pages.post("/bulk/causes/{cause}/dismiss")
def dismiss(visit: Reviewer, cause: str) -> Response:
    """Dismiss them, if they still are those that the page showed."""
    form = visit.form

    def dismiss_shown(acting: Deployment) -> BulkView:
        kind, expected = form.get("kind"), form.get("expected")
        if kind not in list(CauseKind):
            raise BadInputError("say what the cases have in common")
        if not expected.isdecimal() or len(expected) > 6:
            raise BadInputError("the form is not whole; load the page again")
        wanted = BulkWanted(CauseKind(kind), int(expected), form.get("reasons"), form.get("seen"))
        return bulk.dismiss_together(acting, visit.by, visit.now, cause, wanted)

    return _act(visit, dismiss_shown, lambda error: _cause_shown(visit, cause, in_the_way=error))


@pages.get("/bulk/dismissals/{dismissal}")
def show_dismissal(visit: CaseReader, dismissal: str) -> Response:
    """Show what became of each case."""
    return _dismissal_shown(visit, dismissal)


@pages.post("/bulk/dismissals/{dismissal}/undo")
def undo(visit: Reviewer, dismissal: str) -> Response:
    """Open the cases again that nobody touched since."""
    return _act(
        visit,
        lambda acting: bulk.undo(acting, visit.by, visit.now, dismissal),
        lambda error: _dismissal_shown(visit, dismissal, in_the_way=error),
    )


def _act(
    visit: Visit, do: Callable[[Deployment], BulkView], refused: Callable[[CjpFraudError], Response]
) -> Response:
    fields = {"path": visit.request.url.path, **visit.form.typed}
    try:
        acting = acting_by_form(visit.deployment, visit.form.get(FORM_ID), fields, leads_to="/bulk")
        done = do(acting)
    except FormSentBefore as before:
        return to(before.leads_to)
    except (Refused, BadInputError) as error:
        return refused(error)
    return to(f"/bulk/dismissals/{done.id}")


def _cause_shown(visit: Visit, cause: str, *, in_the_way: CjpFraudError | None = None) -> Response:
    try:
        shown = bulk.show_cause(visit.deployment, visit.by, visit.now, cause)
    except NotFoundError:
        # Nothing of it is in the queue any more, as after its cases were dismissed.
        return to("/bulk")
    return page(
        visit,
        "bulk_cause.html",
        status=200 if in_the_way is None else status_of(in_the_way),
        cause=shown,
        kinds=CauseKind,
        may_dismiss=visit.person.may(Role.REVIEWER),
        undo_minutes=visit.deployment.settings.bulk_undo_minutes,
        typed=visit.form.typed,
        in_the_way=sentences_of(in_the_way) if in_the_way is not None else (),
    )


def _dismissal_shown(visit: Visit, dismissal: str, *, in_the_way: CjpFraudError | None = None) -> Response:
    return page(
        visit,
        "bulk_dismissal.html",
        status=200 if in_the_way is None else status_of(in_the_way),
        bulk=bulk.show_bulk(visit.deployment, visit.now, dismissal, by=visit.by),
        results=BulkResult,
        may_undo=visit.person.may(Role.REVIEWER),
        in_the_way=sentences_of(in_the_way) if in_the_way is not None else (),
    )
