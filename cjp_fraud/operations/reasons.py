"""Statements of reasons: which laws' lists hold for who contracts, and the statement of one notice with its digest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from cjp_fraud.contracts.reason_profile_entry import contracting_entities, enter_profile, profiles_in_force
from cjp_fraud.contracts.reason_profiles import LAWS, ReasonProfile
from cjp_fraud.contracts.tables import Provider
from cjp_fraud.deployment import Deployment
from cjp_fraud.digests import digest
from cjp_fraud.documents import from_document, to_document
from cjp_fraud.errors import NotFoundError
from cjp_fraud.notices.plans import PlanDraft
from cjp_fraud.notices.statement_of_reasons import REQUIRED, StatementOfReasons
from cjp_fraud.notices.tables import Notice, NoticePlan
from cjp_fraud.operations.short_ids import id_of
from cjp_fraud.storage.database import reading


@dataclass(frozen=True, slots=True)
class ProfileStanding:
    """Whether a law's list holds for who contracts, and what it wants in a statement.

    Parameters
    ----------
    entity : contracting entity, as contracts name it; None: every one for which counsel has decided nothing else.
    out_of_court, mediators : bodies that letters name then.
    """

    provider: str
    entity: str | None
    profile: ReasonProfile
    law: str
    in_force: bool
    out_of_court: tuple[str, ...]
    mediators: tuple[str, ...]
    wants: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StatedNotice:
    """The notice that a statement of reasons went with: what only its dispatch knew.

    Parameters
    ----------
    effective_from, ends_at, dispute_until : as its letter states them; None: it has not left.
    message_sha256 : digest of the bytes that the customer got; None: it has not left.
    """

    id: str
    dispatched_at: datetime | None
    effective_from: datetime | None
    ends_at: datetime | None
    dispute_until: datetime | None
    message_sha256: str | None


@dataclass(frozen=True, slots=True)
class NoticeReasons:
    """The statement of reasons of a notice.

    Parameters
    ----------
    sha256 : of the statement's canonical JSON; ``plan_sha256``: of the approved plan that holds it, in the log.
    """

    statement: StatementOfReasons
    sha256: str
    plan_sha256: str
    notice: StatedNotice


def list_profiles(deployment: Deployment, now: datetime) -> tuple[ProfileStanding, ...]:
    """Return how every profile stands for every provider and each of its contracting entities at ``now``."""
    with reading(deployment.engine) as session:
        providers = session.scalars(select(Provider.id).order_by(Provider.id)).all()
        standing = {
            (provider, entity): {
                each.profile: each for each in profiles_in_force(session, provider, entity, now)
            }
            for provider in providers
            for entity in (None, *contracting_entities(session, provider))
        }
    return tuple(
        ProfileStanding(
            provider=provider,
            entity=entity,
            profile=profile,
            law=LAWS[profile],
            in_force=(found := in_force.get(profile)) is not None,
            out_of_court=found.out_of_court if found is not None else (),
            mediators=found.mediators if found is not None else (),
            wants=tuple(REQUIRED[profile]),
        )
        for (provider, entity), in_force in standing.items()
        for profile in ReasonProfile
    )


def set_profile(
    deployment: Deployment,
    by: str,
    now: datetime,
    provider: str,
    profile: ReasonProfile,
    *,
    in_force: bool,
    source: str,
    entity: str | None = None,
    out_of_court: Sequence[str] = (),
    mediators: Sequence[str] = (),
) -> ProfileStanding:
    """Turn a profile on or off, as counsel; proposals drawn up before need to be drawn up again.

    Parameters
    ----------
    entity : contracting entity for which it holds, as contracts name it; None: every one for which counsel has decided
        nothing else.

    Raises
    ------
    Refused
        If it is not counsel who acts, or no source is named.
    NotFoundError
        If there is no such provider, or no contract of it names the entity.
    """
    entity = entity or None
    with deployment.deciding(by, now) as decision:
        enter_profile(
            decision,
            provider,
            profile,
            in_force=in_force,
            source=source,
            entity=entity or "",
            out_of_court=out_of_court,
            mediators=mediators,
        )
    return next(
        each
        for each in list_profiles(deployment, now)
        if (each.provider, each.entity, each.profile) == (provider, entity, profile)
    )


def reasons_of_notice(deployment: Deployment, notice_id: str) -> NoticeReasons:
    """Return the statement of reasons of the notice with this id, or whose id alone begins so.

    Raises
    ------
    NotFoundError
        If there is none, or the notice restricts nothing and so states no reasons.
    """
    with reading(deployment.engine) as session:
        notice = session.get_one(
            Notice, id_of(session, Notice.id, notice_id, "notice", "cjp-fraud notices list")
        )
        plan = session.get_one(NoticePlan, notice.plan_id)
        draft = from_document(PlanDraft, plan.document)
    if draft.statement is None:
        raise NotFoundError(f"notice {notice.id} tells of a {notice.kind} and states no reasons")
    dates = draft.dates(notice.dispatched_at, notice.step) if notice.dispatched_at is not None else None
    return NoticeReasons(
        statement=draft.statement,
        sha256=digest(to_document(draft.statement)),
        plan_sha256=plan.sha256,
        notice=StatedNotice(
            id=notice.id,
            dispatched_at=notice.dispatched_at,
            effective_from=dates.effective_from if dates is not None else None,
            ends_at=notice.states_end_at,
            dispute_until=dates.dispute_until if dates is not None else None,
            message_sha256=notice.message_sha256,
        ),
    )
