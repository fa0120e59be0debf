"""Letters: what a notice says, in the contract's language, from templates that carry their version.

A letter is written in two stages. All that is decided goes in when the proposal is drawn up (``{{ name }}`` in
the templates); what only the dispatch knows stays a placeholder (``⟦name⟧``, :data:`AT_DISPATCH`) until then.
Numbers and durations are written as the letter's language writes them, moments as 2026-01-31 09:00 UTC in all.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.resources import files
from typing import Any, Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_datetime
from babel.numbers import format_decimal
from babel.units import format_unit
from jinja2 import Environment, StrictUndefined

from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.errors import BadInputError
from cjp_fraud.notices.model import NoticeKind

LANGUAGES: Final = ("en", "fr", "de", "es")
"""Languages that letters can be written in."""

AT_DISPATCH: Final = ("dispatched_on", "effective_from", "notice_number")
"""Placeholders that are filled at dispatch."""

MOST_SERIES = 10
"""Series that a letter lists one by one."""

_TEMPLATES = files("cjp_fraud.notices") / "templates"
_RAREST = 1_000_000_000
"""Odds beyond which a letter says "more than"."""


@dataclass(frozen=True, slots=True)
class Seen:
    """One flagged interval, as a letter tells it.

    Parameters
    ----------
    interval_start : aware.
    observed, usual : contacts in the interval.
    p_value : chance of such an interval, or a more unusual one.
    application_id : what carried it; None: no third-party application or bot.
    """

    channel: str
    direction: str
    application_id: str | None
    interval_start: datetime
    interval_seconds: int
    observed: float
    usual: float
    p_value: float


@dataclass(frozen=True, slots=True)
class Letter:
    """The facts of a letter.

    Parameters
    ----------
    case_reference : what the customer quotes.
    provider_name : who writes.
    reply_to : address to which a dispute is written.
    seen : the flags that the determination names; none in a withdrawal or a reinstatement.
    measure, scope : what is restricted, or was to be.
    lasts : longest duration of the measure.
    """

    kind: NoticeKind
    case_reference: str
    provider_name: str
    reply_to: str
    seen: tuple[Seen, ...]
    measure: MeasureKind
    scope: Scope
    lasts: timedelta


@dataclass(frozen=True, slots=True)
class RenderedLetter:
    """Subject and body, with the placeholders of :data:`AT_DISPATCH` left, and where they came from."""

    language: str
    template: str
    template_version: str
    subject: str
    body: str


def letter_language(tag: str) -> str | None:
    """Return the language of letters under a contract that names ``tag``; None: there are no templates in it."""
    try:
        language = Locale.parse(tag, sep="-").language
    except (ValueError, UnknownLocaleError):
        return None
    return language if language in LANGUAGES else None


def render(letter: Letter, *, tag: str, customer: str, clause: str) -> RenderedLetter:
    """Write a letter, all but what only its dispatch knows.

    Parameters
    ----------
    tag : the contract's language.
    customer : how the customer is referred to (the tenant's id, never a name).
    clause : document and clause relied on.

    Raises
    ------
    BadInputError
        If there is no template in that language: letters are never sent in another one.
    """
    language = letter_language(tag)
    if language is None:
        raise BadInputError(
            f"there is no letter in language {tag!r}; there are {', '.join(LANGUAGES)}. A notice must be in "
            "the contract's language: have the templates translated, or have counsel check the one on record"
        )
    head, body = _template(letter.kind, language)
    phrases = _phrases(language)
    fields = {
        "provider": letter.provider_name,
        "customer": customer,
        "case": letter.case_reference,
        "reply_to": letter.reply_to,
        "clause": clause,
        "seen": _seen(letter.seen, phrases),
        "measure": measure_in_words(letter.measure, letter.scope, language),
        "lasts": _fill(phrases["lasts"], duration=_duration(letter.lasts, language)),
    }
    return RenderedLetter(
        language=language,
        template=f"{letter.kind}.{language}",
        template_version=f"{head['version']}, phrases {phrases['version']}",
        subject=_APPROVED.from_string(head["subject"]).render(fields),
        body=_APPROVED.from_string(body).render(fields),
    )


def fill_at_dispatch(text: str, values: Mapping[str, str]) -> str:
    """Fill the placeholders that were left for the dispatch; all of :data:`AT_DISPATCH` must be given."""
    return DISPATCHED.from_string(text).render(values)


def with_simulated_clock(body: str, language: str) -> str:
    """Return the body of a letter under a line which says that its clock is simulated."""
    return f"{_phrases(language)['simulated_clock']}\n\n{body}"


def measure_in_words(kind: MeasureKind, scope: Scope, language: str) -> str:
    """Return what a measure restricts, as a sentence of a letter."""
    phrases = _phrases(language)
    limits = []
    if kind is not MeasureKind.SUSPEND_CHANNEL and scope.channels:
        names = ", ".join(phrases["channel"][name] for name in scope.channels)
        limits.append(_fill(phrases["channels_are"], names=names))
    if scope.directions:
        names = ", ".join(phrases["direction"][name] for name in scope.directions)
        limits.append(_fill(phrases["directions_are"], names=names))
    if kind is not MeasureKind.SUSPEND_APPLICATION and scope.application_ids:
        limits.append(_fill(phrases["applications_are"], names=", ".join(scope.application_ids)))
    return _fill(
        phrases["measure"][kind],
        limits=_fill(phrases["limited_to"], parts="; ".join(limits)) if limits else "",
        destination_prefixes=", ".join(scope.destination_prefixes),
        origins=", ".join(scope.origins),
        contacts_per_hour=_number(scope.contacts_per_hour or 0, language),
        principals=_number(len(scope.principal_ids), language),
        application_ids=", ".join(scope.application_ids),
        channels=", ".join(phrases["channel"][name] for name in scope.channels),
    )


def _seen(flags: tuple[Seen, ...], phrases: Mapping[str, Any]) -> str:
    series: dict[tuple[str, str, str, int], list[Seen]] = {}
    for flag in flags:
        key = (flag.channel, flag.direction, flag.application_id or "", flag.interval_seconds)
        series.setdefault(key, []).append(flag)
    lines = [_series_line(members, phrases) for _, members in sorted(series.items())]
    beyond = len(lines) - MOST_SERIES
    if beyond > 0:
        lines = [*lines[:MOST_SERIES], _fill(phrases["further"], count=_number(beyond, phrases["language"]))]
    return "\n".join(lines)


def _series_line(flags: list[Seen], phrases: Mapping[str, Any]) -> str:
    language = phrases["language"]
    peak = min(flags, key=lambda flag: (flag.p_value, flag.interval_start))
    seconds = timedelta(seconds=peak.interval_seconds)
    carried = _fill(phrases["carried"], application=peak.application_id) if peak.application_id else ""
    return _fill(
        phrases["series"],
        channel=phrases["channel"].get(peak.channel, peak.channel),
        direction=phrases["direction"].get(peak.direction, peak.direction),
        carried=carried,
        first=_minute(min(flag.interval_start for flag in flags), language),
        last=_minute(max(flag.interval_start for flag in flags) + seconds, language),
        intervals=_number(len(flags), language),
        minutes=format_decimal(peak.interval_seconds / 60, locale=language),
        peak=_minute(peak.interval_start, language),
        observed=_number(peak.observed, language),
        usual=_number(peak.usual, language),
        odds=_odds(peak.p_value, phrases),
    )


def _odds(p_value: float, phrases: Mapping[str, Any]) -> str:
    if not p_value > 1 / _RAREST:
        return _fill(phrases["odds_beyond"], odds=_number(_RAREST, phrases["language"]))
    return _number(float(f"{1 / min(p_value, 1.0):.1e}"), phrases["language"])


def _duration(duration: timedelta, language: str) -> str:
    """Return a duration, exactly: in days where it is whole days and more than one, else in hours."""
    if duration % timedelta(days=1) == timedelta(0) and duration > timedelta(days=1):
        return format_unit(duration.days, "duration-day", locale=language)
    return format_unit(duration / timedelta(hours=1), "duration-hour", locale=language)


def _number(value: float, language: str) -> str:
    return format_decimal(round(value), locale=language)


def _minute(at: datetime, language: str) -> str:
    return format_datetime(at.astimezone(UTC), "yyyy-MM-dd HH:mm 'UTC'", locale=language)


def _fill(phrase: str, **values: str) -> str:
    return _PHRASES.from_string(phrase).render(values)


def _as_text(value: str) -> str:
    """Return people's words so that nothing in them is taken for a placeholder at dispatch."""
    return value.replace("⟦", '⟦"⟦"⟧')


def _environment(**options: Any) -> Environment:
    return Environment(undefined=StrictUndefined, keep_trailing_newline=True, **options)


_PHRASES = _environment()
_APPROVED = _environment(finalize=_as_text)
DISPATCHED = _environment(
    variable_start_string="⟦",
    variable_end_string="⟧",
    block_start_string="⟦%",
    block_end_string="%⟧",
    comment_start_string="⟦#",
    comment_end_string="#⟧",
)
"""Reads what was approved: all but ``⟦name⟧`` in it is text, whatever it looks like."""


@cache
def _template(kind: NoticeKind, language: str) -> tuple[Mapping[str, str], str]:
    text = (_TEMPLATES / f"{kind}.{language}.txt").read_text(encoding="utf-8")
    head, _, body = text.partition("\n---\n")
    return dict(line.split(": ", 1) for line in head.splitlines()), body


@cache
def _phrases(language: str) -> Mapping[str, Any]:
    phrases = tomllib.loads((_TEMPLATES / f"phrases.{language}.toml").read_text(encoding="utf-8"))
    return phrases | {"language": language}
