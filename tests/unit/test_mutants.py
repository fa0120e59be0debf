"""The mutants are what their names say, and none is missing."""

from __future__ import annotations

from tests.mutants import mutants

CHECKS = """
def rule(a, b, c):
    return [text for holds, text in ((a, "no a"), (b, "no b"), (c, "no c")) if not holds]
"""


def test_each_check_is_left_out_once_and_the_name_says_which() -> None:
    left_out = {m.name: m.source for m in mutants(CHECKS) if "leave out" in m.name}
    assert list(left_out) == [f"rule: leave out ({name}, 'no {name}')" for name in "abc"]
    for name, source in left_out.items():
        kept = [letter for letter in "abc" if f"'no {letter}'" in source]
        assert len(kept) == 2
        assert name[len("rule: leave out (")] not in kept


def test_each_entry_of_a_mapping_and_each_member_of_a_set_is_left_out_once() -> None:
    sources = [m.source for m in mutants("x = {'a': 1, 'b': 2, 'c': 3}") if "leave out" in m.name]
    assert sources == ["x = {'b': 2, 'c': 3}", "x = {'a': 1, 'c': 3}", "x = {'a': 1, 'b': 2}"]
    sources = [m.source for m in mutants("x = {1, 2, 3}") if "leave out" in m.name]
    assert sources == ["x = {2, 3}", "x = {1, 3}", "x = {1, 2}"]
