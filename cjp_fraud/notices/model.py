"""Value types of notices; they know no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.notices.reports.model import ReportKind


class NoticeKind(StrEnum):
    """What a notice tells the customer."""

    SUSPENSION = "suspension"
    WITHDRAWAL = "withdrawal"
    REINSTATEMENT = "reinstatement"
    REAFFIRMATION = "reaffirmation"
    CONDITIONAL_WARNING = "conditional_warning"
    BREACH = "breach"
    DISPUTE_ANSWER = "dispute_answer"
    CAP = "cap"
    STAGED_REINSTATEMENT = "staged_reinstatement"


class NoticeState(StrEnum):
    """How far the sending of a notice has come; whether it arrived is known from its delivery events."""

    PLANNED = "planned"
    DEFERRED = "deferred"
    SENT = "sent"
    FAILED = "failed"
    OBSERVED = "observed"


class Outcome(StrEnum):
    """How an attempt ended; null in the table while it is open."""

    SENT = "sent"
    DEFERRED = "deferred"
    FAILED = "failed"
    UNKNOWN = "unknown"


MAY_HAVE_LEFT = (Outcome.SENT, Outcome.UNKNOWN)
"""Outcomes after which the notice may be with the customer; so may it while an attempt has no outcome."""


@dataclass(frozen=True, slots=True)
class DeliveryEvidence:
    """Something that became known of a notice.

    Parameters
    ----------
    status : the delivery status that it shows; of negative evidence, the last one that was reached.
    negative : it says that the notice did not arrive.
    authenticated : whether it is proven to be about this very notice; if not it proves nothing, either way.
    source : who says so, in a few words.
    raw : the text as it came.
    attempt_id : attempt concerned; None: none in particular.
    report_sha256 : digest of the report's bytes, by which it counts once; None: it is no report.
    kind : of which kind the message is that says so; None: it is no message.
    needs_person : why a person must look at it; None: nobody must.
    source_at : when it happened by the source's own word, aware; None: the source does not say. Nothing rests on it.
    """

    status: DeliveryStatus
    negative: bool
    authenticated: bool
    source: str
    raw: str
    attempt_id: str | None = None
    report_sha256: str | None = None
    kind: ReportKind | None = None
    needs_person: str | None = None
    source_at: datetime | None = None
