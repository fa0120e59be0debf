"""The analysts' notebooks: scripts and notebooks are the same, run from top to bottom, and change nothing."""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import sqlite3
from pathlib import Path
from types import ModuleType

import pytest

from cjp_fraud.analysis.columns import FRAMES
from tests import processes
from tests.commands import command_with_small_forests

REPOSITORY = Path(__file__).resolve().parents[2]
NOTEBOOKS = REPOSITORY / "notebooks"
RENDERED = REPOSITORY / "docs" / "notebooks"
SCRIPTS = sorted(NOTEBOOKS.glob("[0-9]*.py"))
NAMES = ["01_tenant_usage", "02_baselines_and_regimes", "03_model_review", "04_case_evidence"]
LINK = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    """``scripts/notebooks.py``, which pairs, runs and renders."""
    spec = importlib.util.spec_from_file_location("notebooks_tool", REPOSITORY / "scripts" / "notebooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def demo_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A demo's home, with forests that tests can wait for."""
    home = tmp_path_factory.mktemp("demo") / "demo"
    plain = {name: value for name, value in os.environ.items() if not name.startswith("CJP_FRAUD_")}
    done = processes.run(command_with_small_forests, "demo", "--home", str(home), environment=plain)
    assert done.exit_code == 0, done.stdout[-2000:] + done.stderr[-2000:]
    return home


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_notebook_is_its_script_and_has_no_outputs(tool: ModuleType, script: Path) -> None:
    import nbformat  # takes more than a second, and every process of a run loads this module

    kept = nbformat.read(script.with_suffix(".ipynb"), as_version=4)
    nbformat.validate(kept)
    cells = [(cell.cell_type, cell.source) for cell in kept.cells]
    expected = [(cell.cell_type, cell.source) for cell in tool.paired(script).cells]
    assert cells == expected, "run: make notebooks-pair"
    code = [cell for cell in kept.cells if cell.cell_type == "code"]
    assert [cell for cell in code if cell.outputs or cell.execution_count is not None] == []


@pytest.mark.parametrize("name", NAMES)
def test_a_rendered_notebook_holds_its_script_and_its_charts_are_there_and_small(name: str) -> None:
    page = (RENDERED / f"{name}.md").read_text()
    script = (NOTEBOOKS / f"{name}.py").read_text()
    prose = [
        line[2:] for line in script.splitlines() if line.startswith("# ") and not line.startswith("# %%")
    ]
    assert [line for line in prose if line.rstrip() not in page] == [], "run: make notebooks-docs"
    charts = LINK.findall(page)
    assert charts
    for title, path in charts:
        assert title != "svg", "a chart is called by its title"
        assert (RENDERED / path).stat().st_size < 100_000, path
    assert sorted(str(file.relative_to(RENDERED)) for file in (RENDERED / name).iterdir()) == sorted(
        path for _, path in charts
    )
    everything = page + "".join((RENDERED / path).read_text() for _, path in charts)
    assert [word for word in ("/home/", "/root", "/work", "/tmp") if word in everything] == []


def test_there_are_four_notebooks_and_the_page_of_frames_names_every_frame_and_column() -> None:
    assert [script.stem for script in SCRIPTS] == NAMES
    page = (REPOSITORY / "docs" / "analysis.md").read_text()
    missing = [
        f"{name}.{column.name}"
        for name, columns in FRAMES.items()
        for column in columns
        if f"`{name}`" not in page or f"`{column.name}`" not in page
    ]
    assert missing == []


@pytest.mark.slow
@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.stem)
def test_a_notebook_runs_from_top_to_bottom_and_changes_nothing(
    tool: ModuleType, script: Path, demo_home: Path
) -> None:
    before = everything_in(demo_home)
    ran = tool.run(script, demo_home)
    outputs = [output for cell in ran.cells for output in cell.get("outputs", ())]
    assert [output for output in outputs if output.output_type == "error"] == []
    assert any("image/svg+xml" in output.get("data", {}) for output in outputs)
    assert everything_in(demo_home) == before


def everything_in(home: Path) -> dict[str, str]:
    """Digests of the lake's files and of the database's rows."""
    lake = {
        str(file.relative_to(home)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted((home / "lake").rglob("*"))
        if file.is_file()
    }
    database = sqlite3.connect(next(iter(home.glob("*.db"))))
    try:
        rows = hashlib.sha256("\n".join(database.iterdump()).encode()).hexdigest()
    finally:
        database.close()
    return {**lake, "rows": rows}
