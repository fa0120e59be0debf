"""Compare our measures with what the platform says; repair only towards less restriction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import append
from cjp_fraud.clock import aware
from cjp_fraud.people.model import machine
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.storage.locks import exclusive
from cjp_fraud.suspension.measures import enforcement_lock
from cjp_fraud.suspension.model import MeasureState
from cjp_fraud.suspension.platform import Order, PlatformClient, PlatformError, ReadBack
from cjp_fraud.suspension.platform_commands import order_of
from cjp_fraud.suspension.tables import Measure

RECONCILER = machine("reconcile")


class Disagreement(StrEnum):
    """How our record and the platform disagree."""

    NOT_RESTRICTED = "not_restricted"
    DIFFERS = "differs"
    ENDED_BUT_RESTRICTED = "ended_but_restricted"
    NOT_ON_RECORD = "not_on_record"


@dataclass(frozen=True, slots=True)
class Reconciled:
    """One disagreement, what it means, and whether it was mended."""

    measure_id: str
    case_id: str | None
    kind: Disagreement
    sentence: str
    mended: bool


def reconcile(engine: Engine, platform: PlatformClient, at: datetime) -> list[Reconciled]:
    """Return every disagreement between our measures and the platform's restrictions.

    A measure that is on record as ended and still restricts is lifted: people decided its end, or its
    end had come. All else is reported and left to people: only they start, extend or lift a measure.
    """
    restricted = {told.measure_id: told for told in platform.restrictions()}
    with reading(engine) as session:
        ours = {row.id: (row.case_id, row.state, order_of(row)) for row in session.scalars(select(Measure))}
    found = []
    for measure_id in sorted(
        {*restricted, *(key for key, row in ours.items() if row[1] in _SHOULD_RESTRICT)}
    ):
        known = ours.get(measure_id)
        if known is None:
            found.append(_not_on_record(engine, restricted[measure_id], at))
            continue
        with exclusive(engine, enforcement_lock(known[0])):
            disagreement = _compare(engine, platform, measure_id, known[0], known[2], at)
        if disagreement is not None:
            found.append(disagreement)
    return found


_SHOULD_RESTRICT = frozenset({MeasureState.IN_FORCE})
_SHOULD_NOT = frozenset({MeasureState.ENDED, MeasureState.NEVER_IN_FORCE, MeasureState.OBSERVED})


def _compare(
    engine: Engine, platform: PlatformClient, measure_id: str, case_id: str, order: Order, at: datetime
) -> Reconciled | None:
    """Compare one measure under its case's lock, so that nothing is on its way meanwhile."""
    told = platform.read_back(measure_id)
    with reading(engine) as session:
        state = session.scalar(select(Measure.state).where(Measure.id == measure_id))
    if state in _SHOULD_RESTRICT and not told.restricted:
        return _report(
            engine,
            measure_id,
            case_id,
            Disagreement.NOT_RESTRICTED,
            at,
            "on record as in force, but the platform restricts nothing; people decide what follows",
        )
    if state in _SHOULD_RESTRICT and not told.is_as_ordered(order):
        return _report(
            engine,
            measure_id,
            case_id,
            Disagreement.DIFFERS,
            at,
            "the platform restricts something else than what is on record, or does not confirm "
            "emergency calls; people decide what follows",
        )
    if state in _SHOULD_NOT and told.restricted:
        try:
            platform.lift(order, f"{measure_id}:reconcile", at)
            mended = not platform.read_back(measure_id).restricted
        except PlatformError:
            mended = False
        return _report(
            engine,
            measure_id,
            case_id,
            Disagreement.ENDED_BUT_RESTRICTED,
            at,
            "on record as ended, but the platform still restricted it; "
            + ("it was lifted" if mended else "lifting it failed"),
            mended=mended,
        )
    return None


def _not_on_record(engine: Engine, told: ReadBack, at: datetime) -> Reconciled:
    return _report(
        engine,
        told.measure_id,
        None,
        Disagreement.NOT_ON_RECORD,
        at,
        "the platform restricts something under an id that is not on record; people decide what follows",
    )


def _report(
    engine: Engine,
    measure_id: str,
    case_id: str | None,
    kind: Disagreement,
    at: datetime,
    sentence: str,
    *,
    mended: bool = False,
) -> Reconciled:
    with transaction(engine) as session:
        _log(session, measure_id, case_id, kind, at, mended)
    return Reconciled(measure_id, case_id, kind, sentence, mended)


def _log(
    session: Session, measure_id: str, case_id: str | None, kind: Disagreement, at: datetime, mended: bool
) -> None:
    content = {"kind": kind, "mended": mended}
    append(
        session, RECONCILER, "platform.disagrees", "measures", measure_id, aware(at), content, case_id=case_id
    )
