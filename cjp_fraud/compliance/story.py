"""The log and the rows of decisions must tell the same story; here is what that means, rule by rule.

The hash chain shows that no entry was changed; it does not show that a row which the entry is about is still
there, still says the same, or was not slipped in beside the log. These rules do, and they need nothing but
records and entries, so that they hold for a database and for a bundle alike.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from cjp_fraud.audit.row_digests import Record
from cjp_fraud.compliance.row_documents import PERSONAL_TEXTS, digest_faults, digests_of
from cjp_fraud.compliance.tellings import (
    ABOUT_OTHERS,
    BARE,
    CASES,
    EDITING_CONTRACT,
    FAMILY_NAMES,
    INTERRUPTED,
    MACHINE,
    MEASURE_AFTER,
    MOVED_FROM,
    MOVED_TO,
    NOTICE_AFTER,
    NOTICES,
    REFERENCES,
    TAKING_PART,
    TOLD,
    WRITTEN,
)
from cjp_fraud.digests import canonical_json, sha256_hex

_DIGEST_LENGTH: Final = 64


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the log, as far as the story needs it."""

    sequence: int
    at: str
    actor: str
    action: str
    subject_type: str
    subject_id: str
    case_id: str | None
    content: Mapping[str, Any]

    @property
    def where(self) -> str:
        """The entry in words, for sentences."""
        return f"entry {self.sequence} ({self.action})"


class Story:
    """What the log tells, indexed by the rows that it tells about.

    Fed entry by entry in their order, so that a long log is read once and never held whole.
    """

    def __init__(self) -> None:
        self._naming: dict[str, list[int]] = defaultdict(list)
        self._first_actor: dict[str, str] = {}
        self._claimed: dict[tuple[str, str], Entry] = {}
        self._told: dict[tuple[str, str], dict[str, tuple[Any, Entry]]] = defaultdict(dict)

    def add(self, entry: Entry) -> None:
        """Take in the next entry."""
        self._name(entry.subject_id, entry)
        if entry.action in ABOUT_OTHERS:
            return
        for name, value in _named(entry.content):
            self._name(value, entry)
            if name in REFERENCES:
                self._claim(REFERENCES[name], value, entry)
            if name == "text_id" and entry.action in WRITTEN:
                self._claim(WRITTEN[entry.action], value, entry)
        if entry.subject_type not in TOLD:
            return
        self._claim(entry.subject_type, entry.subject_id, entry)
        if entry.subject_type == CASES:
            self._tell_of_case(entry)
            return
        self._tell(entry.subject_type, entry.subject_id, entry.content, entry)
        if entry.subject_type == NOTICES:
            self._tell_of_notice(entry)

    def faults(self, records: Iterable[Record], *, elsewhere: Collection[str] = ()) -> Iterator[str]:
        """Yield one sentence for each way in which ``records`` and the log do not agree.

        Parameters
        ----------
        records : all rows of the tables of :data:`TOLD` that the log could tell about.
        elsewhere : tables whose rows are not among ``records`` though entries may name them.
        """
        seen: set[tuple[str, str]] = set()
        texts: dict[str, str] = {}
        written: list[tuple[str, str, str]] = []
        for record in records:
            name = TOLD[record.table].name_of(record)
            seen |= {(record.table, record.id), (record.table, name)}
            yield from digest_faults(record)
            yield from self._untold(record)
            yield from self._contradicted(record)
            if record.table == PERSONAL_TEXTS:
                texts[record.id] = str(record.fields["sha256"])
            for column, text in record.fields.items():
                if column.endswith("text_id") and text is not None:
                    written.append((f"{record.where}: its {column}", name, str(text)))
        for (table, name), entry in self._claimed.items():
            if (table, name) not in seen and table not in elsewhere:
                yield f"{entry.where} is about {table} {name}, which is not on record; it was removed"
        for what, name, text in written:
            if text not in texts:
                yield f"{what} {text} is not on record; it was removed"
            elif not self.binds(name, texts[text]):
                yield f"{what} is {text}, but no entry about it carries that text's digest; it was exchanged"

    def names(self, text: str) -> bool:
        """Whether any entry names the row or carries the digest."""
        return text in self._naming

    def binds(self, name: str, digest: str) -> bool:
        """Whether one entry names both the row and the digest."""
        return not set(self._naming.get(name, ())).isdisjoint(self._naming.get(digest, ()))

    def _untold(self, record: Record) -> Iterator[str]:
        if record.table == PERSONAL_TEXTS:
            # An erased text is gone, its digest stays; entries may name the text by that alone.
            if record.fields["sha256"] not in self._naming:
                yield f"{record.where}: no entry of the log carries its digest; it was put in beside the log"
            return
        telling = TOLD[record.table]
        name = telling.name_of(record)
        if name not in self._naming:
            if telling.made_silently and record.fields[str(telling.outcome)] in telling.starts_as:
                return
            yield f"{record.where} has no entry in the log: the entry was removed, or the row was slipped in"
            return
        for column, computed in digests_of(record).items():
            if not self.binds(name, computed):
                yield f"{record.where}: no entry of the log carries its {column} {computed}"
        bound = record.fields.get(telling.bound) if telling.bound is not None else None
        if bound is not None and bound != INTERRUPTED:
            content = bound.encode() if isinstance(bound, str) else canonical_json(bound)
            if not self.binds(name, sha256_hex(content)):
                yield f"{record.where}: no entry of the log carries the digest of its {telling.bound}"
        if telling.author is not None and self._first_actor[name] != record.fields[telling.author]:
            yield (
                f"{record.where}: says that {record.fields[telling.author]} made it, "
                f"the log says {self._first_actor[name]}"
            )

    def _contradicted(self, record: Record) -> Iterator[str]:
        told = self._told.get((record.table, record.id), {})
        for name, (value, entry) in told.items():
            if name in record.fields and record.fields[name] != value:
                yield (
                    f"{record.where}: its {name} is {record.fields[name]!r}, but the newest entry about it, "
                    f"{entry.where}, says {value!r}"
                )
        telling = TOLD[record.table]
        outcome, silent = telling.outcome, (None, *telling.starts_as)
        if outcome is not None and outcome not in told and record.fields[outcome] not in silent:
            yield f"{record.where}: its {outcome} is {record.fields[outcome]!r}, of which no entry tells"

    def _tell_of_case(self, entry: Entry) -> None:
        """An entry about a case tells its state, or what became of a row of the case that it names."""
        family = entry.action.partition(".")[0]
        if family == "case":
            after = entry.content.get(MOVED_TO, entry.content.get("state"))
            if after is not None:
                self._tell(CASES, entry.subject_id, {"state": after}, entry)
        for name, table in REFERENCES.items():
            named = entry.content.get(name)
            if not isinstance(named, str):
                continue
            of_row = name.removesuffix("id")
            told = {
                key.removeprefix(of_row): value
                for key, value in entry.content.items()
                if key.startswith(of_row)
            }
            told |= {
                key: entry.content[key] for key, of in BARE.items() if of == table and key in entry.content
            }
            outcome = TOLD[table].outcome
            if (
                FAMILY_NAMES.get(family, f"{family}_id") == name
                and outcome is not None
                and outcome in entry.content
            ):
                told[outcome] = entry.content[outcome]
            if table == "measures" and MOVED_TO in entry.content:
                told["state"] = MEASURE_AFTER.get(str(entry.content[MOVED_TO]))
            self._tell(table, named, told, entry)

    def _tell_of_notice(self, entry: Entry) -> None:
        """An entry about a notice tells in its action how the notice, or an attempt at it, came out."""
        outcome = entry.action.partition(".")[2]
        attempt = entry.content.get("attempt_id")
        if isinstance(attempt, str) and outcome in NOTICE_AFTER:
            self._tell("notice_attempts", attempt, {"outcome": outcome}, entry)
        if outcome in NOTICE_AFTER:
            self._tell(NOTICES, entry.subject_id, {"state": NOTICE_AFTER[outcome]}, entry)
        # Logs written before the status got its name call it a rung.
        elif entry.content.get("negative") is True and "queued" in (
            entry.content.get("status"),
            entry.content.get("rung"),
        ):
            self._tell(NOTICES, entry.subject_id, {"state": "failed"}, entry)

    def _tell(self, table: str, name: str, values: Mapping[str, Any], entry: Entry) -> None:
        told = self._told[table, name]
        for column, value in values.items():
            told[column] = (value, entry)

    def _claim(self, table: str, name: str, entry: Entry) -> None:
        self._claimed.setdefault((table, name), entry)

    def _name(self, value: str, entry: Entry) -> None:
        if value not in self._first_actor and len(value) != _DIGEST_LENGTH:
            self._first_actor[value] = entry.actor
        places = self._naming[value]
        if not places or places[-1] != entry.sequence:
            places.append(entry.sequence)


class Moves:
    """Follows the cases from state to state; fed entry by entry."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self._standing: dict[str, str] = {}

    def add(self, entry: Entry) -> None:
        """Take in the next entry; a fault if it moves a case from where it did not stand."""
        if entry.subject_type != CASES or entry.action.partition(".")[0] != "case":
            return
        before, after = entry.content.get(MOVED_FROM), entry.content.get(MOVED_TO, entry.content.get("state"))
        left = self._standing.get(entry.subject_id)
        if before is not None and before != left:
            self.faults.append(f"{entry.where}: moves the case from {before}, but the log left it {left}")
        if after is not None:
            self._standing[entry.subject_id] = str(after)


class Parts:
    """Follows who took part in what; the table that bars them from approving must say the same."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str, str | None], Entry] = {}

    def add(self, entry: Entry) -> None:
        """Take in the next entry."""
        if entry.actor.startswith(MACHINE):
            return
        if entry.action in TAKING_PART:
            self._told.setdefault((entry.actor, "", entry.case_id), entry)
        elif entry.action in EDITING_CONTRACT:
            tenant = str(entry.content.get("tenant_id", entry.subject_id))
            self._told.setdefault((entry.actor, tenant, None), entry)

    def faults(self, participations: Iterable[Record]) -> Iterator[str]:
        """Yield where the table of participations and the log do not agree."""
        recorded = set()
        for record in participations:
            case_id = record.fields["case_id"]
            part = (record.fields["user_id"], "" if case_id else record.fields["tenant_id"], case_id)
            recorded.add(part)
            if part not in self._told:
                yield f"{record.where}: the log does not tell that {part[0]} took part"
        for part, entry in self._told.items():
            if part not in recorded:
                yield f"{entry.where}: {part[0]} took part, but is not on record as having done so"


def _named(content: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield every text in a document with the name that it stands under (a list's items: the list's name)."""
    if isinstance(content, str):
        yield name, content
    elif isinstance(content, Mapping):
        for key, value in content.items():
            yield from _named(value, str(key))
    elif isinstance(content, list | tuple):
        for value in content:
            yield from _named(value, name)
