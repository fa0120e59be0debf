"""Which cases of a shared cause are dismissed together."""

from __future__ import annotations

from dataclasses import replace

import pytest

from cjp_fraud.review.bulk_rules import UNDECIDED, BulkCandidate
from cjp_fraud.review.model import CaseState

PLAIN = BulkCandidate(7, "acme", CaseState.OPEN, None, None, 3, 0, False)


@pytest.mark.parametrize("state", sorted(CaseState))
def test_only_undecided_cases_are_dismissed_together(state: CaseState) -> None:
    assert (replace(PLAIN, state=state).left_because("rita") is None) == (state in UNDECIDED)


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"found_fraudulent": True}, "fraud was determined"),
        ({"flags_outside": 1}, "1 of its 3 flag(s) lie outside"),
        ({"flags": 0}, "taken back"),
        ({"holder": "ana"}, "ana holds it"),
        ({"promised_by": "ana"}, "ana put it aside"),
        ({"entered_after_part": "rita"}, "rita took part in it before entering the event"),
    ],
)
def test_a_case_that_is_not_plainly_of_the_event_or_that_somebody_works_is_left(
    changes: dict[str, object], why: str
) -> None:
    said = replace(PLAIN, **changes).left_because("rita")
    assert said is not None
    assert why in said


def test_ones_own_cases_are_not_left() -> None:
    assert replace(PLAIN, state=CaseState.IN_REVIEW, holder="rita").left_because("rita") is None
    assert replace(PLAIN, state=CaseState.IN_REVIEW, promised_by="rita").left_because("rita") is None
