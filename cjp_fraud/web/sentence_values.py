"""What fills the forms of sentences, in the reader's language: labels, numbers, moments, countries, traffic."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Final

from babel.dates import format_date, format_datetime, get_day_names

from cjp_fraud.catalogues import _
from cjp_fraud.contracts.restriction import MeasureKind
from cjp_fraud.people.model import Role
from cjp_fraud.review.known_event import KnownEventKind
from cjp_fraud.review.model import CaseState, DisputeState
from cjp_fraud.web.labels import LABELS
from cjp_fraud.web.words import Words
from features.counting_clocks import Clock

BETWEEN: Final = _("; ")
"""What stands between two sentences in a line."""

COLON: Final = _(":")
SEMICOLON: Final = _(";")
"""With the space before it that a language wants."""

OR: Final = _(" or ")

_DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MOMENT: Final = r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z| UTC)"
_DAY: Final = r"\d{4}-\d\d-\d\d"
_NUMBER: Final = r"-?[\d,]*\d(?:\.\d+)?"
_NAME: Final = r"[a-z][a-z0-9_.]*"
_ROLE: Final = "|".join(Role)
_STATE: Final = "|".join(
    name for state in CaseState for name in dict.fromkeys((state.value, state.value.replace("_", " ")))
)
_MEASURE: Final = "|".join(MeasureKind)
_EVENT: Final = "|".join(kind.replace("_", " ") for kind in KnownEventKind)
_STREAM: Final = r"(?:voice|chat|email|sms|social) (?:inbound|outbound)"


@dataclass(frozen=True, slots=True)
class Value:
    """A kind of value inside of a sentence.

    Parameters
    ----------
    form : the regular expression of it, as operations write it.
    say : it in the reader's words.
    """

    form: str
    say: Callable[[Words, str], str]


_IN_SCOPES: Final = {
    "application": _("application"),
    "principal": _("user or credential"),
    "destination prefix": _("destination prefix"),
    "origin": _("origin"),
    "calls to": _("calls to"),
}
"""How a sentence names what a measure restricts → the message of it."""

_LETTERS: Final = (
    *("suspension", "conditional warning", "withdrawal", "reinstatement", "staged reinstatement", "breach"),
    *("dispute answer", "reaffirmation", "cap"),
)
_NAMELESS: Final = {"who approved": _("who approved"), "who ordered it": _("who ordered it")}
"""Who is meant where no name is on record."""

_HELD: Final = {"an approver": "approver", "a reviewer": "reviewer", "counsel": "counsel"}


def _roles(words: Words, value: str) -> str:
    return words.gettext(OR).join(map(words.label, value.split(" or ")))


def _labels(words: Words, value: str) -> str:
    return ", ".join(map(words.label, value.split(", ")))


def _low_label(words: Words, value: str) -> str:
    return words.label(value).lower()


def _state(words: Words, value: str) -> str:
    return words.label(value.replace(" ", "_")).lower()


def _event(words: Words, value: str) -> str:
    return words.label(f"event_{value.replace(' ', '_')}")


def _kinds(words: Words, value: str) -> str:
    return ", ".join(_low_label(words, each) for each in value.split(", "))


def _stream(words: Words, value: str) -> str:
    channel, direction = value.split()
    return words.label(f"{direction} {channel}")


def _streams(words: Words, value: str) -> str:
    return ", ".join(_stream(words, each) for each in re.split(r", | and ", value))


def _series(words: Words, value: str) -> str:
    channel, direction, *application = value.split(", ", 2)
    named = "".join(f" · {each.removeprefix('application ')}" for each in application)
    said = words.label(f"{direction} {channel.lower()}")
    return f"{said[:1].upper()}{said[1:]}{named}"


def _restricted(words: Words, value: str) -> str:
    return words.gettext(_IN_SCOPES[value])


def _letter(words: Words, value: str) -> str:
    return words.gettext(value)


def _name(words: Words, value: str) -> str:
    return words.gettext(_NAMELESS[value]) if value in _NAMELESS else value


def _held(words: Words, value: str) -> str:
    return words.label(_HELD[value])


def _scope(words: Words, value: str) -> str:
    """A measure with what it restricts: ``block_destinations (voice, outbound, +371)``."""
    kind, _bracket, named = value.removesuffix(")").partition(" (")
    inside = f" ({_known_words(words, named)})" if named else ""
    return f"{_low_label(words, kind)}{inside}"


def _known_words(words: Words, value: str) -> str:
    """A list in which channels, directions and countries have words of their own, and names stand as they are."""
    return re.sub(r"(?<!\S)(?:[a-z]+|[A-Z]{2})(?=[,;]|$)", lambda each: _known_word(words, each[0]), value)


def _known_word(words: Words, value: str) -> str:
    if value in LABELS:
        return words.label(value)
    return words.country(value) if value.isupper() else value


def _clock(words: Words, value: str) -> str:
    return words.label(f"clock_{value}")


def _percent(words: Words, value: str) -> str:
    return words.percent(int(value.removesuffix("%")) / 100)


def _number(words: Words, value: str) -> str:
    plain = value.replace(",", "")
    digits = len(plain.partition(".")[2])
    return words.number(float(plain) if digits else int(plain), digits)


def _moment(words: Words, value: str) -> str:
    plain = value.removesuffix("Z").removesuffix(" UTC")
    return words.moment(datetime.fromisoformat(plain).replace(tzinfo=UTC))


def _local(words: Words, value: str) -> str:
    """A moment of a place's own clock, in which it stays."""
    return format_datetime(datetime.fromisoformat(value), "d MMM y, HH:mm", locale=words.language)


def _day(words: Words, value: str) -> str:
    return format_date(date.fromisoformat(value), "medium", locale=words.language)


def _weekday(words: Words, value: str) -> str:
    return str(get_day_names(locale=words.language)[_DAYS.index(value)])


def _as_it_is(_words: Words, value: str) -> str:
    return value


def _countries(words: Words, value: str) -> str:
    return ", ".join(words.country(code) for code in value.split(", "))


VALUES: Final[Mapping[str, Value]] = {
    "state": Value(_STATE, _state),
    "event": Value(_EVENT, _event),
    "roles": Value(rf"(?:{_ROLE})(?: or (?:{_ROLE}))*", _roles),
    "role_named": Value(_ROLE, Words.label),
    "listed_roles": Value(rf"(?:{_ROLE})(?:, (?:{_ROLE}))*", _labels),
    "held_role": Value("|".join(_HELD), _held),
    "name": Value(".+?", _name),
    "label": Value(_NAME, Words.label),
    "scope_part": Value(
        "channels|directions|destination_prefixes|origins|application_ids|principal_ids|contacts_per_hour",
        Words.label,
    ),
    "decided": Value("|".join(DisputeState), Words.label),
    "entry_state": Value(_NAME, _low_label),
    "clock_named": Value("|".join(Clock), _clock),
    "kind": Value(_NAME, _low_label),
    "kinds": Value(rf"{_NAME}(?:, {_NAME})*", _kinds),
    "restricted": Value("|".join(_IN_SCOPES), _restricted),
    "letter": Value("|".join(_LETTERS), _letter),
    "scope": Value(rf"(?:{_MEASURE})(?: \(.+?\))?", _scope),
    "reach": Value(
        r"[a-z]+(?:, [a-z]+)*(?:; [A-Z]{2}(?:, [A-Z]{2})*)?|[A-Z]{2}(?:, [A-Z]{2})*", _known_words
    ),
    "stream": Value(_STREAM, _stream),
    "streams": Value(rf"{_STREAM}(?:(?:, | and ){_STREAM})*", _streams),
    "series": Value(r"(?:Voice|Chat|Email|Sms|Social), (?:inbound|outbound)(?:, application .+?)?", _series),
    "num": Value(_NUMBER, _number),
    "percent": Value(r"\d+%", _percent),
    "moment": Value(_MOMENT, _moment),
    "local": Value(rf"{_DAY} \d\d:\d\d", _local),
    "clock": Value(r"\d\d:\d\d", _as_it_is),
    "day": Value(_DAY, _day),
    "weekday": Value("|".join(_DAYS), _weekday),
    "country": Value("[A-Z]{2}", Words.country),
    "countries": Value("[A-Z]{2}(?:, [A-Z]{2})*", _countries),
}
"""Kind of a field → how it is found and said; fields of other names hold what is said as it is."""
