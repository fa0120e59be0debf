"""How the log tells of rows: which tables, under which names, and what an action says of a row's outcome.

The vocabulary of :mod:`cjp_fraud.compliance.story`; a table of decisions that is new is entered here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from cjp_fraud.audit.row_digests import Record
from cjp_fraud.compliance.row_documents import PERSONAL_TEXTS

CASES: Final = "cases"
NOTICES: Final = "notices"
NOTICE_AFTER: Final[Mapping[str, str]] = {
    "sent": "sent",
    "failed": "failed",
    "deferred": "deferred",
    "unknown": "deferred",
    "observed": "observed",
}
"""How an attempt or a dispatch came out → state of its notice from then on."""

MEASURE_AFTER: Final[Mapping[str, str]] = {
    "suspending": "ordered",
    "suspended": "in_force",
    "noticed": "never_in_force",
    "lifting": "lifting",
    "reinstated": "ended",
    "lapsed": "ended",
}
"""State that a case moves to → state of the measure that the entry names."""

INTERRUPTED: Final = "interrupted: the process ended before the outcome was recorded"
"""What stands in the place of a dialogue that nobody heard to its end; it is our remark, and of no digest."""

WRITTEN: Final[Mapping[str, str]] = {
    "case.commented": "case_comments",
    "case.returned": "case_comments",
    "case.taken_back": "case_comments",
    "case.reopened": "case_comments",
    "case.withdrawn": "case_comments",
    "measure.reaffirmed": "reaffirmations",
}
"""Actions that make a row which the log names by its text alone → table of the row."""

TAKING_PART: Final = frozenset(
    {
        "case.claimed",
        "case.commented",
        "case.determined",
        "case.undetermined",
        "case.dismissed",
        "case.reopened",
    }
)
"""Actions of persons that are taking part in a case."""

EDITING_CONTRACT: Final = frozenset({"tenant.loaded", "contract.terms_entered", "contract.addresses_entered"})
"""Actions of persons that are editing a tenant's contract data."""

MACHINE: Final = "system:"
"""How the names of machines begin."""

FAMILY_NAMES: Final[Mapping[str, str]] = {"platform": "command_id"}
"""Family of actions → name of the row that they are about, where it is not the family's own."""

ABOUT_OTHERS: Final = frozenset({"platform.disagrees"})
"""Actions whose entries report what somebody else has; such a thing need not be on record here."""


@dataclass(frozen=True, slots=True)
class Telling:
    """How rows of one table are told by the log.

    Parameters
    ----------
    author : column that names who made the row; the first entry that names the row must be theirs.
    outcome : column whose value must be the one that the newest entry about the row gives. An entry is about
        a row that is its subject, or that its content names where its action is of that family
        (``dispute.decided`` with ``dispute_id``).
    named_by : column by whose value entries name the row; its id where None.
    bound : column whose SHA-256 (of text, or of canonical JSON) stands in an entry that names the row.
    starts_as : values of ``outcome`` that the row is made with, so that no entry need tell of them.
    made_silently : whether the row has no entry of its own until something comes of it.
    """

    author: str | None = None
    outcome: str | None = None
    named_by: str | None = None
    bound: str | None = None
    starts_as: tuple[str, ...] = ()
    made_silently: bool = False

    def name_of(self, record: Record) -> str:
        """Return the text by which entries name the row."""
        return record.id if self.named_by is None else str(record.fields[self.named_by])


TOLD: Final[Mapping[str, Telling]] = {
    "users": Telling(),
    "subscription_terms": Telling(),
    "governing_documents": Telling(),
    "notice_terms": Telling(),
    "addresses": Telling(),
    "cases": Telling(outcome="state"),
    "case_comments": Telling(author="by_user_id", named_by="text_id"),
    "evidence_sets": Telling(),
    "determinations": Telling(author="by_user_id"),
    "proposals": Telling(author="determined_by"),
    "approvals": Telling(author="by_user_id"),
    "need_statements": Telling(author="by_user_id"),
    "disputes": Telling(author="opened_by", outcome="state", starts_as=("open",)),
    "stops": Telling(author="opened_by"),
    "notice_plans": Telling(),
    "notices": Telling(outcome="state", starts_as=("planned",), made_silently=True),
    "notice_attempts": Telling(outcome="outcome", bound="dialogue"),
    "delivery_events": Telling(bound="raw"),
    "measures": Telling(outcome="state", starts_as=("ordered", "observed")),
    "platform_commands": Telling(outcome="outcome", bound="read_back", starts_as=("observed",)),
    "reaffirmations": Telling(author="by_user_id", named_by="reasons_text_id"),
    PERSONAL_TEXTS: Telling(),
}
"""Tables of decisions and of what followed from them; each row of theirs has its entry."""

REFERENCES: Final[Mapping[str, str]] = {
    "address_id": "addresses",
    "approval_id": "approvals",
    "attempt_id": "notice_attempts",
    "case_id": "cases",
    "command_id": "platform_commands",
    "comment_id": "case_comments",
    "determination_id": "determinations",
    "dispute_id": "disputes",
    "event_id": "delivery_events",
    "event_ids": "delivery_events",
    "governing_documents": "governing_documents",
    "evidence_set_id": "evidence_sets",
    "measure_id": "measures",
    "notice_id": "notices",
    "notice_plan_id": "notice_plans",
    "notice_terms": "notice_terms",
    "plan_id": "notice_plans",
    "proposal_id": "proposals",
    "reaffirmation_id": "reaffirmations",
    "statement_id": "need_statements",
    "stop_id": "stops",
    "subscription_terms": "subscription_terms",
    "text_id": PERSONAL_TEXTS,
}
"""Names in an entry's content under which it names rows of those tables."""


MOVED_FROM: Final = "from"
MOVED_TO: Final = "to"
"""Names in the content of an entry that moves its subject from one state to another."""


BARE: Final[Mapping[str, str]] = {
    "capacity": "approvals",
    "finding": "determinations",
    "ends_at": "measures",
    "mode": "proposals",
    "review_at": "measures",
    "tenants_part": "determinations",
}
"""Names in the content of an entry about a case → table of the row, named beside, whose column they give."""
