"""Rounds of reaffirmations: which one keeps a measure, and until when."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from cjp_fraud.suspension.tables import Measure, Reaffirmation

PEOPLE_NEEDED: Final = 2
"""How many approvers reaffirm in one round."""


@dataclass(frozen=True, slots=True)
class KeptRound:
    """A complete round of reaffirmations whose end the measure does not have yet.

    Parameters
    ----------
    number : of the round.
    complete_at : when its last person decided; aware.
    review_at, ends_at : what the measure's review date and end become once the customer was told; aware.
    """

    number: int
    complete_at: datetime
    review_at: datetime
    ends_at: datetime

    @property
    def lapses_at(self) -> datetime:
        """When the measure then ends unless it is reaffirmed again."""
        return min(self.review_at, self.ends_at)


def round_to_keep(session: Session, measure: Measure) -> KeptRound | None:
    """Return the newest complete round, if it moves the measure's review date or end; None: nothing is to be moved."""
    row = session.execute(
        select(
            Reaffirmation.round,
            func.max(Reaffirmation.at),
            func.max(Reaffirmation.review_at),
            func.max(Reaffirmation.ends_at),
        )
        .where(Reaffirmation.measure_id == measure.id)
        .group_by(Reaffirmation.round)
        .having(func.count() >= PEOPLE_NEEDED)
        .order_by(Reaffirmation.round.desc())
        .limit(1)
    ).first()
    if row is None or row[2] is None or row[3] is None:
        return None
    kept = KeptRound(row[0], row[1], row[2], row[3])
    moves = kept.review_at > measure.review_at or kept.ends_at > measure.ends_at
    return kept if moves else None
