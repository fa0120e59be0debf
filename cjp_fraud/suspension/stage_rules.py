"""Reinstatement in stages: what its stages may be, when each begins, and which is due; pure rules.

A stage restricts less than the one before; the last act is always the full lift. The first stage begins at once.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Final

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass as document

from cjp_fraud.contracts.business_calendar import wall_clock, wall_instant
from cjp_fraud.documents import UtcMoment
from cjp_fraud.errors import BadInputError
from cjp_fraud.review.measure_fit import Flagged
from cjp_fraud.review.narrower_measure import Restriction, narrower_faults, restricts_less

MOST_STAGES: Final = 5
"""How many stages a plan has at most, before the full lift."""

WHEN: Final = "'4h', 'tomorrow 09:00' or '2026-01-31 09:00' (in the customer's time zone)"
"""How a moment is written, in words."""

_HOURS: Final = re.compile(r"(?:after )?([1-9]\d{0,3}) ?(?:h|hours?)")
_TOMORROW: Final = re.compile(r"tomorrow (\d{2}:\d{2})")
_DAY: Final = re.compile(r"(\d{4}-\d{2}-\d{2})[ t](\d{2}:\d{2})")


@dataclass(frozen=True, slots=True)
class StageTime:
    """The earliest moment of a stage as a person says it; exactly one of the three ways.

    Parameters
    ----------
    after : counted from the order of the plan.
    tomorrow : time of the local day after the order.
    wall : local day and time, without zone.
    """

    after: timedelta | None = None
    tomorrow: time | None = None
    wall: datetime | None = None


@document(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class PlannedStage:
    """What stays restricted from a moment on, at the earliest."""

    restriction: Restriction
    earliest_at: UtcMoment


@document(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class StagePlan:
    """The stages of a reinstatement, each narrower and later than the one before, and the earliest full lift."""

    stages: tuple[PlannedStage, ...]
    lift_at: UtcMoment

    @property
    def lift_number(self) -> int:
        """Number of the last act, the full lift; the first stage is 1."""
        return len(self.stages) + 1

    def earliest_at(self, number: int) -> datetime:
        """Return the earliest moment of a stage, or of the full lift."""
        return self.lift_at if number == self.lift_number else self.stages[number - 1].earliest_at


class HoldCause(StrEnum):
    """Why a plan is held."""

    PERSON = "person"
    NEW_FLAG = "new_flag"


class StageStanding(StrEnum):
    """How far a stage is; ``skipped``: a narrower one, or the end of the measure, came before it."""

    ORDERED = "ordered"
    CONFIRMED = "confirmed"
    DUE = "due"
    WAITING = "waiting"
    SKIPPED = "skipped"


def stage_time(text: str) -> StageTime:
    """Read the earliest moment of a stage as a person writes it.

    Raises
    ------
    BadInputError
        Says how a moment is written.
    """
    said = " ".join(text.lower().split())
    fault = BadInputError(f"{text!r} is no moment of a stage; write {WHEN}")
    if match := _HOURS.fullmatch(said):
        return StageTime(after=timedelta(hours=int(match[1])))
    try:
        if match := _TOMORROW.fullmatch(said):
            return StageTime(tomorrow=time.fromisoformat(match[1]))
        if match := _DAY.fullmatch(said):
            return StageTime(wall=datetime.fromisoformat(f"{match[1]}T{match[2]}"))
    except ValueError:
        raise fault from None
    raise fault


def moment_of(when: StageTime, ordered_at: datetime, time_zone: str) -> datetime:
    """Return the moment that a person means, in UTC.

    A local time that the clocks leave out is the moment of the change; of one that comes twice it is the later.

    Parameters
    ----------
    ordered_at : when the plan is ordered; aware.
    time_zone : the customer's; IANA.
    """
    if when.after is not None:
        return ordered_at + when.after
    wall = when.wall
    if when.tomorrow is not None:
        tomorrow = wall_clock(ordered_at, time_zone).date() + timedelta(days=1)
        wall = datetime.combine(tomorrow, when.tomorrow)
    assert wall is not None, "one of the three is said"
    return wall_instant(wall, time_zone)


def plan_faults(
    plan: StagePlan, standing: Restriction, flagged: Flagged, lapses_at: datetime
) -> tuple[str, ...]:
    """Return why a measure cannot be lifted by a plan, a sentence each; none: it can.

    Parameters
    ----------
    standing : what is in force.
    flagged : what was frozen with the determination; each stage must fit it.
    lapses_at : when the measure ends by itself.
    """
    faults = []
    if len(plan.stages) > MOST_STAGES:
        faults.append(f"it has {len(plan.stages)} stages; {MOST_STAGES} are the most")
    before = standing
    for number, stage in enumerate(plan.stages, 1):
        faults += [
            f"stage {number}: {fault}" for fault in narrower_faults(before, stage.restriction, flagged)
        ]
        before = stage.restriction
    faults += order_faults(plan)
    if plan.lift_at >= lapses_at:
        faults.append(
            f"the measure ends by itself at {lapses_at:%Y-%m-%d %H:%M:%SZ}; the full lift must come before"
        )
    return tuple(faults)


def order_faults(plan: StagePlan) -> list[str]:
    """Return where a plan is no order in time, a sentence each, or has no stage."""
    if not plan.stages:
        return ["it has no stage; without one, lift the measure at once"]
    moments = [*(stage.earliest_at for stage in plan.stages), plan.lift_at]
    return [
        f"{_named(number, plan)} does not come after {_named(number - 1, plan)}"
        for number in range(2, len(moments) + 1)
        if moments[number - 1] <= moments[number - 2]
    ]


def chain_of_plan_faults(plan: StagePlan) -> list[str]:
    """Return where the stages on record are not each narrower and later than the one before, a sentence each."""
    pairs = zip(plan.stages, plan.stages[1:], strict=False)
    return order_faults(plan) + [
        f"stage {number} is not narrower than stage {number - 1}"
        for number, (before, after) in enumerate(pairs, 2)
        if not restricts_less(before.restriction, after.restriction)
    ]


def due_number(plan: StagePlan, standing: Restriction, at: datetime) -> int | None:
    """Return the number of what is to be carried out now: the last that is due; None: nothing is.

    A stage that is not narrower than what is in force is never carried out: nothing is made wider.
    """
    if at >= plan.lift_at:
        return plan.lift_number
    due = [number for number, stage in enumerate(plan.stages, 1) if stage.earliest_at <= at]
    if due and restricts_less(standing, plan.stages[due[-1] - 1].restriction):
        return due[-1]
    return None


def next_number(plan: StagePlan, carried_out: Collection[int]) -> int:
    """Return the number of what comes next: the first after the last that was carried out."""
    return max(carried_out, default=0) + 1


def is_held(holds: Iterable[tuple[datetime, datetime | None]], at: datetime) -> bool:
    """Whether a plan was held already before ``at`` (aware), and still then.

    Parameters
    ----------
    holds : since when and until when each hold stands; None: it stands still.
    """
    return any(since < at and (until is None or at < until) for since, until in holds)


def standings(
    plan: StagePlan, carried_out: Sequence[int], confirmed: Collection[int], at: datetime, *, over: bool
) -> tuple[StageStanding, ...]:
    """Return how far each stage is, and last the full lift.

    Parameters
    ----------
    carried_out, confirmed : numbers of the stages ordered at the platform, and of those that read-back showed; the
        full lift is in them where it ended the measure.
    over : whether the measure has ended.
    """
    last = max(carried_out, default=0)
    said = []
    for number in range(1, plan.lift_number + 1):
        if number in confirmed:
            said.append(StageStanding.CONFIRMED)
        elif number in carried_out:
            said.append(StageStanding.ORDERED)
        elif over or number < last:
            said.append(StageStanding.SKIPPED)
        else:
            said.append(StageStanding.DUE if plan.earliest_at(number) <= at else StageStanding.WAITING)
    return tuple(said)


def _named(number: int, plan: StagePlan) -> str:
    return "the full lift" if number == plan.lift_number else f"stage {number}"
