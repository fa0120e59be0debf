"""Agreement of two readers, and Cohen's kappa."""

from __future__ import annotations

import pytest

from cjp_fraud.review.agreement import agreement_of
from cjp_fraud.review.model import Finding

FRAUD, BENIGN = Finding.FRAUDULENT, Finding.NOT_FRAUDULENT


def test_kappa_takes_off_what_chance_gives() -> None:
    # 20 both fraud, 5 and 10 apart, 15 both benign: the textbook example with p_o = .70, p_e = .50, kappa = .40
    pairs = [(FRAUD, FRAUD)] * 20 + [(FRAUD, BENIGN)] * 5 + [(BENIGN, FRAUD)] * 10 + [(BENIGN, BENIGN)] * 15
    agreement = agreement_of(pairs)
    assert agreement is not None
    assert agreement.alike.share == 0.7
    assert agreement.kappa == pytest.approx(0.4)


def test_where_both_always_say_one_thing_kappa_is_not_known() -> None:
    agreement = agreement_of([(BENIGN, BENIGN)] * 4)
    assert agreement is not None
    assert (agreement.alike.share, agreement.kappa) == (1.0, None)


def test_of_nothing_there_is_no_agreement() -> None:
    assert agreement_of([]) is None
