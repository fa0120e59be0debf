"""Values of a contract on a page: every name and value of notice terms is translated, what counsel wrote stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from enum import Enum
from types import UnionType
from typing import Any, get_args, get_type_hints

import pytest

from cjp_fraud.contracts.contract_terms import ContractTerms
from cjp_fraud.contracts.periods import WaitUnit
from cjp_fraud.web.typed_beside import known_or_typed, term_name, term_says
from cjp_fraud.web.words import LANGUAGES, Words

FRENCH = Words("fr")
OTHERS = [language for language in LANGUAGES if language != "en"]
OTHERWISE = {
    *("clause", "text", "version", "page sha256", "source", "number", "amount", "unit", "steps", "methods"),
    *("combine", "wait", "counted from", "day", "not read"),
    *(unit.replace("_", " ") for unit in WaitUnit),
}
"""Names and values that are shown in words of their own, or not as an entry."""
ALIKE = {"subdivision", "suspension", "publication", "minimum", "notification"}
"""Words that another language may share."""


def words_of(kind: Any, seen: set[Any]) -> Iterator[str]:
    """Yield the names of all fields, and the values of all lists, that notice terms are made of."""
    if kind in seen:
        return
    seen.add(kind)
    for argument in get_args(kind):
        yield from words_of(argument, seen)
    if isinstance(kind, type) and issubclass(kind, Enum):
        yield from (str(each.value).replace("_", " ") for each in kind)
    elif isinstance(kind, type) and not isinstance(kind, UnionType) and is_dataclass(kind):
        hints = get_type_hints(kind)
        for field in fields(kind):
            yield field.name.replace("_", " ")
            yield from words_of(hints[field.name], seen)


@pytest.mark.parametrize("language", OTHERS)
def test_every_name_and_value_of_notice_terms_has_a_translation(language: str) -> None:
    shown = set(words_of(ContractTerms, set())) - OTHERWISE
    assert "deemed received" in shown
    assert "address roles" in shown
    assert {
        word for word in shown if known_or_typed(Words(language), word) == word and word not in ALIKE
    } == set()


def test_an_entry_of_notice_terms_is_french_but_for_what_counsel_wrote() -> None:
    assert term_name(FRENCH, "suspension, step 1, email") == "suspension temporaire, étape 1, par courriel"
    assert term_name(FRENCH, "without notice 2") == "sans préavis 2"
    says = term_says(FRENCH, "basis sent; address roles notice, the board; offset 2 business days")
    assert says.replace("\u202f", " ") == (
        "compte à partir de envoyé ; rôles d’adresse notification, the board ; délai 2 jours ouvrables"
    )
    assert term_says(FRENCH, "any of, then a wait of 24 hours from deemed received") == (
        "l’une ou l’autre, puis une attente de 24 heures à partir de\u00a0: réputée reçue"
    )
    assert known_or_typed(FRENCH, "Master agreement of the board") == "Master agreement of the board"


def test_english_is_as_it_is_on_record() -> None:
    english = Words("en")
    assert term_name(english, "suspension, step 1, email") == "suspension, step 1, email"
    assert term_says(english, "basis sent; address roles notice") == "basis sent; address roles notice"
