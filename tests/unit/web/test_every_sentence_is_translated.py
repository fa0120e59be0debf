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

OF_THE_GATE = (
    *(
        "suspension/gate.py",
        "suspension/gate_facts.py",
        "suspension/notice_gate.py",
        "suspension/earliest.py",
    ),
    *("suspension/emergency_gate.py", "suspension/cap_gate.py", "suspension/chronology.py"),
    *("suspension/after_notices.py", "suspension/requirements.py"),
    *("review/measure_fit.py", "review/measure_candidates.py", "review/measure_replay.py", "review/stops.py"),
    *(
        "contracts/restriction.py",
        "contracts/origins.py",
        "contracts/terms_in_words.py",
        "contracts/servable.py",
    ),
    *("contracts/provisioning.py", "people/newcomers.py", "people/participation.py"),
)
"""Modules whose every sentence may stand in the gate's answer, or in the clock to lawful action."""

OF_ACTS = {
    "review": (
        *(
            "approval",
            "attachment_rules",
            "attachments",
            "bulk",
            "bulk_rules",
            "case_reach",
            "claim",
            "claim_rules",
        ),
        *("comment_rules", "customer_question", "customer_questions_on_record", "determination", "dispute"),
        *(
            "dispute_deadlines",
            "earlier_notice",
            "emergency",
            "known_event",
            "known_events_on_record",
            "mentions",
        ),
        *("next_acts", "proposal", "quality", "queue_cursor", "refusal", "refused_finding", "saved_views"),
        *("shift_handover", "spike_runs", "stops_on_record"),
    ),
    "suspension": (
        *(
            "changed_measures",
            "emergency",
            "kept_rounds",
            "ordered_letters",
            "reaffirmation",
            "reinstatement",
        ),
        *("stage_rules", "staged_reinstatement"),
    ),
    "audit": ("chain", "named_rows", "recording", "signed_head"),
    "contracts": ("consent_entry", "entries", "model", "position"),
    "people": (
        *(
            "api_tokens",
            "form_drafts",
            "form_submissions",
            "model",
            "oncall_rules",
            "passwords",
            "reach",
            "roster",
        ),
        "users",
    ),
    "detection": ("drift", "promotion", "threshold_settings", "what_if"),
    "operations": ("people", "posted_forms", "quality", "single_sign_on", "tenant_page"),
    "web": (
        *(
            "access",
            "admin_page",
            "bulk_pages",
            "case_page",
            "claim_pages",
            "consent_pages",
            "contract_pages",
        ),
        *(
            "forms",
            "known_event_pages",
            "ledger_page",
            "measure_form",
            "model_page",
            "sign_in_pages",
            "stage_pages",
        ),
        *("tenant_page", "threshold_page", "token_pages", "typed_values"),
    ),
}
"""Packages, with the modules whose every sentence may refuse what somebody does on a page."""

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
    f"{HOLE} {HOLE}: not a form of ours": "is for the log of what was refused",
    "no case has such a score": "a fault of the product",
    "no database counts so far": "a fault of the product",
}
"""Texts of these modules that are no whole sentence for a reader, and why."""


def skeleton(text: str) -> str:
    """Return a sentence with each hole, or several beside each other, as one sign."""
    return _HOLES.sub(HOLE, text)


KNOWN = {skeleton(_FIELD.sub(HOLE, message).replace("%%", "%")) for message in FORMS}


def sentences_of(module: str) -> Iterator[str]:
    """Yield the skeletons of the sentences of a module."""
    tree = ast.parse((PRODUCT / module).read_text())
    left_out = set(_left_out(tree))
    for node in ast.walk(tree):
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


@pytest.mark.parametrize(
    "module",
    [*OF_THE_GATE, *(f"{package}/{name}.py" for package, names in OF_ACTS.items() for name in names)],
)
def test_every_sentence_of_a_module_has_a_form(module: str) -> None:
    assert [text for text in sentences_of(module) if text not in KNOWN | SAID_OTHERWISE.keys()] == []


def test_a_sentence_without_a_form_is_found() -> None:
    assert list(sentences_of("suspension/gate.py"))
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


def _left_out(tree: ast.AST) -> Iterator[ast.AST]:
    """Yield what is no sentence for a reader: docstrings, assertions, names of acts, words inside of an f-string."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr | ast.Assert):
            yield from ast.walk(node) if isinstance(node, ast.Assert) else [node.value]
        elif isinstance(node, ast.keyword) and node.arg in ("action", "comment"):
            yield from ast.walk(node)
        elif isinstance(node, ast.JoinedStr):
            yield from (part for part in node.values if isinstance(part, ast.Constant))
