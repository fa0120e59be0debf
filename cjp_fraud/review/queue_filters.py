"""The queue's filter as conditions, and how many cases it lets through by reason and by age."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import ColumnElement, case, exists, func, or_, select
from sqlalchemy.orm import Session

from cjp_fraud.contracts.tables import Subscription, SubscriptionTerms, Tenant
from cjp_fraud.people.tables import User
from cjp_fraud.review.case_reach import within_reach
from cjp_fraud.review.mentions import mentioning
from cjp_fraud.review.model import CaseReason, CaseState, QueueFilter
from cjp_fraud.review.tables import Case, CaseLine


class AgeBand(StrEnum):
    """How long ago a case was opened."""

    HOUR = "under_1_hour"
    SHIFT = "1_to_8_hours"
    DAY = "8_to_24_hours"
    OLDER = "over_24_hours"


_BANDS: Final = (
    (timedelta(hours=1), AgeBand.HOUR),
    (timedelta(hours=8), AgeBand.SHIFT),
    (timedelta(hours=24), AgeBand.DAY),
)


@dataclass(frozen=True, slots=True)
class QueueCounts:
    """How many cases a filter lets through; what has none is left out.

    Parameters
    ----------
    states : by where they stand.
    reasons : by what they were flagged for.
    ages : by how long ago they were opened, the youngest first.
    countries, plans : those of all cases and of all tenants, whatever the filter: what may be chosen.
    """

    states: Mapping[CaseState, int]
    reasons: Mapping[CaseReason, int]
    ages: Mapping[AgeBand, int]
    countries: tuple[str, ...]
    plans: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CountedCases:
    """How many cases a filter let through when they were counted, so that it can be said of a later moment too.

    Parameters
    ----------
    opened : when those that were no older than a day then were opened, the earliest first; the others are older.
    younger : how many cases were opened at each of ``opened`` or later; 0 at its end.
    """

    at: datetime
    states: Mapping[CaseState, int]
    reasons: Mapping[CaseReason, int]
    opened: tuple[datetime, ...]
    younger: tuple[int, ...]
    countries: tuple[str, ...]
    plans: tuple[str, ...]

    def counts(self, now: datetime) -> QueueCounts:
        """Return the counts at ``now``, aware and not before ``at``, if no case has changed since."""
        steps = [self.younger[bisect_right(self.opened, now - span)] for span, _ in _BANDS]
        steps.append(sum(self.states.values()))
        ages = {
            band: more - fewer for band, fewer, more in zip(AgeBand, [0, *steps[:-1]], steps, strict=True)
        }
        return QueueCounts(
            states=self.states,
            reasons=self.reasons,
            ages={age: count for age, count in ages.items() if count},
            countries=self.countries,
            plans=self.plans,
        )


def count_cases(session: Session, queue_filter: QueueFilter, now: datetime) -> CountedCases:
    """Count the cases that the filter lets through; ``now`` (aware) tells which are older than a day."""
    lately = case((Case.opened_at > now - _BANDS[-1][0], Case.opened_at))
    # From the cases: the other way round all lines of years would be read.
    counted = session.execute(
        select(Case.state, CaseLine.reason, lately, func.count())
        .select_from(Case)
        .outerjoin(CaseLine, CaseLine.case_id == Case.id)
        .where(*in_states(queue_filter))
        .group_by(Case.state, CaseLine.reason, lately)
    )
    states, reasons = Counter[CaseState](), Counter[CaseReason | None]()
    opened = Counter[datetime]()
    for state, reason, opened_at, count in counted:
        states[state] += count
        reasons[reason] += count
        if opened_at is not None:
            opened[opened_at] += count
    moments, younger = sorted(opened), [0]
    for moment in reversed(moments):
        younger.append(younger[-1] + opened[moment])
    countries = select(CaseLine.country).where(CaseLine.country.is_not(None))
    plans = select(SubscriptionTerms.plan).where(
        SubscriptionTerms.valid_to.is_(None), SubscriptionTerms.plan.is_not(None)
    )
    return CountedCases(
        at=now,
        states={state: states[state] for state in sorted(states)},
        reasons={reason: reasons[reason] for reason in CaseReason if reason in reasons},
        opened=tuple(moments),
        younger=tuple(reversed(younger)),
        countries=tuple(sorted(str(code) for code in session.scalars(countries.distinct()))),
        plans=tuple(sorted(str(plan) for plan in session.scalars(plans.distinct()))),
    )


def in_states(queue_filter: QueueFilter) -> list[ColumnElement[bool]]:
    """Return the whole filter, in the queue's order or in none."""
    conditions = narrowing(queue_filter)
    if queue_filter.states is None:
        conditions.append(Case.in_queue.expression)
    elif queue_filter.states != frozenset(CaseState):
        conditions.append(Case.state.in_(sorted(queue_filter.states)))
    if queue_filter.tenant_id is not None:
        conditions.append(Case.tenant_id == queue_filter.tenant_id)
    return conditions


def narrowing(queue_filter: QueueFilter) -> list[ColumnElement[bool]]:
    """Return the parts of the filter that have no index of their own: they are asked of the rows on the way."""
    conditions: list[ColumnElement[bool]] = []
    if queue_filter.reach is not None:
        conditions.append(within_reach(queue_filter.reach))
    if queue_filter.held_by is not None:
        holder = select(User.id).where(User.name == queue_filter.held_by).scalar_subquery()
        conditions.append(Case.claimed_by == holder if queue_filter.held_by else Case.claimed_by.is_(None))
    if queue_filter.mentions is not None:
        conditions.append(mentioning(queue_filter.mentions))
    if queue_filter.text:
        text = queue_filter.text.strip().removeprefix("#")
        of_name = select(Tenant.id).where(Tenant.name.icontains(text, autoescape=True))
        in_tenant = or_(Case.tenant_id.icontains(text, autoescape=True), Case.tenant_id.in_(of_name))
        is_number = text.isdecimal() and len(text) < 10
        conditions.append(or_(in_tenant, Case.number == int(text)) if is_number else in_tenant)
    line = [
        column == wanted
        for column, wanted in (
            (CaseLine.channel, queue_filter.channel),
            (CaseLine.country, queue_filter.country),
            (CaseLine.reason, queue_filter.reason),
        )
        if wanted is not None
    ]
    if line:
        conditions.append(exists().where(CaseLine.case_id == Case.id, *line).correlate(Case))
    if queue_filter.plan is not None:
        bought = (
            select(Subscription.tenant_id)
            .join(SubscriptionTerms, SubscriptionTerms.subscription_id == Subscription.id)
            .where(SubscriptionTerms.valid_to.is_(None), SubscriptionTerms.plan == queue_filter.plan)
        )
        conditions.append(Case.tenant_id.in_(bought))
    return conditions
