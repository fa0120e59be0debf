"""Plots of the page, with Altair where it is installed (``pip install cjp-fraud[notebooks]``)."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.detection.figures import BUDGETS, Figures

WIDTH, HEIGHT = 420, 260


def write_plots(folder: Path, figures: Figures) -> list[str]:
    """Write the plots as SVG into ``folder``; return the lines that show them, or that say that Altair is missing."""
    if find_spec("altair") is None or find_spec("vl_convert") is None:
        return ["*(Altair and vl-convert were not installed, so this run has no plots.)*"]
    shown = []
    for name, title, chart in (
        ("detection-benchmark-recall", "Recall at each budget of false episodes", _recall(figures)),
        ("detection-benchmark-calibration", "Observed share of rows by nominal p", _calibration(figures)),
    ):
        chart.save(folder / f"{name}.svg")
        shown.append(f"![{title}]({name}.svg)")
    return shown


def _recall(figures: Figures):  # type: ignore[no-untyped-def]  # Altair is optional
    import altair

    budgets = [f"{budget:g}" for budget in BUDGETS]
    long = figures.detectors[budgets].rename_axis("detector").reset_index().melt("detector", budgets)
    long = long.assign(variable=long["variable"].astype(float)).dropna()
    return (
        altair.Chart(long, width=WIDTH, height=HEIGHT)
        .mark_line(point=True)
        .encode(
            x=altair.X("variable:Q", title="false episodes a series-week").scale(type="log"),
            y=altair.Y("value:Q", title="share of frauds found within a day").scale(domain=[0, 1]),
            color=altair.Color("detector:N", title=None, sort=list(figures.detectors.index)),
        )
    )


def _calibration(figures: Figures):  # type: ignore[no-untyped-def]  # Altair is optional
    import altair

    parts = []
    for traffic, table in (("without events", figures.calibration), ("with events", figures.with_events)):
        long = table.rename_axis("rows").reset_index().melt("rows").dropna()
        parts.append(long.assign(traffic=traffic, nominal=long["variable"].astype(float)))
    points = pd.concat(parts)
    points = points[points["value"] > 0]
    exact = pd.DataFrame({"nominal": np.array([1e-4, 1e-2])}).assign(value=lambda frame: frame["nominal"])
    axes = {
        "x": altair.X("nominal:Q", title="nominal p").scale(type="log"),
        "y": altair.Y("value:Q", title="observed share").scale(type="log"),
    }
    line = altair.Chart(exact).mark_line(strokeDash=[4, 4], color="grey").encode(**axes)
    marks = (
        altair.Chart(points, width=WIDTH, height=HEIGHT)
        .mark_point(filled=True, size=45, opacity=0.7)
        .encode(
            **axes,
            color=altair.Color("rows:N", title=None, sort=list(figures.calibration.index)),
            shape=altair.Shape("traffic:N", title=None),
        )
    )
    return line + marks
