"""What a message that came back says; value types, which know no database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final


class ReportKind(StrEnum):
    """Kinds of messages that come back.

    ``report``: it has a part for machines (RFC 3464, 6533); ``bounce``: it says in words that mail did not arrive;
    ``receipt``: read receipt (RFC 8098); ``auto_reply``: an absence note or the like (RFC 3834); ``complaint``: the
    recipient calls it unwanted (RFC 5965); ``none``: none of these.
    """

    REPORT = "report"
    BOUNCE = "bounce"
    RECEIPT = "receipt"
    AUTO_REPLY = "auto_reply"
    COMPLAINT = "complaint"
    NONE = "none"

    @property
    def in_words(self) -> str:
        """What people call it."""
        return {
            ReportKind.REPORT: "delivery report",
            ReportKind.BOUNCE: "bounce",
            ReportKind.RECEIPT: "read receipt",
            ReportKind.AUTO_REPLY: "automatic reply",
            ReportKind.COMPLAINT: "complaint",
            ReportKind.NONE: "message",
        }[self]


FAILED: Final = "failed"
DELAYED: Final = "delayed"
DISPLAYED: Final = "displayed"

ACTIONS: Final = frozenset({FAILED, DELAYED, "delivered", "relayed", "expanded"})
"""Actions of RFC 3464, section 2.3.3; any other proves nothing."""


@dataclass(frozen=True, slots=True)
class RecipientReport:
    """What is said of one recipient.

    Parameters
    ----------
    address : whom it is about, as it stands; None: nobody is named.
    action : as it stands, lower case: an action of RFC 3464, of a receipt its disposition, or a word outside the
        standards; None: none is named.
    status : status code of RFC 3463 (``5.1.1``); None: neither a code nor words that stand for a class.
    original : whom the sender wrote to, where that is named beside ``address``.
    """

    address: str | None
    action: str | None = None
    status: str | None = None
    original: str | None = None

    @property
    def permanent(self) -> bool | None:
        """Whether trying again is of no use; None: not known, or nothing has failed."""
        if self.action == DELAYED:
            return False
        return {"5": True, "4": False}.get((self.status or "?")[0])


@dataclass(frozen=True, slots=True)
class InboundReport:
    """What a message says that came back.

    Parameters
    ----------
    recipients : may be empty.
    sent_to : addresses that it was sent to, as they stand: one of them may be a return path of ours.
    envid : envelope id that it names (RFC 3461); None: it names none.
    message_ids : ``<...>`` of the messages that it returns or answers.
    reporting_mta : name of the server that reports, lower case; None: none is named.
    wrong_addressee : an automatic reply says that the addressee is there no longer.
    challenge : an automatic reply asks the sender to confirm, and holds the mail until then.
    unreadable : why it could not be read; None: it could.
    dated : its own date, aware, UTC, as it claims; None: it has none that can be read.
    """

    kind: ReportKind
    recipients: tuple[RecipientReport, ...] = ()
    sent_to: frozenset[str] = frozenset()
    envid: str | None = None
    message_ids: frozenset[str] = frozenset()
    reporting_mta: str | None = None
    wrong_addressee: bool = False
    challenge: bool = False
    unreadable: str | None = None
    dated: datetime | None = None

    @property
    def original_recipients(self) -> frozenset[str]:
        """Addresses that it says were written to, lower case."""
        return frozenset(each.original.lower() for each in self.recipients if each.original)
