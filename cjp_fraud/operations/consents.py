"""Standing consents of customers: entered by counsel from the signed file, confirmed by a second person, ended, listed.

``by`` is the name of the user who acts, ``now`` aware.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session, aliased

from cjp_fraud.contracts import consent_entry
from cjp_fraud.contracts.confirmation_tables import SignedConsent
from cjp_fraud.contracts.consent_entry import consent_of
from cjp_fraud.contracts.entered_file import read_entered_file
from cjp_fraud.contracts.standing_consent import SignedProof, StandingConsent
from cjp_fraud.contracts.tables import Tenant
from cjp_fraud.contracts.tenant_reach import require_tenant_reach, tenants_within
from cjp_fraud.contracts.tenants import require_tenant
from cjp_fraud.deployment import Deployment
from cjp_fraud.digests import sha256_hex
from cjp_fraud.errors import BadInputError
from cjp_fraud.operations.reach import reach_of
from cjp_fraud.operations.short_ids import id_of
from cjp_fraud.people.denials import denials_on_record
from cjp_fraud.people.tables import User
from cjp_fraud.people.users import actor_named
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension.cap_views import CapView, caps_of_consents


@dataclass(frozen=True, slots=True)
class ConsentView:
    """A standing consent on record.

    Parameters
    ----------
    in_force : whether a breach caps now: it is confirmed, valid and not ended.
    blocks : beginnings of the numbers that a cap blocks.
    confirmed_by, ended_by : names; None: nobody has.
    caps : that it has led to, the newest first.
    """

    id: str
    tenant_id: str
    in_force: bool
    says: StandingConsent
    blocks: tuple[str, ...]
    proof: SignedProof
    entered_by: str
    entered_at: datetime
    confirmed_by: str | None
    confirmed_at: datetime | None
    ended_by: str | None
    ended_at: datetime | None
    caps: tuple[CapView, ...]


def enter_file(
    deployment: Deployment, by: str, now: datetime, tenant_id: str, file: Path, proof: Path
) -> ConsentView:
    """Enter the consent that a TOML or JSON file says, as counsel; ``proof``: the file that the customer signed.

    Raises
    ------
    BadInputError
        Naming what of the file cannot be used, or that the signed file cannot be read.
    NotFoundError
        If the tenant is not on record.
    Refused
        Names everything that is missing.
    """
    read = read_entered_file(file)
    says = read.read_as(StandingConsent, read.table)
    try:
        signed = SignedProof(proof.name, sha256_hex(proof.read_bytes()))
    except OSError as error:
        raise BadInputError(f"{proof}: cannot be read ({error.strerror})") from error
    return enter(deployment, by, now, tenant_id, says, signed)


def enter(
    deployment: Deployment, by: str, now: datetime, tenant_id: str, says: StandingConsent, proof: SignedProof
) -> ConsentView:
    """Enter a consent, as counsel; the same again changes nothing."""
    with deployment.deciding(by, now) as decision:
        row = consent_entry.enter_consent(decision, tenant_id, says, proof)
        return _view(decision.session, row, now)


def confirm(deployment: Deployment, by: str, now: datetime, consent: str) -> ConsentView:
    """Confirm a consent, named by its id or how it begins, as a second person; a breach caps from then on."""
    with deployment.deciding(by, now) as decision:
        row = consent_entry.confirm_consent(decision, _id(decision.session, consent))
        return _view(decision.session, row, now)


def end(deployment: Deployment, by: str, now: datetime, consent: str, *, reasons: str) -> ConsentView:
    """End a consent: no cap follows it any more, and the next run lifts what it capped."""
    with deployment.deciding(by, now) as decision:
        row = consent_entry.end_consent(decision, _id(decision.session, consent), reasons)
        return _view(decision.session, row, now)


def list_consents(
    deployment: Deployment, now: datetime, tenant_id: str, *, by: str | None = None
) -> tuple[ConsentView, ...]:
    """Return a tenant's consents, the newest first.

    Parameters
    ----------
    by : name of the user who reads, whose roles may be narrowed; None: the account of this machine.

    Raises
    ------
    NotFoundError
        If the tenant is not on record.
    """
    with denials_on_record(deployment.engine, by, now), reading(deployment.engine) as session:
        require_tenant(session, tenant_id)
        if by is not None:
            require_tenant_reach(session, actor_named(session, by), tenant_id)
        return _views(session, now, SignedConsent.tenant_id == tenant_id)


def list_standing(deployment: Deployment, now: datetime, *, by: str | None = None) -> tuple[ConsentView, ...]:
    """Return all tenants' consents that count or may come to: neither ended nor past their time; the newest first.

    Parameters
    ----------
    by : name of the user who reads, whose roles may be narrowed; None: the account of this machine.
    """
    with reading(deployment.engine) as session:
        of_reached = select(Tenant.id).where(tenants_within(reach_of(session, by)))
        listed = _views(
            session, now, SignedConsent.ended_at.is_(None), SignedConsent.tenant_id.in_(of_reached)
        )
        return tuple(each for each in listed if now < each.says.valid_to)


def _id(session: Session, consent: str) -> str:
    return id_of(
        session, SignedConsent.id, consent, "standing consent", "cjp-fraud contracts consents TENANT"
    )


def _view(session: Session, row: SignedConsent, now: datetime) -> ConsentView:
    [view] = _views(session, now, SignedConsent.id == row.id)
    return view


def _views(session: Session, now: datetime, *conditions: ColumnElement[bool]) -> tuple[ConsentView, ...]:
    entering, confirming, ending = aliased(User), aliased(User), aliased(User)
    rows = session.execute(
        select(SignedConsent, entering.name, confirming.name, ending.name)
        .join(entering, entering.id == SignedConsent.entered_by)
        .outerjoin(confirming, confirming.id == SignedConsent.confirmed_by)
        .outerjoin(ending, ending.id == SignedConsent.ended_by)
        .where(*conditions)
        .order_by(SignedConsent.entered_at.desc(), SignedConsent.id.desc())
    ).all()
    caps = caps_of_consents(session, (row.id for row, *_ in rows))
    views = []
    for row, entered_by, confirmed_by, ended_by in rows:
        says = consent_of(row)
        confirmed = row.confirmed_at is not None and row.ended_at is None
        views.append(
            ConsentView(
                id=row.id,
                tenant_id=row.tenant_id,
                in_force=confirmed and says.valid_from <= now < says.valid_to,
                says=says,
                blocks=says.scope.destination_prefixes,
                proof=SignedProof(row.proof_name, row.proof_sha256),
                entered_by=entered_by,
                entered_at=row.entered_at,
                confirmed_by=confirmed_by,
                confirmed_at=row.confirmed_at,
                ended_by=ended_by,
                ended_at=row.ended_at,
                caps=caps.get(row.id, ()),
            )
        )
    return tuple(views)
