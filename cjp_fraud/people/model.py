"""Roles and actors: who acts, and what they may do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from cjp_fraud.clock import aware

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class Role(StrEnum):
    """The six roles of people."""

    ANALYST = "analyst"
    REVIEWER = "reviewer"
    APPROVER = "approver"
    COUNSEL = "counsel"
    AUDITOR = "auditor"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Actor:
    """A person, or a machine acting under a name of its own (``system:detect``).

    Parameters
    ----------
    name : user name, or ``system:...``.
    user_id : the user's id; None for machines.
    roles : what a person may do; machines have none.
    """

    name: str
    user_id: str | None = None
    roles: frozenset[Role] = field(default_factory=frozenset)

    @property
    def is_person(self) -> bool:
        """Whether a person acts."""
        return self.user_id is not None

    @property
    def reference(self) -> str:
        """How the audit log names the actor: a person by id, a machine by name."""
        return self.user_id or self.name

    def may(self, *roles: Role) -> bool:
        """Whether the actor is a person with at least one of ``roles``."""
        return self.is_person and any(role in self.roles for role in roles)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Decision:
    """Who acts, when, and in which transaction: what every act that goes on record needs.

    Parameters
    ----------
    session : an open writing transaction.
    by : the person or machine that acts.
    at : the moment of the act; aware, kept in UTC.

    Raises
    ------
    NaiveTimeError
        If ``at`` has no zone.
    """

    session: Session
    by: Actor
    at: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", aware(self.at))
        # In a simulated home this is the moment at which what is written now is recorded.
        self.session.info["acting_at"] = self.at


def machine(task: str) -> Actor:
    """Return the machine that does ``task``, for example ``system:detect``."""
    return Actor(name=f"system:{task}")


class Part(StrEnum):
    """Ways of taking part; reading, returning or refusing a proposal is none of them."""

    CLAIMED = "claimed"
    COMMENTED = "commented"
    EDITED = "edited"
    DETERMINED = "determined"
    EDITED_CONTRACT = "edited_contract"
