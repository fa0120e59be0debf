"""The catalogues of the words of letters and of their pages: whole, up to date, and true to what the English says."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from cjp_fraud.notices.letter_catalogues import LETTERS, PAGE, catalogue_bytes, words
from cjp_fraud.notices.letter_languages import LANGUAGES, letter_language, letter_locale
from cjp_fraud.notices.new_messages import catalogue, messages_said, updated

TRANSLATED = LANGUAGES[1:]
OF_A_REGION = tuple(language for language in TRANSLATED if "-" in language)
PLACES = re.compile(r"%\(\w+\)s|⟦\w+⟧|%(?!\()")


IN_EACH_DOMAIN = pytest.mark.parametrize("domain", [LETTERS, PAGE])


def pairs(language: str, domain: str) -> Iterator[tuple[str, str, bool]]:
    """Yield English, translation, and whether the English is the form for several."""
    for message in catalogue(language, domain):
        if not message.id:
            continue
        ids = message.id if isinstance(message.id, tuple) else (message.id,)
        said = message.string if isinstance(message.string, tuple) else (message.string,)
        for form in said:
            yield str(ids[-1]), str(form), len(ids) > 1


@IN_EACH_DOMAIN
@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_holds_what_the_letters_say_and_nothing_else(language: str, domain: str) -> None:
    assert catalogue_bytes(language, domain).decode() == updated(language, domain).decode(), (
        "run: python -m cjp_fraud.notices.new_messages"
    )


@IN_EACH_DOMAIN
@pytest.mark.parametrize("language", TRANSLATED)
def test_no_message_is_left_in_english(language: str, domain: str) -> None:
    said = {(message.id, message.context) for message in messages_said(domain) if message.id}
    translated = catalogue(language, domain)
    for message in translated:
        assert not message.fuzzy, message.id
    assert all(form.strip() for _english, form, _several in pairs(language, domain))
    if language not in OF_A_REGION:
        assert {(message.id, message.context) for message in translated if message.id} == said


@IN_EACH_DOMAIN
@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_names_the_same_facts_as_the_english(language: str, domain: str) -> None:
    for english, form, several in pairs(language, domain):
        wanted, found = sorted(PLACES.findall(english)), sorted(PLACES.findall(form))
        if several and "%(n)s" not in found:
            wanted = [place for place in wanted if place != "%(n)s"]
        assert found == wanted, (english, form)


@IN_EACH_DOMAIN
@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_begins_and_ends_as_the_english_does(language: str, domain: str) -> None:
    """A list's dash, a blank before brackets and a full stop are where the layout of a letter needs them."""
    for english, form, _several in pairs(language, domain):
        assert form.startswith("- ") is english.startswith("- "), form
        assert form == form.rstrip(), form
        if language != "ja":  # whose sentences end before a list too, and whose brackets have their own width
            assert form.startswith(" ") is english.startswith(" "), form
            assert form.endswith(".") is english.endswith("."), (english, form)
            assert form.endswith(":") is english.endswith(":"), (english, form)


@IN_EACH_DOMAIN
@pytest.mark.parametrize("language", OF_A_REGION)
def test_a_region_has_only_what_it_says_in_another_way(language: str, domain: str) -> None:
    broader = catalogue(language.partition("-")[0], domain)
    for message in catalogue(language, domain):
        if message.id:
            same = broader.get(message.id, message.context)
            assert same is not None, message.id
            assert same.string != message.string, message.id


@IN_EACH_DOMAIN
@pytest.mark.parametrize("language", ["fr", "fr-CA"])
def test_french_signs_stand_after_a_blank_that_breaks_no_line(language: str, domain: str) -> None:
    for _english, form, _several in pairs(language, domain):
        assert not re.search(r"[^\s\u00a0\d⟧s]:|[ ][:;»]|«[ ]", form), form
        assert ("\u00a0;" in form) is (";" in form and language == "fr"), form


def test_a_region_says_the_rest_as_its_language_does() -> None:
    assert words("fr-CA").gettext("To the customer") == "Au client"
    assert words("fr-CA").pgettext("channel", "chat") == "clavardage"
    assert words("fr-CA", PAGE).gettext("The letter") == "La lettre"
    assert words("fr-CA", PAGE).gettext("Mail address") == "Adresse courriel"


@pytest.mark.parametrize(
    ("tag", "language", "locale"),
    [
        ("fr-CA", "fr-CA", "fr_CA"),
        ("fr_CA", "fr-CA", "fr_CA"),
        ("fr-BE", "fr", "fr_BE"),
        ("nl-BE", "nl", "nl_BE"),
        ("it-CH", "it", "it_CH"),
        ("ja-JP", "ja", "ja_JP"),
        ("sv", "sv", "sv"),
        ("en-CA", "en", "en_CA"),
    ],
)
def test_a_contract_takes_the_nearest_language(tag: str, language: str, locale: str) -> None:
    assert (letter_language(tag), letter_locale(tag)) == (language, locale)


@pytest.mark.parametrize("tag", ["pt", "zh-Hans", "xx", "", "not a language"])
def test_a_language_without_words_is_none(tag: str) -> None:
    assert letter_language(tag) is None
