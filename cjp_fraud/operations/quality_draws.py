"""Draw at random, once a week, what second readers look at."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

from sqlalchemy import func, select

from cjp_fraud.deployment import Deployment
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.review import quality
from cjp_fraud.review.model import DrawKind
from cjp_fraud.review.quality import Sampling
from cjp_fraud.review.quality_tables import QualityDraw
from cjp_fraud.storage.database import reading, transaction


@dataclass(frozen=True, slots=True)
class Drawn:
    """What was drawn of one week."""

    week: datetime
    kind: DrawKind
    population: int
    drawn: int

    @classmethod
    def of(cls, row: QualityDraw) -> Self:
        """Return what a row says."""
        return cls(row.week, row.kind, row.population, row.drawn)


def draw_samples(deployment: Deployment, now: datetime) -> tuple[Drawn, ...]:
    """Draw what second readers look at, of the newest whole week, once; ``run-due`` does so."""
    settings = deployment.settings
    sampling = Sampling(settings.second_reading_share, settings.control_tenants_per_week)
    with reading(deployment.engine) as session:
        done = session.scalar(
            select(func.count()).where(QualityDraw.week == quality.week_before(now)).select_from(QualityDraw)
        )
    if done == len(DrawKind):
        return ()
    with transaction(deployment.engine) as session:
        made = quality.draw(Decision(session, machine("quality"), now), sampling)
        return tuple(Drawn.of(each) for each in made)
