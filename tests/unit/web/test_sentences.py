"""Sentences that operations answer: in French where their pattern is known, else as they are and marked as English."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import cjp_fraud
from cjp_fraud.web.sentences import PATTERNS, Said, said
from cjp_fraud.web.words import Words

FRENCH = Words("fr")
PRODUCT = Path(cjp_fraud.__file__).parent
_FIELD = re.compile(r"%\(\w+\)s")


@pytest.mark.parametrize(
    ("sentence", "in_french"),
    [
        ("rita took part in the case", "rita a pris part au dossier"),
        (
            "it needs the role reviewer or approver, which ana does not have",
            "il faut le rôle examinateur ou approbateur, que ana n’a pas",
        ),
        (
            "rita took part in this case (commented, determined); somebody who took no part must decide",
            "rita a pris part à ce dossier (commented, determined) ; une personne qui n’y a pas pris part doit décider",
        ),
        ("it is determined; only a case in review is released", "état : attend l’approbation"),
        (
            "known event 01a2 (source outage) from 2015-04-02 11:00 to 12:00Z: their switch: it was down",
            "événement connu 01a2 (panne d’une source) du 2015-04-02 11:00 au 12:00Z: their switch: it was down",
        ),
        ("both holds it; only its holder or a reviewer may", "both traite ce dossier ; seuls"),
    ],
)
def test_a_known_sentence_is_said_in_the_readers_language(sentence: str, in_french: str) -> None:
    spoken = said(FRENCH, sentence)
    assert spoken.language == "fr"
    assert spoken.text.replace("\u202f", " ").startswith(in_french)
    assert said(Words("en"), sentence) == Said(sentence, "en")


def test_another_sentence_stays_as_it_is_and_is_marked_as_english() -> None:
    sentence = "the moon is full; wait"
    assert said(FRENCH, sentence) == Said(sentence, "en")


def test_what_people_write_into_a_sentence_is_not_read_as_a_pattern() -> None:
    assert said(FRENCH, "%(name)s took part in the case").text == "%(name)s a pris part au dossier"


def test_every_pattern_is_of_a_sentence_that_the_product_says() -> None:
    spoken = sentences_in_the_sources()
    unsaid = [
        message
        for message in PATTERNS
        if not any(all(part in sentence for part in _FIELD.split(message)) for sentence in spoken)
    ]
    assert unsaid == []


def sentences_in_the_sources() -> set[str]:
    """Every text of the product outside of the web, with a blank where something is filled in."""
    found: set[str] = set()
    for file in PRODUCT.rglob("*.py"):
        if "sentences" in file.name or "migrations" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr):
                parts = [part.value if isinstance(part, ast.Constant) else " " for part in node.values]
                found.add("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.add(node.value)
    return found
