"""The notice terms of a contract, entry by entry, each beside where it was read: for whoever checks them; pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, is_dataclass
from datetime import time
from enum import Enum
from typing import Final

from cjp_fraud.contracts.contract_terms import ClauseSource, ContractTerms
from cjp_fraud.contracts.periods import Period, Wait
from cjp_fraud.contracts.stated import NOT_READ, NOT_STATED, Unstated
from cjp_fraud.contracts.terms import NoticeTerms

NO_SOURCE: Final = ClauseSource()


@dataclass(frozen=True, slots=True)
class EnteredTerm:
    """One entry of notice terms.

    Parameters
    ----------
    name : where it stands: ``suspension, step 1, email``.
    says : its values, those that are not stated left out.
    clause, version, page_sha256, text : where it was read; None: not said.
    """

    name: str
    says: str
    clause: str | None
    version: str | None
    page_sha256: str | None
    text: str | None


def listed(terms: ContractTerms) -> tuple[EnteredTerm, ...]:
    """Return all entries of notice terms in the order of their fields; the last one names what is not stated."""
    names = [field.name for field in fields(terms) if field.name != "source"]
    silent = [name for name in names if getattr(terms, name) in (NOT_STATED, ())]
    entries = [entry for name in names if name not in silent for entry in _entries(terms, name)]
    if silent:
        entries.append(_entry("not stated", ", ".join(silent).replace("_", " "), terms.source, None))
    return tuple(entries)


def _entries(terms: ContractTerms, field: str) -> Iterator[EnteredTerm]:
    value, name = getattr(terms, field), field.replace("_", " ")
    if isinstance(value, NoticeTerms):
        for inside, says in _of_notice(value):
            yield _entry(f"{name}, {inside}", says, terms.source, value.clause)
    elif isinstance(value, tuple):
        for number, each in enumerate(value, 1):
            yield _entry(
                f"{name} {number}", _in_words(each), getattr(each, "source", NO_SOURCE), None, terms.source
            )
    else:
        yield _entry(name, _in_words(value), getattr(value, "source", NO_SOURCE), None, terms.source)


def _of_notice(terms: NoticeTerms) -> Iterator[tuple[str, str]]:
    """Yield the entries of one kind of notice: name and what it says."""
    for step in terms.steps:
        wait = _in_words(step.wait)
        then = f", then a wait of {wait}" if wait else ""
        yield f"step {step.number}", f"{_in_words(step.combine)}{then}"
        for rule in step.methods:
            others = [field.name for field in fields(rule) if field.name not in ("method", "basis")]
            values = [_named(name, getattr(rule, name)) for name in others]
            basis = f"basis {_in_words(rule.basis) or 'not stated'}"
            yield (
                f"step {step.number}, {rule.method}",
                "; ".join([basis, *(value for value in values if value)]),
            )
    for field in ("language", "minimum", "cure", "windows"):
        if says := _in_words(getattr(terms, field)):
            yield field, says


def _entry(
    name: str, says: str, source: ClauseSource, clause: str | None, otherwise: ClauseSource = NO_SOURCE
) -> EnteredTerm:
    """Return an entry; what was read with all the terms was read where they were (``otherwise``)."""
    read = source if source != NO_SOURCE else otherwise
    return EnteredTerm(
        name,
        says,
        clause or _said(read.clause),
        _said(read.version),
        _said(read.page_sha256),
        _said(read.text),
    )


def _said(value: str | Unstated) -> str | None:
    return None if isinstance(value, Unstated) else value


def _named(field: str, value: object) -> str:
    says = _in_words(value)
    return f"{field.replace('_', ' ')} {says}" if says else ""


def _in_words(value: object) -> str:
    """Return a value in words; empty: it is not stated, or holds nothing that is."""
    if value is NOT_STATED or value is None:
        return ""
    if value is NOT_READ:
        return "NOT READ"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Wait):
        return f"{value}{_more(' from ', value.counted_from)}{_more(' in ', value.place)}"
    if isinstance(value, Period):
        return str(value)
    if isinstance(value, time):
        return f"{value:%H:%M}"
    if isinstance(value, tuple):
        return ", ".join(_in_words(each) for each in value)
    if is_dataclass(value) and not isinstance(value, type):
        inside = [
            _named(field.name, getattr(value, field.name))
            for field in fields(value)
            if field.name != "source"
        ]
        return "; ".join(each for each in inside if each)
    return str(value).replace("_", " ") if isinstance(value, Enum) else str(value)


def _more(word: str, value: object) -> str:
    says = _in_words(value)
    return f"{word}{says}" if says else ""
