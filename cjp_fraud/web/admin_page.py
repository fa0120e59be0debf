"""Administration: users, their roles and invitations; who is on call; the settings in force."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Final
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, CjpFraudError, FormSentBefore, NotFoundError, Refused
from cjp_fraud.operations import case_queue, known_events, people, roster, sign_in
from cjp_fraud.operations.posted_forms import acting_by_form
from cjp_fraud.operations.settings_shown import settings_in_force
from cjp_fraud.operations.sign_in import Invitation
from cjp_fraud.people.model import Role, TurnWanted
from cjp_fraud.web.access import FORM_ID, Admin, Admitted, Form, Visit
from cjp_fraud.web.answers import page, sentences_of, status_of, to
from cjp_fraud.web.known_event_pages import form_values
from cjp_fraud.web.queue_page import address

pages = APIRouter(include_in_schema=False)

AdminReader = Annotated[Visit, Depends(Admitted(Role.ADMIN, Role.AUDITOR))]

_HERE: Final = "/admin"
_DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


@pages.get(_HERE)
def show(visit: AdminReader) -> Response:
    """Show users, roster and settings; auditors see them too."""
    return _shown(visit)


@pages.post(f"{_HERE}/users")
def create_user(visit: Admin) -> Response:
    """Put a user on record."""
    form = visit.form
    identities = [f"mail:{form.get('mail').strip()}"] if form.get("mail").strip() else []

    def create(acting: Deployment) -> object:
        return people.create_user(
            acting,
            visit.by,
            visit.now,
            form.get("name").strip(),
            [Role(role) for role in form.all("role") if role in list(Role)],
            identities=identities,
            display_name=form.get("display_name").strip() or None,
        )

    return _act(visit, create)


@pages.post(f"{_HERE}/users/{{name}}/invite")
def invite(visit: Admin, name: str) -> Response:
    """Make an invitation and show its link, this once."""
    made: list[Invitation] = []

    def invite_them(acting: Deployment) -> None:
        made.append(sign_in.invite_user(acting, visit.by, visit.now, name))

    try:
        invite_them(_acting(visit))
    except (Refused, BadInputError, NotFoundError) as error:
        return _shown(visit, in_the_way=error)
    return _shown(visit, invitation=made[0])


@pages.post(f"{_HERE}/users/{{name}}/disable")
def disable(visit: Admin, name: str) -> Response:
    """Let a user act no more."""
    return _act(visit, lambda acting: people.disable_user(acting, visit.by, visit.now, name))


@pages.post(f"{_HERE}/users/{{name}}/grant")
def grant(visit: Admin, name: str) -> Response:
    """Give a user a role."""
    form = visit.form
    countries = [code for code in form.get("countries").replace(",", " ").split() if code]

    def grant_it(acting: Deployment) -> object:
        return people.grant_role(
            acting,
            visit.by,
            visit.now,
            name,
            _role(form),
            channels=form.all("channel"),
            countries=countries,
        )

    return _act(visit, grant_it)


@pages.post(f"{_HERE}/users/{{name}}/revoke")
def revoke(visit: Admin, name: str) -> Response:
    """Take a role from a user."""
    return _act(
        visit,
        lambda acting: people.revoke_role(acting, visit.by, visit.now, name, _role(visit.form)),
    )


@pages.post(f"{_HERE}/roster")
def add_turn(visit: Admin) -> Response:
    """Put a turn on the roster."""
    form = visit.form

    def add(acting: Deployment) -> object:
        place = form.get("place")
        if not place.isdecimal() or len(place) > 2:
            raise BadInputError("say in which place they are paged: 1 is first")
        wanted = TurnWanted(
            user=form.get("user").strip(),
            place=int(place),
            days=form.all("day"),
            begins=form.get("begins"),
            ends=form.get("ends"),
            time_zone=form.get("time_zone"),
            webhook=form.get("webhook").strip() or None,
            mail=form.get("mail").strip() or None,
        )
        return roster.add_turn(acting, visit.by, visit.now, wanted)

    return _act(visit, add)


@pages.post(f"{_HERE}/roster/{{turn}}/remove")
def remove_turn(visit: Admin, turn: str) -> Response:
    """Take a turn off the roster."""
    return _act(visit, lambda acting: roster.remove_turn(acting, visit.by, visit.now, turn))


@pages.post(f"{_HERE}/views/{{view_id}}/remove")
def remove_view(visit: Admin, view_id: UUID) -> Response:
    """Remove a view of the queue that somebody shares."""
    return _act(visit, lambda acting: case_queue.remove_view(acting, visit.by, visit.now, str(view_id)))


def _act(visit: Visit, do: Callable[[Deployment], object]) -> Response:
    try:
        do(_acting(visit))
    except FormSentBefore as before:
        return to(before.leads_to)
    except (Refused, BadInputError, NotFoundError) as error:
        return _shown(visit, in_the_way=error)
    return to(_HERE)


def _acting(visit: Visit) -> Deployment:
    fields = {"path": visit.request.url.path, **visit.form.typed}
    return acting_by_form(visit.deployment, visit.form.get(FORM_ID), fields, leads_to=_HERE)


def _role(form: Form) -> Role:
    named = form.get("role")
    if named not in list(Role):
        raise BadInputError("say which role")
    return Role(named)


def _shown(
    visit: Visit, *, invitation: Invitation | None = None, in_the_way: CjpFraudError | None = None
) -> Response:
    return page(
        visit,
        "admin.html",
        status=200 if in_the_way is None else status_of(in_the_way),
        users=people.list_users(visit.deployment),
        turns=roster.list_turns(visit.deployment, visit.now),
        paged=roster.list_pages(visit.deployment, most=10),
        events=known_events.list_events(visit.deployment, by=visit.by, most=20),
        shared_views=case_queue.list_views(visit.deployment),
        queue_address=address,
        settings=settings_in_force(visit.deployment),
        invitation=invitation,
        administers=visit.person.may(Role.ADMIN),
        roles=Role,
        days=_DAYS,
        **form_values(visit),
        typed=visit.form.typed,
        ticked=visit.form.all,
        in_the_way=sentences_of(in_the_way) if in_the_way is not None else (),
    )
