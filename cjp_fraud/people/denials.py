"""Put on record that somebody was denied something because of who they are: a role, its reach, a part they took."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Final

from sqlalchemy import Engine

from cjp_fraud.audit.log import append
from cjp_fraud.errors import ClockError, OutOfReach, Refused
from cjp_fraud.people.model import Decision
from cjp_fraud.people.users import actor_named
from cjp_fraud.storage.database import transaction

DENIED: Final = "access.denied"


def about_the_person(error: Refused | OutOfReach, name: str) -> tuple[str, ...]:
    """Return what of a refusal is about who acts: every sentence that names them; what they do not reach always is."""
    if isinstance(error, OutOfReach):
        return (str(error),)
    named = re.compile(rf"(?<!\w){re.escape(name)}(?!\w)")
    return tuple(sentence for sentence in error.missing if named.search(sentence))


def record_denial(engine: Engine, by: str, at: datetime, error: Refused | OutOfReach) -> None:
    """Put a refusal on record, in a transaction of its own, where something of it is about who acts; else nothing.

    Parameters
    ----------
    by : name of the user who was refused.
    at : moment of the act, aware; one before the newest entry of the log is not recorded.
    """
    because = about_the_person(error, by)
    if not because:
        return
    with suppress(ClockError), transaction(engine) as session:
        actor = actor_named(session, by)
        action = f"{error.action}: " if isinstance(error, Refused) else ""
        why = f"{action}{'; '.join(because)}"[:1000]
        append(Decision(session, actor, at), DENIED, "users", actor.reference, {"why": why})
    if isinstance(error, OutOfReach):
        error.on_record = True


@contextmanager
def denials_on_record(engine: Engine, by: str | None, at: datetime) -> Iterator[None]:
    """Put what is refused inside on record where it is about who acts or reads, and let the refusal go on.

    Every operation acts or reads for a person inside of it, so that pages, the API and commands leave the same record.

    Parameters
    ----------
    by, at : as for :func:`record_denial`; ``by`` None: the account of this machine, to which nothing is denied.
    """
    try:
        yield
    except (Refused, OutOfReach) as error:
        if by is not None:
            record_denial(engine, by, at, error)
        raise
