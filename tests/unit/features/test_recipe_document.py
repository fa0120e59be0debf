"""The steps and symbols that docstrings cite stand in docs/detection.md."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
RECIPE = (ROOT / "docs" / "detection.md").read_text()
SOURCES = [*ROOT.glob("features/*.py"), *ROOT.glob("models/*.py")]
SYMBOLS = (
    "x",
    "m",
    "r",
    "e",
    "q",
    "q_s",
    "MAD_s",
    "F",
    "L",
    "ε",
    "A",
    "S",
    "G_A",
    "G_S",
    "b",
    "b′",
    "s",
    "G",
    "u",
)


def test_every_step_that_a_docstring_cites_is_written_down() -> None:
    cited = {
        int(number)
        for source in SOURCES
        for numbers in re.findall(r"[Ss]teps? (\d+(?: to \d+)?)", source.read_text())
        for number in numbers.split(" to ")
    }
    assert cited
    written = {int(number) for number in re.findall(r"^\*\*(\d+)\. ", RECIPE, flags=re.MULTILINE)}
    assert cited <= written


def test_every_symbol_has_a_row_in_the_table_of_words() -> None:
    rows = [line.split("|")[1].strip() for line in RECIPE.splitlines() if line.startswith("| ")]
    named = {symbol.strip() for row in rows for symbol in row.split(",")}
    assert set(SYMBOLS) | {"x₁₅", "b₁₅", "Q", "M", "H", "s′", "f", "p"} <= named


def test_every_module_that_the_recipe_names_exists() -> None:
    for path in re.findall(r"`((?:features|models|cjp_fraud)/[a-z_/]+\.py)`", RECIPE):
        assert (ROOT / path).is_file(), path
