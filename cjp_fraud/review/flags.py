"""Record what detection flagged: flags, their episodes, and the cases that take them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.log import Act, append_each
from cjp_fraud.clock import aware, utc_text
from cjp_fraud.digests import canonical_json, digest
from cjp_fraud.people.model import Decision
from cjp_fraud.review.case_lines import refresh_lines
from cjp_fraud.review.case_opening import Openings, assign_cases, lock_cases, order_openers, refresh_cases
from cjp_fraud.review.decision_tables import DeterminationFlag
from cjp_fraud.review.model import Quantity
from cjp_fraud.review.regrouping import regroup
from cjp_fraud.review.tables import Flag
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.database import in_parts
from cjp_fraud.storage.written_rows import wrote_unnamed
from cjp_fraud.traffic.series_identity import series_id
from features.counting_clocks import Clock

FlagKey = tuple[str, datetime, Clock]
"""Series, start of the interval, and the clock."""


@dataclass(frozen=True, slots=True)
class FlagRow:
    """One interval, or on a longer clock the span that ends with it, that detection flagged.

    Times are aware, ``score`` is -log10 p, excess in ``quantity``. ``observed``, ``baseline``, ``excess`` and
    ``cents_per_contact`` are of the ``span_seconds`` that end with the interval; the last is None where no charge is
    known.
    """

    tenant_id: str
    channel: str
    direction: str
    application_id: str | None
    interval_seconds: int
    interval_start: datetime
    observed: float
    baseline: float
    excess: float
    score: float
    p_value: float
    q_value: float | None
    threshold: float
    model_version: str | None
    reasons: Mapping[str, object]
    span_seconds: int
    quantity: Quantity = Quantity.CONTACTS
    cents_per_contact: float | None = None
    clock: Clock = Clock.MINUTE


@dataclass(frozen=True, slots=True)
class FlaggingResult:
    """What recording changed; all counts but ``unchanged`` are 0 when the same flags come again."""

    new: int
    unchanged: int
    superseded: int
    kept_by_determination: int
    episodes: int
    opened: tuple[str, ...]
    joined: int
    overflow: int


@dataclass(slots=True)
class _Changes:
    """What one call has changed so far, for the result and the log."""

    at: datetime
    new: list[str] = field(default_factory=list)
    superseded: list[str] = field(default_factory=list)
    unchanged: int = 0
    kept_by_determination: int = 0


def record_flags(
    decision: Decision,
    rows: Iterable[FlagRow],
    *,
    window: tuple[datetime, datetime],
    tenant_ids: Collection[str] | None,
    cases_per_hour: int,
) -> FlaggingResult:
    """Make ``rows`` the flags in force of the window, and sort them into episodes and cases.

    The same rows again change nothing, but for a q-value that a flag has waited for. A flag in force that is not among
    the rows, or differs from them, is superseded, never deleted; one that a determination names stays as it was when
    the fraud was determined.

    Parameters
    ----------
    rows : all flags of the window (of those tenants), at most one a series, interval and clock.
    window : half-open, aware; every row begins inside.
    tenant_ids : the tenants that were scored; None: all.
    cases_per_hour : cap of new cases by the flag's UTC hour; the highest expected loss first, the rest
        overflows.

    Raises
    ------
    ValueError
        If a row lies outside the window or tenants, is not upward, or two rows are of one interval.
    """
    session = decision.session
    start, end = aware(window[0]), aware(window[1])
    scored = None if tenant_ids is None else set(tenant_ids)
    given = _keyed(rows, start, end, scored)
    order_openers(session)
    changes = _Changes(decision.at)
    lock_cases(
        session, _tenants_in_force(session, start, end, scored) | {row.tenant_id for row in given.values()}
    )
    in_force = _flags_in_force(session, start, end, scored)
    touched = _replace(session, given, in_force, changes)
    tenants = sorted(touched | {row.tenant_id for row in given.values()})
    episodes = regroup(session, tenants, start, end, changes.at)
    openings = assign_cases(session, episodes, start, end, cases_per_hour, changes.at)
    refresh_cases(session, tenants)
    refresh_lines(session, tenants)
    session.flush()
    _log(decision, start, end, changes, openings)
    return FlaggingResult(
        new=len(changes.new),
        unchanged=changes.unchanged,
        superseded=len(changes.superseded),
        kept_by_determination=changes.kept_by_determination,
        episodes=sum(map(len, episodes.values())),
        opened=tuple(case.id for case in openings.opened),
        joined=len(openings.joined),
        overflow=openings.overflow,
    )


def _keyed(
    rows: Iterable[FlagRow], start: datetime, end: datetime, scored: set[str] | None
) -> dict[FlagKey, FlagRow]:
    given: dict[FlagKey, FlagRow] = {}
    for row in rows:
        begins = aware(row.interval_start)
        key = (
            series_id(
                row.tenant_id, row.channel, row.direction, row.application_id, int(row.interval_seconds)
            ),
            begins,
            row.clock,
        )
        if not start <= begins < end or (scored is not None and row.tenant_id not in scored):
            raise ValueError(f"flag of {row.tenant_id} at {begins} is outside what was scored")
        if not row.excess > 0:
            raise ValueError(f"flag of {row.tenant_id} at {begins} is not upward: excess {row.excess}")
        if key in given:
            raise ValueError(f"two flags of {row.tenant_id} for one series and clock at {begins}")
        given[key] = row
    return given


def _tenants_in_force(session: Session, start: datetime, end: datetime, scored: set[str] | None) -> set[str]:
    tenants = session.scalars(
        select(Flag.tenant_id)
        .where(Flag.superseded_at.is_(None), Flag.interval_start >= start, Flag.interval_start < end)
        .distinct()
    )
    return {tenant for tenant in tenants if scored is None or tenant in scored}


def _flags_in_force(
    session: Session, start: datetime, end: datetime, scored: set[str] | None
) -> dict[FlagKey, Flag]:
    """The flags in force, locked: a determination that names one at the same time is waited for."""
    query = (
        select(Flag)
        .where(Flag.superseded_at.is_(None), Flag.interval_start >= start, Flag.interval_start < end)
        .order_by(Flag.id)
        .with_for_update()
    )
    return {
        (flag.series_id, flag.interval_start, flag.clock): flag
        for flag in session.scalars(query)
        if scored is None or flag.tenant_id in scored
    }


def _replace(
    session: Session,
    given: Mapping[FlagKey, FlagRow],
    in_force: Mapping[FlagKey, Flag],
    changes: _Changes,
) -> set[str]:
    """Supersede and insert; return the tenants whose flags in force changed."""
    named = _named_by_determinations(session, [flag.id for flag in in_force.values()])
    touched: set[str] = set()
    for key, flag in in_force.items():
        row = given.get(key)
        if row is not None and _says(flag, _content(row)):
            changes.unchanged += 1
            if flag.q_value is None and row.q_value is not None and flag.id not in named:
                flag.q_value, flag.reasons = row.q_value, _content(row)["reasons"]
        elif flag.id in named:
            changes.kept_by_determination += 1
        else:
            flag.superseded_at = changes.at
            changes.superseded.append(flag.id)
            touched.add(flag.tenant_id)
    session.flush()
    standing = {key for key, flag in in_force.items() if flag.superseded_at is None}
    for key in sorted(given.keys() - standing, key=lambda key: (key[1], key[0], key[2])):
        row = given[key]
        flag = Flag(
            id=new_id(),
            series_id=key[0],
            tenant_id=row.tenant_id,
            channel=row.channel,
            direction=row.direction,
            application_id=row.application_id,
            interval_seconds=int(row.interval_seconds),
            interval_start=key[1],
            clock=key[2],
            **_content(row),
        )
        session.add(flag)
        changes.new.append(flag.id)
        touched.add(row.tenant_id)
    session.flush()
    return touched


def _content(row: FlagRow) -> dict[str, Any]:
    return {
        "quantity": Quantity(row.quantity),
        "span_seconds": int(row.span_seconds),
        "observed": float(row.observed),
        "baseline": float(row.baseline),
        "excess": float(row.excess),
        "cents_per_contact": row.cents_per_contact,
        "score": float(row.score),
        "p_value": float(row.p_value),
        "q_value": None if row.q_value is None else float(row.q_value),
        "threshold": float(row.threshold),
        "model_version": row.model_version,
        "reasons": json.loads(canonical_json(row.reasons)),
    }


def _says(flag: Flag, content: Mapping[str, Any]) -> bool:
    """Whether the flag on record holds the same content.

    The q-value, which decides nothing, moves with the other series of the hour; so do the words that tell it.
    """

    def without_words(reasons: Mapping[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in reasons.items() if name != "words"}

    return without_words(flag.reasons) == without_words(content["reasons"]) and all(
        getattr(flag, name) == value for name, value in content.items() if name not in ("reasons", "q_value")
    )


def _named_by_determinations(session: Session, flag_ids: Sequence[str]) -> set[str]:
    named: set[str] = set()
    for some in in_parts(flag_ids):
        named.update(
            session.scalars(select(DeterminationFlag.flag_id).where(DeterminationFlag.flag_id.in_(some)))
        )
    return named


def _log(decision: Decision, start: datetime, end: datetime, changes: _Changes, openings: Openings) -> None:
    """Append the entries last, after all row locks are held, so that no two transactions wait in a circle.

    A case that opens or is joined stands in the entry that says so, and nowhere else: were that entry removed, its
    rows would be named by none.
    """
    acts: list[Act] = []
    # A measure's end may split an episode though no flag changed: the entry names those rows too.
    if changes.new or changes.superseded or wrote_unnamed(decision.session):
        content = {
            "new": len(changes.new),
            "new_sha256": digest(sorted(changes.new)),
            "superseded": len(changes.superseded),
            "superseded_sha256": digest(sorted(changes.superseded)),
            "kept_by_determination": changes.kept_by_determination,
        }
        acts.append(Act("flags.recorded", "flags", f"{utc_text(start)}/{utc_text(end)}", content))
    for case in openings.opened:
        content = {"state": case.state, "tenant_id": case.tenant_id, "number": case.number}
        acts.append(Act("case.opened", "cases", case.id, content, (case,), case.id))
    for episode in openings.joined:
        about = {"episode_id": episode.id}
        acts.append(Act("case.joined", "cases", str(episode.case_id), about, (episode,), episode.case_id))
    append_each(decision, acts)
