"""Plan drafts: pure, without an address in them, and read back as they were approved."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cjp_fraud.contracts.methods import EMAIL
from cjp_fraud.contracts.model import Hosting, Recipient, Right
from cjp_fraud.contracts.periods import Wait, WaitUnit
from cjp_fraud.contracts.position import Contract, DocumentVersion
from cjp_fraud.contracts.receipt_rule import Basis
from cjp_fraud.contracts.terms import Combine, MethodRule, NoticeStep, NoticeTerms, plain_terms
from cjp_fraud.digests import canonical_json, digest
from cjp_fraud.documents import from_document, to_document
from cjp_fraud.errors import Refused
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.notices.plan_drafting import draft_plan
from cjp_fraud.notices.plans import PlanDraft
from tests.notice_builders import a_letter

NOON = datetime(2015, 4, 2, 12, tzinfo=UTC)


def a_recipient(name: str = "a1", role: str = "notice", replaced_at: datetime | None = None) -> Recipient:
    return Recipient(name, "0" * 64, role, EMAIL, "tenants.csv line 2", replaced_at)


def a_position(terms: NoticeTerms | None = None, language: str = "en") -> Contract:
    return Contract(
        tenant_id="acme",
        customer_name="Acme Ltd.",
        subscription_id="s",
        provider_id="provider",
        governing_document=DocumentVersion("d", 1, "Offer 10.0"),
        right=Right.CLAUSE_2_4,
        hosting=Hosting.PROVIDER,
        product=None,
        deployment_accepted=True,
        deployment_fault=None,
        term_from=NOON - timedelta(days=90),
        term_to=NOON + timedelta(days=90),
        provisioning_notice_date="2026-01-01",
        provisioning_notice_part="all",
        provisioning_notice_proof="dms:PN-0001",
        notice_terms=terms or plain_terms(),
        notice_terms_id="t",
        notice_terms_fault=None,
        language=language,
        time_zone="UTC",
        critical=False,
        country="US",
        offer_version=None,
        features=(),
        former_address_erased=False,
        longest_measure=None,
        filing_stops=False,
        versions={},
    )


def all_of(*roles: str) -> NoticeTerms:
    rules = tuple(MethodRule(EMAIL, Basis.SENT, (role,)) for role in roles)
    return NoticeTerms((NoticeStep(1, Combine.ALL_OF, rules, Wait(0, WaitUnit.HOURS)),))


def test_a_draft_is_read_back_as_it_was_approved() -> None:
    draft = draft_plan(a_position(), (a_recipient(), a_recipient("a0", replaced_at=NOON)), a_letter())
    again = from_document(PlanDraft, json.loads(canonical_json(to_document(draft))))
    assert again == draft
    assert digest(to_document(again)) == digest(to_document(draft))
    assert again.letters == draft.letters


def test_the_same_facts_give_the_same_draft() -> None:
    drafts = [draft_plan(a_position(), (a_recipient(),), a_letter()) for _ in range(2)]
    assert drafts[0] == drafts[1]


def test_each_address_of_each_method_gets_a_letter() -> None:
    people = (a_recipient(), a_recipient("a0", replaced_at=NOON), a_recipient("l1", "legal"))
    draft = draft_plan(a_position(all_of("notice", "legal")), people, a_letter())
    assert [(it.number, it.method_index, it.recipient.address_id, it.required) for it in draft.letters] == [
        (1, 0, "a1", True),
        (2, 0, "a0", False),
        (3, 1, "l1", True),
    ]


@pytest.mark.parametrize("people", [(), (a_recipient(role="legal"),), (a_recipient(replaced_at=NOON),)])
def test_a_role_without_an_address_in_force_shuts_the_gate(people: tuple[Recipient, ...]) -> None:
    with pytest.raises(Refused, match="no email address of role 'notice' is in force"):
        draft_plan(a_position(), people, a_letter())


def test_terms_that_are_not_read_shut_the_gate() -> None:
    unread = replace(
        a_position(), notice_terms=None, notice_terms_fault="the notice clause has not been read"
    )
    with pytest.raises(Refused, match="has not been read"):
        draft_plan(unread, (a_recipient(),), a_letter())
    with pytest.raises(Refused, match="nobody to be served"):
        draft_plan(unread, (), a_letter(NoticeKind.WITHDRAWAL))


def test_a_withdrawal_goes_to_everybody_whatever_the_terms() -> None:
    unread = replace(a_position(), notice_terms=None)
    draft = draft_plan(unread, (a_recipient(), a_recipient("l1", "legal")), a_letter(NoticeKind.WITHDRAWAL))
    assert [it.recipient.address_id for it in draft.letters] == ["a1", "l1"]
    assert draft.terms.steps[0].combine is Combine.ALL_OF
