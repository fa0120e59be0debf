"""What an approved case is enforced with: database, methods of notice, platform, policy and clock."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine

from cjp_fraud.clock import Clock
from cjp_fraud.notices.methods.interface import NoticeMethods
from cjp_fraud.people.model import Decision
from cjp_fraud.review.provider_policy import ProviderPolicy
from cjp_fraud.storage.database import transaction
from cjp_fraud.storage.locks import process_lock
from cjp_fraud.suspension.model import ENFORCER
from cjp_fraud.suspension.platform import PlatformClient


@dataclass(frozen=True, slots=True)
class Enforcement:
    """What an approved case is enforced with.

    Parameters
    ----------
    engine : the database.
    notice_methods, platform : where notices and commands go.
    policy : the mode in force, how long things stay fresh, and who writes.
    clock : tells when each connection, order and read-back happens.
    """

    engine: Engine
    notice_methods: NoticeMethods
    platform: PlatformClient
    policy: ProviderPolicy
    clock: Clock

    @property
    def now(self) -> datetime:
        """The present moment by the clock."""
        return self.clock.now()

    @contextmanager
    def deciding(self) -> Iterator[Decision]:
        """Open a transaction in which the machine acts on the standing approval; committed at the end."""
        with transaction(self.engine) as session:
            yield Decision(session, ENFORCER, self.now)

    def case_lock(self, case_id: str) -> AbstractContextManager[None]:
        """Return the lock under which a case's notices are sent and its measures commanded, in any process."""
        return process_lock(self.engine, f"enforcement:{case_id}")
