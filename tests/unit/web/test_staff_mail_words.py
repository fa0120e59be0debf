"""Mails to the staff: all their words stand in every language of the pages, and moments as each writes them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po

from cjp_fraud.operations import staff_mail_words
from cjp_fraud.operations.staff_mail_words import APPROVAL_WAITS, CASES_WAIT, CATALOGUES, said, spoken
from cjp_fraud.web.words import LANGUAGES

AT = datetime(2026, 3, 29, 0, 30, tzinfo=UTC)
OTHERS = [language for language in LANGUAGES if language != "en"]


@pytest.mark.parametrize("language", OTHERS)
def test_every_message_is_translated_and_nothing_else_is(language: str) -> None:
    content = (CATALOGUES / language / "LC_MESSAGES" / "mails.po").read_bytes()
    translated = {message.id: message.string for message in read_po(BytesIO(content)) if message.id}
    source = Path(str(staff_mail_words.__file__))
    assert set(translated) == {message for _, message, _, _ in extract_from_file("python", str(source))}
    for message, string in translated.items():
        filled = [sorted(re.findall(r"%\(\w+\)s", str(text))) for text in (message, string)]
        assert filled[0] == filled[1]


def test_a_mail_is_said_in_the_language_of_its_reader() -> None:
    french = said(APPROVAL_WAITS, "fr", case=7, moment=AT, step=2)
    assert french.subject == "Le dossier 7 attend une approbation"
    assert "depuis le 29 mars 2026, 00:30 UTC" in french.body
    english = said(CASES_WAIT, "en", count=2, cases="7, 9", moment=AT)
    assert english.subject == "2 new cases wait for a reviewer"
    assert english.body.startswith("2 new cases wait for a reviewer since 2026-03-29 00:30Z: 7, 9.")


@pytest.mark.parametrize(("chosen", "language"), [("fr", "fr"), ("en", "en"), (None, "en"), ("xx", "en")])
def test_who_chose_no_language_that_there_is_reads_english(chosen: str | None, language: str) -> None:
    assert spoken(chosen) == language
