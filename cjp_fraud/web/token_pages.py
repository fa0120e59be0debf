"""The page Tokens: a person's own tokens; for admins, everybody's."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from fastapi import APIRouter, Response

from cjp_fraud.errors import BadInputError, CjpFraudError, FormSentBefore, Refused
from cjp_fraud.operations import api_tokens
from cjp_fraud.operations.api_tokens import NewToken
from cjp_fraud.operations.posted_forms import acting_by_form
from cjp_fraud.people.api_scopes import TOKEN_LASTS, TOKEN_LASTS_AT_MOST, ApiScope, scopes_open_to
from cjp_fraud.people.model import Role
from cjp_fraud.web.access import FORM_ID, Anybody, Visit
from cjp_fraud.web.answers import page, sentences_of, status_of, to

pages = APIRouter(include_in_schema=False)

_HERE: Final = "/tokens"


@pages.get(_HERE)
def show(visit: Anybody) -> Response:
    """Show the tokens, and what a new one may be good for."""
    return _shown(visit)


@pages.post(_HERE)
def make(visit: Anybody) -> Response:
    """Make a token and show its text, this once: sent again, the form only leads back to the list."""
    form = visit.form
    try:
        days = form.get("days").strip()
        if not days.isascii() or not days.isdigit() or len(days) > 3:
            raise BadInputError(f"say for how many days it counts: 1 to {TOKEN_LASTS_AT_MOST.days}")
        scopes = [ApiScope(scope) for scope in form.all("scope") if scope in list(ApiScope)]
        acting = acting_by_form(visit.deployment, form.get(FORM_ID), form.typed, leads_to=_HERE)
        made = api_tokens.make_token(
            acting, visit.by, visit.now, form.get("label"), scopes, lasts=timedelta(days=int(days))
        )
    except FormSentBefore as before:
        return to(before.leads_to)
    except (BadInputError, Refused) as error:
        return _shown(visit, in_the_way=error)
    return _shown(visit, made=made)


@pages.post(f"{_HERE}/{{token_id}}/revoke")
def revoke(visit: Anybody, token_id: str) -> Response:
    """Let a token count no more."""
    acting = acting_by_form(visit.deployment, visit.form.get(FORM_ID), {"revoked": token_id}, leads_to=_HERE)
    try:
        api_tokens.revoke_token(acting, visit.by, visit.now, token_id)
    except FormSentBefore as before:
        return to(before.leads_to)
    return to(_HERE)


def _shown(
    visit: Visit, *, made: NewToken | None = None, in_the_way: CjpFraudError | None = None
) -> Response:
    everybodys = visit.person.may(Role.ADMIN, Role.AUDITOR)
    listed = api_tokens.list_tokens(visit.deployment, visit.now, of=None if everybodys else visit.by)
    return page(
        visit,
        "tokens.html",
        status=200 if in_the_way is None else status_of(in_the_way),
        tokens=listed,
        made=made,
        revokes_all=visit.person.may(Role.ADMIN),
        scopes=scopes_open_to(visit.person.roles),
        days=TOKEN_LASTS.days,
        most_days=TOKEN_LASTS_AT_MOST.days,
        typed=visit.form.typed,
        ticked=visit.form.all,
        in_the_way=sentences_of(in_the_way) if in_the_way is not None else (),
    )
