"""The facts of the letter that tells a customer of a cap to which they consented beforehand."""

from __future__ import annotations

from datetime import datetime

from cjp_fraud.contracts.restriction import MeasureKind
from cjp_fraud.contracts.standing_consent import StandingConsent
from cjp_fraud.notices.letter_facts import Letter, Sender
from cjp_fraud.notices.model import NoticeKind


def cap_letter(
    case_reference: str,
    sender: Sender,
    consent: StandingConsent,
    breach_to: datetime,
    ends_at: datetime | None = None,
) -> Letter:
    """Return what the letter says.

    Parameters
    ----------
    breach_to : end of the hour in which the consent was breached; aware.
    ends_at : when the cap ends at the latest; aware. None: as long after the breach as the customer has signed.
    """
    return Letter(
        kind=NoticeKind.CAP,
        case_reference=case_reference,
        sender=sender,
        measure=MeasureKind.BLOCK_DESTINATIONS,
        scope=consent.scope,
        began=breach_to,
        until=ends_at or breach_to + consent.lasts,
        consent=f"{consent.reference}, {consent.clause}",
    )
