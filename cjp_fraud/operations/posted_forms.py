"""Act by a form that a page posted: once, however often it is sent, and on the case as its sender saw it."""

from __future__ import annotations

from collections.abc import Mapping
from uuid import UUID

from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError
from cjp_fraud.operations.cases import CaseStanding
from cjp_fraud.people.form_submissions import PostedForm
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading


def acting_by_form(
    deployment: Deployment,
    form_id: str,
    fields: Mapping[str, str],
    *,
    leads_to: str,
    case: str | None = None,
    version: int | None = None,
) -> Deployment:
    """Return the deployment in which operations act by this form.

    Its first decision keeps the form's id in its own transaction. An operation raises
    :class:`~cjp_fraud.errors.FormSentBefore` if the form acted before, and
    :class:`~cjp_fraud.errors.StaleForm` if something happened on the case since its page was made.

    Parameters
    ----------
    form_id : made with the page, one a form.
    fields : what was typed, by name; the same id with other words is refused.
    leads_to : page that shows the result.
    case : number or id; None: the form is about none.
    version : of the case, as :class:`~cjp_fraud.operations.case_desk.CaseDesk` has it; None: any.

    Raises
    ------
    NotFoundError
        If the case is not on record.
    BadInputError
        If the form has no id.
    """
    try:
        known_by = str(UUID(form_id))
    except ValueError:
        raise BadInputError("the form is not whole; load the page again") from None
    case_id = None
    if case is not None:
        with reading(deployment.engine) as session:
            case_id = case_id_of(session, case)
    return deployment.acting_for(PostedForm(known_by, dict(fields), leads_to, case_id, version))


def standing_of(deployment: Deployment, case: str) -> CaseStanding:
    """Return where a case stands now: what is answered where an act that was done is asked for again.

    Raises
    ------
    NotFoundError
        If the case is not on record.
    """
    with reading(deployment.engine) as session:
        return CaseStanding.of(session.get_one(Case, case_id_of(session, case)))
