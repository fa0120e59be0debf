"""Sign in with a password and a second factor, sign out, and who is signed in. Every step and refusal is audited.

A step takes, as ``client``, the network address that it came from, kept as a keyed digest. No password, no code and no
name that was typed wrongly is in the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import bindparam, exists, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.clock import machine_now
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import refuse_unless
from cjp_fraud.notices.page_key import client_digest
from cjp_fraud.operations.people import THIS_MACHINE
from cjp_fraud.people.account_key import account_key, decrypted
from cjp_fraud.people.accounts import (
    Tried,
    account_of,
    invite,
    invited,
    make_second_factor,
    set_password,
    try_code,
    try_password,
)
from cjp_fraud.people.model import Actor, Decision, Role, machine
from cjp_fraud.people.one_time_codes import provisioning_uri
from cjp_fraud.people.tables import LocalAccount, User, UserSettings, WebSession
from cjp_fraud.people.users import actor_named, actor_of
from cjp_fraud.people.web_sessions import begin_session, complete_session, seen_lately, session_of
from cjp_fraud.storage.database import reading, transaction

SIGN_IN = machine("sign_in")

_CHOSEN: Final = (  # asked by every request, so made once
    select(LocalAccount.totp_confirmed_at, UserSettings.language, UserSettings.time_zone)
    .select_from(User)
    .outerjoin(LocalAccount, LocalAccount.user_id == User.id)
    .outerjoin(UserSettings, UserSettings.user_id == User.id)
    .where(User.id == bindparam("user_id"))
)


class Door(StrEnum):
    """What came of a step of signing in."""

    OPEN = "open"
    WRONG = "wrong"
    TOO_MANY = "too_many"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Step:
    """What came of a step of signing in.

    Parameters
    ----------
    token : what the browser keeps from now on; None: the step was refused.
    refused_until : until when nothing more is tried; None: it may be.
    """

    door: Door
    token: str | None = None
    refused_until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Invitation:
    """A token with which a user chooses their password, once."""

    name: str
    token: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who a browser belongs to.

    Parameters
    ----------
    complete : whether the second factor was given; before it nothing may be seen.
    second_factor_at : when it was given last; None: it was not.
    has_authenticator : whether they have a second factor of their own here; else it is the provider's.
    roles : held now, at this request.
    narrowed : whether one of them is narrowed to some cases.
    language : chosen by the person; None: as the browser asks.
    time_zone : IANA name.
    """

    name: str
    display_name: str
    user_id: str
    roles: frozenset[Role]
    narrowed: bool
    complete: bool
    second_factor_at: datetime | None
    has_authenticator: bool
    language: str | None
    time_zone: str

    def may(self, *roles: Role) -> bool:
        """Whether the person holds one of ``roles``."""
        return not self.roles.isdisjoint(roles)


@dataclass(frozen=True, slots=True)
class SecondFactorSetUp:
    """What an authenticator is given: the secret to type, and the same as a URI for its QR code."""

    secret: str
    uri: str


def invite_user(deployment: Deployment, by: str | None, now: datetime, name: str) -> Invitation:
    """Let a user choose a password, within a day; whoever had one keeps it until then.

    Parameters
    ----------
    by : an admin; None: the account of this machine, while nobody has a password.

    Raises
    ------
    NotFoundError
        If nobody has that name.
    Refused
        If whoever asks may not, or the user is disabled.
    """
    with transaction(deployment.engine) as session:
        nobody_yet = not session.scalar(select(exists().where(LocalAccount.password_hash.is_not(None))))
        actor = actor_named(session, by) if by is not None else THIS_MACHINE
        token = invite(Decision(session, actor, now), name, may_anybody=by is None and nobody_yet)
        invitation = invited(session, token, now)
        assert invitation is not None, "it was made just now"
        assert invitation[0].set_up_expires_at is not None, "it was made just now"
        return Invitation(name, token, invitation[0].set_up_expires_at)


def invited_name(deployment: Deployment, now: datetime, token: str) -> str | None:
    """Return the name of the user that an invitation is for; None: it is none, was used, or has expired."""
    with reading(deployment.engine) as session:
        invitation = invited(session, token, now)
        return invitation[1].name if invitation is not None else None


def accept_invitation(deployment: Deployment, now: datetime, token: str, password: str, client: str) -> Step:
    """Give an invited user the password that they chose; they then set up the second factor.

    Raises
    ------
    BadInputError
        Says everything that is wrong with the password.
    """
    key = account_key(deployment.settings)
    with transaction(deployment.engine) as session:
        invitation = invited(session, token, now)
        if invitation is None:
            _log(session, deployment, now, SIGN_IN, "sign_in.refused", None, client, {"why": "no invitation"})
            return Step(Door.NOBODY)
        account, user = invitation
        make_second_factor(account, key)
        set_password(Decision(session, actor_of(session, user), now), account, user, password)
        return Step(Door.OPEN, begin_session(session, user.id, now))


def sign_in(deployment: Deployment, now: datetime, name: str, password: str, client: str) -> Step:
    """Compare a password; the code of the second factor is asked for next, whatever the roles."""
    with transaction(deployment.engine) as session:
        tried = try_password(session, name, password, now)
        if not tried.fits or tried.account is None:
            return _refused(session, deployment, now, tried, client, "password")
        user = session.get_one(User, tried.account.user_id)
        actor = actor_of(session, user)
        _log(session, deployment, now, actor, "sign_in.password", user.id, client, {})
        return Step(Door.OPEN, begin_session(session, user.id, now))


def give_code(deployment: Deployment, now: datetime, token: str, code: str, client: str) -> Step:
    """Compare a code of the second factor, by the machine's clock; whoever gives it is signed in."""
    key = account_key(deployment.settings)
    with transaction(deployment.engine) as session:
        half_open = session_of(session, token, now)
        account = account_of(session, half_open[1].id) if half_open is not None else None
        if half_open is None or account is None:
            _log(session, deployment, now, SIGN_IN, "sign_in.refused", None, client, {"why": "no session"})
            return Step(Door.NOBODY)
        row, user = half_open
        sets_up = account.totp_confirmed_at is None
        tried = try_code(account, key, code, now, machine_now())
        if not tried.fits:
            return _refused(session, deployment, now, tried, client, "code")
        new_token = complete_session(session, row, now)
        content = {"session_id": row.id, "second_factor_set_up": sets_up}
        _log(session, deployment, now, actor_of(session, user), "sign_in.done", user.id, client, content)
        return Step(Door.OPEN, new_token)


def give_code_again(
    deployment: Deployment, by: SignedIn, now: datetime, token: str, code: str, client: str
) -> None:
    """Compare a code of the second factor once more, in a session that goes on: asked where it is too old for an act.

    Raises
    ------
    Refused
        If the code does not fit, was used before, or nothing is tried for a while.
    """
    key = account_key(deployment.settings)
    with transaction(deployment.engine) as session:
        signed_in = session_of(session, token, now)
        account = account_of(session, signed_in[1].id) if signed_in is not None else None
        tried = try_code(account, key, code, now, machine_now()) if account is not None else None
        fits = tried is not None and tried.fits
        if signed_in is not None and tried is not None and fits:
            signed_in[0].second_factor_at = now
            content = {"session_id": signed_in[0].id}
            actor = actor_of(session, signed_in[1])
            _log(session, deployment, now, actor, "sign_in.code_again", signed_in[1].id, client, content)
        elif tried is not None:
            _refused(session, deployment, now, tried, client, "code")
    refuse_unless(
        (fits, "the code does not fit, or it was used before; wait for the next one"),
        action=f"take a code of {by.name}'s authenticator",
    )


def second_factor_to_set_up(deployment: Deployment, now: datetime, token: str) -> SecondFactorSetUp | None:
    """Return what an authenticator is given; None where it was given, or nobody is about to sign in."""
    key = account_key(deployment.settings)
    with reading(deployment.engine) as session:
        half_open = session_of(session, token, now)
        account = account_of(session, half_open[1].id) if half_open is not None else None
        if half_open is None or account is None or account.totp_secret is None or account.totp_confirmed_at:
            return None
        secret = decrypted(key, account.totp_secret)
        return SecondFactorSetUp(secret, provisioning_uri(secret, half_open[1].name))


def who(deployment: Deployment, now: datetime, token: str | None) -> SignedIn | None:
    """Return who a browser belongs to, with the roles held at this very request; None: nobody is signed in."""
    if not token:
        return None
    with reading(deployment.engine) as session:
        open_session = session_of(session, token, now)
        if open_session is None:
            return None
        row, user = open_session
        person = _signed_in(session, row, user)
        session_id, fresh = row.id, seen_lately(row, now)
    if not fresh:
        with transaction(deployment.engine) as session:
            session.get_one(WebSession, session_id).seen_at = now
    return person


def sign_out(deployment: Deployment, now: datetime, token: str | None, client: str) -> None:
    """End a session; one that has ended stays so."""
    if not token:
        return
    with transaction(deployment.engine) as session:
        open_session = session_of(session, token, now)
        if open_session is not None:
            row, user = open_session
            row.ended_at = now
            content = {"session_id": row.id}
            _log(session, deployment, now, actor_of(session, user), "sign_in.ended", user.id, client, content)


def deny(deployment: Deployment, now: datetime, by: SignedIn | None, client: str, why: str) -> None:
    """Put on record that a page refused a request: a role that is missing, a form that is not ours, too many tries."""
    with transaction(deployment.engine) as session:
        actor = Actor(by.name, by.user_id, by.roles) if by is not None else SIGN_IN
        user_id = by.user_id if by is not None else None
        _log(session, deployment, now, actor, "access.denied", user_id, client, {"why": why})


def choose_settings(
    deployment: Deployment, by: str, now: datetime, *, language: str | None, time_zone: str
) -> None:
    """Keep the language and the zone in which somebody reads the pages; the caller knows which there are."""
    with deployment.deciding(by, now, of_their_own=True) as decision:
        session, user_id = decision.session, decision.by.reference
        row = session.get(UserSettings, user_id)
        if row is None:
            row = UserSettings(user_id=user_id)
            session.add(row)
        row.language, row.time_zone = language, time_zone
        session.flush()
        append(
            decision,
            "user.settings_chosen",
            "users",
            user_id,
            {"language": language, "time_zone": time_zone},
        )


def _signed_in(session: Session, row: WebSession, user: User) -> SignedIn:
    confirmed, language, time_zone = session.execute(_CHOSEN, {"user_id": user.id}).one()
    actor = actor_of(session, user)
    return SignedIn(
        name=user.name,
        display_name=user.display_name or user.name,
        user_id=user.id,
        roles=actor.roles,
        narrowed=bool(actor.narrowed),
        complete=row.second_factor_at is not None,
        second_factor_at=row.second_factor_at,
        has_authenticator=confirmed is not None,
        language=language,
        time_zone=time_zone if time_zone is not None else "UTC",
    )


def _refused(
    session: Session, deployment: Deployment, now: datetime, tried: Tried, client: str, what: str
) -> Step:
    account = tried.account
    waits_until = tried.refused_until or (account.refused_until if account is not None else None)
    user_id = account.user_id if account is not None else None
    if tried.refused_until is not None:
        content: dict[str, object] = {"why": f"{what}: too many tries", "until": waits_until}
    elif account is None:
        content = {"why": f"{what}: nobody of that name"}
    else:
        content = {"why": f"{what}: wrong", "failures": account.failures}
        if account.refused_until is not None:
            content["locked_until"] = account.refused_until
    _log(session, deployment, now, SIGN_IN, "sign_in.refused", user_id, client, content)
    # What a stranger is told does not depend on whether the name is anybody's.
    return Step(Door.WRONG, refused_until=waits_until if what == "code" else None)


def _log(
    session: Session,
    deployment: Deployment,
    now: datetime,
    by: Actor,
    action: str,
    user_id: str | None,
    client: str,
    content: Mapping[str, object],
) -> None:
    who_asked = client_digest(deployment.settings, client)
    subject = user_id or "nobody"
    append(Decision(session, by, now), action, "users", subject, {**content, "client": who_asked})
