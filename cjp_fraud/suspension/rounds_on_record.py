"""Reaffirmations on record, as the rule of their rounds sees them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.suspension.kept_rounds import Given, KeptRound, Term, round_that_keeps
from cjp_fraud.suspension.tables import Measure, Reaffirmation


def reaffirmations_of(session: Session, measure: Measure) -> list[tuple[Reaffirmation, str | None]]:
    """Return all reaffirmations of a measure with their reasons; None where these were erased."""
    rows = session.execute(
        select(Reaffirmation, PersonalText.body)
        .join(PersonalText, PersonalText.id == Reaffirmation.reasons_text_id)
        .where(Reaffirmation.measure_id == measure.id)
        .order_by(Reaffirmation.round, Reaffirmation.at)
    )
    return [(row, text) for row, text in rows]


def given_in(row: Reaffirmation) -> Given:
    """Return a reaffirmation as the rule sees it."""
    return Given(row.round, row.by_user_id, row.at, row.review_at, row.ends_at)


def term_of(measure: Measure) -> Term:
    """Return when a measure is reviewed and when it ends."""
    return Term(measure.review_at, measure.ends_at)


def round_to_keep(session: Session, measure: Measure) -> KeptRound | None:
    """Return the newest complete round, if it moves the measure's review date or end; None: nothing is to be moved."""
    rows = session.scalars(select(Reaffirmation).where(Reaffirmation.measure_id == measure.id))
    return round_that_keeps(map(given_in, rows), term_of(measure))
