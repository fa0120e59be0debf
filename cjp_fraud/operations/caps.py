"""Caps that customers have consented to beforehand: begun on a breach, ended by themselves, listed."""

from __future__ import annotations

import logging
from datetime import datetime
from typing import Final

from sqlalchemy import select

from cjp_fraud.contracts.confirmation_tables import SignedConsent
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.operations.head_keeping import head_follows
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension.caps import CapReport, run_caps

_log: Final = logging.getLogger(__name__)


def cap_breaches(deployment: Deployment, now: datetime) -> CapReport:
    """Cap what breaches a standing consent, go on with what was interrupted, end what has ended. Safe twice at once."""
    with reading(deployment.engine) as session:
        if session.scalar(select(SignedConsent.id).limit(1)) is None:
            return CapReport()
    from cjp_fraud.detection.charged_traffic import charged_traffic  # the lake's libraries take long to load

    with head_follows(deployment, now):
        return run_caps(deployment.enforcement(now), charged_traffic(deployment.lake))


def cap_breaches_of_new_traffic(deployment: Deployment, now: datetime) -> None:
    """Do the same after traffic came in or was looked at; what fails is logged, and ``run-due`` tries again."""
    try:
        report = cap_breaches(deployment, now)
    except CjpFraudError as error:
        _log.warning("standing consents: %s; cjp-fraud run-due tries again", error)
        return
    for sentence in (*report.waiting, *report.faults):
        _log.warning("standing consents: %s", sentence)
