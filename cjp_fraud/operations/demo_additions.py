"""What people of the demo add beside decisions: a signed consent, a known event, a file, and words to a colleague."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from cjp_fraud.contracts.standing_consent import SignedProof, StandingConsent
from cjp_fraud.deployment import Deployment
from cjp_fraud.digests import sha256_hex
from cjp_fraud.operations import attachments, cases, consents, known_events
from cjp_fraud.operations.attachments import Upload
from cjp_fraud.review.known_event import KnownEventKind, KnownEventWanted
from cjp_fraud.simulation.demo_cloud import MAILING, Fate, Incident

_SIGNED: Final = b"The customer's signed order, clause 9: calls to the countries named are blocked at once."
_CALLS: Final = (
    b"started_at,destination,seconds,answered\n"
    b"2025-11-14T19:22:09Z,+37129000101,4,no\n"
    b"2025-11-14T19:22:11Z,+37129000102,3,no\n"
    b"2025-11-14T19:22:14Z,+37129000103,5,no\n"
)


def have_signed(
    deployment: Deployment, counsel: str, confirming: str, now: datetime, incidents: Sequence[Incident]
) -> None:
    """Enter the consent that the customers have signed whose breach is capped, and let another person confirm it."""
    for each in incidents:
        if each.fate is Fate.CAPPED:
            says = StandingConsent(
                reference=f"Simulated order {each.profile.index:06d}",
                clause="9",
                countries=("CU", "LV", "SO", "GM", "SN"),
                cents_per_hour=2_000,
                cap_hours=24,
                valid_from=now - timedelta(days=90),
                valid_to=now + timedelta(days=365),
            )
            proof = SignedProof(f"order-{each.profile.index:06d}.pdf", sha256_hex(_SIGNED))
            entered = consents.enter(deployment, counsel, now, each.tenant_id, says, proof)
            consents.confirm(deployment, confirming, now, entered.id)


def announce(deployment: Deployment, by: str, now: datetime, incidents: Sequence[Incident]) -> None:
    """Enter as a known event each mailing whose case is still open."""
    for each in incidents:
        if each.event == MAILING and each.fate is Fate.OPEN:
            wanted = KnownEventWanted(
                KnownEventKind.CAMPAIGN,
                "A mailing of the customer's own, announced the week before",
                begins_at=each.begin - timedelta(hours=1),
                ends_at=each.begin + timedelta(hours=23),
                tenant_id=each.tenant_id,
            )
            known_events.enter(deployment, by, now, wanted)


def attach_calls(deployment: Deployment, by: str, now: datetime, case: str, colleague: str) -> None:
    """Attach a file to a case, with words that name a colleague."""
    text = f"@{colleague} the customer sent these of its calls; you had a case like this one, is it the same?"
    attachments.attach(deployment, by, now, case, Upload("calls-of-the-customer.csv", _CALLS), text)


def ask_approver(deployment: Deployment, by: str, now: datetime, case: str, approver: str) -> None:
    """Ask an approver, in a comment that names them, to look at a case that waits for approval."""
    text = f"@{approver} this one goes on: please look at it first"
    cases.comment(deployment, by, now, case, text)
