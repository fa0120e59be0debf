"""docs/architecture.md shows the tree as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import cjp_fraud

REPOSITORY = Path(cjp_fraud.__file__).parents[1]
DOCUMENT = REPOSITORY / "docs" / "architecture.md"
LISTED = ("cjp_fraud", "features", "models")
"""Folders whose modules the page lists one by one."""


PLACE = re.compile(r"`([\w/]+\.py)(?:: (\w+))?`")
"""A module, and a name in it, as the table of questions gives them."""


def places() -> list[tuple[str, str]]:
    """The modules that the table of questions names, each with a name that it says is there, or nothing."""
    table = DOCUMENT.read_text().split("## Where to look")[1].split("## The tree")[0]
    return sorted({(module, name) for module, name in PLACE.findall(table) if "/" in module})


def names_in_the_tree() -> set[str]:
    """What the page's tree lists: paths from the repository's root, folders with a slash at their end."""
    above: list[str] = []
    names = set()
    for line in DOCUMENT.read_text().split("```")[1].strip("\n").splitlines():
        depth = (len(line) - len(line.lstrip(" "))) // 2
        name = line.split()[0]
        above = [*above[:depth], name]
        names.add("".join(above))
    return names


def test_the_architecture_page_names_every_module_in_its_package() -> None:
    modules = {
        str(file.relative_to(REPOSITORY).with_suffix(""))
        for folder in LISTED
        for file in (REPOSITORY / folder).rglob("*.py")
        if file.stem != "__init__" and "migrations" not in file.parts and "__pycache__" not in file.parts
    }
    assert {name for name in names_in_the_tree() if not name.endswith("/")} == modules


def test_every_folder_that_the_architecture_page_names_exists() -> None:
    folders = {name for name in names_in_the_tree() if name.endswith("/")}
    assert {f"{folder}/" for folder in LISTED} <= folders
    assert [folder for folder in sorted(folders) if not (REPOSITORY / folder).is_dir()] == []


@pytest.mark.parametrize(("module", "name"), places())
def test_every_place_that_the_architecture_page_points_to_is_there(module: str, name: str) -> None:
    files = [REPOSITORY / module, REPOSITORY / "cjp_fraud" / module]
    source = next(file for file in files if file.is_file()).read_text()
    assert re.search(rf"(def|class) {name}\b|^{name}\b", source, re.MULTILINE) if name else source
