"""Store what is frozen of a case: canonical JSON under its digest, whatever the occasion."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from cjp_fraud.clock import aware
from cjp_fraud.digests import canonical_json, sha256_hex
from cjp_fraud.review.model import EvidenceOccasion
from cjp_fraud.review.tables import Case, EvidenceSet


def store_frozen(
    session: Session,
    case: Case,
    occasion: EvidenceOccasion,
    content: Mapping[str, Any],
    at: datetime,
    *,
    row_count: int,
) -> EvidenceSet:
    """Store the document of an evidence set; its format, case and moment stand before ``content``.

    Parameters
    ----------
    at : aware.
    row_count : rows of the lake inside.
    """
    document = canonical_json({"format": 2, "case_id": case.id, "frozen_at": aware(at)} | dict(content))
    evidence = EvidenceSet(
        case_id=case.id,
        occasion=occasion,
        document=document,
        sha256=sha256_hex(document),
        row_count=row_count,
        frozen_at=aware(at),
    )
    session.add(evidence)
    session.flush()
    return evidence
