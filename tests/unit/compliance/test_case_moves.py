"""What the log says of a case's states must follow from itself."""

from __future__ import annotations

from cjp_fraud.audit.named_rows import CaseMoves

OPENED = ("case.opened", {"state": "open"})
CLAIMED = ("case.claimed", {"from": "open", "to": "in_review"})


def faults(*entries: tuple[str, dict[str, str]]) -> list[str]:
    moves = CaseMoves()
    for sequence, (action, content) in enumerate(entries, 1):
        moves.add(sequence, action, "cases", "c1", content)
    return moves.faults


def test_moves_that_follow_from_each_other_hold() -> None:
    assert faults(OPENED, CLAIMED, ("case.released", {"from": "in_review", "to": "open"})) == []


def test_a_case_that_moves_from_where_the_log_did_not_leave_it_is_seen() -> None:
    (fault,) = faults(OPENED, CLAIMED, ("case.suspended", {"from": "suspending", "to": "suspended"}))
    assert "suspending" in fault
    assert "in_review" in fault


def test_a_move_of_a_case_that_the_log_never_opened_is_seen() -> None:
    (fault,) = faults(CLAIMED)
    assert "None" in fault
