"""Verify the audit log: that its chain holds, and that every row is as the log names it."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Set
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Engine, func, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from cjp_fraud.audit.chain import GENESIS, Link, faults
from cjp_fraud.audit.home import HEAD_KEY_RECORDED, HomeKept
from cjp_fraud.audit.log import links
from cjp_fraud.audit.named_rows import CaseMoves, NewestNames, act_faults
from cjp_fraud.audit.signed_head import SignedHead, head_faults
from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.compliance.bundle_facts import gate_faults
from cjp_fraud.compliance.case_chronology import CaseChronology
from cjp_fraud.compliance.held_texts import HoldsKept
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.review.decision_tables import Approval, Proposal
from cjp_fraud.storage.database import at_one_moment, reading
from cjp_fraud.suspension.case_records import all_records, records_of_case

GUARDS: Final = {
    "sqlite": {"audit_entries_no_update", "audit_entries_no_delete", "audit_entries_no_replace"},
    "postgresql": {"audit_entries_no_change", "audit_entries_no_truncate"},
}
"""The triggers of the log's table, by kind of database; the migration makes them."""

EVERY = 1000
"""Entries between two reports of progress."""


@dataclass(frozen=True, slots=True)
class LogVerification:
    """What verifying the log found.

    Parameters
    ----------
    entries : entries read.
    head_sha256 : digest of the last one; compare it with one that is kept elsewhere.
    faults : one sentence each; none means that log and rows hold.
    """

    entries: int
    head_sha256: str
    faults: tuple[str, ...]

    @property
    def holds(self) -> bool:
        """Whether no fault was found."""
        return not self.faults


def verify_log(
    engine: Engine,
    *,
    expect_head: str | None = None,
    heads: Collection[SignedHead] = (),
    key_ids: Collection[str] = (),
    report: Callable[[int, int, str], None] | None = None,
) -> LogVerification:
    """Recompute the chain, then compare every audited row with the newest entry that names it.

    The log is read once, as a stream; what is kept of it is the newest digest of each row.

    Parameters
    ----------
    expect_head : digest of an entry, kept elsewhere (in a bundle, on paper), which must be in the chain.
    heads : signed before, kept in a second place and read before this is called; their signatures fit.
    key_ids : keys that sign heads; the log must name each.
    report : progress: done, total, what.
    """
    with reading(engine) as session:
        at_one_moment(session)
        total = session.scalar(select(func.max(AuditEntry.sequence))) or 0
        log = _Reading(expect_head, {signed.head.sequence for signed in heads}, total, report)
        entries = log.through(links(session))
        problems = [*_guard_faults(session), *faults(entries)]
        deque(entries, maxlen=0)  # the rule of the chain stops at a gap; the rows want the rest as well
        if expect_head is not None and not log.expected_seen:
            problems.append(
                f"the head {expect_head} that was kept elsewhere is not in the chain: the log was written "
                "anew, entries were removed at its end, or the head is another database's"
            )
        problems += head_faults(heads, log.at_heads, log.count)
        problems += [
            f"no entry of the log names the key {key_id}, which signs its heads: the key was replaced, or the log "
            "was written anew"
            for key_id in key_ids
            if key_id not in log.key_ids
        ]
        problems += log.moves.faults
        problems += log.acts
        problems += log.holds.faults
        problems += log.home.faults
        chronology = CaseChronology()
        unreadable: list[str] = []
        problems += log.names.faults(chronology.through(all_records(session, unreadable)))
        problems += unreadable
        problems += chronology.faults()
        problems += _lookup_faults(session)
        problems += _gate_faults(session)
    return LogVerification(log.count, log.head, tuple(problems))


def chain_holds_head(engine: Engine, entries: int, head_sha256: str) -> list[str]:
    """Return a fault unless the entry of that number is in the database's chain with that digest."""
    with reading(engine) as session:
        own = session.scalar(select(AuditEntry.entry_sha256).where(AuditEntry.sequence == entries))
    if own == head_sha256:
        return []
    said = f"has {own} there" if own else "is shorter"
    return [
        f"the bundle's chain ends with entry {entries}, {head_sha256}; the database's chain {said}: one of "
        "them was written anew, or they are not of the same database"
    ]


def _guard_faults(session: Session) -> Iterator[str]:
    """Yield a sentence for each trigger of the log's table that is not there or is switched off."""
    on_sqlite = session.get_bind().dialect.name == "sqlite"
    statement = (
        "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'audit_entries'"
        if on_sqlite
        else "SELECT tgname FROM pg_trigger WHERE tgrelid = 'audit_entries'::regclass AND tgenabled IN ('O', 'A')"
    )
    there = set(session.scalars(text(statement)))
    for guard in sorted(GUARDS["sqlite" if on_sqlite else "postgresql"] - there):
        yield f"the trigger {guard}, which keeps the log append-only, is not there or switched off"


def _lookup_faults(session: Session) -> Iterator[str]:
    """Yield a fault where the table by which a row's entries are found misses one: the gate would not see it."""
    named = (
        "SELECT json_extract(each.value, '$.id'), sequence FROM audit_entries, json_each(rows) AS each"
        if session.get_bind().dialect.name == "sqlite"
        else "SELECT each ->> 'id', sequence FROM audit_entries, jsonb_array_elements(rows) AS each"
    )
    missing = session.execute(
        text(f"{named} EXCEPT SELECT row_id, sequence FROM audit_entries_of_rows ORDER BY 2, 1 LIMIT 1")
    ).first()
    if missing is not None:
        row_id, sequence = missing
        yield (
            f"audit_entries_of_rows does not say that entry {sequence} names the row {row_id}: "
            "it was removed behind the application"
        )


def _gate_faults(session: Session) -> Iterator[str]:
    """Yield what would have kept the gate shut at each act of each case, as a case's bundle is asked."""
    approved = select(Proposal.case_id).join(Approval, Approval.proposal_id == Proposal.id).distinct()
    for case_id in session.scalars(approved.order_by(Proposal.case_id)).all():
        try:
            yield from gate_faults(case_id, records_of_case(session, case_id, attached_bytes=False))
        except (CjpFraudError, LookupError, TypeError, ValueError, SQLAlchemyError) as error:
            yield f"cases {case_id}: its rows cannot be read ({type(error).__name__}: {error}); they were changed"


class _Reading:
    """Takes in the entries one by one while the chain is checked."""

    def __init__(
        self,
        expect_head: str | None,
        sequences: Set[int],
        total: int,
        report: Callable[[int, int, str], None] | None,
    ) -> None:
        self.count = 0
        self.head = GENESIS
        self.names = NewestNames()
        self.moves = CaseMoves()
        self.acts: list[str] = []
        self.holds = HoldsKept()
        self.home = HomeKept()
        self.expected_seen = expect_head == GENESIS
        self.at_heads: dict[int, str] = {}
        self.key_ids: set[str] = set()
        self._sequences = sequences
        self._expect_head = expect_head
        self._total = total
        self._report = report

    def through(self, entries: Iterable[Link]) -> Iterator[Link]:
        for link in entries:
            self.count += 1
            self.head = link.entry_sha256
            self.expected_seen = self.expected_seen or link.entry_sha256 == self._expect_head
            if link.sequence in self._sequences:
                self.at_heads[link.sequence] = link.entry_sha256
            if link.action == HEAD_KEY_RECORDED:
                self.key_ids.add(str(link.content.get("key_id")))
            self.names.add(link.sequence, link.action, link.actor, link.rows)
            self.moves.add(link.sequence, link.action, link.subject_type, link.subject_id, link.content)
            self.holds.add(link.sequence, link.action, link.subject_id, link.content)
            self.home.add(link.sequence, link.action, link.content)
            self.acts += act_faults(link.sequence, link.action, link.actor, link.rows)
            if self._report is not None and self.count % EVERY == 0:
                self._report(self.count, self._total, "entries")
            yield link
