"""What somebody reaches whose roles are narrowed to channels or countries: cases, tenants, and lists of both."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any, TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.contracts.tables import Tenant
from cjp_fraud.contracts.tenant_reach import require_tenant_reach, tenants_within
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import NotFoundError
from cjp_fraud.notices.tables import Notice, NoticePlan
from cjp_fraud.people.model import Reach, Role
from cjp_fraud.people.reach import READS_CASES, reach_for
from cjp_fraud.people.users import actor_named
from cjp_fraud.review.case_reach import require_reach, within_reach
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading

_ViewT = TypeVar("_ViewT")


def require_named_reach(deployment: Deployment, by: str, *named_in: Mapping[str, Any]) -> None:
    """Refuse a person whose roles do not reach the case or the tenant that a page's or an endpoint's address names.

    What is not on record is told elsewhere.

    Parameters
    ----------
    named_in : parts of the path, and of the query: ``number`` or ``case`` of a case, ``notice_id`` of its notice,
        ``tenant`` of a tenant.

    Raises
    ------
    OutOfReach
        Names the case or the tenant.
    """
    with reading(deployment.engine) as session:
        by_whom = actor_named(session, by)
        for named in named_in:
            for case_id in _cases_named(session, named):
                require_reach(session, by_whom, session.get_one(Case, case_id))
            if "tenant" in named:
                require_tenant_reach(session, by_whom, str(named["tenant"]))


def _cases_named(session: Session, named: Mapping[str, Any]) -> Iterator[str]:
    """Yield the ids of the cases that are named, or whose notice is."""
    case = named.get("case", named.get("number"))
    if case is not None:
        with suppress(NotFoundError):
            yield case_id_of(session, str(case))
    if "notice_id" in named:
        begins = Notice.id.startswith(str(named["notice_id"]), autoescape=True)
        yield from session.scalars(
            select(NoticePlan.case_id).join(Notice, Notice.plan_id == NoticePlan.id).where(begins).distinct()
        )


def reach_of(
    session: Session, by: str | None, roles: Collection[Role] = READS_CASES
) -> tuple[Reach, ...] | None:
    """Return how far a reader's roles among ``roles`` reach; None: to everything.

    Parameters
    ----------
    by : name of the user; None: the account of this machine.
    """
    return reach_for(actor_named(session, by), roles) if by is not None else None


def reached_by(session: Session, by: str | None) -> frozenset[int] | None:
    """Return the numbers of the cases that a reader's roles reach; None: all are. ``by`` as for :func:`reach_of`."""
    return reached_within(session, reach_of(session, by))


def reached_within(session: Session, reach: Collection[Reach] | None) -> frozenset[int] | None:
    """Return the numbers of the cases within a reach; None: all are."""
    if reach is None:
        return None
    return frozenset(session.scalars(select(Case.number).where(within_reach(reach))))


def tenants_reached(session: Session, by: str | None) -> frozenset[str] | None:
    """Return the ids of the tenants that a reader's roles reach; None: all are. ``by`` as for :func:`reach_of`."""
    reach = reach_of(session, by)
    if reach is None:
        return None
    return frozenset(session.scalars(select(Tenant.id).where(tenants_within(reach))))


def only_reached(
    deployment: Deployment, by: str, listed: Iterable[_ViewT], number: Callable[[_ViewT], int | None]
) -> tuple[_ViewT, ...]:
    """Return of a list what is about cases that a reader's roles reach; ``number`` is the case's."""
    with reading(deployment.engine) as session:
        reached = reached_by(session, by)
    return tuple(each for each in listed if reached is None or number(each) in reached)


def tenants_named_to(deployment: Deployment, by: str | None, tenants: Collection[str]) -> frozenset[str]:
    """Return those of some tenants, by id, whose names a reader may see. ``by`` as for :func:`reach_of`."""
    with reading(deployment.engine) as session:
        reached = tenants_reached(session, by)
    return frozenset(tenants) if reached is None else reached & frozenset(tenants)
