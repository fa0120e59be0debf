"""The one rule by which rows and log are compared, for every table: in the database, in a bundle, before a measure.

A row carries the digest that the newest entry naming it holds; no row is without an entry that names it; and no
row that an entry names is missing. Beside it, what the entries say of cases must follow from each other: a case
moves only from the state in which the log left it. It knows no database.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from cjp_fraud.audit.row_digests import ERASABLE, Record, record_digest, salted_digest
from cjp_fraud.digests import digest, sha256_hex

DIGEST_OF: Final = {
    "document": "sha256",
    "message": "message_sha256",
    "evidence": "evidence_sha256",
    "raw": "raw_sha256",
    "content": "sha256",
}
"""Column of content → column that holds its SHA-256."""

ERASED: Final = "privacy.erased"
"""Action of the entry that names what was erased; without it, a text that is missing was taken away."""


AUTHOR: Final = {
    "approvals": "by_user_id",
    "determinations": "by_user_id",
    "emergency_orders": "by_user_id",
    "need_statements": "by_user_id",
    "reaffirmations": "by_user_id",
    "reinstatement_plans": "by_user_id",
    "reinstatement_holds": "held_by",
    "participations": "user_id",
    "contract_confirmations": "by_user_id",
    "legal_holds": "held_by",
}
"""Table → column that says who made the row: whoever acted in the first entry that names it."""


class NewestNames:
    """For each row the digest in the newest entry that names it. Entries are added one by one: no log is held whole."""

    def __init__(self) -> None:
        self._newest: dict[tuple[str, str], tuple[bytes, int, str]] = {}
        self._authors: dict[tuple[str, str], str] = {}
        self._erased: set[tuple[str, str]] = set()

    def add(self, sequence: int, action: str, actor: str, rows: Iterable[Mapping[str, str]]) -> None:
        """Take in what the next entry names."""
        for row in rows:
            name = (sys.intern(row["table"]), row["id"])
            if name[0] in AUTHOR:
                self._authors.setdefault(name, sys.intern(actor))
            if action == ERASED:
                self._erased.add(name)
            self._newest[name] = (bytes.fromhex(row["sha256"]), sequence, sys.intern(action))

    def faults(
        self, records: Iterable[Record], digest_of: Callable[[Record], str] = record_digest
    ) -> Iterator[str]:
        """Yield one sentence for each way in which ``records`` and the log do not agree; to be asked once.

        Parameters
        ----------
        records : all rows that the entries could name.
        digest_of : the digest of a row; of one that is not shown whole, the one that is stated of it.
        """
        for record in records:
            newest = self._newest.pop((record.table, record.id), None)
            if newest is None:
                yield (
                    f"{record.where} has no entry in the log that names it: the row was slipped in, or the "
                    "entry was removed"
                )
            elif digest_of(record) != newest[0].hex():
                yield (
                    f"{record.where} is not as entry {newest[1]} ({newest[2]}), the newest that names it, left "
                    "it: it was changed since"
                )
            author = self._authors.get((record.table, record.id))
            if author is not None and record.fields[AUTHOR[record.table]] != author:
                yield f"{record.where} says who made it, but the entry that names it first is of {author}"
            if _is_erased(record) and (record.table, record.id) not in self._erased:
                yield f"{record.where} was erased, and no entry {ERASED} of the log names it: it was taken away"
            yield from own_digest_faults(record)
        for (table, row_id), (_, sequence, action) in self._newest.items():
            yield f"{table} {row_id} is named by entry {sequence} ({action}) and not on record: it was removed"


ACT_ROWS: Final[Mapping[str, frozenset[str]]] = {
    "case.opened": frozenset({"cases"}),
    "case.joined": frozenset({"episodes"}),
    "case.claimed": frozenset({"participations"}),
    "case.handed_over": frozenset({"participations"}),
    "case.put_aside": frozenset({"participations"}),
    "case.commented": frozenset({"participations", "case_comments"}),
    "case.attached": frozenset({"participations", "case_comments", "attachments", "attachment_contents"}),
    "case.refused": frozenset({"participations", "case_comments"}),
    "case.reopened": frozenset({"participations", "case_comments"}),
    "case.determined": frozenset({"participations", "determinations", "proposals", "evidence_sets"}),
    "case.undetermined": frozenset({"participations", "determinations"}),
    "case.dismissed": frozenset({"participations", "determinations"}),
    "case.approved": frozenset({"participations", "approvals"}),
    "case.consented": frozenset({"participations", "approvals"}),
    "case.emergency_ordered": frozenset({"participations", "emergency_orders"}),
    "case.emergency_approved": frozenset({"participations", "approvals", "measures"}),
    "case.letter_ordered": frozenset({"participations", "letter_orders"}),
    "case.letter_withdrawn": frozenset({"participations"}),
    "measure.corrected": frozenset({"participations", "measures"}),
    "case.need_stated": frozenset({"participations", "need_statements"}),
    "measure.found_wrong": frozenset({"wrongful_measures"}),
    "measure.assessed": frozenset({"wrongful_measures"}),
    "measure.reaffirmed": frozenset({"participations", "reaffirmations"}),
    "measure.kept": frozenset({"measures"}),
    "measure.stages_ordered": frozenset({"participations", "reinstatement_plans"}),
    "measure.stages_held": frozenset({"participations", "reinstatement_holds"}),
    "measure.stages_resumed": frozenset({"participations", "reinstatement_holds"}),
    "measure.narrowing": frozenset({"participations", "narrowings", "measures"}),
    "measure.narrowed": frozenset({"narrowings"}),
    "dispute.opened": frozenset({"participations", "disputes"}),
    "dispute.decided": frozenset({"disputes"}),
    "dispute.closed": frozenset({"disputes"}),
    "tenant.loaded": frozenset({"participations"}),
    "contract.terms_entered": frozenset({"participations"}),
    "contract.addresses_entered": frozenset({"participations", "addresses"}),
    "contract.consent_entered": frozenset({"participations", "standing_consents"}),
    "contract.consent_confirmed": frozenset({"standing_consents"}),
    "contract.consent_ended": frozenset({"standing_consents"}),
    "contract.confirmed": frozenset({"contract_confirmations"}),
    "notice.planned": frozenset({"notice_plans", "notices"}),
    "notice.attempted": frozenset({"notice_attempts"}),
    "notice.dated_anew": frozenset({"notice_attempts", "notices"}),
    "case.capped": frozenset({"caps", "evidence_sets"}),
    "case.suspending": frozenset({"measures", "cases"}),
    "platform.ordered": frozenset({"platform_commands"}),
    "privacy.held": frozenset({"legal_holds"}),
    "privacy.hold_released": frozenset({"legal_holds"}),
}
"""Action → tables of which its entry must name a row; participations only where a person acts."""


def act_faults(sequence: int, action: str, actor: str, rows: Iterable[Mapping[str, str]]) -> Iterator[str]:
    """Yield a sentence for each row that an act must have written and whose table its entry does not name."""
    required = ACT_ROWS.get(action, frozenset())
    if actor.startswith("system:"):
        required -= {"participations"}
    for table in sorted(required - {row["table"] for row in rows}):
        yield f"entry {sequence} ({action}): the act wrote no row of {table}, and must have"


class CaseMoves:
    """Follows the cases from state to state; fed entry by entry."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._states: dict[str, str] = {}

    def add(
        self, sequence: int, action: str, subject_type: str, case_id: str, content: Mapping[str, Any]
    ) -> None:
        """Take in the next entry; a fault if it moves a case from a state in which the log did not leave it.

        Parameters
        ----------
        subject_type, case_id : table and id of what the entry is about.
        """
        if subject_type != "cases" or action.partition(".")[0] != "case":
            return
        before, after = content.get("from"), content.get("to", content.get("state"))
        left = self._states.get(case_id)
        if before is not None and before != left:
            self.faults.append(
                f"entry {sequence} ({action}): moves the case from {before}, but the log left it {left}"
            )
        if after is not None:
            self._states[case_id] = str(after)


def own_digest_faults(record: Record, digest: Callable[[Any], str] = digest) -> Iterator[str]:
    """Yield a sentence for each digest in a row that does not match what the row holds.

    Parameters
    ----------
    digest : the digest of a JSON document.
    """
    for content, column in DIGEST_OF.items():
        value = record.documents.get(content, record.fields.get(content))
        if value is None or column not in record.fields or content in record.withheld:
            continue
        plain = value.encode() if isinstance(value, str) else value
        if record.fields[column] != (sha256_hex(plain) if isinstance(plain, bytes) else digest(plain)):
            yield f"{record.where}: its {content} does not match its {column}; it was changed"
    fields = record.fields
    shown = record.table == "personal_texts" and "body" not in record.withheld
    words = fields["body"] if shown else None
    if words is not None and salted_digest(str(fields["salt"]), str(words)) != fields["sha256"]:
        yield f"{record.where}: its words do not match its sha256; they were changed"
    for content, column in ERASABLE.get(record.table, {}).items():
        if content in record.withheld:
            continue
        missing = fields.get(content) is None and content not in record.documents
        if missing and fields.get(column) is not None and not _is_erased(record):
            yield f"{record.where}: its {content} is gone, but it was not erased; it was taken away"
        elif not missing and _is_erased(record):
            yield f"{record.where}: it was erased, but has its {content} again; somebody put it there"


def _is_erased(record: Record) -> bool:
    return record.table in ERASABLE and record.fields.get("erased_at") is not None
