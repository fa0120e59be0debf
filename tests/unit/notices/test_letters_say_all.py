"""Each letter, in each language, says all that its kind must say: figures, days and names worked out by hand."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.notices.letter_dates import LetterDates
from cjp_fraud.notices.letter_facts import (
    Answered,
    LaterStage,
    Letter,
    Restored,
    Seen,
    Sender,
    Staged,
    WhyRestored,
)
from cjp_fraud.notices.letter_languages import LANGUAGES
from cjp_fraud.notices.letters import (
    Addressee,
    fill_at_dispatch,
    finished_body,
    render,
    values_at_dispatch,
)
from cjp_fraud.notices.model import NoticeKind

SEEN_AT = datetime(2015, 3, 14, 3, 10, tzinfo=UTC)
FOUND_AT = datetime(2015, 3, 15, 9, 20, tzinfo=UTC)
BEGINS = datetime(2015, 4, 12, 12, 30, tzinfo=UTC)
ENDS = datetime(2015, 4, 16, 12, 30, tzinfo=UTC)
DISPUTE_UNTIL = datetime(2015, 5, 13, 12, 30, tzinfo=UTC)
KEPT_UNTIL = datetime(2015, 4, 22, 12, 30, tzinfo=UTC)
ANSWERED = datetime(2015, 4, 9, 10, 40, tzinfo=UTC)
DISPUTED = datetime(2015, 4, 8, 10, 40, tzinfo=UTC)
NARROWED = datetime(2015, 4, 13, 8, 15, tzinfo=UTC)
NEXT_STAGE = datetime(2015, 4, 14, 9, 25, tzinfo=UTC)
LIFTED = datetime(2015, 4, 17, 7, 35, tzinfo=UTC)
RESTORED = datetime(2015, 4, 10, 11, 50, tzinfo=UTC)
CURE_UNTIL = datetime(2015, 4, 24, 12, 30, tzinfo=UTC)

MONTHS = {
    "en": ("March", "April", "May"),
    "fr": ("mars", "avril", "mai"),
    "fr-CA": ("mars", "avril", "mai"),
    "de": ("März", "April", "Mai"),
    "es": ("marzo", "abril", "mayo"),
    "it": ("marzo", "aprile", "maggio"),
    "nl": ("maart", "april", "mei"),
    "sv": ("mars", "april", "maj"),
    "ja": ("3月", "4月", "5月"),
}
DAYS = {"de": "{d}. {m} 2015", "es": "{d} de {m} de 2015", "ja": "2015年{m}{d}日"}
CLOCKS = {"fr": "{h} h {m}", "fr-CA": "{h} h {m}", "ja": "{h}時{m}分"}
OBSERVED = {"en": "1,412", "fr": "1 412", "fr-CA": "1 412", "sv": "1 412", "ja": "1,412"}
CHANNEL = {
    "en": "Voice, outbound",
    "fr": "Voix, sens sortant",
    "fr-CA": "Voix, sens sortant",
    "de": "Sprache, ausgehend",
    "es": "Voz, sentido saliente",
    "it": "Voce, in uscita",
    "nl": "Spraak, uitgaand",
    "sv": "Röst, utgående",
    "ja": "音声、アウトバウンド",
}
FRAUDULENT = {
    "en": "fraudulent",
    "fr": "frauduleu",
    "fr-CA": "frauduleu",
    "de": "betrügerisch",
    "es": "fraudulent",
    "it": "fraudolent",
    "nl": "frauduleu",
    "sv": "bedräglig",
    "ja": "不正",
}
NARROWLY = ("+37167", "+37168")
REMAINS = (MeasureKind.BLOCK_DESTINATIONS, Scope(destination_prefixes=("+37167",)))
LATER = (MeasureKind.LIMIT_RATE, Scope(contacts_per_hour=77))
TENANT = re.compile(
    r"\btenants?\b|locataire|\bMandant|\bMieter|inquilin|hyresgäst|huurder|テナント", re.IGNORECASE
)
ACCUSES = re.compile(
    r"\byou (?:have )?(?:commit|defraud)|your fraud|vous avez (?:fraud|commis)|votre fraude|Ihr(?:en?)? Betrug|"
    r"su fraude|la vostra frode|uw fraude|ert bedrägeri|貴社の不正|お客様の不正",
    re.IGNORECASE,
)

FINDINGS = {NoticeKind.SUSPENSION, NoticeKind.REAFFIRMATION, NoticeKind.BREACH}
SEEN_IN = FINDINGS | {NoticeKind.CONDITIONAL_WARNING}
DISPUTABLE = SEEN_IN | {NoticeKind.DISPUTE_ANSWER, NoticeKind.CAP, NoticeKind.STAGED_REINSTATEMENT}


def a_letter(kind: NoticeKind) -> Letter:
    return Letter(
        kind=kind,
        case_reference="1734",
        sender=Sender("Example Cloud Ltd.", "disputes@provider.example", "+1 555 0100"),
        measure=MeasureKind.BLOCK_DESTINATIONS,
        scope=Scope(channels=("voice",), directions=("outbound",), destination_prefixes=NARROWLY),
        seen=(Seen("voice", "outbound", "dialler-3", SEEN_AT, 300, 1412.0, 37.4, 2.5e-5),),
        grounds=("unusual_destinations",),
        determined_at=FOUND_AT,
        lasts=timedelta(hours=96),
        until=KEPT_UNTIL,
        restored=Restored(RESTORED, WhyRestored.LAPSED),
        term_concerned="Offer 10.0, 3.2",
        cure_until=CURE_UNTIL,
        consent="Order form 7, section 4.2",
        began=KEPT_UNTIL,
        answered=Answered(DISPUTED, ANSWERED, upheld=False, in_force=True),
        staged=Staged(NARROWED, REMAINS, (LaterStage(*LATER, NEXT_STAGE),), LIFTED),
    )


def said_by(kind: NoticeKind, language: str) -> tuple[str, str]:
    """Return subject and body of a letter as it leaves, each in one line with plain blanks."""
    to = Addressee(
        language, "acme-7", "Etc/UTC", document="Offer 10.0", notice_clause=None, service="Contact Suite"
    )
    rendered = render(a_letter(kind), to)
    values = values_at_dispatch(
        LetterDates(BEGINS, BEGINS, ENDS, DISPUTE_UNTIL),
        customer_name="Acme & Sons",
        notice_number="7-1",
        time_zone="Etc/UTC",
        language=rendered.locale,
    )
    body = finished_body(rendered.body, values, rendered.language, simulated_clock=False)
    subject = fill_at_dispatch(rendered.subject, values)
    return re.sub(r"\s+", " ", subject), re.sub(r"\s+", " ", body)


def moment(at: datetime, language: str) -> re.Pattern[str]:
    """Return the moment as the language writes it: its day, and near it its time of day."""
    month = MONTHS[language][at.month - 3]
    day = DAYS.get(language, "{d} {m} 2015").format(d=at.day, m=month)
    hour = f"{at.hour}" if language in CLOCKS else f"{at.hour:02}"
    clock = CLOCKS.get(language, "{h}:{m}").format(h=hour, m=f"{at.minute:02}")
    return re.compile(rf"{re.escape(day)}.{{0,12}}{re.escape(clock)}")


def must_be_said(kind: NoticeKind, language: str) -> dict[str, str | re.Pattern[str]]:
    """Return what a letter of a kind must say, by the words of the requirement."""
    facts: dict[str, str | re.Pattern[str]] = {
        "who writes": "Example Cloud Ltd.",
        "to whom": "Acme & Sons",
        "which service": "Contact Suite",
        "clause": re.compile(r"Offer 10\.0.{0,20}2\.4"),
        "the notice": "7-1",
        "the reference": "1734",
        "how to reach us": "disputes@provider.example",
        "on which day": moment(BEGINS, language),
    }
    facts |= {f"how narrowly, {prefix}": prefix for prefix in NARROWLY}
    if kind in SEEN_IN:
        facts |= {
            "channel": CHANNEL[language],
            "application": "dialler-3",
            "when seen": moment(SEEN_AT, language),
            "observed": OBSERVED.get(language, "1.412"),
            "usual": re.compile(r"(?<!\d)37(?!\d)"),
        }
    if kind in FINDINGS:
        facts |= {"determined": FRAUDULENT[language], "when determined": moment(FOUND_AT, language)}
    if kind in DISPUTABLE:
        facts |= {"dispute until when": moment(DISPUTE_UNTIL, language)}
    if kind in {NoticeKind.CONDITIONAL_WARNING, NoticeKind.BREACH}:
        facts |= {"how long": re.compile(r"(?<!\d)(?:96|4)(?!\d)")}
    return facts | (MORE[kind](language) if kind in MORE else {})


MORE: dict[NoticeKind, Callable[[str], dict[str, str | re.Pattern[str]]]] = {
    NoticeKind.SUSPENSION: lambda language: {"how long": moment(ENDS, language)},
    NoticeKind.REAFFIRMATION: lambda language: {"how long": moment(KEPT_UNTIL, language)},
    NoticeKind.BREACH: lambda language: {
        "the term": "Offer 10.0, 3.2",
        "cure until": moment(CURE_UNTIL, language),
    },
    NoticeKind.DISPUTE_ANSWER: lambda language: {
        "disputed when": moment(DISPUTED, language),
        "answered when": moment(ANSWERED, language),
        "how long": moment(KEPT_UNTIL, language),
    },
    NoticeKind.CAP: lambda language: {
        "what was signed": "Order form 7, section 4.2",
        "how long": moment(KEPT_UNTIL, language),
    },
    NoticeKind.STAGED_REINSTATEMENT: lambda language: {
        "narrowed when": moment(NARROWED, language),
        "next stage when": moment(NEXT_STAGE, language),
        "what stays then": "77",
        "lifted when": moment(LIFTED, language),
        "how long": moment(KEPT_UNTIL, language),
        "determined": FRAUDULENT[language],
    },
    NoticeKind.REINSTATEMENT: lambda language: {"restored when": moment(RESTORED, language)},
}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", NoticeKind)
def test_every_letter_says_all_that_its_kind_must_say(kind: NoticeKind, language: str) -> None:
    subject, body = said_by(kind, language)
    lacking = [
        name
        for name, fact in must_be_said(kind, language).items()
        if not (fact in body if isinstance(fact, str) else fact.search(body))
    ]
    assert not lacking, f"{lacking}\n{body}"
    assert "1734" in subject


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("kind", NoticeKind)
def test_no_letter_says_tenant_or_accuses(kind: NoticeKind, language: str) -> None:
    for text in said_by(kind, language):
        assert not TENANT.search(text), TENANT.search(text)
        assert not ACCUSES.search(text), ACCUSES.search(text)


@pytest.mark.parametrize("kind", NoticeKind)
def test_canadian_french_is_written_as_in_canada(kind: NoticeKind) -> None:
    french, canadian = said_by(kind, "fr")[1], said_by(kind, "fr-CA")[1]
    assert "Contact : +1 555 0100" in french
    assert "Coordonnées : +1 555 0100" in canadian
    assert " ;" not in canadian, "no blank before a semicolon"
    assert canadian.count(";") == french.count(" ;")


def test_the_letters_of_two_languages_are_never_alike() -> None:
    for kind in NoticeKind:
        assert len({said_by(kind, language)[1] for language in LANGUAGES}) == len(LANGUAGES)


def test_an_hour_without_minutes_is_short_in_canada_only() -> None:
    whole = replace(a_letter(NoticeKind.SUSPENSION), determined_at=FOUND_AT.replace(minute=0))
    bodies = {
        tag: render(
            whole, Addressee(tag, "acme-7", "Etc/UTC", document="Offer 10.0", notice_clause=None)
        ).body
        for tag in ("fr", "fr-CA")
    }
    assert re.search(r"9\sh\s00", bodies["fr"])
    assert not re.search(r"9\sh\s00", bodies["fr-CA"])
    assert re.search(r"9\sh\b", bodies["fr-CA"])
