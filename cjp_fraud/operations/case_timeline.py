"""A case's timeline: the entries of the log about it, each with the words that people wrote then."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cjp_fraud.review.views import AttachmentView, CaseView

_Written = tuple[str | None, Sequence[AttachmentView]]
"""What a person wrote, and the files beside it."""

_COMMENTS: Final = {
    f"case.{kind}"
    for kind in (
        "commented",
        "attached",
        "returned",
        "taken_back",
        "refused",
        "reopened",
        "withdrawn",
        "customer_asked",
        "customer_answered",
    )
}
_FINDINGS: Final = {"case.determined", "case.undetermined", "case.dismissed"}


@dataclass(frozen=True, slots=True)
class TimelineEntry:
    """One thing that happened on a case.

    Parameters
    ----------
    sequence : number of its entry in the log.
    by : user name, or ``system:task``.
    text : what a person wrote then; None: nothing.
    attachments : files that came with it.
    """

    sequence: int
    at: datetime
    by: str
    action: str
    text: str | None = None
    attachments: tuple[AttachmentView, ...] = ()


def timeline(case: CaseView) -> tuple[TimelineEntry, ...]:
    """Return what happened on a case, the newest first."""
    written: dict[tuple[str, datetime], list[_Written]] = defaultdict(list)
    for comment in case.comments:
        written["comment", comment.at].append((comment.text, comment.attachments))
    for finding in case.determinations:
        written["finding", finding.at].append((finding.reasons, ()))
    for dispute in case.disputes:
        written["dispute.opened", dispute.opened_at].append((dispute.text, ()))
        if dispute.decided_at is not None and dispute.decision is not None:
            written["dispute.decided", dispute.decided_at].append((dispute.decision, ()))
    entries = []
    for entry in case.history:
        kind = (
            "comment"
            if entry.action in _COMMENTS
            else "finding"
            if entry.action in _FINDINGS
            else entry.action
        )
        texts = written.get((kind, entry.at))
        text, attachments = texts.pop(0) if texts else (None, ())
        entries.append(
            TimelineEntry(entry.sequence, entry.at, entry.actor, entry.action, text, tuple(attachments))
        )
    return tuple(reversed(entries))
