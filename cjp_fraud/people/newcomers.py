"""Who is too new to approve: what makes somebody an approver counts after a day, never in a case of its makers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from cjp_fraud.clock import aware
from cjp_fraud.people.model import INIT, NEW_FOR

MakersOf = Callable[[Collection[str]], set[str]]
"""Ids of users → ids of all who made them, or made them admins."""


@dataclass(frozen=True, slots=True)
class Grant:
    """A user that was made, a role that was granted, a password set after an invitation, or an account added.

    Parameters
    ----------
    what : it in words.
    recorded_at : when; aware.
    maker : who did it, of a password who invited, of an account who added it: the id of a user, or the name of a
        machine (``INIT`` at the deployment's beginning).
    """

    what: str
    recorded_at: datetime
    maker: str


def grant_faults(
    grants: Iterable[Grant], took_part: Collection[str], makers_of: MakersOf, at: datetime
) -> tuple[str, ...]:
    """Return why grants do not count at ``at`` (aware), a sentence each; none: they do.

    A user, a role, a password and an account count 24 hours after they were recorded, and never in a case in which
    their maker took part, or whoever made their maker, and so on. What was given at the deployment's ``init`` counts
    from the first moment on, and so do invitations of its first hour, before anybody has a password.

    Parameters
    ----------
    took_part : ids of all who ever took part in the case; empty where there is no case.
    """
    faults = []
    for grant in grants:
        if grant.maker == INIT:
            continue
        if aware(at) < grant.recorded_at + NEW_FOR:
            faults.append(f"{grant.what} was made less than 24 hours before")
        if _goes_back_to(grant.maker, took_part, makers_of):
            faults.append(
                f"{grant.what} was made by somebody who took part in the case, or goes back to them"
            )
    return tuple(faults)


def _goes_back_to(maker: str, took_part: Collection[str], makers_of: MakersOf) -> bool:
    """Whether a maker, or anybody to whom their being an admin goes back, took part."""
    if not took_part:
        return False
    ancestors, fresh = set[str](), {maker}
    while fresh:
        ancestors |= fresh
        fresh = makers_of(fresh) - ancestors
    return not ancestors.isdisjoint(took_part)
