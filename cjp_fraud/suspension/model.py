"""Value types of measures and platform commands, and what an approved case is enforced with; no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from cjp_fraud.clock import aware
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.review.model import ProviderPolicy

if TYPE_CHECKING:
    from sqlalchemy import Engine
    from sqlalchemy.orm import Session

    from cjp_fraud.notices.methods.email import MailServer
    from cjp_fraud.suspension.platform import PlatformClient

ENFORCER = machine("enforcement")
"""Who acts on a standing approval."""


class MeasureState(StrEnum):
    """Where a measure stands."""

    ORDERED = "ordered"
    IN_FORCE = "in_force"
    LIFTING = "lifting"
    ENDED = "ended"
    NEVER_IN_FORCE = "never_in_force"
    OBSERVED = "observed"


UNFINISHED = (MeasureState.ORDERED, MeasureState.IN_FORCE, MeasureState.LIFTING)
"""States of a measure about which the platform may still be told something."""


class Ending(StrEnum):
    """How a measure ended, or is about to."""

    REINSTATED = "reinstated"
    LAPSED = "lapsed"


class CommandKind(StrEnum):
    """What the platform is told."""

    APPLY = "apply"
    LIFT = "lift"


class CommandOutcome(StrEnum):
    """What became of a command, by read-back."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"
    OBSERVED = "observed"


class PlatformOutcome(StrEnum):
    """What is in force at the platform after it was commanded, by read-back."""

    IN_FORCE = "in_force"
    NOT_IN_FORCE = "not_in_force"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class MeasureOutcome:
    """What became of a measure; ``reasons`` say why it is not as was wanted, or not known to be."""

    case_id: str
    measure_id: str
    outcome: PlatformOutcome
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Enforcement:
    """What an approved case is enforced with.

    Parameters
    ----------
    engine : the database.
    mail, platform : where notices and commands go.
    policy : the mode in force, how long things stay fresh, and who writes.
    now : the moment at which everything is done; aware, kept in UTC.
    """

    engine: Engine
    mail: MailServer
    platform: PlatformClient
    policy: ProviderPolicy
    now: datetime

    def __post_init__(self) -> None:
        object.__setattr__(self, "now", aware(self.now))

    def decision(self, session: Session) -> Decision:
        """Return the machine's act on the standing approval, in the transaction of ``session``."""
        return Decision(session, ENFORCER, self.now)
