"""How well the detector finds, and how often it errs: recall at budgets of false episodes, and by own flags.

Three sets: the ten social series of the real traffic with their labelled windows, dense synthetic series with
injected bursts by day and by night, and wild synthetic series in which every episode is false. Ratios only,
nothing is timed. Run from the repository's root:

    python -m benchmarks.quality FOLDER_OF_REAL_TRAFFIC
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks import synthetic
from cjp_fraud.detection.backtest import backtest_rows
from cjp_fraud.detection.rules import DetectionRules
from features.constants import EPISODE_GAP_SECONDS

WEEK = pd.Timedelta(days=7)
WARM = pd.Timedelta(days=8)
BUDGETS = (1.0, 0.5, 0.1)
Windows = Mapping[str, Sequence[tuple[pd.Timestamp, pd.Timestamp]]]


def main(folder: Path) -> None:
    """Print the figures of all three sets."""
    social, windows, upward = real_social(folder)
    scores = scored(social)
    print("social, own flags:", summary(scores[scores["flagged"]], scores, windows, upward))
    for budget in BUDGETS:
        print(f"social, {budget} false per series-week:", at_budget(scores, windows, upward, budget))
    traffic, bursts = with_bursts(series=40, days=25)
    scores = scored(traffic)
    every = {
        tenant: [burst for kind in bursts.values() for burst in kind[tenant]]
        for tenant in traffic_ids(traffic)
    }
    for name, chosen in bursts.items():
        print(f"dense, {name}, own flags:", summary(scores[scores["flagged"]], scores, every, chosen))
        for budget in BUDGETS:
            print(f"dense, {name}, {budget} false per series-week:", at_budget(scores, every, chosen, budget))
    for seed in range(3):
        wild = synthetic.gridded(synthetic.wild(55, seed), start=social["interval_start"].min())
        scores = scored(pd.concat([social, wild], ignore_index=True))
        weeks = (scores["interval_start"].max() - scores["interval_start"].min()) / WEEK
        flagged = episodes(scores[scores["flagged"]])["tenant_id"].value_counts()
        rates = {name: round(int(flagged.get(name, 0)) / weeks, 2) for name in synthetic.WILD}
        print(f"wild, seed {seed}, episodes a week:", rates)


def real_social(folder: Path) -> tuple[pd.DataFrame, Windows, Windows]:
    """Gridded traffic of the ten social series, all labelled windows, and the upward ones from day 8 on."""
    rows = pd.read_csv(folder / "traffic.csv.gz", parse_dates=["interval_start"])
    rows = rows[rows["tenant_id"].str.startswith("social")].copy()
    rows["interval_start"] = rows["interval_start"].dt.floor("5min")
    rows = rows.assign(application_id=None, contacts_peak=np.nan)
    labels = pd.read_csv(folder / "anomaly_windows.csv", parse_dates=["from", "to"])
    windows: dict[str, list[tuple[pd.Timestamp, pd.Timestamp]]] = {}
    upward: dict[str, list[tuple[pd.Timestamp, pd.Timestamp]]] = {}
    for tenant, since, until in labels[labels["tenant_id"].isin(rows["tenant_id"])].itertuples(index=False):
        theirs = rows[rows["tenant_id"] == tenant]
        inside = theirs[theirs["interval_start"].between(since.floor("5min"), until)]
        windows.setdefault(tenant, []).append((since.floor("5min"), until))
        rises = inside["contacts_offered"].max() > 3 * theirs["contacts_offered"].median()
        if rises and since >= theirs["interval_start"].min() + WARM:
            upward.setdefault(tenant, []).append((since.floor("5min"), until))
    return rows.reset_index(drop=True), windows, upward


def with_bursts(series: int, days: int) -> tuple[pd.DataFrame, dict[str, Windows]]:
    """Dense series with bursts of 15 minutes: a quarter or half of the mean at night, all of it by day."""
    made = synthetic.dense(series, days, seed=7)
    rng = np.random.default_rng(7)
    kinds: dict[str, dict[str, list[tuple[pd.Timestamp, pd.Timestamp]]]] = {}
    for name, minutes in made.items():
        quiet = int(np.argmin(np.convolve(minutes[:1440], np.ones(120), mode="same")))
        for kind, share, hour in (
            ("night quarter", 0.25, 0),
            ("night half", 0.5, 0),
            ("day whole", 1.0, 720),
        ):
            at = (10 + int(rng.integers(0, days - 11))) * 1440 + (
                quiet + hour + int(rng.integers(-60, 60))
            ) % 1440
            synthetic.inject(minutes, at, 15, share, rng)
            since = synthetic.START + pd.Timedelta(minutes=at)
            window = (since - pd.Timedelta(minutes=5), since + pd.Timedelta(minutes=30))
            kinds.setdefault(kind, {}).setdefault(name, []).append(window)
    return synthetic.gridded(made), dict(kinds)


def scored(traffic: pd.DataFrame) -> pd.DataFrame:
    """Back-test under the default rules."""
    zones = dict.fromkeys(traffic_ids(traffic), "Etc/UTC")
    return backtest_rows(traffic, zones, DetectionRules()).to_pandas()


def traffic_ids(traffic: pd.DataFrame) -> list[str]:
    """The tenants."""
    return sorted(traffic["tenant_id"].unique())


def episodes(flags: pd.DataFrame) -> pd.DataFrame:
    """First and last flag of each episode by tenant."""
    ordered = flags.sort_values(["tenant_id", "interval_start"])
    gap = ordered.groupby("tenant_id")["interval_start"].diff()
    number = (gap.isna() | (gap > pd.Timedelta(seconds=EPISODE_GAP_SECONDS))).cumsum()
    return ordered.groupby(number).agg(
        tenant_id=("tenant_id", "first"), since=("interval_start", "min"), until=("interval_start", "max")
    )


def summary(
    flags: pd.DataFrame, scores: pd.DataFrame, windows: Windows, wanted: Windows
) -> dict[str, object]:
    """Tenants and windows found, and false episodes per series-week."""
    spans = scores.groupby("tenant_id")["interval_start"].agg(["min", "max"])
    flagged = episodes(flags)
    false = [
        not any(row.until >= since and row.since <= until for since, until in windows.get(row.tenant_id, ()))
        for row in flagged.itertuples()
    ]
    hits = {
        tenant: [
            bool(flags.loc[flags["tenant_id"] == tenant, "interval_start"].between(since, until).any())
            for since, until in of
        ]
        for tenant, of in wanted.items()
    }
    return {
        "tenants": f"{sum(any(of) for of in hits.values())} of {len(hits)}",
        "windows": f"{sum(sum(of) for of in hits.values())} of {sum(len(of) for of in hits.values())}",
        "false per series-week": round(sum(false) / float((spans["max"] - spans["min"]).sum() / WEEK), 2),
    }


def at_budget(scores: pd.DataFrame, windows: Windows, wanted: Windows, budget: float) -> dict[str, object]:
    """The same at one threshold for all: the lowest before the budget of false episodes is first exceeded."""
    best: dict[str, object] = {}
    for threshold in scores["score"].quantile(1 - np.logspace(-5, -2, 40)):
        result = summary(scores[scores["score"] >= threshold], scores, windows, wanted)
        if float(str(result["false per series-week"])) > budget:
            break
        best = {"threshold": round(float(threshold), 2), **result}
    return best


if __name__ == "__main__":
    main(Path(sys.argv[1]))
