"""Delivery statuses and their order."""

from __future__ import annotations

from itertools import pairwise

from cjp_fraud.contracts.model import BASES, DeliveryStatus


def test_each_status_reaches_those_below_it_and_none_above() -> None:
    for lower, higher in pairwise(DeliveryStatus):
        assert higher.reaches(lower)
        assert higher.reaches(higher)
        assert not lower.reaches(higher)


def test_no_contract_can_count_a_notice_from_before_it_was_sent() -> None:
    assert not {DeliveryStatus.QUEUED, DeliveryStatus.ATTEMPTED} & set(BASES)
