"""Local accounts on record: invited, given a password and a second factor, tried. No password is written down."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from cryptography.fernet import Fernet
from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.digests import sha256_hex
from cjp_fraud.errors import BadInputError, refuse_unless
from cjp_fraud.people.account_key import decrypted, encrypted
from cjp_fraud.people.model import Decision, Role
from cjp_fraud.people.one_time_codes import accepted_step, new_secret
from cjp_fraud.people.passwords import hash_of, password_faults, password_fits, to_be_hashed_again
from cjp_fraud.people.session_rules import INVITATION_VALID_FOR
from cjp_fraud.people.tables import LocalAccount, User
from cjp_fraud.people.tries import refused_until
from cjp_fraud.people.users import user_named
from cjp_fraud.people.web_sessions import end_sessions


@dataclass(frozen=True, slots=True)
class Tried:
    """What came of trying a password or a code.

    Parameters
    ----------
    account : whose; None: nobody's.
    refused_until : until when nothing is tried; None: it was tried.
    """

    fits: bool
    account: LocalAccount | None = None
    refused_until: datetime | None = None


def invite(decision: Decision, name: str, *, may_anybody: bool) -> str:
    """Return a token with which a user chooses a password, once, within a day; an older one counts no more.

    Parameters
    ----------
    may_anybody : whether who asks need be no admin: at the machine itself while nobody can sign in yet.

    Raises
    ------
    NotFoundError
        If nobody has that name.
    Refused
        If whoever asks is no admin, or the user is disabled.
    """
    session, by = decision.session, decision.by
    user = user_named(session, name)
    refuse_unless(
        (may_anybody or by.may(Role.ADMIN), f"{by} is not an admin; give --as ADMIN"),
        (user.disabled_at is None, f"{name} is disabled"),
        action=f"invite {name}",
    )
    token = secrets.token_urlsafe(32)
    account = account_of(session, user.id)
    if account is None:
        account = LocalAccount(user_id=user.id, failures=0, invited_by=by.reference)
        session.add(account)
    account.set_up_sha256 = sha256_hex(token.encode())
    account.set_up_expires_at = decision.at + INVITATION_VALID_FOR
    account.invited_by = by.reference
    session.flush()
    append(decision, "user.invited", "users", user.id, {"expires_at": account.set_up_expires_at})
    return token


def invited(session: Session, token: str, at: datetime) -> tuple[LocalAccount, User] | None:
    """Return the account that an invitation is for; None: the token is none, was used, or has expired."""
    row = session.execute(
        select(LocalAccount, User)
        .join(User, User.id == LocalAccount.user_id)
        .where(LocalAccount.set_up_sha256 == sha256_hex(token.encode()), User.disabled_at.is_(None))
        .with_for_update(of=LocalAccount)
    ).one_or_none()
    if row is None or row[0].set_up_expires_at is None or at >= row[0].set_up_expires_at:
        return None
    return row[0], row[1]


def set_password(decision: Decision, account: LocalAccount, user: User, password: str) -> None:
    """Give an invited account the password that its user chose; the sessions that it had end.

    Raises
    ------
    BadInputError
        Says everything that is wrong with the password.
    """
    faults = password_faults(password, user.name)
    if faults:
        raise BadInputError("this password cannot be used: " + "; ".join(faults))
    account.password_hash, account.password_set_at = hash_of(password), decision.at
    account.failures, account.refused_until = 0, None
    account.set_up_sha256 = account.set_up_expires_at = None
    end_sessions(decision.session, user.id, decision.at)
    decision.session.flush()
    append(decision, "user.password_set", "users", user.id, {"invited_by": account.invited_by})


def try_password(session: Session, name: str, password: str, at: datetime) -> Tried:
    """Compare a password with the one of the user ``name``; the caller writes the log, as an account may change.

    For a name that nobody has, it takes as long.
    """
    account = session.scalar(
        select(LocalAccount)
        .join(User, User.id == LocalAccount.user_id)
        .where(User.name == name.strip(), User.disabled_at.is_(None))
        .with_for_update(of=LocalAccount)
    )
    if account is not None and account.refused_until is not None and at < account.refused_until:
        return Tried(False, account, account.refused_until)
    fits = password_fits(account.password_hash if account is not None else None, password)
    if account is not None:
        if fits and account.password_hash is not None and to_be_hashed_again(account.password_hash):
            account.password_hash = hash_of(password)
        if not fits:
            _failed(account, at)
    return Tried(fits, account)


def try_code(account: LocalAccount, key: Fernet, code: str, at: datetime, code_at: datetime) -> Tried:
    """Compare a code of the second factor; one that was taken is never taken again.

    Parameters
    ----------
    at : moment of the try. ``code_at``: the same by a clock that telephones agree with.
    """
    if account.refused_until is not None and at < account.refused_until:
        return Tried(False, account, account.refused_until)
    step = (
        accepted_step(decrypted(key, account.totp_secret), code, code_at, account.last_code_step)
        if account.totp_secret is not None
        else None
    )
    if step is None:
        _failed(account, at)
        return Tried(False, account)
    account.last_code_step, account.failures, account.refused_until = step, 0, None
    if account.totp_confirmed_at is None:
        account.totp_confirmed_at = at
    return Tried(True, account)


def make_second_factor(account: LocalAccount, key: Fernet) -> None:
    """Give an account a new secret of the second factor, which counts from its first code on."""
    account.totp_secret = encrypted(key, new_secret())
    account.totp_confirmed_at = account.last_code_step = None


def account_of(session: Session, user_id: str) -> LocalAccount | None:
    """Return a user's account, locked; None: they have none."""
    return session.scalar(select(LocalAccount).where(LocalAccount.user_id == user_id).with_for_update())


def _failed(account: LocalAccount, at: datetime) -> None:
    account.failures += 1
    account.refused_until = refused_until(account.failures, at)
