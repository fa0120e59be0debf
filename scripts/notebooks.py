"""The analysts' notebooks: pair each script with its .ipynb, run them, render them into docs/notebooks.

python scripts/notebooks.py pair                  # notebooks/*.ipynb from notebooks/*.py, without outputs
python scripts/notebooks.py render --home HOME    # run them on a demo's data; docs/notebooks/*.md with charts
"""

from __future__ import annotations

import argparse
import html
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, Final

import jupytext
import nbformat

REPOSITORY: Final = Path(__file__).resolve().parents[1]
NOTEBOOKS: Final = REPOSITORY / "notebooks"
RENDERED: Final = REPOSITORY / "docs" / "notebooks"
LONGEST_SECONDS: Final = 600
"""After which a cell is given up; a whole notebook takes under a minute on an idle machine."""
LARGEST_CHART: Final = 100_000

_KERNEL: Final = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}}
_FRAME_STYLE: Final = re.compile(r"<style scoped>.*?</style>\n?", re.DOTALL)
_CHART: Final = re.compile(r"!\[svg\]\((\S+\.svg)\)")
_TITLE: Final = re.compile(r"role-title-text.*?<text[^>]*>([^<]+)</text>", re.DOTALL)


def scripts() -> list[Path]:
    """The notebooks' scripts, in order."""
    return sorted(NOTEBOOKS.glob("[0-9]*.py"))


def paired(script: Path) -> Any:
    """Return the notebook that a script describes: its cells in order, without outputs; the same each time."""
    notebook = jupytext.read(script, fmt="py:percent")
    notebook.metadata = nbformat.from_dict(_KERNEL)
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    for number, cell in enumerate(notebook.cells):
        cell.id = f"cell-{number:02d}"
        cell.metadata = nbformat.from_dict({})
    return notebook


def run(script: Path, home: Path) -> Any:
    """Run a notebook from top to bottom on a deployment's folder; return it with its outputs.

    Raises
    ------
    CellExecutionError
        If a cell fails; says which and why.
    """
    from nbclient import NotebookClient

    notebook = paired(script)
    with tempfile.TemporaryDirectory() as folder, _environment(CJP_FRAUD_HOME=str(home.resolve())):
        client = NotebookClient(
            notebook,
            timeout=LONGEST_SECONDS,
            startup_timeout=LONGEST_SECONDS,
            resources={"metadata": {"path": str(NOTEBOOKS)}},
        )
        kernel = client.create_kernel_manager()
        # Sockets in a folder of our own: nobody else on the machine listens in.
        kernel.transport, kernel.ip = "ipc", str(Path(folder) / "kernel")
        kernel.connection_file = str(Path(folder) / "kernel.json")
        client.execute()
    return notebook


def render(script: Path, home: Path, into: Path) -> Path:
    """Run a notebook and write it with its outputs: Markdown, and its charts as files in a folder of its name."""
    from nbconvert import MarkdownExporter

    charts = into / script.stem
    shutil.rmtree(charts, ignore_errors=True)
    charts.mkdir(parents=True)
    options = {"output_files_dir": script.stem, "unique_key": "chart"}
    notebook = run(script, home)
    for output in (output for cell in notebook.cells for output in cell.get("outputs", ())):
        shown = output.get("data", {})
        if "<table" in shown.get("text/html", ""):
            shown["text/markdown"] = _markdown_table(shown.pop("text/html"))
    text, resources = MarkdownExporter().from_notebook_node(notebook, resources=options)
    for name, content in resources["outputs"].items():
        (into / name).write_bytes(content)
        if len(content) > LARGEST_CHART:
            raise SystemExit(f"{name} has {len(content):,} bytes, over {LARGEST_CHART:,}; draw less in it")
    page = into / f"{script.stem}.md"
    note = (
        f"<!-- Rendered by scripts/notebooks.py from notebooks/{script.name}; change that, not this. -->\n\n"
    )
    page.write_text(note + _tidy(text, into))
    return page


class _Cells(HTMLParser):
    """Gathers the cells of a table, row by row."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: list[list[str]] = []
        self._inside = False

    def handle_starttag(self, tag: str, attrs: object) -> None:
        """Begin a row or a cell."""
        if tag == "tr":
            self.rows.append([])
        self._inside = tag in ("td", "th")
        if self._inside:
            self.rows[-1].append("")

    def handle_endtag(self, tag: str) -> None:
        """End a cell."""
        self._inside = self._inside and tag not in ("td", "th")

    def handle_data(self, data: str) -> None:
        """Take a cell's text."""
        if self._inside:
            self.rows[-1][-1] += data


def _markdown_table(table: str) -> str:
    """Return a frame's table as Markdown; what is missing is a dash, and the index's name stands over the index."""
    cells = _Cells()
    cells.feed(_FRAME_STYLE.sub("", table))
    head, *rows = [row for row in cells.rows if row]
    if rows and len(rows[0]) == len(head) and not any(rows[0][1:]):
        head, rows = [rows[0][0], *head[1:]], rows[1:]  # the row that names the index
    missing = dict.fromkeys(("NaN", "<NA>", "None", "NaT"), "–")
    lines = [head, ["---"] * len(head), *([missing.get(cell, cell) for cell in row] for row in rows)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def _tidy(text: str, into: Path) -> str:
    """Take pandas' style sheets out, and blanks at the ends of lines; call each chart by its title."""
    named = _CHART.sub(
        lambda found: f"![{_title_of(into / found[1])}]({found[1]})", _FRAME_STYLE.sub("", text)
    )
    lines = (line.rstrip() for line in named.splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _title_of(chart: Path) -> str:
    """Return the title of a chart, which is the text that stands in the group of its titles."""
    found = _TITLE.search(chart.read_text())
    return html.unescape(found[1]) if found is not None else "chart"


@contextmanager
def _environment(**chosen: str) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(chosen)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def main() -> None:
    """Pair or render all notebooks."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("pair", "render"))
    parser.add_argument("--home", type=Path, default=REPOSITORY / "var" / "demo", help="folder of the demo")
    parser.add_argument("--only", default="", help="notebooks whose name begins so")
    chosen = parser.parse_args()
    for script in (each for each in scripts() if each.name.startswith(chosen.only)):
        if chosen.what == "pair":
            nbformat.write(paired(script), script.with_suffix(".ipynb"))
            continue
        began = time.monotonic()
        page = render(script, chosen.home, RENDERED)
        print(f"{page.relative_to(REPOSITORY)}: {time.monotonic() - began:.0f} s")


if __name__ == "__main__":
    main()
