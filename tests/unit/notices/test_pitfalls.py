"""The table of pitfalls in the docs: none is left out, and each test that it names exists."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parents[3]
TABLE = REPOSITORY / "docs" / "notice_pitfalls.md"
PITFALLS = 20

_ROW = re.compile(r"(?m)^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|$")
_TEST = re.compile(r"`([\w/]+\.py)::(test_\w+)`")


def rows() -> dict[int, list[tuple[str, str]]]:
    """Return the tests that the table names, by the pitfall's number."""
    return {
        int(number): _TEST.findall(named) for number, _, _, named in _ROW.findall(TABLE.read_text("utf-8"))
    }


@cache
def names_of_tests(file: Path) -> frozenset[str]:
    """Return the names of the test functions of a file."""
    tree = ast.parse(file.read_text("utf-8"))
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))


def test_no_pitfall_is_left_out() -> None:
    assert sorted(rows()) == list(range(1, PITFALLS + 1))


@pytest.mark.parametrize("number", range(1, PITFALLS + 1))
def test_each_pitfall_has_tests_and_they_exist(number: int) -> None:
    named = rows()[number]
    assert named
    missing = [
        f"{file}::{test}"
        for file, test in named
        if not (REPOSITORY / "tests" / file).is_file()
        or test not in names_of_tests(REPOSITORY / "tests" / file)
    ]
    assert not missing
