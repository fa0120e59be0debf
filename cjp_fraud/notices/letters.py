"""Letters: what a notice says, in the contract's language, from templates that carry their version.

A letter is written in two stages. All that is decided goes in when the proposal is drawn up (``{{ name }}`` in
the templates); what only the dispatch knows stays a placeholder (``⟦name⟧``, :data:`AT_DISPATCH`) until then.
Moments, numbers and plurals are written as the letter's language writes them (:mod:`cjp_fraud.notices.letter_words`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Final

from babel import Locale, UnknownLocaleError
from jinja2 import Environment, StrictUndefined, Template

from cjp_fraud.contracts.restriction import CHANNELS, DIRECTIONS, MeasureKind, Scope
from cjp_fraud.errors import BadInputError
from cjp_fraud.notices.letter_dates import LetterDates
from cjp_fraud.notices.letter_facts import Letter, Seen
from cjp_fraud.notices.letter_words import (
    TEMPLATES,
    counted,
    enumerated,
    fill,
    hours,
    minutes,
    moment,
    number,
    phrases,
    wrapped,
)
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.notices.principal_names import is_secret, last_characters

LANGUAGES: Final = ("en", "fr", "de", "es")
"""Languages that letters can be written in."""

AT_DISPATCH: Final = (
    "customer_name",
    "dispatched_on",
    "dispute_until",
    "effective_from",
    "ends_at",
    "notice_number",
)
"""Placeholders that are filled at dispatch."""

MOST_SERIES = 10
"""Series that a letter lists one by one."""

_RAREST = 1_000_000_000
"""Odds beyond which a letter says "less than once in"."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """To whom a letter is written, and under which contract.

    Parameters
    ----------
    tag : the contract's language.
    reference : how the customer is referred to (the tenant's id; the name is filled in at dispatch).
    time_zone : IANA zone of the customer.
    document, notice_clause : the governing document, and where its notice provisions stand; None: not known.
    """

    tag: str
    reference: str
    time_zone: str
    document: str | None
    notice_clause: str | None


@dataclass(frozen=True, slots=True)
class RenderedLetter:
    """Subject and body, with the placeholders of :data:`AT_DISPATCH` left, and where they came from.

    Parameters
    ----------
    language : of the words.
    locale : the language with the contract's region, by which numbers and dates are written (``es_MX``).
    """

    language: str
    locale: str
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


def letter_locale(tag: str) -> str:
    """Return the locale of letters under a contract that names ``tag``: the language, with its region if it has one.

    Raises
    ------
    ValueError
        If it is no language tag; :func:`letter_language` returns None then.
    """
    named = Locale.parse(tag, sep="-")
    return f"{named.language}_{named.territory}" if named.territory else named.language


def render(letter: Letter, to: Addressee) -> RenderedLetter:
    """Write a letter, all but what only its dispatch knows.

    Raises
    ------
    BadInputError
        If there is no template in that language: letters are never sent in another one.
    """
    language = letter_language(to.tag)
    if language is None:
        raise BadInputError(
            f"there is no letter in language {to.tag!r}; there are {', '.join(LANGUAGES)}. A notice must be in "
            "the contract's language: have the templates translated, or have counsel check the one on record"
        )
    head, body = _template(letter.kind, language)
    locale = letter_locale(to.tag)
    fields = _fields(letter, to, locale)
    return RenderedLetter(
        language=language,
        locale=locale,
        template=f"{letter.kind}.{language}",
        template_version=f"{head['version']}, phrases {phrases(language)['version']}",
        subject=_ours(head["subject"]).render(fields),
        body=_ours(body).render(fields),
    )


def fill_at_dispatch(text: str, values: Mapping[str, str]) -> str:
    """Fill the placeholders that were left for the dispatch; all that the text has must be given."""
    return DISPATCHED.from_string(text).render(values)


def values_at_dispatch(
    dates: LetterDates, *, customer_name: str, notice_number: str, time_zone: str, language: str
) -> dict[str, str]:
    """Return what the placeholders of :data:`AT_DISPATCH` stand for; ``language`` may have a region (``es_MX``)."""
    values = {
        "customer_name": customer_name,
        "dispatched_on": moment(dates.dispatched_at, time_zone, language),
        "dispute_until": moment(dates.dispute_until, time_zone, language),
        "effective_from": moment(dates.effective_from, time_zone, language),
        "notice_number": notice_number,
    }
    if dates.ends_at is not None:
        values["ends_at"] = moment(dates.ends_at, time_zone, language)
    return values


def finished_body(body: str, values: Mapping[str, str], language: str, *, simulated_clock: bool) -> str:
    """Return a body as it leaves: filled, under a line that says that its clock is simulated, lines wrapped."""
    text = fill_at_dispatch(body, values)
    if simulated_clock:
        text = f"{phrases(language)['simulated_clock']}\n\n{text}"
    return wrapped(text)


def measure_in_words(kind: MeasureKind, scope: Scope, language: str) -> str:
    """Return what a measure restricts, as a line of a letter."""
    said = phrases(language)
    channels = [said["channel"][name] for name in scope.channels]
    limits = []
    if kind is not MeasureKind.SUSPEND_CHANNEL and channels and set(scope.channels) != set(CHANNELS):
        names = enumerated(channels, language)
        limits.append(counted(said["channels_are"], len(channels), language, names=names))
    if scope.directions and set(scope.directions) != set(DIRECTIONS):
        limits += [fill(said["direction_is"], direction=said["direction"][name]) for name in scope.directions]
    applications = enumerated(scope.application_ids, language)
    if kind is not MeasureKind.SUSPEND_APPLICATION and applications:
        count = len(scope.application_ids)
        limits.append(counted(said["applications_are"], count, language, names=applications))
    return counted(
        said["measure"][kind],
        _how_many(kind, scope),
        language,
        limits=fill(said["limited_to"], parts=", ".join(limits)) if limits else "",
        destination_prefixes=enumerated(scope.destination_prefixes, language, "or"),
        origins=enumerated(scope.origins, language, "or"),
        application_ids=applications,
        channels=enumerated(channels, language),
        principals=enumerated([_principal(each, language) for each in scope.principal_ids], language),
    )


def ground_in_words(ground: str, language: str = "en") -> str:
    """Return a ground of the catalogue as letters say it.

    Raises
    ------
    KeyError
        If the catalogue has no such ground.
    """
    words: str = phrases(language)["grounds"][ground]
    return words


def _principal(principal_id: str, language: str) -> str:
    """Return a user, a credential or a key as the customer knows it; of a secret the last characters."""
    if not is_secret(principal_id):
        return principal_id
    return fill(phrases(language)["principal_ending"], last=last_characters(principal_id))


def _how_many(kind: MeasureKind, scope: Scope) -> int:
    """Return the number by which the words of a measure are chosen; 2 where they do not depend on one."""
    numbers = {
        MeasureKind.LIMIT_RATE: scope.contacts_per_hour or 0,
        MeasureKind.SUSPEND_PRINCIPAL: len(scope.principal_ids),
        MeasureKind.SUSPEND_APPLICATION: len(scope.application_ids),
        MeasureKind.SUSPEND_CHANNEL: len(scope.channels),
    }
    return numbers.get(kind, 2)


def _fields(letter: Letter, to: Addressee, language: str) -> dict[str, Any]:
    """Return what the templates of a language can name; what a kind of letter does not have is left out."""
    said, sender = phrases(language), letter.sender
    fields: dict[str, Any] = {
        "provider": sender.legal_name,
        "contact": sender.contact,
        "reply_to": sender.reply_to,
        "answer": hours(sender.answer_hours, language),
        "customer": to.reference,
        "time_zone": to.time_zone,
        "case": letter.case_reference,
        "document": to.document,
        "notices": to.notice_clause,
        "measure": measure_in_words(letter.measure, letter.scope, language),
        "seen": _seen(letter.seen, to.time_zone, language),
        "grounds": "\n".join(f"- {ground_in_words(ground, language)}" for ground in letter.grounds),
    }
    for name, at in (("determined_at", letter.determined_at), ("until", letter.until)):
        if at is not None:
            fields[name] = moment(at, to.time_zone, language)
    fields["began"] = moment(letter.began, to.time_zone, language) if letter.began is not None else ""
    if letter.restored is not None:
        fields["restored_at"] = moment(letter.restored.at, to.time_zone, language)
        fields["why_restored"] = said["restored"][letter.restored.why]
    fields |= _of_other_letters(letter, to.time_zone, language)
    fields["clause"] = fill(said["clause"], **fields)
    for name in _PARTS:
        fields[name] = _OurText(_ours(said[name]).render(fields))
    return fields


def _of_other_letters(letter: Letter, time_zone: str, language: str) -> dict[str, Any]:
    """Return what a letter says of the notice before it; empty words where it says nothing."""
    said, withdrawn = phrases(language), letter.withdrawn
    notices = [
        fill(said["announced_notice"], number=notice.number, dated=moment(notice.dated, time_zone, language))
        for notice in letter.announced
    ]
    names = enumerated(notices, language)
    may_have_begun = withdrawn is not None and withdrawn.may_have_begun
    return {
        "announced": counted(said["announced"], len(notices), language, notices=names) if notices else "",
        "why_withdrawn": said["withdrawn"][withdrawn.why] if withdrawn is not None else "",
        "may_have_begun": said["withdrawn"]["may_have_begun"] if may_have_begun else "",
    }


_PARTS: Final = (
    *("head", "relies_on", "about_the_traffic", "longer", "stays_possible", "dispute", "questions"),
)
"""Phrases that several templates share; they may name placeholders for the dispatch."""


class _OurText(str):
    """Text of the templates in which people's words are marked already: its placeholders are meant."""

    __slots__ = ()


def _seen(flags: tuple[Seen, ...], time_zone: str, language: str) -> str:
    series: dict[tuple[str, str, str, int], list[Seen]] = {}
    for flag in flags:
        key = (flag.channel, flag.direction, flag.application_id or "", flag.interval_seconds)
        series.setdefault(key, []).append(flag)
    lines = [_series_line(members, time_zone, language) for _, members in sorted(series.items())]
    beyond = len(lines) - MOST_SERIES
    if beyond > 0:
        lines = [*lines[:MOST_SERIES], counted(phrases(language)["further"], beyond, language)]
    return "\n".join(lines)


def _series_line(flags: list[Seen], time_zone: str, language: str) -> str:
    said = phrases(language)
    peak = min(flags, key=lambda flag: (flag.p_value, flag.interval_start))
    carried = fill(said["carried"], application=peak.application_id) if peak.application_id else ""
    channel = said["channel"].get(peak.channel, peak.channel)
    what = fill(
        said["what"],
        channel=channel[:1].upper() + channel[1:],
        direction=said["direction"].get(peak.direction, peak.direction),
        carried=carried,
    )
    end = max(flag.interval_start + timedelta(seconds=flag.interval_seconds) for flag in flags)
    line = counted(
        said["series"],
        len(flags),
        language,
        what=what,
        minutes=minutes(peak.interval_seconds, language),
        first=moment(min(flag.interval_start for flag in flags), time_zone, language),
        last=moment(end, time_zone, language),
        peak=moment(peak.interval_start, time_zone, language),
        observed=counted(said["observed"], peak.observed, language),
        usual=counted(said["usual"], peak.usual, language),
    )
    return f"{line} {_odds(peak.p_value, language)}".rstrip()


def _odds(p_value: float, language: str) -> str:
    """Return how often chance brings such an interval; nothing where it does so every other time."""
    said = phrases(language)
    if not p_value > 1 / _RAREST:
        return fill(said["odds_beyond"], n=number(_RAREST, language))
    odds = float(f"{1 / min(p_value, 1.0):.1e}")
    return counted(said["odds"], odds, language) if odds >= 2 else ""


def _as_text(value: Any) -> Any:
    """Return people's words so that nothing in them is taken for a placeholder at dispatch."""
    if isinstance(value, _OurText) or not isinstance(value, str):
        return value
    return value.replace("⟦", '⟦"⟦"⟧')


_APPROVED = Environment(undefined=StrictUndefined, keep_trailing_newline=True, finalize=_as_text)
DISPATCHED = Environment(
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    variable_start_string="⟦",
    variable_end_string="⟧",
    block_start_string="⟦%",
    block_end_string="%⟧",
    comment_start_string="⟦#",
    comment_end_string="#⟧",
)
"""Reads what was approved: all but ``⟦name⟧`` in it is text, whatever it looks like."""


@cache
def _ours(text: str) -> Template:
    """Return a text of the templates, ready to be filled."""
    return _APPROVED.from_string(text)


@cache
def _template(kind: NoticeKind, language: str) -> tuple[Mapping[str, str], str]:
    text = (TEMPLATES / f"{kind}.{language}.txt").read_text(encoding="utf-8")
    head, _, body = text.partition("\n---\n")
    return dict(line.split(": ", 1) for line in head.splitlines()), body
