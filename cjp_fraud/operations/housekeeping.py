"""Setting a deployment up, and what keeps it in order by night."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from cjp_fraud.audit.home import NOT_SIMULATED, make_home, record_head_key
from cjp_fraud.audit.recording import recording_time
from cjp_fraud.clock import machine_now
from cjp_fraud.compliance.retention import apply_retention
from cjp_fraud.config import PlatformMode
from cjp_fraud.config_values import masked_url
from cjp_fraud.contracts.methods import require_email_address
from cjp_fraud.deployment import Deployment
from cjp_fraud.detection.lake_tables import DETECTION_TABLES
from cjp_fraud.errors import BadInputError, CjpFraudError, ClockError
from cjp_fraud.operations.audit_log import LogReport, verify_log
from cjp_fraud.operations.head_keeping import HeadKeyView, keep_first, show_head_key
from cjp_fraud.people.model import INIT, Actor, Decision, GivenIdentity, Role
from cjp_fraud.people.tables import User
from cjp_fraud.people.users import create_user
from cjp_fraud.storage.database import make_engine, transaction
from cjp_fraud.storage.full_disk import full_disk_named
from cjp_fraud.storage.ownership import application_owns, migrate_as_owner, require_may_migrate
from cjp_fraud.storage.schema_version import current_revision, migrate
from cjp_fraud.traffic.schema import TRAFFIC_TABLES

LAKE_TABLES = (*TRAFFIC_TABLES, *DETECTION_TABLES)
"""All lake tables of the product."""


@dataclass(frozen=True, slots=True)
class Initialized:
    """A deployment that is ready: where it stands and at which schema (secrets masked)."""

    database: str
    schema: str
    changed: bool
    """Whether the database was made or brought to this version by this run."""
    lake: str
    buckets: int
    mode: PlatformMode
    simulated_clock: bool
    """Whether the home's clock is simulated, for good."""
    key: HeadKeyView
    """The key that signs the head of the audit log; its public part belongs with somebody outside."""
    application_owns: str | None = None
    """On PostgreSQL, that the application's role owns its tables, and what that means; None: it does not, or SQLite."""


@dataclass(frozen=True, slots=True)
class RetentionResult:
    """What was past its retention."""

    intake_partitions: int
    """Days and buckets of delivered rows that were dropped."""


@full_disk_named("init")
def initialize(
    deployment: Deployment,
    *,
    simulated: bool = False,
    users: Mapping[str, Collection[Role]] | None = None,
    identities: Mapping[str, Collection[str]] | None = None,
    owner_url: str | None = None,
) -> Initialized:
    """Make the database and the lake's tables, or bring them to this version; running it again is harmless.

    Parameters
    ----------
    users : people of the first day with their roles, which count at once; only when the home is made.
    identities : by what these are known outside (``mail:ada@provider.example``); who has none is known by name alone.
    simulated : give the home a simulated clock, for good; it begins at ``settings.now``, or at the machine's time.
    owner_url : on PostgreSQL, the database as the role connects that owns the tables or will; used now, never stored.

    Raises
    ------
    ClockError
        If the home is there and has the machine's clock, or the settings give a moment without ``simulated``.
    BadInputError
        If the clock is simulated and the settings reach out of this machine, or the owner's URL leads elsewhere.
    Refused
        If the application's role could get past the owner's grants.
    StorageError
        If the lake that is there has another number of buckets than the settings say, the tables belong to another
        role and ``owner_url`` is missing, or the second place of signed heads cannot be written to.
    FullDiskError
        If the disk is full; running it again completes what is missing.
    """
    settings = deployment.settings
    if settings.heads_mail_to is not None:
        require_email_address(settings.heads_mail_to)
    if simulated:
        deployment.require_inside()
    settings.home.mkdir(parents=True, exist_ok=True)
    engine = make_engine(settings.database)
    if settings.now is not None and not simulated and current_revision(engine) is None:
        raise ClockError(NOT_SIMULATED)
    before, after = _migrate(engine, owner_url)
    with transaction(engine) as session:
        begins = (settings.now if simulated else None) or machine_now()
        decision = Decision(session, Actor(INIT), begins)
        made = make_home(decision, simulated=simulated)
        if made:
            _create_people(decision, users or {}, identities or {})
        else:
            _require_on_record(session, users or ())
        deployment.head_keys.make()
        key = deployment.head_keys.private().public
        new_key = record_head_key(
            Decision(session, Actor(INIT), recording_time(session)), key.key_id, key.text
        )
    owned = application_owns(engine)
    engine.dispose()
    deployment.lake.create(LAKE_TABLES, buckets=settings.lake_buckets)
    keep_first(deployment, deployment.now, new_key=new_key)
    return Initialized(
        database=masked_url(settings.database),
        schema=after,
        changed=before != after,
        lake=masked_url(settings.lake),
        buckets=deployment.lake.buckets,
        mode=settings.platform_mode,
        simulated_clock=deployment.home_clock.simulated,
        key=show_head_key(deployment),
        application_owns=owned,
    )


def _migrate(engine: Engine, owner_url: str | None) -> tuple[str | None, str]:
    if owner_url is None:
        require_may_migrate(engine)
        return migrate(engine)
    try:
        owner = make_engine(owner_url)
    except ArgumentError as error:
        raise BadInputError(
            "--owner-url is no database URL; write postgresql+psycopg://ROLE@HOST/DATABASE"
        ) from error
    try:
        return migrate_as_owner(owner, engine)
    finally:
        owner.dispose()


def _create_people(
    decision: Decision,
    users: Mapping[str, Collection[Role]],
    identities: Mapping[str, Collection[str]],
) -> None:
    for name, roles in users.items():
        given = [GivenIdentity.parse(text) for text in identities.get(name, ())]
        create_user(decision, name, roles, identities=given)


def _require_on_record(session: Session, names: Iterable[str]) -> None:
    for name in names:
        if session.scalar(select(User.id).where(User.name == name)) is None:
            raise BadInputError(
                f"user {name!r} is not on record, and this home was made before: init names people once; "
                f"use cjp-fraud users create {name} --role ROLE --identity mail:ADDRESS"
            )


def drop_expired(deployment: Deployment, now: datetime) -> RetentionResult:
    """Drop what is past its retention; doing so again at once drops nothing."""
    dropped = apply_retention(deployment.engine, deployment.lake, now, tables=LAKE_TABLES)
    return RetentionResult(dropped["intake_partitions"])


def verify_log_or_fail(deployment: Deployment) -> LogReport:
    """Do what ``cjp-fraud audit verify`` does, as a scheduled task that must be seen to fail.

    Raises
    ------
    CjpFraudError
        Names every fault.
    """
    verification = verify_log(deployment)
    if not verification.holds:
        raise CjpFraudError("the audit log does not hold: " + "; ".join(verification.faults))
    return verification
