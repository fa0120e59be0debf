"""Which tenants a person's roles reach, by country: a condition for lists, and asked before a contract is changed."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Final

from sqlalchemy import ColumnElement, false, or_, select, true
from sqlalchemy.orm import Session

from cjp_fraud.contracts.tables import Tenant
from cjp_fraud.errors import OutOfReach
from cjp_fraud.people.model import Actor, Reach, Role
from cjp_fraud.people.reach import READS_CASES, reach_for

_NAMED: Final = 10
"""How many tenants of a file a refusal names."""


def tenants_within(reach: Iterable[Reach] | None) -> ColumnElement[bool]:
    """Return the condition that a tenant is reached: its country is; None: every tenant is."""
    if reach is None:
        return true()
    return or_(
        false(),
        *(Tenant.country.in_(sorted(each.countries)) if each.countries else true() for each in reach),
    )


def require_tenant_reach(
    session: Session, by: Actor, tenant_id: str, roles: Collection[Role] = READS_CASES
) -> None:
    """Refuse a person none of whose roles among ``roles`` reaches the tenant; what is not on record is told elsewhere.

    Raises
    ------
    OutOfReach
        Names the tenant.
    """
    if not by.narrowed or session.get(Tenant, tenant_id) is None:
        return
    within = tenants_within(reach_for(by, roles))
    if session.scalar(select(Tenant.id).where(Tenant.id == tenant_id, within)) is None:
        raise OutOfReach(f"tenant {tenant_id} lies outside of what {by}'s roles are narrowed to")


def require_reach_of_rows(
    by: Actor, file: str, rows: Iterable[tuple[str, int, Sequence[str | None]]]
) -> None:
    """Refuse a person none of whose roles reaches the tenants of a file, as they stand and as the file has them.

    Parameters
    ----------
    file : its name.
    rows : of each tenant its id, its line and its countries (ISO 3166-1; None: not known).

    Raises
    ------
    OutOfReach
        Names the first tenants with their lines.
    """
    reach = reach_for(by)
    if reach is None:
        return
    anywhere = any(not each.countries for each in reach)
    within = frozenset[str | None]().union(*(each.countries for each in reach))
    beyond = [
        f"{tenant_id} (line {line})"
        for tenant_id, line, countries in rows
        if not anywhere and not within.issuperset(countries)
    ]
    if beyond:
        more = f" and {len(beyond) - _NAMED} more" if len(beyond) > _NAMED else ""
        raise OutOfReach(
            f"{file}: {', '.join(beyond[:_NAMED])}{more} lie outside of what {by}'s roles are narrowed to; "
            "nothing was loaded: leave these rows out, or let somebody load them whose roles reach them"
        )
