"""Keep the head of the audit log: signed, in a second place, daily and at every measure; and find it there again."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from cjp_fraud.audit.head_keys import PublicKey, read_public_key
from cjp_fraud.audit.recording import home_clock
from cjp_fraud.audit.signed_head import SignedHead, head_faults, newest, sign_head
from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.config import ShownSettings
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, CjpFraudError, StorageError
from cjp_fraud.notices.head_mail import mail_head
from cjp_fraud.notices.methods.mail_server import mail_server
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension.model import MEASURE_ACTIONS

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class KeptHead:
    """A signed head, and where it lies.

    Parameters
    ----------
    sequence, entry_sha256 : the log's newest entry when it was signed.
    place, file : the second place, and the head's name there.
    mailed_to : to whom it was mailed; None: nobody is set, or the mail server did not take it.
    """

    sequence: int
    entry_sha256: str
    signed_at: datetime
    key_id: str
    place: str
    file: str
    mailed_to: str | None = None

    @classmethod
    def of(cls, signed: SignedHead, place: str, mailed_to: str | None = None) -> KeptHead:
        """Return what is shown of a signed head."""
        head = signed.head
        return cls(
            head.sequence, head.entry_sha256, head.signed_at, head.key_id, place, signed.name, mailed_to
        )


@dataclass(frozen=True, slots=True)
class HeadKeyView:
    """The key that signs the head of the log: give the public one to somebody outside."""

    key_id: str
    public_key: str
    """One line of base64, as in the file."""
    public_key_file: Path
    second_place: str
    note: str | None
    """Why the second place is none."""


@dataclass(frozen=True, slots=True)
class TrustedHeads:
    """What a verification goes by.

    Parameters
    ----------
    heads : signed by ``keys``.
    faults : a sentence for each key, place or file that cannot be used.
    """

    keys: tuple[PublicKey, ...]
    heads: tuple[SignedHead, ...]
    faults: tuple[str, ...]


def sign_and_keep(deployment: Deployment, now: datetime) -> KeptHead:
    """Sign the head of the log, write it to the second place and mail it, whether or not one was due.

    Raises
    ------
    CjpFraudError
        If it was not written, or was written and not mailed.
    """
    head, mail_fault = _keep(deployment, _newest_kept(deployment), now)
    if mail_fault is not None:
        raise CjpFraudError(f"the signed head was written to {head.place}, but {mail_fault}")
    return head


def keep_if_due(deployment: Deployment, now: datetime) -> KeptHead | None:
    """Sign and keep the head where the newest one kept is older than a day, or a measure was taken since.

    A mail server that does not answer is logged; the next daily head is mailed again.

    Returns
    -------
    None where none was due.

    Raises
    ------
    CjpFraudError
        If one was due and was not written.
    """
    before = _newest_kept(deployment)
    with reading(deployment.engine) as session:
        if reason_for_next(session, before, now) is None:
            return None
    return _mailed_later(_keep(deployment, before, now))


@contextmanager
def head_follows(deployment: Deployment, now: datetime) -> Iterator[None]:
    """Keep the head after the block, which may have taken a measure; outside any transaction, and whatever it raised.

    What stands in the way is logged and undoes nothing: ``run-due`` keeps the head as soon as it can.
    """
    try:
        yield
    finally:
        try:
            keep_if_due(deployment, now)
        except (CjpFraudError, OSError, SQLAlchemyError) as error:
            _log.warning("the head of the audit log was not kept: %s. cjp-fraud run-due tries again", error)


def keep_first(deployment: Deployment, now: datetime, *, new_key: bool) -> None:
    """Make the second place, and put a head there where there is none or the key is new.

    Raises
    ------
    CjpFraudError
        If it cannot be made, or the head cannot be written. A mail server that does not take it is logged.
    """
    store = deployment.head_store
    store.make()
    before = store.newest(deployment.head_keys.public(), may_be_new=True)
    if before is not None and not new_key:
        return
    _mailed_later(_keep(deployment, before, now))


def keep_signed(deployment: Deployment, signed: SignedHead) -> None:
    """Write a head that was signed elsewhere (in a bundle) to the second place; a failure is logged."""
    try:
        deployment.head_store.put(signed)
    except CjpFraudError as error:
        _log.warning("the head of the bundle was not kept: %s", error)


def show_head_key(deployment: Deployment) -> HeadKeyView:
    """Return the key that signs, and where heads are kept; raises StorageError where there is no key."""
    keys = deployment.head_keys
    key = keys.private().public
    return HeadKeyView(
        key_id=key.key_id,
        public_key=key.text,
        public_key_file=keys.public_file(key),
        second_place=deployment.head_store.shown,
        note=no_second_place(deployment),
    )


class SettingsAndKey(ShownSettings):
    """Settings for people to read, and the public key of signed heads; None: there is none yet."""

    heads_public_key: str | None


def settings_and_key(deployment: Deployment) -> SettingsAndKey:
    """Return the settings in force with secrets masked, and the public key of signed heads, if there is one."""
    try:
        public_key = deployment.head_keys.private().public.text
    except StorageError:
        public_key = None
    return SettingsAndKey.model_construct(**dict(deployment.settings.shown()), heads_public_key=public_key)


def no_second_place(deployment: Deployment) -> str | None:
    """Return why the place of signed heads is no second one, or None if it may be."""
    if not deployment.settings.heads_are_beside_the_database:
        return None
    return (
        f"{deployment.head_store.shown} lies beside the database and is no second place: whoever rewrites the log "
        "can remove the heads too. Set CJP_FRAUD_HEADS_URL to a place where this machine can only add files"
    )


def trusted_heads(deployment: Deployment, public_keys: Sequence[Path] = ()) -> TrustedHeads:
    """Find the heads that a verification goes by; what is missing is a fault, never an error.

    Parameters
    ----------
    public_keys : files of the keys that count, kept elsewhere; none: the home's own.

    Raises
    ------
    BadInputError
        If one of these files is no public key.
    """
    faults: list[str] = []
    keys = given_keys(public_keys)
    try:
        own = deployment.head_keys.public()
        if keys and not {key.key_id for key in own} & {key.key_id for key in keys}:
            faults.append(
                f"the home's key is {own[-1].key_id}, not the one that was given: the key was replaced"
            )
        keys = keys or tuple(own)
    except StorageError as error:
        faults.append(str(error))
    if not keys:
        return TrustedHeads((), (), tuple(faults))
    try:
        in_place = deployment.head_store.found(keys)
    except CjpFraudError as error:
        return TrustedHeads(keys, (), (*faults, str(error)))
    faults += in_place.faults
    if not in_place.heads:
        faults.append(_none_there(deployment))
    return TrustedHeads(keys, tuple(in_place.heads.values()), tuple(faults))


def given_keys(files: Sequence[Path]) -> tuple[PublicKey, ...]:
    """Read public keys from files; raises BadInputError where one is none."""
    keys = []
    for file in files:
        try:
            keys.append(read_public_key(file.read_bytes()))
        except OSError as error:
            raise BadInputError(
                f"{file} cannot be read: {error.strerror}; name the file of a public key"
            ) from error
        except BadInputError as error:
            raise BadInputError(f"{file}: {error}") from error
    return tuple(keys)


def reason_for_next(session: Session, before: SignedHead, now: datetime) -> str | None:
    """Return why the next head is due after ``before``, or None: each UTC day has one, and each measure."""
    head = before.head
    measure = session.execute(
        select(AuditEntry.sequence, AuditEntry.action)
        .where(AuditEntry.sequence > head.sequence, AuditEntry.action.in_(MEASURE_ACTIONS))
        .order_by(AuditEntry.sequence.desc())
        .limit(1)
    ).one_or_none()
    if measure is not None:
        return f"no head was signed since the measure of entry {measure.sequence} ({measure.action})"
    if now.date() > head.signed_at.date():
        return f"no head was signed since {head.signed_at:%Y-%m-%d %H:%M:%SZ}"
    return None


def newest_of(trusted: TrustedHeads, deployment: Deployment) -> KeptHead | None:
    """Return the newest head of those that a verification went by."""
    signed = newest(trusted.heads)
    return KeptHead.of(signed, deployment.head_store.shown) if signed is not None else None


def _newest_kept(deployment: Deployment) -> SignedHead:
    """Return the newest head in the second place, which ``init`` put the first into."""
    before = deployment.head_store.newest(deployment.head_keys.public())
    if before is None:
        raise StorageError(_none_there(deployment))
    return before


def _mailed_later(head_and_fault: tuple[KeptHead, str | None]) -> KeptHead:
    """Log why a head was not mailed, and return the head."""
    head, mail_fault = head_and_fault
    if mail_fault is not None:
        _log.warning("%s; the next daily head is mailed again", mail_fault)
    return head


def _none_there(deployment: Deployment) -> str:
    return (
        f"there is no head of this home in {deployment.head_store.shown}: they were removed, or the place is new. "
        "Bring them back, or, if the place is new, put the first one there: cjp-fraud init"
    )


def _keep(deployment: Deployment, before: SignedHead | None, now: datetime) -> tuple[KeptHead, str | None]:
    """Sign the newest entry, write and mail it; return it with why it was not mailed.

    A chain that contradicts the head before is not signed, so that nobody launders it by waiting for the next.
    """
    settings, store, key = deployment.settings, deployment.head_store, deployment.head_keys.private()
    with reading(deployment.engine) as session:
        newest_first = select(AuditEntry).order_by(AuditEntry.sequence.desc()).limit(1)
        entry = session.scalars(newest_first).one()
        if before is not None:
            at_head = session.get(AuditEntry, before.head.sequence)
            there = {at_head.sequence: at_head.entry_sha256} if at_head is not None else {}
            faults = head_faults([before], there, entry.sequence)
            if faults:
                raise CjpFraudError(f"the head is not signed: {faults[0]}. See cjp-fraud audit verify")
        signed = sign_head(
            key,
            entry.sequence,
            entry.entry_sha256,
            entry.recorded_at,
            max(now, entry.recorded_at),
            simulated_clock=home_clock(session).simulated,
        )
    store.put(signed)
    mail_fault = None
    if settings.heads_mail_to is not None:
        try:
            mail_fault = mail_head(mail_server(settings), settings.heads_mail_to, signed, key.public)
        except BadInputError as error:
            mail_fault = f"CJP_FRAUD_HEADS_MAIL_TO or CJP_FRAUD_MAIL_FROM: {error}"
    mailed_to = settings.heads_mail_to if mail_fault is None else None
    return KeptHead.of(signed, store.shown, mailed_to), mail_fault
