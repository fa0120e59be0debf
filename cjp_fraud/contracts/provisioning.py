"""What proves a notice of provisioning (clause 2.1): its date, its part, and where its proof lies."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo

from cjp_fraud.clock import aware
from cjp_fraud.contracts.business_calendar import wall_instant

FIRST_YEAR: Final = 1990
"""No service of this kind was provisioned before."""

WHOLE: Final = "all"
"""The part where all that was bought is provisioned."""

STORED_PROOF: Final = re.compile(r" sha256:[0-9a-f]{64}$")
"""What stands behind the name of a file that was read."""

_LETTER: Final = re.compile(r"[^\W\d_]")
_DOCUMENT_ID: Final = re.compile(r"[A-Za-z0-9._/-]{4,200}")
_YEARS: Final = range(1900, 2101)


@dataclass(frozen=True, slots=True)
class ProvisioningNotice:
    """A notice of provisioning as it is on record; None: not said.

    Parameters
    ----------
    given_on : the tenant's local day on which it was given, ISO 8601.
    part : of what was bought.
    how : it was given, in words.
    proof : ``file:NAME sha256:DIGEST`` or ``dms:ID``.
    page : from which it was entered.
    source : file and line that said so, or who entered it.
    recorded_at : when it was recorded, aware.
    """

    id: str
    given_on: str | None
    part: str | None
    how: str | None
    proof: str | None
    page: str | None
    source: str
    recorded_at: datetime


def first_notice(notices: Collection[ProvisioningNotice]) -> ProvisioningNotice | None:
    """Return the notice from which the term runs (clause 2.1): the earliest; None: there is none.

    One without a date may be the earliest of all, so it goes first: then the term is not proven.
    """
    return min(notices, key=lambda notice: (notice.given_on or "", notice.id), default=None)


def term_begins(notice: ProvisioningNotice | None, time_zone: str) -> datetime | None:
    """Return when the term begins that runs from a notice (clause 2.1): with its day in the tenant's zone, aware.

    None: there is no notice, or it has no date.
    """
    try:
        day = date.fromisoformat(notice.given_on or "") if notice is not None else None
    except ValueError:
        return None
    return wall_instant(datetime.combine(day, time(0)), time_zone) if day is not None else None


def date_fault(given: date, term_to: datetime | None, time_zone: str, at: datetime | None) -> str | None:
    """Return why the date of a notice of provisioning proves nothing; None: it may.

    Parameters
    ----------
    given : the tenant's local day on which the notice was given.
    term_to : first moment after the term, aware; None: not given.
    time_zone : the tenant's IANA zone.
    at : the moment asked, aware; None: not compared.
    """
    zone = ZoneInfo(time_zone)
    if given.year < FIRST_YEAR:
        return f"a notice of provisioning of {given.isoformat()}, before {FIRST_YEAR}, proves nothing"
    if at is not None and given > aware(at).astimezone(zone).date():
        return f"the notice of provisioning is dated {given.isoformat()}, which is still to come: it was not given yet"
    if term_to is not None and given > (aware(term_to).astimezone(zone) - timedelta(microseconds=1)).date():
        return f"the notice of provisioning is dated {given.isoformat()}, after the end of the term"
    return None


def part_fault(part: str) -> str | None:
    """Return why words name no part of what was bought; None: they may."""
    if part.strip().casefold() == WHOLE or len(_LETTER.findall(part)) >= 2:
        return None
    return f"write {WHOLE}, or the part that was provisioned in words (at least two letters)"


def document_id_fault(document_id: str) -> str | None:
    """Return why a text is no id of a document system; None: it may be one.

    It has at least 4 characters, 3 of them letters or digits with a digit among them, and is neither a date alone nor
    one character repeated.
    """
    core = re.sub(r"[^A-Za-z0-9]", "", document_id)
    if not _DOCUMENT_ID.fullmatch(document_id) or len(core) < 3 or not any(sign.isdigit() for sign in core):
        return (
            "an id has at least 4 characters, 3 of them letters or digits with a digit among them, "
            "and nothing else but . _ / -"
        )
    if len(set(core.casefold())) == 1:
        return "one character repeated is no id of a document"
    if is_only_a_date(document_id):
        return "a date alone is no id of a document; write the id under which the document lies"
    return None


def proof_fault(proof: str) -> str | None:
    """Return why a proof as it is stored proves nothing; None: it may."""
    kind, _, what = proof.partition(":")
    if kind == "dms":
        return document_id_fault(what)
    if kind == "file" and STORED_PROOF.search(what):
        return None
    return "write file:PATH, a document beside the tenants file, or dms:ID, its id in a document system"


def is_only_a_date(text: str) -> bool:
    """Whether a text says nothing but a date or a moment, in a form that people write."""
    words = re.findall(r"[a-z]+|[0-9]+", text.casefold())
    letters, digits = [word for word in words if word.isalpha()], [word for word in words if word.isdigit()]
    if not digits or any(word not in _words_of_dates() for word in letters):
        return False
    if len(digits) == 1:
        named = any(len(word) > 2 for word in letters)
        return _is_a_date_without_marks(digits[0]) or (named and _may_be_of_a_date(digits[0]))
    # Several numbers: each is one that a date has; or that a time has, where a letter says so or it has two digits.
    whole_first = _is_a_date_without_marks(digits[0])
    return all(
        _may_be_of_a_date(word) or (bool(letters) and _is_a_time(word))
        for word in (digits[1:] if whole_first else digits)
    )


def _is_a_date_without_marks(digits: str) -> bool:
    """Whether digits in a row are a year, a date (with or without time), or a day of a year."""
    if len(digits) == 4:
        return int(digits) in _YEARS
    if len(digits) == 7:
        return int(digits[:4]) in _YEARS and 1 <= int(digits[4:]) <= 366
    day, time = (digits[:8], digits[8:]) if len(digits) in (8, 10, 12, 14) else (digits, "")
    if time and not _is_a_time(time):
        return False
    forms = {8: ("%Y%m%d", "%d%m%Y", "%m%d%Y"), 6: ("%y%m%d", "%d%m%y", "%m%d%y")}.get(len(day), ())
    if len(day) == 6 and (_is_a_month(day[:4], day[4:]) or _is_a_month(day[2:], day[:2])):
        return True
    return any(_reads(day, form) for form in forms)


def _is_a_month(year: str, month: str) -> bool:
    return int(year) in _YEARS and 1 <= int(month) <= 12


def _is_a_time(digits: str) -> bool:
    pairs = [int(digits[place : place + 2]) for place in range(0, len(digits), 2)]
    return len(digits) in (2, 4, 6) and pairs[0] < 24 and all(pair < 60 for pair in pairs)


def _may_be_of_a_date(digits: str) -> bool:
    """Whether digits can be a day, a month, a year (of two or four digits)."""
    return len(digits) <= 2 or (len(digits) == 4 and int(digits) in _YEARS)


def _reads(digits: str, form: str) -> bool:
    try:
        return datetime.strptime(f"{digits} +0000", f"{form} %z").year in _YEARS
    except ValueError:
        return False


@cache
def _words_of_dates() -> frozenset[str]:
    """Names of months and weekdays in the letters' languages, and the small words that dates have."""
    small = {
        "t",
        "z",
        "w",
        "q",
        "st",
        "nd",
        "rd",
        "th",
        "of",
        "on",
        "the",
        "date",
        "dated",
        "am",
        "pm",
        "utc",
        "gmt",
    }
    small |= {"de", "du", "le", "el", "den", "vom", "del", "van", "av"}
    from babel import Locale  # only the load of a tenants file needs it, no listing

    names = {
        name
        for language in ("en", "fr", "de", "es", "it", "nl", "sv")
        for table in (Locale(language).months, Locale(language).days)
        for widths in (table["format"], table["stand-alone"])
        for width in ("wide", "abbreviated")
        for name in widths[width].values()
    }
    return frozenset(small | {part for name in names for part in re.findall(r"[a-z]+", name.casefold())})
