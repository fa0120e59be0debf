"""The chart of a letter on paper: the numbers of its words, in its language, and nothing else."""

from __future__ import annotations

import html
import io
import re
from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from pypdf import PdfReader

from cjp_fraud.notices.letter_chart import LetterFigures
from cjp_fraud.notices.letter_pdf import PaperLetter, pdf
from cjp_fraud.notices.statement_of_reasons import Fact

PEAK = Fact(
    channel="voice",
    direction="outbound",
    application_id=None,
    country="LV",
    begins_at=datetime(2015, 4, 2, 2, 15, tzinfo=UTC),
    seconds=300,
    observed=11210.4,
    usual=3.2,
    most_unusual=True,
)
OTHER = replace(PEAK, begins_at=datetime(2015, 4, 2, 2, 20, tzinfo=UTC), observed=97, most_unusual=False)


def texts_of(figures: LetterFigures) -> list[str]:
    """Return the texts of a letter's chart, in the order in which they stand in the picture."""
    chart = figures.chart()
    assert chart is not None
    return [html.unescape(text) for text in re.findall(r">([^<>]+)<", chart.svg.decode())]


def test_it_shows_the_most_unusual_interval_on_the_customers_clock_and_no_other() -> None:
    texts = texts_of(LetterFigures((PEAK, OTHER), "America/New_York", "en"))
    assert {"11,210", "3", "seen", "usual", "Contacts in the interval"} <= set(texts)
    assert "97" not in texts
    [moment] = [text for text in texts if "2015" in text]
    assert moment.replace("\u00a0", " ") == "1 April 2015 at 22:15 (2 April 2015, 02:15 UTC), 5 minutes"


@pytest.mark.parametrize(
    ("language", "seen", "usual", "unit", "number"),
    [
        ("de", "beobachtet", "üblich", "Kontakte im Zeitabschnitt", "11.210"),
        ("fr_CA", "observé", "habituel", "Contacts dans l’intervalle", "11\u00a0210"),
        ("es", "observado", "habitual", "Contactos en el intervalo", "11.210"),
        ("it", "osservato", "abituale", "Contatti nell’intervallo", "11.210"),
        ("nl", "waargenomen", "gebruikelijk", "Contacten in het tijdvak", "11.210"),
        ("sv", "observerat", "vanligt", "Kontakter i tidsintervallet", "11\u00a0210"),
        ("ja", "観測", "通常", "時間帯内のコンタクト数", "11,210"),
    ],
)
def test_it_speaks_the_language_of_its_letter(
    language: str, seen: str, usual: str, unit: str, number: str
) -> None:
    texts = texts_of(LetterFigures((PEAK,), "Etc/UTC", language))
    assert {seen, usual, unit, number} <= set(texts)
    assert not {"seen", "usual", "Contacts in the interval"} & set(texts)


def test_what_it_shows_is_said_in_words_too() -> None:
    chart = LetterFigures((PEAK,), "Etc/UTC", "en").chart()
    assert chart is not None
    assert chart.said.startswith("What was seen (Contacts in the interval). Voice, outbound, ")
    assert chart.said.endswith(": seen 11,210, usual 3")


def test_a_letter_without_anything_seen_has_none() -> None:
    assert LetterFigures((), "Etc/UTC", "en").chart() is None
    assert LetterFigures((OTHER,), "Etc/UTC", "en").chart() is None


def test_in_the_letter_it_stands_below_what_was_seen_and_the_bytes_stay_the_same() -> None:
    letter = PaperLetter(
        language="en",
        subject="Notice 7-1",
        body="1. What was seen\n\nIn your traffic:\n\n- Voice, outbound\n\n2. What follows\n\n- nothing",
        sender="Example Cloud Ltd.",
        return_address=None,
        recipient=("Acme", "Main Street 1"),
        country="DE",
        dated=date(2015, 4, 2),
        chart=LetterFigures((PEAK,), "Etc/UTC", "en").chart(),
    )
    content = pdf(letter)
    assert content == pdf(letter)
    text = PdfReader(io.BytesIO(content), strict=True).pages[0].extract_text()
    places = [text.index(part) for part in ("Voice, outbound", "11,210", "What follows")]
    assert places == sorted(places)
    assert "11,210" not in PdfReader(io.BytesIO(pdf(replace(letter, chart=None)))).pages[0].extract_text()
