"""The catalogue of grounds for a finding of fraud, whole or as far as it fits a case."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from cjp_fraud.deployment import Deployment
from cjp_fraud.notices.letter_phrases import ground_in_words
from cjp_fraud.review.cases import case_id_of, flags_in_force
from cjp_fraud.review.grounds import Ground, fits
from cjp_fraud.storage.database import reading


@dataclass(frozen=True, slots=True)
class CatalogueGround:
    """A ground for a finding of fraud, and what the customer reads of it."""

    ground: Ground
    words: str


def list_grounds() -> tuple[CatalogueGround, ...]:
    """Return the catalogue of grounds in its order, in English; letters say it in the contract's language."""
    return tuple(CatalogueGround(ground, ground_in_words(ground)) for ground in Ground)


def grounds_of_case(deployment: Deployment, case: str) -> tuple[CatalogueGround, ...]:
    """Return the grounds that can be named in a case: those that speak of its flagged channels and directions."""
    with reading(deployment.engine) as session:
        return fitting_grounds(session, case_id_of(session, case))


def fitting_grounds(session: Session, case_id: str) -> tuple[CatalogueGround, ...]:
    """Return the same, read in a session that others read in too."""
    streams = {(flag.channel, flag.direction) for flag in flags_in_force(session, case_id)}
    return tuple(each for each in list_grounds() if fits(each.ground, streams))
