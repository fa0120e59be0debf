"""Figures as text, as the block of the benchmark's page, and as plots."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.detection.figures import BUDGETS, DEFAULT, RECIPE, SLOW, Figures
from benchmarks.detection.plots import write_plots

BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
REPOSITORY = Path(__file__).parents[2]
CALIBRATED = {"calibration": "without events", "with_events": "with events"}


@dataclass(frozen=True, slots=True)
class Setup:
    """What was run, as the page states it."""

    tenants: int
    weeks: int
    burst_tenants: int
    jobs: int
    minutes: float
    commit: str


def text_of(figures: Figures, seed: int) -> str:
    """Return all tables of a seed as plain text."""
    blocks = [f"=== seed {seed} ==="]
    blocks += [f"{name}: {shown(value)}" for name, value in figures.headline.items()]
    for title, table in titled(figures).items():
        blocks.append(f"\n{title}\n{table.map(shown).to_string()}")
    return "\n".join(blocks)


def titled(figures: Figures) -> dict[str, pd.DataFrame]:
    """Return the tables of a seed by title."""
    return {
        "Recall of frauds within a day, at 1.0 / 0.5 / 0.1 false episodes a series-week": figures.detectors,
        "The product at its default, and with one fixed threshold at each budget": figures.operating.T,
        "Frauds, at the default": figures.frauds,
        "Cases opened on tenants without fraud, at the default": figures.twins,
        "By kind of tenant, at the default": figures.tenants,
        "Bursts of known size (contacts a minute as a share of the tenant's mean)": figures.bursts,
        **{
            f"Observed share of rows by nominal p, traffic {name}": getattr(figures, field).rename_axis(
                "nominal p"
            )
            for field, name in CALIBRATED.items()
        },
    }


def shown(value: float) -> str:
    """Return a number with three digits that count, and whole ones whole."""
    if np.isnan(value):
        return "–"
    if value == round(value) and abs(value) < 1e6:
        return f"{value:.0f}"
    return f"{value:.3g}" if abs(value) < 100 else f"{value:,.0f}"


def write_page(page: Path, by_seed: Mapping[int, Figures], setup: Setup) -> None:
    """Put the figures of a run between the marks of the page, and its plots beside it."""
    text = page.read_text()
    if BEGIN not in text or END not in text:
        raise SystemExit(f"{page} has no lines {BEGIN} and {END}; the figures go between them")
    first = next(iter(by_seed.values()))
    plots = write_plots(page.parent, first)
    head, rest = text.split(BEGIN)
    block = "\n\n".join([_stated(by_seed, setup), *(_table(*item) for item in titled(first).items()), *plots])
    if len(by_seed) > 1:
        block += "\n\n" + _table("Spread over the seeds", spread(by_seed))
    page.write_text(f"{head}{BEGIN}\n{block}\n{END}{rest.split(END)[1]}")


def spread(by_seed: Mapping[int, Figures]) -> pd.DataFrame:
    """Return the main figures of each seed."""
    rows = {}
    for seed, figures in by_seed.items():
        product, default = figures.detectors.loc[RECIPE], figures.operating.loc[DEFAULT]
        rows[f"seed {seed}"] = {
            **{f"recall at {budget:g}": product[f"{budget:g}"] for budget in BUDGETS},
            "recall at the default": default["frauds found"],
            "costly within an hour": default["costly within an hour"],
            "false episodes a series-week": default["false episodes a series-week"],
            "cases a tenant-year without fraud": default["cases a tenant-year without fraud"],
            "night, a quarter": figures.bursts.loc["night 0.25", DEFAULT],
            "slow, within four weeks": figures.frauds["found"].get(f"{SLOW}, within four weeks", np.nan),
        }
    return pd.DataFrame(rows)


def _stated(by_seed: Mapping[int, Figures], setup: Setup) -> str:
    seeds = ", ".join(map(str, by_seed))
    lines = [
        f"Run: {setup.tenants:,} tenants × {setup.weeks} weeks, one 5-minute series each; bursts in "
        f"{setup.burst_tenants} tenants; seed{'s' if len(by_seed) > 1 else ''} {seeds} (tables: the first); commit "
        f"`{setup.commit}`; {setup.minutes:.1f} minutes with {setup.jobs} processes on {os.cpu_count()} cores.",
        "",
        *(f"- {name}: {shown(value)}" for name, value in next(iter(by_seed.values())).headline.items()),
    ]
    return "\n".join(lines)


def _table(title: str, table: pd.DataFrame) -> str:
    cells = table.map(shown)
    head = f"| {table.index.name or ''} | {' | '.join(map(str, cells.columns))} |"
    rows = [
        f"| {name} | {' | '.join(row)} |" for name, row in zip(cells.index, cells.to_numpy(), strict=True)
    ]
    return "\n".join([f"**{title}**", "", head, "|---" * (len(cells.columns) + 1) + "|", *rows])


def commit_of_the_code() -> str:
    """Return the commit that is checked out, marked where the code differs from it."""

    def git(*words: str) -> str:
        command = ["git", "-C", str(REPOSITORY), *words]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "--", "benchmarks", "cjp_fraud", "features", "models")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (", changed" if changed else "")
