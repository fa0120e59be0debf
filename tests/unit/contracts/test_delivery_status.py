"""Delivery statuses and their order."""

from __future__ import annotations

from itertools import pairwise

from cjp_fraud.contracts.methods import METHODS
from cjp_fraud.contracts.model import DeliveryStatus
from cjp_fraud.contracts.receipt_rule import Basis, proof_needed
from cjp_fraud.contracts.stated import NOT_STATED


def test_each_status_reaches_those_below_it_and_none_above() -> None:
    for lower, higher in pairwise(DeliveryStatus):
        assert higher.reaches(lower)
        assert higher.reaches(higher)
        assert not lower.reaches(higher)


def test_no_contract_can_count_a_notice_from_before_it_was_sent() -> None:
    proofs = {proof_needed(basis, method) for basis in (*Basis, NOT_STATED) for method in METHODS}
    assert all(proof.reaches(DeliveryStatus.SENT) for proof in proofs)
