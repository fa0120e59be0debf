"""How far a message that came back goes as evidence of a notice; a pure rule.

The ladder: queued, attempted, sent, accepted by the recipient's server, relayed, delivered, displayed, acknowledged.
"Relayed" and "expanded" are not delivery: behind them nobody reports any more, or the next one may fail (RFC 3461).
What is not authenticated climbs no rung and takes none away; a person looks at it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.notices.reports.model import (
    ACTIONS,
    DELAYED,
    DISPLAYED,
    FAILED,
    InboundReport,
    RecipientReport,
    ReportKind,
)


class MatchedBy(StrEnum):
    """By what a message was matched to an attempt, from the most telling to the least."""

    RETURN_PATH = "return_path"
    ENVELOPE_ID = "envelope_id"
    MESSAGE_ID = "message_id"


class Voucher(StrEnum):
    """Who vouches for a message; one of them suffices."""

    RETURN_PATH = "return_path"
    OWN_SERVER = "own_server"
    DKIM = "dkim"


@dataclass(frozen=True, slots=True)
class Match:
    """The attempt that a message is about, and why we think so.

    Parameters
    ----------
    vouchers : who vouches for the message; empty: nobody, so that anybody may have written it.
    address : address that was served; None: it was erased.
    envid : envelope id of the attempt.
    several : it names return paths of several attempts.
    expired : its return path is taken no longer.
    """

    by: MatchedBy
    vouchers: frozenset[Voucher]
    address: str | None
    envid: str
    several: bool = False
    expired: bool = False


@dataclass(frozen=True, slots=True)
class Weight:
    """What a message counts for.

    Parameters
    ----------
    status : what it shows, or claims; of a failure, the last rung that was reached.
    needs_person : why a person must look at it; None: nobody must.
    """

    status: DeliveryStatus
    negative: bool
    authenticated: bool
    needs_person: str | None


_REACHED: Final = {
    DELAYED: DeliveryStatus.ATTEMPTED,
    "relayed": DeliveryStatus.RELAYED,
    "expanded": DeliveryStatus.RELAYED,
    "delivered": DeliveryStatus.DELIVERED,
}
_CLASSES: Final = {FAILED: "45", DELAYED: "45", "relayed": "2", "expanded": "2", "delivered": "2"}
"""Action → classes of status codes (RFC 3463) that fit it."""


def weigh(report: InboundReport, match: Match) -> Weight:
    """Return what a message counts for as evidence of the notice that it is matched to."""
    claim = _claim(report, match)
    doubt = _doubt(report, match)
    if doubt is None:
        return claim
    further = f"; {claim.needs_person}" if claim.needs_person else ""
    return Weight(claim.status, claim.negative, authenticated=False, needs_person=f"{doubt}{further}")


def _doubt(report: InboundReport, match: Match) -> str | None:
    """Return why a message proves nothing; None: somebody vouches for it, and all that it names fits."""
    if match.several:
        return "it names return paths of several letters"
    if report.envid is not None and report.envid != match.envid:
        return "it names the envelope of another message"
    originals = report.original_recipients
    if originals and match.address is not None and originals != {match.address.lower()}:
        return "it names another recipient than the one who was served"
    if match.vouchers:
        return None
    if match.expired:
        return "it came to a return path that is taken no longer"
    return (
        "nobody vouches for it: neither a return path of ours, nor our own server, nor the recipient's domain"
    )


def _claim(report: InboundReport, match: Match) -> Weight:
    """Return what a message claims, as if somebody vouched for it."""
    if report.kind in (ReportKind.REPORT, ReportKind.BOUNCE):
        return _claim_of_report(report, match)
    if report.kind is ReportKind.RECEIPT:
        actions = {each.action for each in report.recipients}
        if actions == {DISPLAYED}:
            return Weight(DeliveryStatus.DISPLAYED, negative=False, authenticated=True, needs_person=None)
        named = " and ".join(sorted(action or "nothing" for action in actions)) or "nothing"
        return _for_a_person(f"a read receipt says {named} instead of displayed")
    if report.kind is ReportKind.AUTO_REPLY:
        if report.wrong_addressee:
            return _for_a_person("an automatic reply says that the addressee is there no longer")
        if report.challenge:
            return _for_a_person("an automatic reply asks the sender to confirm before the mail is delivered")
        return Weight(DeliveryStatus.ATTEMPTED, negative=False, authenticated=True, needs_person=None)
    if report.kind is ReportKind.COMPLAINT:
        return _for_a_person("the recipient complains about the notice as unwanted mail")
    why = (
        f"it cannot be read: {report.unreadable}"
        if report.unreadable
        else "it is of no known kind; somebody may have answered"
    )
    return _for_a_person(why)


def _claim_of_report(report: InboundReport, match: Match) -> Weight:
    """Return what the least favourable word about the recipient claims."""
    served = (match.address or "").lower()
    about = tuple(
        each
        for each in report.recipients
        if served in ((each.address or "").lower(), (each.original or "").lower())
    )
    words = about or report.recipients
    if not words:
        return _for_a_person("it names no recipient")
    unclear = next((each for each in words if not _is_clear(each)), None)
    if any(each.action == FAILED and _is_clear(each) for each in words):
        return Weight(DeliveryStatus.ATTEMPTED, negative=True, authenticated=True, needs_person=None)
    if unclear is not None:
        return _for_a_person(
            f"it says {unclear.action or 'nothing'} {unclear.status or 'without a status'}, which is no outcome"
        )
    status = min((_REACHED[each.action] for each in words if each.action), key=lambda it: it.place)
    if report.kind is ReportKind.BOUNCE and status is not DeliveryStatus.ATTEMPTED:
        return _for_a_person("words alone claim a delivery")
    return Weight(status, negative=False, authenticated=True, needs_person=None)


def _is_clear(each: RecipientReport) -> bool:
    """Whether an action is one of the standard, and the status beside it does not contradict it."""
    if each.action not in ACTIONS:
        return False
    if each.status is None:
        return each.action in (FAILED, DELAYED)  # a success needs its code
    return each.status[0] in _CLASSES[each.action or ""]


def _for_a_person(why: str) -> Weight:
    """Return a weight of nothing, which a person must look at; strangers' words in ``why`` are made printable."""
    shown = "".join(character if character.isprintable() else "?" for character in why)
    return Weight(DeliveryStatus.ATTEMPTED, negative=False, authenticated=False, needs_person=shown)
