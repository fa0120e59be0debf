"""Every sentence that the gate, or an act of a person, can answer has a form, and so a translation.

The sentences are read from the sources: a text of three words or more that is no docstring, no assertion, no name of
an act in an error, and no comment of a column. What is filled in counts as a hole, in the source as in the form.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import cjp_fraud
from cjp_fraud.config import Settings
from cjp_fraud.operations.grounds import list_grounds
from cjp_fraud.suspension.chronology import Step
from cjp_fraud.web.sentence_forms import FORMS
from cjp_fraud.web.sentences import said
from cjp_fraud.web.words import LANGUAGES, Words

PRODUCT = Path(cjp_fraud.__file__).parent
OTHERS = [language for language in LANGUAGES if language != "en"]

MODULES = (
    # what may stand in the gate's answer, or in the clock to lawful action
    "suspension/*gate*.py suspension/*facts*.py suspension/chronology.py suspension/earliest.py",
    "suspension/after_notices.py suspension/requirements.py review/measure_*.py review/stops*.py",
    "contracts/restriction.py contracts/origins.py contracts/terms_in_words.py contracts/servable.py",
    "contracts/provisioning.py contracts/position.py contracts/model.py",
    "people/newcomers.py people/participation.py",
    # what may refuse an act of a person on a page
    "review/a*.py review/b*.py review/case_reach.py review/claim*.py review/comment_rules.py",
    "review/customer_question*.py review/determination.py review/dispute*.py review/e*.py review/known_event*.py",
    "review/mentions.py review/next_acts.py review/*proposal*.py review/quality.py review/queue_cursor.py",
    "review/refus*.py review/saved_views.py review/shift_handover.py review/spike_runs.py",
    "suspension/changed_measures.py suspension/emergency*.py suspension/kept_rounds.py suspension/ordered_letters.py",
    "suspension/reaffirmation.py suspension/reinstatement.py suspension/stage_rules.py",
    "suspension/staged_reinstatement.py contracts/consent_entry.py contracts/entries.py",
    "people/api_tokens.py people/form_*.py people/model.py people/oncall_rules.py people/passwords.py",
    "people/reach.py people/roster.py people/users.py detection/drift.py detection/promotion.py",
    "detection/threshold_settings.py detection/what_if.py operations/people.py operations/posted_forms.py",
    "operations/quality.py operations/single_sign_on.py operations/tenant_page.py",
    "web/access.py web/*_page.py web/*_pages.py web/forms.py web/measure_form.py web/typed_values.py",
    # what the verification of the log says
    "audit/chain.py audit/named_rows.py audit/recording.py audit/signed_head.py",
)
"""Patterns of modules whose every sentence may be read on a page."""

NOT_ON_PAGES = {"compliance", "storage"}
"""Packages whose acts are of the command line: holds, erasure, and the ownership of a database."""

HOLE = "\0"
_FIELD = re.compile(r"%\(\w+\)s")
_HOLES = re.compile(f"{HOLE}+")

SAID_OTHERWISE = {
    "approval in time": "the name of a requirement, which is not shown",
    "who ordered it": "stands for a name, where none is on record",
    f"stops {HOLE} of the excess": "its sign for a percentage gets a space",
    f"on the ground {HOLE} no prior notice is needed; the customer is told ": "goes on with when",
    "enter a known event": "what is done, not why it was refused",
    "withdraw a known event": "what is done, not why it was refused",
    f"add an identity to {HOLE}": "what is done, not why it was refused",
    "'4h', 'tomorrow 09:00' or '2026-01-31 09:00' (in the customer's time zone)": "what is typed, as it is typed",
    "nobody's password, compared where there is none": "is compared, and never said",
    f"more than {HOLE} steps; further ones within {HOLE} are not recorded": "is for the log of what was refused",
    "a form that is not of a page of this browser": "is for the log of what was refused",
    f"{HOLE} {HOLE}: not a form of ours": "is for the log of what was refused",
    "no case has such a score": "a fault of the product",
    "no database counts so far": "a fault of the product",
}
"""Texts of these modules that are no whole sentence for a reader, and why."""


def skeleton(text: str) -> str:
    """Return a sentence with each hole, or several beside each other, as one sign."""
    return _HOLES.sub(HOLE, text)


KNOWN = {skeleton(_FIELD.sub(HOLE, message).replace("%%", "%")) for message in FORMS}


def sentences_of(module: Path, *, only_in: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield the skeletons of the sentences of a module; ``only_in``: of those inside of calls of these functions."""
    tree = ast.parse(module.read_text())
    left_out = set(_left_out(tree))
    for node in _inside(tree, only_in) if only_in else ast.walk(tree):
        if node in left_out:
            continue
        if isinstance(node, ast.JoinedStr):
            text = "".join(
                str(part.value) if isinstance(part, ast.Constant) else HOLE for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            continue
        if len(re.findall(r"[A-Za-z]{2,}", text)) >= 3 and " " in text:
            yield skeleton(text)


@pytest.mark.parametrize("patterns", MODULES)
def test_every_sentence_of_these_modules_has_a_form(patterns: str) -> None:
    for pattern in patterns.split():
        modules = sorted(PRODUCT.glob(pattern))
        assert modules, pattern
        for module in modules:
            without = [text for text in sentences_of(module) if text not in KNOWN | SAID_OTHERWISE.keys()]
            assert without == [], module


def test_every_reason_of_a_refusal_has_a_form() -> None:
    without = {
        text
        for module in PRODUCT.rglob("*.py")
        if module.parent.name not in NOT_ON_PAGES
        and re.search(r"refuse_unless\(|Refused\(", module.read_text())
        for text in sentences_of(module, only_in=("refuse_unless", "Refused"))
        if text not in KNOWN
    }
    assert without == set()


def test_a_sentence_without_a_form_is_found() -> None:
    assert list(sentences_of(PRODUCT / "suspension" / "gate.py"))
    assert skeleton(f"{HOLE}{HOLE} waits for the moon") not in KNOWN


@pytest.mark.parametrize("language", OTHERS)
@pytest.mark.parametrize("step", Step)
def test_every_step_on_the_way_to_a_measure_is_named(step: Step, language: str) -> None:
    assert said(Words(language), step.value).language == language


@pytest.mark.parametrize("language", OTHERS)
def test_what_settings_are_for_and_the_grounds_of_the_catalogue_are_translated(language: str) -> None:
    meanings = [field.description for field in Settings.model_fields.values() if field.description]
    grounds = [each.words for each in list_grounds()]
    spoken = {text: said(Words(language), text).language for text in (*meanings, *grounds)}
    assert set(spoken.values()) == {language}, [text for text, said_in in spoken.items() if said_in == "en"]


def _inside(tree: ast.AST, functions: tuple[str, ...]) -> Iterator[ast.AST]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in functions:
            yield from ast.walk(node)


def _left_out(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what is no sentence for a reader: docstrings, assertions, names of acts, words inside of an f-string."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr | ast.Assert):
            yield from ast.walk(node) if isinstance(node, ast.Assert) else [node.value]
        elif isinstance(node, ast.keyword) and node.arg in ("action", "comment"):
            yield from ast.walk(node)
        elif isinstance(node, ast.JoinedStr):
            yield from (part for part in node.values if isinstance(part, ast.Constant))
