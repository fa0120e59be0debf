"""What delivery events are called in ETSI EN 319 522-1 (electronic registered delivery); a pure rule.

The names let a bundle be read with that standard in hand. They claim no registered delivery: plain mail is none, so a
server outside that takes a letter over is *RelayToNonERDS*.
"""

from __future__ import annotations

from typing import Final

from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.notices.model import DeliveryEvidence
from cjp_fraud.notices.reports.model import ReportKind

_REACHED: Final = {
    DeliveryStatus.SENT: "SubmissionAcceptance",
    DeliveryStatus.ACCEPTED: "RelayToNonERDS",
    DeliveryStatus.RELAYED: "RelayToNonERDS",
    DeliveryStatus.DELIVERED: "ContentConsignment",
    DeliveryStatus.DISPLAYED: "ConsignmentNotification",
    DeliveryStatus.ACKNOWLEDGED: "ConsignmentAcceptance",
}


def erds_event(evidence: DeliveryEvidence) -> str | None:
    """Return the name of an event; None: it has none there, or nobody vouches for it."""
    if not evidence.authenticated:
        return None
    if evidence.negative:
        came_back = evidence.kind is not None or evidence.status.reaches(DeliveryStatus.ACCEPTED)
        return "ContentConsignmentFailure" if came_back else "SubmissionRejection"
    if evidence.kind is ReportKind.RECEIPT and evidence.status is DeliveryStatus.DISPLAYED:
        return "ContentAccessTracking"
    return _REACHED.get(evidence.status)
