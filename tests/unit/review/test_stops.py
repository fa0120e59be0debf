"""What shuts the gate while it stands, without a database."""

from __future__ import annotations

import pytest

from cjp_fraud.people.model import Actor, Role
from cjp_fraud.review.model import StopKind
from cjp_fraud.review.stops import OpenDispute, StandingStop, clearing_faults, order_faults, stop_sentences

COUNSEL = Actor("carol", "user-1", frozenset({Role.COUNSEL}))
APPROVER = Actor("adam", "user-2", frozenset({Role.APPROVER}))


def test_a_filed_dispute_stops_only_where_the_contract_says_so() -> None:
    disputes = [OpenDispute("one", filing_stops=False), OpenDispute("two", filing_stops=True)]
    sentences = stop_sentences([StandingStop("three", StopKind.COUNSEL_ORDER)], disputes)
    assert sentences == [
        "counsel ordered a stop (stop three)",
        "a dispute is filed, and the contract says that filing stops (dispute two)",
    ]


def test_counsel_orders_and_clears_with_reasons() -> None:
    assert not order_faults(COUNSEL, "wait")
    assert not clearing_faults(StopKind.COUNSEL_ORDER, COUNSEL, "settled")
    assert len(order_faults(APPROVER, " ")) == 2


@pytest.mark.parametrize("by", [COUNSEL, APPROVER])
def test_nobody_clears_what_an_upheld_dispute_stopped(by: Actor) -> None:
    assert "never cleared" in clearing_faults(StopKind.DISPUTE_UPHELD, by, "settled")[0]
