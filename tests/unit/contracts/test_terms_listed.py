"""What counsel entered is shown entry by entry, each beside where it was read."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from cjp_fraud.contracts.contract_terms import ClauseSource, ContractTerms, LiftRule, LiftWhen
from cjp_fraud.contracts.periods import Period, Wait, WaitUnit
from cjp_fraud.contracts.receipt_rule import FollowUp, ReceiptRule, UnlessFailure
from cjp_fraud.contracts.stated import NOT_READ
from cjp_fraud.contracts.terms import Force, NoticeTerms, plain_terms
from cjp_fraud.contracts.terms_listed import EnteredTerm, listed
from tests.contract_builders import terms_of_file

TABLE = Path(__file__).parents[2] / "contracts_of_the_table"


def by_name(terms: ContractTerms) -> dict[str, EnteredTerm]:
    return {entry.name: entry for entry in listed(terms)}


def test_each_kind_of_notice_shows_methods_force_receipt_and_periods_with_their_clause() -> None:
    step = plain_terms().steps[0]
    rule = replace(
        step.methods[0],
        force=Force.EXCLUSIVE,
        receipt=ReceiptRule(
            offset=Period(1, WaitUnit.HOURS),
            unless_failure=UnlessFailure(Period(1, WaitUnit.HOURS)),
            follow_up=FollowUp("letter", ("notice",), Period(10, WaitUnit.BUSINESS_DAYS)),
            rebuttable=NOT_READ,
        ),
    )
    notice = NoticeTerms(
        (replace(step, methods=(rule,), wait=Wait(14, WaitUnit.CALENDAR_DAYS)),),
        clause="12.9",
        minimum=Wait(2, WaitUnit.BUSINESS_DAYS, place="recipient"),
    )
    shown = by_name(ContractTerms(suspension=notice, breach=NOT_READ, source=ClauseSource(version="2.1")))
    assert shown["suspension, step 1"].says == "any of, then a wait of 14 calendar days"
    email = shown["suspension, step 1, email"]
    assert email.says == (
        "basis sent; address roles notice; force exclusive; receipt offset 1 hours; unless failure within 1 hours; "
        "follow up method letter; address roles notice; within 10 business days; when always; rebuttable NOT READ"
    )
    assert (email.clause, email.version) == ("12.9", "2.1")
    assert shown["suspension, minimum"].says == "2 business days in recipient"
    assert shown["breach"].says == "NOT READ"
    assert "withdrawal" in shown["not stated"].says.split(", ")


def test_an_entry_with_a_source_of_its_own_shows_that_one() -> None:
    own = ClauseSource(clause="7.2", text="lifted promptly", version="3", page_sha256="ab" * 32)
    terms = ContractTerms(
        plain_terms(), lift=LiftRule(LiftWhen.PROMPTLY, source=own), source=ClauseSource(clause="1")
    )
    shown = by_name(terms)
    assert shown["lift"] == EnteredTerm("lift", "when promptly", "7.2", "3", "ab" * 32, "lifted promptly")
    assert shown["suspension, step 1"].clause == "1"


@pytest.mark.parametrize("path", sorted(TABLE.glob("*.toml")), ids=lambda path: path.stem)
def test_of_each_contract_of_the_table_every_step_and_method_is_shown(path: Path) -> None:
    terms = terms_of_file(path)
    shown = by_name(terms)
    notice = terms.notices("suspension")
    for step in notice.steps if notice is not None else ():
        for rule in step.methods:
            assert (
                f"basis {rule.basis.replace('_', ' ')}"
                in shown[f"suspension, step {step.number}, {rule.method}"].says
            )
    assert len(shown) == len(listed(terms)), "no two entries have the same name"
