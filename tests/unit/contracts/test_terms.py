"""Notice terms: read back as written, and nothing guessed."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.contracts.methods import EMAIL, LETTER
from cjp_fraud.contracts.periods import Wait, WaitUnit
from cjp_fraud.contracts.receipt_rule import Basis
from cjp_fraud.contracts.terms import Combine, Force, MethodRule, NoticeStep, NoticeTerms, plain_terms
from cjp_fraud.documents import from_document, to_document
from cjp_fraud.errors import BadInputError

rules = st.builds(
    MethodRule,
    st.just(EMAIL),
    st.sampled_from(Basis),
    st.lists(st.sampled_from(["notice", "legal", "billing"]), min_size=1, unique=True).map(tuple),
)


@st.composite
def terms(draw: st.DrawFn) -> NoticeTerms:
    count = draw(st.integers(1, 3))
    steps = [
        NoticeStep(
            number,
            draw(st.sampled_from(Combine)),
            tuple(draw(st.lists(rules, min_size=1, max_size=3))),
            Wait(draw(st.integers(0, 100)), draw(st.sampled_from(WaitUnit))),
        )
        for number in range(1, count + 1)
    ]
    return NoticeTerms(tuple(steps), draw(st.none() | st.just("12.9")))


@given(terms())
def test_terms_are_read_back_as_they_were_written(wanted: NoticeTerms) -> None:
    assert from_document(NoticeTerms, json.loads(json.dumps(to_document(wanted)))) == wanted


def test_the_plain_terms_are_by_email_once_sent() -> None:
    (step,) = plain_terms().steps
    assert step.methods == (MethodRule(EMAIL, Basis.SENT, ("notice",)),)
    assert step.wait == Wait(0, WaitUnit.HOURS)


def spoiled(*path: Any, value: Any) -> Any:
    document = json.loads(json.dumps(to_document(plain_terms())))
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return document


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (spoiled("steps", 0, "wait", "unit", value="weeks"), "weeks"),
        (spoiled("steps", 0, "methods", 0, "method", value="pigeon"), "pigeon"),
        (spoiled("steps", 0, "methods", 0, "basis", value="read"), "read"),
        (spoiled("steps", 0, "methods", 0, "basis", value="queued"), "queued"),
        (spoiled("steps", 0, "methods", 0, "address_roles", value=[]), "no address role"),
        (spoiled("steps", 0, "methods", 0, "address_roles", value=[3]), "must be text"),
        (spoiled("steps", 0, "methods", value=[]), "names no method"),
        (spoiled("steps", 0, "combine", value="most_of"), "most_of"),
        (spoiled("steps", 0, "number", value=2), "numbered 1, 2, 3"),
        (spoiled("steps", 0, "wait", "amount", value=-1), "whole number"),
        (spoiled("steps", 0, "wait", "amount", value=1.5), "whole number"),
        (spoiled("steps", 0, "wait", "amount", value=True), "whole number"),
        (spoiled("steps", value=[]), "must be one at least"),
        (spoiled("steps", value={}), "expected a list"),
        (spoiled("hurry", value=True), "hurry not known"),
        ({}, "steps missing"),
        (None, "named fields"),
        ([], "named fields"),
    ],
)
def test_what_is_not_understood_is_refused(document: Any, said: str) -> None:
    with pytest.raises(BadInputError, match=said):
        from_document(NoticeTerms, document)


def test_each_fault_of_a_document_is_named_with_its_place_and_what_may_stand_there() -> None:
    document = spoiled("steps", 0, "wait", "unit", value="weeks")
    document["steps"][0]["methods"][0]["basis"] = "read"
    document["steps"][0]["hurry"] = True
    with pytest.raises(BadInputError) as refused:
        from_document(NoticeTerms, document)
    said = str(refused.value)
    assert said.startswith("the notice terms cannot be read: ")
    assert "steps 1, wait, unit: 'weeks' is not served; write 'hours', 'calendar_days', 'days', " in said
    assert "steps 1, methods 1, basis: 'read' is not served; write 'sent', " in said
    assert "steps 1, hurry not known; leave it out" in said


def test_steps_that_somebody_else_must_confirm_are_named() -> None:
    sent, mailed = MethodRule(EMAIL, Basis.SENT, ("notice",)), MethodRule(LETTER, Basis.MAILED, ("notice",))
    either = NoticeStep(1, Combine.ANY_OF, (sent, mailed))
    both = NoticeStep(2, Combine.ALL_OF, (sent, mailed))
    assert NoticeTerms((either, both)).awaited == ("step 2 (email: sent, letter: mailed)",)
    shall = NoticeStep(1, Combine.ANY_OF, (sent, replace(mailed, force=Force.EXCLUSIVE)))
    assert NoticeTerms((shall,)).awaited == ("step 1 (letter: mailed)",)
    assert plain_terms().awaited == ()
    displayed = MethodRule(EMAIL, Basis.DISPLAYED, ("notice",))
    waiting = NoticeTerms((NoticeStep(1, Combine.ANY_OF, (displayed,)), both))
    assert (len(waiting.awaited), waiting.steps_by_post) == (2, (2,))
