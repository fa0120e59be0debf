"""What letters say of traffic: which it is, how much of it was seen, how much is usual, and what chance brings."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cjp_fraud.notices.letter_catalogues import words
from cjp_fraud.notices.letter_languages import LANGUAGES
from cjp_fraud.notices.letter_traffic import MOST_SERIES
from cjp_fraud.notices.model import NoticeKind
from tests.letter_texts import NIGHT, a_letter, said_by, seen


@pytest.mark.parametrize(
    ("language", "contacts"),
    [
        ("en", ("were no contacts", "was one contact", "were 2 contacts", "were 1,000 contacts")),
        ("fr", ("aucun contact", "un contact", "2 contacts", "1\u202f000 contacts")),
        ("de", ("keine Kontakte", "einen Kontakt", "2 Kontakte", "1.000 Kontakte")),
        ("es", ("no hubo ningún contacto", "hubo un contacto", "hubo 2 contactos", "hubo 1.000 contactos")),
        ("it", ("alcun contatto", "registrato un contatto", "registrati 2 contatti", "1.000 contatti")),
        ("nl", ("geen contacten", "was er één contact", "waren er 2 contacten", "1.000 contacten")),
        ("sv", ("inga kontakter", "en kontakt", "förekom 2 kontakter", "1 000 kontakter")),
        ("ja", ("コンタクトは0件", "コンタクトは1件", "コンタクトは2件", "コンタクトは1,000件")),
    ],
)
def test_plurals_are_right_and_none_is_a_word(language: str, contacts: tuple[str, ...]) -> None:
    for count, said in zip((0, 1, 2, 1000), contacts, strict=True):
        assert said in said_by(a_letter(NoticeKind.SUSPENSION, seen(observed=count)), language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_usual_number_agrees_with_its_verb(language: str) -> None:
    bodies = {
        count: said_by(a_letter(NoticeKind.SUSPENSION, seen(usual=count)), language) for count in (0, 1, 2)
    }
    said = words(language)
    assert said.gettext("none are usual") in bodies[0]
    for count in (1, 2):
        assert said.ngettext("one is usual", "%(n)s are usual", count) in bodies[count]


@pytest.mark.parametrize(
    ("language", "direction", "said"),
    [
        ("en", "outbound", "Voice, outbound, country of destination: Latvia, carried by dialler-3:"),
        ("en", "inbound", "Voice, inbound, country of origin: Latvia,"),
        ("de", "outbound", "Sprache, ausgehend, Zielland: Lettland, befördert durch dialler-3:"),
        ("fr", "outbound", "pays de destination : Lettonie,"),
        ("ja", "outbound", "宛先の国：ラトビア、dialler-3経由"),
    ],
)
def test_where_one_country_rose_it_is_named(language: str, direction: str, said: str) -> None:
    flag = seen(country="LV", direction=direction, interval_seconds=7 * 24 * 3600)
    assert said in said_by(a_letter(NoticeKind.SUSPENSION, flag), language)


def test_the_same_traffic_to_two_countries_is_told_apart() -> None:
    body = said_by(a_letter(NoticeKind.SUSPENSION, seen(country="LV"), seen(country="LT"), seen()))
    assert body.count("one interval of 5 minutes") == 3


def test_odds_too_small_to_tell_are_told_as_less_than() -> None:
    for p_value in (0.0, 5e-324, 1e-12, float("nan")):
        assert "less than once in 1,000,000,000" in said_by(
            a_letter(NoticeKind.SUSPENSION, seen(p_value=p_value))
        )


@pytest.mark.parametrize(
    ("language", "p_value", "said"),
    [
        ("fr", 1 / 3_000_000, "une fois sur 3\u202f000\u202f000 d’intervalles"),
        ("fr", 1 / 3_100_000, "une fois sur 3\u202f100\u202f000 intervalles"),
        ("es", 1 / 3_000_000, "una vez cada 3.000.000 de intervalos"),
        ("es", 1 / 3_100_000, "una vez cada 3.100.000 intervalos"),
        ("de", 1 / 3_000_000, "einmal in 3.000.000 solchen Zeitabschnitten"),
    ],
)
def test_whole_millions_are_said_as_the_language_says_them(language: str, p_value: float, said: str) -> None:
    assert said in said_by(a_letter(NoticeKind.SUSPENSION, seen(p_value=p_value)), language)


def test_flags_of_a_series_share_a_line_and_many_series_are_counted() -> None:
    later = seen(interval_start=NIGHT + timedelta(minutes=5), p_value=1e-3)
    body = said_by(a_letter(NoticeKind.SUSPENSION, later, seen()), "en", "Etc/UTC")
    assert (
        "2 intervals of 5 minutes each, between 31 March 2015 at 03:00 UTC and 31 March 2015 at 03:10 UTC"
        in body
    )
    for count, said in ((1, "- and one further kind of traffic"), (3, "- and 3 further kinds of traffic")):
        many = tuple(seen(application_id=f"app-{number:02}") for number in range(MOST_SERIES + count))
        assert said in said_by(a_letter(NoticeKind.SUSPENSION, *many))
