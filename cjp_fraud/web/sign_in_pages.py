"""Pages of signing in: password, second factor, invitation; of signing out, and of a person's own settings."""

from __future__ import annotations

from functools import cache
from urllib.parse import quote
from zoneinfo import available_timezones

import segno
from fastapi import APIRouter, Response
from markupsafe import Markup

from cjp_fraud.errors import BadInputError
from cjp_fraud.operations import sign_in, single_sign_on
from cjp_fraud.operations.sign_in import Door
from cjp_fraud.web.access import (
    CASE_READERS,
    Anybody,
    NotSignedInYet,
    Stranger,
    count_step,
    provider_cookie,
    session_cookie,
)
from cjp_fraud.web.answers import keep, own_path, page, signed_in_to, signed_out_to, to
from cjp_fraud.web.words import LANGUAGES

pages = APIRouter(include_in_schema=False)


@pages.get("/")
def root(visit: Anybody) -> Response:
    """Lead to the queue; who may not read cases, to the administration."""
    return to("/queue" if visit.person.may(*CASE_READERS) else "/admin")


@pages.get("/sign-in")
def ask_password(visit: NotSignedInYet, next: str = "/") -> Response:
    """Ask for name and password."""
    return page(
        visit, "sign_in.html", next=own_path(next), refused=False, name="", provider=_provider(visit), why=""
    )


@pages.post("/sign-in")
def give_password(visit: NotSignedInYet) -> Response:
    """Compare them; the code comes next."""
    form, leads_to = visit.form, own_path(visit.form.get("next"))
    step = sign_in.sign_in(visit.deployment, visit.now, form.get("name"), form.get("password"), visit.client)
    if step.token is None:
        return page(
            visit,
            "sign_in.html",
            status=403,
            next=leads_to,
            refused=True,
            name=form.get("name"),
            provider=_provider(visit),
            why="",
        )
    return signed_in_to(f"/second-factor?next={quote(leads_to, safe='')}", visit.request, step.token)


@pages.get("/sign-in/provider")
def ask_provider(visit: NotSignedInYet, next: str = "/", again: bool = False) -> Response:
    """Lead to the OpenID Connect provider; ``again``: which shall ask for password and second factor once more."""
    count_step(visit)
    begun = single_sign_on.begin(visit.deployment, own_path(next), again=again)
    answer = to(begun.url)
    keep(answer, visit.request, provider_cookie(visit.request), begun.kept)
    return answer


@pages.get("/sign-in/provider/done")
def come_back(visit: NotSignedInYet, state: str = "", code: str = "") -> Response:
    """Sign in whoever comes back from the provider."""
    count_step(visit)
    kept = visit.request.cookies.get(provider_cookie(visit.request), "")
    done = single_sign_on.finish(
        visit.deployment, visit.now, kept[:8000], state[:500], code[:4000], visit.client
    )
    if done.token is None:
        return page(
            visit, "sign_in.html", status=403, next="/", refused=False, name="", provider=True, why=done.why
        )
    return signed_in_to(done.leads_to, visit.request, done.token)


@pages.get("/second-factor")
def ask_code(visit: NotSignedInYet, next: str = "/") -> Response:
    """Ask for a code, or show what the authenticator is given where there is none yet."""
    return _second_factor(visit, own_path(next))


@pages.post("/second-factor")
def give_code(visit: NotSignedInYet) -> Response:
    """Compare a code; whoever gives it is signed in."""
    leads_to = own_path(visit.form.get("next"))
    token = visit.request.cookies.get(session_cookie(visit.request)) or ""
    step = sign_in.give_code(visit.deployment, visit.now, token, visit.form.get("code"), visit.client)
    if step.door is Door.NOBODY:
        return to("/sign-in")
    if step.token is None:
        return _second_factor(visit, leads_to, step)
    return signed_in_to(leads_to, visit.request, step.token)


@pages.get("/set-up/{token}")
def ask_new_password(visit: NotSignedInYet, token: str) -> Response:
    """Let an invited user choose a password."""
    return _set_up(visit, token)


@pages.post("/set-up/{token}")
def give_new_password(visit: NotSignedInYet, token: str) -> Response:
    """Keep the password; the second factor is set up next."""
    password = visit.form.get("password")
    if password != visit.form.get("again"):
        return _set_up(visit, token, ("the two passwords are not the same",))
    try:
        step = sign_in.accept_invitation(visit.deployment, visit.now, token, password, visit.client)
    except BadInputError as error:
        return _set_up(visit, token, (str(error),))
    if step.token is None:
        return _set_up(visit, token)
    return signed_in_to("/second-factor?next=/", visit.request, step.token)


@pages.post("/sign-out")
def leave(visit: Anybody) -> Response:
    """End the session."""
    sign_in.sign_out(visit.deployment, visit.now, visit.secret, visit.client)
    return signed_out_to("/sign-in", visit.request)


@pages.get("/settings")
def ask_settings(visit: Anybody) -> Response:
    """Show in which language and zone the pages are shown."""
    return page(visit, "settings.html", languages=LANGUAGES, zones=_zones(), faults=())


@pages.post("/settings")
def give_settings(visit: Anybody) -> Response:
    """Keep them."""
    language, zone = visit.form.get("language"), visit.form.get("time_zone")
    faults = []
    if language and language not in LANGUAGES:
        faults.append("there are no pages in this language")
    if zone not in _zones():
        faults.append("this is no time zone; choose one of the list, for example Europe/Paris")
    if faults:
        return page(visit, "settings.html", status=400, languages=LANGUAGES, zones=_zones(), faults=faults)
    sign_in.choose_settings(visit.deployment, visit.by, visit.now, language=language or None, time_zone=zone)
    return to("/settings")


@cache
def _zones() -> tuple[str, ...]:
    """Return the IANA names of all zones, in order; they are looked for in hundreds of files, so only once."""
    return tuple(sorted(available_timezones()))


def _provider(visit: Stranger) -> bool:
    return visit.deployment.settings.oidc_issuer is not None


def _second_factor(visit: Stranger, leads_to: str, refused: sign_in.Step | None = None) -> Response:
    token = visit.request.cookies.get(session_cookie(visit.request))
    person = sign_in.who(visit.deployment, visit.now, token)
    if person is None or token is None:
        return to("/sign-in")
    if person.complete:
        return to(leads_to)
    given = sign_in.second_factor_to_set_up(visit.deployment, visit.now, token)
    picture = Markup(segno.make(given.uri).svg_inline(scale=5, border=4)) if given is not None else ""
    return page(
        visit,
        "second_factor.html",
        status=200 if refused is None else 403,
        next=leads_to,
        set_up=given,
        picture=picture,
        refused=refused,
    )


def _set_up(visit: Stranger, token: str, faults: tuple[str, ...] = ()) -> Response:
    name = sign_in.invited_name(visit.deployment, visit.now, token)
    status = 404 if name is None else 400 if faults else 200
    return page(visit, "set_up.html", status=status, name=name, token=token, faults=faults)
