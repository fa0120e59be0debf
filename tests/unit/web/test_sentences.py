"""Sentences that operations answer: in French where their pattern is known, else as they are and marked as English."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import cjp_fraud
from cjp_fraud.operations.grounds import list_grounds
from cjp_fraud.web.sentence_forms import FORMS
from cjp_fraud.web.sentences import Said, said
from cjp_fraud.web.words import Words

FRENCH = Words("fr")
PRODUCT = Path(cjp_fraud.__file__).parent
_FIELD = re.compile(r"%\(\w+\)s")
COMPOSED = {
    "%(num)s × the usual %(weekday)s %(clock)s",
    "%(num)s × what is usual in this %(said)s",
    "once in %(num)s such spans",
    "once in %(num)s such weeks",
    "less than once in a billion such intervals",
    "less than once in a billion such spans",
    "less than once in a billion such weeks",
    "Contacts from %(clock)s–%(clock_2)s (%(zone)s) on the same day of the week: not known in the flagged week, "
    "%(num_2)s to %(num_3)s in %(num_4)s weeks before.",
    "any of, then a wait of %(said)s",
    "all of, then a wait of %(said)s",
}
"""Forms of sentences that the product puts together from smaller parts than theirs."""


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
            "rita a pris part à ce dossier (commenté, constaté) ; une personne qui n’y a pas pris part doit décider",
        ),
        ("it is determined; only a case in review is released", "état : attend l’approbation"),
        (
            "known event 01a2 (source outage) from 2015-04-02 11:00 to 12:00Z: their switch: it was down",
            "événement connu 01a2 (panne d’une source) du 2 avr. 2015, 11:00 à 12:00 UTC : their switch: it was down",
        ),
        ("both holds it; only its holder or a reviewer may", "both traite ce dossier ; seuls"),
    ],
)
def test_a_known_sentence_is_said_in_the_readers_language(sentence: str, in_french: str) -> None:
    spoken = said(FRENCH, sentence)
    assert spoken.language == "fr"
    assert spoken.text.replace("\u202f", " ").replace("\u00a0", " ").startswith(in_french)
    assert said(Words("en"), sentence) == Said(sentence, "en")


def test_another_sentence_stays_as_it_is_and_is_marked_as_english() -> None:
    sentence = "the moon is full; wait"
    assert said(FRENCH, sentence) == Said(sentence, "en")


def test_what_people_write_into_a_sentence_is_not_read_as_a_pattern() -> None:
    assert said(FRENCH, "%(name)s took part in the case").text == "%(name)s a pris part au dossier"


def test_every_form_is_of_a_sentence_that_the_product_says() -> None:
    spoken = "\n".join(texts_in_the_sources())
    unsaid = [
        message
        for message in FORMS
        if message not in COMPOSED
        and not all(part.replace("%%", "%").strip() in spoken for part in _FIELD.split(message))
    ]
    assert unsaid == []


def texts_in_the_sources() -> set[str]:
    """Every text of the product outside of the web's own, and the names of its fields and values in words."""
    found: set[str] = set()
    for file in (*PRODUCT.rglob("*.py"), *(PRODUCT.parent / "features").glob("*.py")):
        if "migrations" in file.parts or "sentence_forms" in file.parts or file.name == "sentence_values.py":
            continue
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                found |= {node.value, node.value.replace("_", " "), node.value.strip().lower()}
            elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
                found.add(node.target.id.replace("_", " "))
    return found | grounds_in_words()


def grounds_in_words() -> set[str]:
    """The catalogue of grounds, which stands in the letters' phrases."""
    return {each.words for each in list_grounds()}
