"""Which cases a person's roles reach: a condition for lists, and asked of a case before it is shown or acted on."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sqlalchemy import ColumnElement, and_, false, or_, select, true
from sqlalchemy.orm import Session, aliased

from cjp_fraud.contracts.tables import Tenant
from cjp_fraud.contracts.tenant_reach import tenants_within
from cjp_fraud.errors import OutOfReach
from cjp_fraud.people.model import Actor, Reach, Role
from cjp_fraud.people.reach import READS_CASES, reaches
from cjp_fraud.review.tables import Case, CaseLine, Episode, Flag


def within_reach(reach: Iterable[Reach] | None) -> ColumnElement[bool]:
    """Return the condition that a case is reached; None: every case is."""
    if reach is None:
        return true()
    return or_(false(), *map(_covered, reach))


def flags_within_reach(reach: Iterable[Reach] | None) -> ColumnElement[bool]:
    """Return the condition that a flag is reached: its case is, or its channel and its tenant where it has no case."""
    if reach is None:
        return true()
    listed = tuple(reach)
    episode = aliased(Episode)
    case_of_flag = (
        select(episode.case_id).where(episode.id == Flag.episode_id).correlate(Flag).scalar_subquery()
    )
    own = [
        and_(
            Flag.channel.in_(sorted(each.channels)) if each.channels else true(),
            Flag.tenant_id.in_(select(Tenant.id).where(tenants_within([each]))),
        )
        for each in listed
    ]
    return or_(
        case_of_flag.in_(select(Case.id).where(within_reach(listed))),
        and_(case_of_flag.is_(None), or_(false(), *own)),
    )


def require_reach(session: Session, by: Actor, case: Case, roles: Collection[Role] = READS_CASES) -> None:
    """Refuse a person none of whose roles among ``roles`` reaches the case.

    Raises
    ------
    OutOfReach
        Names the case.
    """
    if not by.narrowed:
        return
    channel, country = channel_and_country(session, case)
    if not reaches(by, roles, channel, country):
        raise OutOfReach(
            f"case {case.number} ({channel or 'no channel'}, {country or 'no country'}) lies outside of what "
            f"{by}'s roles are narrowed to"
        )


def roles_reaching(session: Session, by: Actor, case: Case) -> frozenset[Role]:
    """Return the person's roles that reach the case."""
    if not by.narrowed:
        return by.roles
    channel, country = channel_and_country(session, case)
    return frozenset(role for role in by.roles if by.reach(role).covers(channel, country))


def channel_and_country(session: Session, case: Case) -> tuple[str | None, str | None]:
    """Return the channel of the case's flag with the highest score and the tenant's country; None: not known."""
    channel = session.scalar(select(CaseLine.channel).where(CaseLine.case_id == case.id))
    country = session.scalar(select(Tenant.country).where(Tenant.id == case.tenant_id))
    return channel, country


def _covered(reach: Reach) -> ColumnElement[bool]:
    conditions: list[ColumnElement[bool]] = []
    if reach.channels:
        of_channel = select(CaseLine.case_id).where(CaseLine.channel.in_(sorted(reach.channels)))
        conditions.append(Case.id.in_(of_channel))
    if reach.countries:
        conditions.append(Case.tenant_id.in_(select(Tenant.id).where(tenants_within([reach]))))
    return and_(true(), *conditions)
