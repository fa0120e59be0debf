"""docs/architecture.md shows the tree as it is."""

from __future__ import annotations

from pathlib import Path

import cjp_fraud

ROOT = Path(cjp_fraud.__file__).parent
DOCUMENT = ROOT.parent / "docs" / "architecture.md"


def test_the_architecture_page_names_every_module_in_its_package() -> None:
    package, named = "", set()
    tree = DOCUMENT.read_text().split("```")[1]
    for line in tree.splitlines():
        word = line.split()[0] if line.strip() else ""
        if line.startswith("  ") and not line.startswith("   ") and word.endswith("/"):
            package = word
        elif line.startswith("    "):
            named.add(f"{package}{word}")
        elif line.startswith("  "):
            named.add(word)
    modules = {
        str(file.relative_to(ROOT).with_suffix(""))
        for file in ROOT.rglob("*.py")
        if file.stem != "__init__" and "migrations" not in file.parts and "__pycache__" not in file.parts
    }
    assert named - {"storage/migrations/"} == modules
