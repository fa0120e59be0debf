"""Simulated clocks for tests: what a test does at a moment is recorded at that moment."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Engine

from cjp_fraud.audit.home import make_home, move_clock
from cjp_fraud.audit.recording import home_clock
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.storage.database import transaction

BEGINS = datetime(2000, 1, 1, tzinfo=UTC)
"""When the simulated clocks of the tests' homes begin: before all that happens in a test."""


def simulate_clock(engine: Engine) -> None:
    """Give a migrated database a home whose clock is simulated."""
    with transaction(engine) as session:
        make_home(Decision(session, machine("init"), BEGINS), simulated=True)


def show_clock(engine: Engine, at: datetime) -> None:
    """Let a simulated clock show ``at`` or later, for what reads it by itself: a deployment, a command."""
    with transaction(engine) as session:
        if home_clock(session).now() < at:
            move_clock(Decision(session, machine("clock"), at))
