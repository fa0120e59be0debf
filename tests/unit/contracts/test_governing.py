"""Which document governs on a day: never two, never none without a fault, whatever the order of entry."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.contracts.contract_documents import (
    Amendment,
    ContractDocument,
    DocumentKind,
    DocumentSet,
    Provisions,
    Supplement,
)
from cjp_fraud.contracts.governing import Bought, governing, set_faults
from cjp_fraud.contracts.model import Right
from cjp_fraud.contracts.stated import NOT_READ, NOT_STATED
from cjp_fraud.documents import from_document, to_document
from cjp_fraud.errors import BadInputError

DAY = date(2026, 3, 1)
GIVES, REFUSES, SILENT = Provisions(Right.CLAUSE_2_4), Provisions(Right.NONE), Provisions()


def a_document(
    name: str, kind: DocumentKind = DocumentKind.GENERAL_TERMS, says: Provisions = GIVES, **more: Any
) -> ContractDocument:
    return ContractDocument(name=name, kind=kind, title=f"Title of {name}", says=says, **more)


AGREEMENT = a_document("signed", DocumentKind.EXISTING_AGREEMENT, REFUSES)
OFFER = a_document("offer", DocumentKind.OFFER_DESCRIPTION)
FLEX = a_document("flex-offer", DocumentKind.OFFER_DESCRIPTION, REFUSES, plan="Flex Plan")


def test_an_existing_agreement_beats_the_default() -> None:
    answer = governing(DocumentSet((OFFER, a_document("terms"), AGREEMENT)), Bought(), DAY)
    assert answer.document == AGREEMENT
    assert (answer.right, answer.right_of) == (Right.NONE, "signed")
    assert any("beats what holds by default" in step for step in answer.steps)
    assert answer.chain == ("signed", "offer", "terms")


def test_what_a_higher_document_does_not_state_is_left_to_the_one_below() -> None:
    silent = replace(AGREEMENT, says=SILENT)
    answer = governing(DocumentSet((OFFER, silent)), Bought(), DAY)
    assert (answer.document, answer.right, answer.right_of) == (silent, Right.CLAUSE_2_4, "offer")


def test_a_higher_document_that_nobody_has_read_gives_no_right_though_a_lower_one_does() -> None:
    unread = replace(AGREEMENT, says=Provisions(NOT_READ))
    assert governing(DocumentSet((OFFER, unread)), Bought(), DAY).right is Right.NOT_READ


def test_no_word_of_the_right_anywhere_is_no_right() -> None:
    assert governing(DocumentSet((replace(OFFER, says=SILENT),)), Bought(), DAY).right is Right.NONE


@pytest.mark.parametrize(
    ("plan", "governs"), [("Flex-Plan", "flex-offer"), ("Classic", "offer"), (None, "offer")]
)
def test_a_service_bought_inside_the_flex_plan_is_under_that_plans_offer_description(
    plan: str | None, governs: str
) -> None:
    answer = governing(DocumentSet((OFFER, FLEX)), Bought(plan=plan), DAY)
    assert answer.document is not None
    assert answer.document.name == governs


def test_a_flex_service_without_the_flex_offer_description_is_a_fault() -> None:
    answer = governing(DocumentSet((OFFER, a_document("terms"))), Bought(plan="Flex"), DAY)
    assert answer.document is None
    assert answer.right is Right.NOT_READ
    assert "whose own offer description governs it" in answer.faults[0]


def test_an_own_order_of_precedence_is_followed() -> None:
    order = a_document("order", DocumentKind.ORDER)
    documents = DocumentSet((OFFER, order), precedence=(DocumentKind.ORDER, DocumentKind.OFFER_DESCRIPTION))
    assert governing(documents, Bought(), DAY).document == order


def test_an_amendment_counts_from_its_effective_date() -> None:
    amendment = Amendment(name="A1", of="offer", effective=DAY, says=Provisions(Right.NONE, 24))
    documents = DocumentSet((replace(OFFER, says=Provisions(Right.CLAUSE_2_4, 72, True)),), (amendment,))
    before, after = (governing(documents, Bought(), day) for day in (DAY - timedelta(days=1), DAY))
    assert (before.right, before.longest_measure_hours, before.filing_stops) == (Right.CLAUSE_2_4, 72, True)
    assert (after.right, after.longest_measure_hours, after.filing_stops) == (Right.NONE, 24, True)
    for answer, hours in ((before, 72), (after, 24)):
        said = " / ".join(answer.steps)
        assert f" says that a suspension lasts {hours} hours at most" in said
        assert " says that a dispute that is only filed stops a measure" in said


@pytest.mark.parametrize(
    ("country", "entity", "right_of"),
    [("DE", "BV", "german"), ("FR", "BV", "bv"), ("FR", "Inc", "offer"), (None, None, "offer")],
)
def test_a_supplement_holds_in_its_territory_or_for_its_entity(
    country: str | None, entity: str | None, right_of: str
) -> None:
    supplements = (
        Supplement(name="german", of="offer", territories=("DE", "AT"), says=REFUSES),
        Supplement(name="bv", of="offer", entity="BV", says=REFUSES),
    )
    documents = DocumentSet((OFFER,), (), supplements, entity)
    assert governing(documents, Bought(country=country), DAY).right_of == right_of


def test_an_overlap_names_both_documents() -> None:
    documents = DocumentSet((a_document("one", to_day=DAY), a_document("two", from_day=DAY)))
    (fault,) = governing(documents, Bought(), DAY).faults
    assert "overlap" in fault
    assert "one" in fault
    assert "two" in fault


def test_a_gap_names_both_documents_also_on_a_day_that_one_of_them_covers() -> None:
    documents = DocumentSet(
        (a_document("one", to_day=DAY), a_document("two", from_day=DAY + timedelta(days=2)))
    )
    answer = governing(documents, Bought(), DAY)
    assert answer.document is None
    assert "one" in answer.faults[0]
    assert "two" in answer.faults[0]


def test_a_gap_between_documents_of_different_kinds_names_both() -> None:
    documents = DocumentSet(
        (replace(AGREEMENT, to_day=DAY), replace(OFFER, from_day=DAY + timedelta(days=9)))
    )
    (fault,) = governing(documents, Bought(), DAY).faults
    assert "signed" in fault
    assert "offer" in fault


def test_documents_of_other_territories_do_not_overlap() -> None:
    documents = DocumentSet(
        (a_document("de", territories=("DE",)), a_document("fr", territories=("FR",), says=REFUSES))
    )
    assert governing(documents, Bought(country="FR"), DAY).right is Right.NONE
    assert governing(documents, Bought(country="JP"), DAY).faults


@pytest.mark.parametrize("kind", ["amendments", "supplements"])
def test_two_changes_at_once_are_a_fault_that_names_both(kind: str) -> None:
    changes: tuple[Any, ...] = (
        tuple(Amendment(name=name, of="offer", effective=DAY, says=GIVES) for name in ("X1", "X2"))
        if kind == "amendments"
        else tuple(
            Supplement(name=name, of="offer", territories=("DE",), says=GIVES) for name in ("X1", "X2")
        )
    )
    documents = replace(DocumentSet((OFFER,)), **{kind: changes})
    (fault,) = governing(documents, Bought(country="DE"), DAY).faults
    assert "X1" in fault
    assert "X2" in fault


def test_a_value_that_nobody_read_is_a_fault() -> None:
    answer = governing(
        DocumentSet((replace(OFFER, says=Provisions(Right.CLAUSE_2_4, NOT_READ)),)), Bought(), DAY
    )
    assert answer.right is Right.NOT_READ
    assert "longest suspension" in answer.faults[0]


def test_what_does_not_fit_together_is_named_at_once() -> None:
    with pytest.raises(BadInputError) as refused:
        DocumentSet(
            (OFFER, OFFER),
            (Amendment(name="A", of="none", effective=DAY),),
            (Supplement(name="S", of="offer"),),
        )
    for words in (
        "documents 1 has the name 'offer' already",
        "'none', which is none of the documents",
        "either territories or entity",
    ):
        assert words in str(refused.value)


def test_a_document_set_reads_back_as_it_was_stored() -> None:
    documents = DocumentSet((OFFER, FLEX), (Amendment(name="A", of="offer", effective=DAY),))
    assert from_document(DocumentSet, to_document(documents)) == documents


KINDS = st.sampled_from([DocumentKind.PURCHASE_AGREEMENT, DocumentKind.ORDER, DocumentKind.GENERAL_TERMS])
DAYS = st.integers(0, 30).map(lambda days: DAY + timedelta(days=days))


@st.composite
def document_sets(draw: st.DrawFn) -> DocumentSet:
    spans = draw(st.lists(st.tuples(KINDS, DAYS, st.integers(0, 12)), min_size=1, max_size=5))
    return DocumentSet(
        tuple(
            a_document(f"d{place}", kind, from_day=begins, to_day=begins + timedelta(days=length))
            for place, (kind, begins, length) in enumerate(spans)
        )
    )


@given(document_sets(), st.randoms(use_true_random=False))
def test_no_day_of_a_covered_span_is_without_an_answer_or_with_two(
    documents: DocumentSet, random: Any
) -> None:
    shuffled = [*documents.documents]
    random.shuffle(shuffled)
    first = min(document.from_day or DAY for document in documents.documents)
    last = max(document.to_day or DAY for document in documents.documents)
    days = [first + timedelta(days=day) for day in range((last - first).days + 1)]
    faults = set_faults(documents, Bought())
    for day in days:
        answer = governing(documents, Bought(), day)
        assert answer == governing(DocumentSet(tuple(shuffled)), Bought(), day)
        assert (answer.document is None) == bool(faults)
        if answer.document is not None:
            rank = [
                each for each in documents.documents if each.holds(day) and each.kind is answer.document.kind
            ]
            assert rank == [answer.document]


@given(document_sets())
def test_a_day_with_two_documents_of_a_kind_or_none_at_all_is_always_a_fault(documents: DocumentSet) -> None:
    first = min(document.from_day or DAY for document in documents.documents)
    last = max(document.to_day or DAY for document in documents.documents)
    days = [first + timedelta(days=day) for day in range((last - first).days + 1)]
    inside = [[each.kind for each in documents.documents if each.holds(day)] for day in days]
    if any(not kinds or len(set(kinds)) < len(kinds) for kinds in inside):
        assert set_faults(documents, Bought())


def test_a_document_without_provisions_counts_as_not_read() -> None:
    bare = ContractDocument(name="bare", kind=DocumentKind.ORDER, title="Order")
    assert governing(DocumentSet((bare,)), Bought(), DAY).right is Right.NOT_READ
    assert SILENT.right == NOT_STATED
