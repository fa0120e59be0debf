"""The ladder of delivery evidence."""

from __future__ import annotations

from itertools import pairwise

from cjp_fraud.contracts.delivery_status import BASES, Rung


def test_each_rung_reaches_those_below_it_and_none_above() -> None:
    for lower, higher in pairwise(Rung):
        assert higher.reaches(lower)
        assert higher.reaches(higher)
        assert not lower.reaches(higher)


def test_no_contract_can_count_a_notice_from_before_it_was_sent() -> None:
    assert not {Rung.QUEUED, Rung.ATTEMPTED} & set(BASES)
