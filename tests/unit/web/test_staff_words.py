"""The words of the staff's pages: all are marked, all are translated, and moments and numbers are the reader's."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po
from hypothesis import given
from hypothesis import strategies as st

import cjp_fraud
from cjp_fraud.notices.model import Outcome
from cjp_fraud.people.reach import ROLES_FOR_ACT
from cjp_fraud.suspension.requirements import POINTS
from cjp_fraud.web.labels import LABELS
from cjp_fraud.web.sparkline import sparkline
from cjp_fraud.web.words import LANGUAGES, Words, catalogues, language_wanted, translations

WEB = Path(cjp_fraud.__file__).parent / "web"
TEMPLATES = sorted((WEB / "templates" / "staff").rglob("*.html"))
NOW = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
OTHERS = [language for language in LANGUAGES if language != "en"]

_JINJA = re.compile(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", re.DOTALL)
_TAG = re.compile(r"<[^>]*>", re.DOTALL)
_SPOKEN = re.compile(r'(?:title|aria-label|placeholder|alt)="([^"]*)"')
NAMES = {"cjp-fraud", "j", "k", "n", "c", "a", "r", "x", "b", "g", "o", "q", "s", "u", "w", "Enter"}
"""What stands in templates and is no word of a language."""


def messages() -> set[str | tuple[str, ...]]:
    """Every message of the templates and of the labels; with a plural, both."""
    found: set[str | tuple[str, ...]] = set()
    for template in TEMPLATES:
        for _, message, _, _ in extract_from_file("jinja2.ext.babel_extract", str(template)):
            found.add(message if isinstance(message, str) else tuple(message[:2]))
    for module in (WEB / "labels.py", WEB / "sentence_values.py", *(WEB / "sentence_forms").glob("*.py")):
        found |= {message for _, message, _, _ in extract_from_file("python", str(module))}
    return found


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda template: template.name)
def test_every_word_of_a_template_is_marked_for_the_catalogues(template: Path) -> None:
    source = _JINJA.sub(" ", template.read_text())
    words = [*_SPOKEN.findall(source), _TAG.sub(" ", source)]
    left = {word for text in words for word in text.split() if any(letter.isalpha() for letter in word)}
    assert left - NAMES == set()


@pytest.mark.parametrize("language", OTHERS)
def test_every_message_is_translated_and_nothing_else_is(language: str) -> None:
    translated: set[str | tuple[str, ...]] = set()
    for content in catalogues(language).values():
        for message in read_po(BytesIO(content), locale=language):
            said = message.string if isinstance(message.string, tuple) else (message.string,)
            if message.id and all(said) and not message.fuzzy:
                translated.add(message.id)
    assert translated == messages()


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_fills_in_what_the_message_does(language: str) -> None:
    for content in catalogues(language).values():
        for message in read_po(BytesIO(content), locale=language):
            ids = message.id if isinstance(message.id, tuple) else (message.id,)
            said = message.string if isinstance(message.string, tuple) else (message.string,)
            placeholders = {tuple(sorted(re.findall(r"%\(\w+\)[sd]", text))) for text in (*ids, *said)}
            assert len(placeholders) == 1, message.id


def test_a_language_has_no_message_twice_with_two_translations() -> None:
    for language in OTHERS:
        seen: dict[object, object] = {}
        for content in catalogues(language).values():
            for message in read_po(BytesIO(content), locale=language):
                if message.id:
                    assert seen.setdefault(message.id, message.string) == message.string


@pytest.mark.parametrize(
    ("chosen", "browser", "language"),
    [
        (None, "fr-CA,fr;q=0.9,en;q=0.5", "fr"),
        (None, "en;q=0.5,fr;q=0.9", "fr"),
        (None, "de,ja;q=0.9", "en"),
        (None, "", "en"),
        (None, ";;q=x,*,fr;q=0", "en"),
        ("fr", "en", "fr"),
        ("xx", "fr", "fr"),
    ],
)
def test_the_reader_chooses_the_language_and_else_the_browser_does(
    chosen: str | None, browser: str, language: str
) -> None:
    assert language_wanted(chosen, browser) == language


@given(st.text())
def test_whatever_a_browser_asks_for_there_is_a_language(header: str) -> None:
    assert language_wanted(None, header) in LANGUAGES


def test_a_moment_is_shown_in_the_readers_zone() -> None:
    words = Words("en", "Asia/Tokyo")
    assert words.moment(NOW) == "29 Mar 2026, 09:30"
    assert words.utc(NOW) == "2026-03-29 00:30:00 UTC"
    assert words.clock(NOW, NOW) == "09:30"
    assert words.clock(NOW - timedelta(hours=10), NOW) == "28 Mar, 23:30"


@pytest.mark.parametrize(
    ("score", "said"),
    [
        (4.6, "40,000"),
        (2.4, "250"),
        (6.5, "3,200,000"),
        (9.0, "1,000,000,000"),
        (9.01, "over a billion"),
        (300.0, "over a billion"),
    ],
)
def test_odds_are_said_with_two_digits(score: float, said: str) -> None:
    assert Words("en").odds(score) == said


def test_french_is_french_and_english_is_what_stands_there() -> None:
    assert translations("fr").gettext("Queue") == "File d’attente"
    assert translations("en").gettext("Queue") == "Queue"


@given(st.lists(st.floats(0, 1e9), min_size=1, max_size=40))
def test_a_course_is_drawn_without_style_and_inside_its_picture(course: list[float]) -> None:
    drawn = str(sparkline(course, 'a "title" <b>'))
    assert "style" not in drawn
    assert "<b>" not in drawn
    heights = [float(height) for height in re.findall(r'<rect [^>]*height="([\d.]+)"', drawn)]
    assert len(heights) == len(course)
    assert all(1 <= height <= 20 for height in heights)


@pytest.mark.parametrize(
    "action",
    [*(f"notice.{outcome}" for outcome in Outcome), *ROLES_FOR_ACT, *(f"gate_{point}" for point in POINTS)],
)
def test_every_act_on_a_case_and_every_point_of_the_gate_has_its_words(action: str) -> None:
    assert action in LABELS


def test_french_has_spaces_that_do_not_break_beside_its_signs() -> None:
    broken = re.compile(r" (?:[;!?»]|:(?:\s|$)|%(?!\())|« |[^\W\d_]'[^\W\d_]")
    for content in catalogues("fr").values():
        for message in read_po(BytesIO(content), locale="fr"):
            for text in message.string if isinstance(message.string, tuple) else (message.string,):
                assert not (message.id and broken.search(text)), text
