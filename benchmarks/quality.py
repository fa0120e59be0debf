"""How well the detector finds, how often it errs, and what each part of the recipe is worth.

Sets: the ten social series of the real traffic with their labelled windows, dense synthetic series with bursts injected
by day and by night, a simulated cloud with its frauds, and wild synthetic series, beside the social ones, in which
every episode is false. The first row of the table is the recipe as it is, each further row the recipe without one part
(or, last, with the isolation forest as a factor): windows found with the product's own flags, and with one threshold at
half a false episode a series-week. ``--write`` puts the table into docs/detection-benchmark.md. Ratios only, nothing is
timed. Run from the repository's root:

    python -m benchmarks.quality FOLDER_OF_REAL_TRAFFIC [--parts [--write]]
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import pandas as pd

from benchmarks import synthetic
from benchmarks.detection.labels import labels_of
from benchmarks.forest_factor import forest_as_factor
from cjp_fraud.detection.backtest import backtest_rows
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.simulation.cloud import Cloud
from cjp_fraud.simulation.event_placement import WARM_DAYS
from cjp_fraud.simulation.generate import COUNTS_ONLY, simulate_tenants
from features.constants import EPISODE_GAP_SECONDS

WEEK = pd.Timedelta(days=7)
WARM = pd.Timedelta(days=8)
BUDGETS = (1.0, 0.5, 0.1)
THRESHOLDS = np.arange(6.0, 1.0, -0.05)
WITHOUT_PEAK = "without the busiest minute"
PAGE = Path(__file__).parents[1] / "docs" / "detection-benchmark.md"
PARTS_BEGIN, PARTS_END = "<!-- parts: begin -->", "<!-- parts: end -->"
Windows = Mapping[str, Sequence[tuple[pd.Timestamp, pd.Timestamp]]]


@dataclass(frozen=True, slots=True)
class LabelledTraffic:
    """A set that the detector is measured on.

    Attributes
    ----------
    traffic : gridded, in UTC.
    windows : by tenant, all that is labelled: an episode that touches none of them is false.
    wanted : by name of a kind of event, the windows that should be found.
    zones : IANA zone of each tenant; None: all in UTC.
    judged_from : what is before it is not judged; None: all is.
    """

    traffic: pd.DataFrame
    windows: Windows
    wanted: Mapping[str, Windows]
    zones: Mapping[str, str] | None = None
    judged_from: pd.Timestamp | None = None

    def scored(self) -> pd.DataFrame:
        """Back-test under the default rules; the rows that are judged."""
        scores = scored(self.traffic, self.zones)
        return scores if self.judged_from is None else scores[scores["interval_start"] >= self.judged_from]


def sets(folder: Path) -> dict[str, LabelledTraffic]:
    """All labelled sets by name; a new one is a function that returns such traffic, and a line here."""
    social, windows, upward = real_social(folder)
    dense, bursts = with_bursts(series=40, days=25)
    every = {
        tenant: [burst for kind in bursts.values() for burst in kind[tenant]] for tenant in traffic_ids(dense)
    }
    return {
        "social": LabelledTraffic(social, windows, {"upward": upward}),
        "dense": LabelledTraffic(dense, every, bursts),
        "cloud": simulated_cloud(tenants=100, weeks=6, seed=1),
    }


def main(folder: Path, *, parts: bool, write: bool) -> None:
    """Print the figures of all sets or, with ``parts``, the table of what each part is worth."""
    chosen = sets(folder)
    if parts:
        table = parts_table(chosen)
        print(table.to_string(index=False))
        if write:
            write_parts(table)
        return
    for name, labelled in chosen.items():
        scores = labelled.scored()
        for kind, wanted in labelled.wanted.items():
            flags = scores[scores["flagged"]]
            print(f"{name}, {kind}, own flags:", summary(flags, scores, labelled.windows, wanted))
            for budget in BUDGETS:
                found = at_budget(scores, labelled.windows, wanted, budget)
                print(f"{name}, {kind}, {budget} false per series-week:", found)
    for seed in range(3):
        print(f"wild, seed {seed}, episodes a week:", wild_rates(chosen["social"].traffic, seed))


def parts_table(chosen: Mapping[str, LabelledTraffic]) -> pd.DataFrame:
    """One row for the whole recipe and one for each part left out; each is printed as soon as it is known."""
    rows = []
    for name, without in PARTS.items():
        with without():
            rows.append({"recipe": name, **row_of_part(chosen, with_peak=name != WITHOUT_PEAK)})
        print(rows[-1], flush=True)
    return pd.DataFrame(rows)


def row_of_part(chosen: Mapping[str, LabelledTraffic], *, with_peak: bool) -> dict[str, object]:
    """What the recipe, as it is patched now, finds in each set and how often it errs."""
    row: dict[str, object] = {}
    for of_set, labelled in chosen.items():
        used = labelled if with_peak else without_peaks(labelled)
        scores = used.scored()
        for kind, wanted in used.wanted.items():
            own = summary(scores[scores["flagged"]], scores, used.windows, wanted)
            fixed = at_budget(scores, used.windows, wanted, 0.5)
            row[f"{of_set}, {kind}"] = f"{own['windows']} ({fixed.get('windows', 'none')})"
        row[f"{of_set}, false"] = own["false per series-week"]
    rates = wild_rates(chosen["social"].traffic, 0, with_peak=with_peak)
    row["wild, worst"], row["wild, mean"] = (
        max(rates.values()),
        round(float(np.mean(list(rates.values()))), 2),
    )
    return row


def write_parts(table: pd.DataFrame, page: Path = PAGE) -> None:
    """Put the table into the page, between its two marks."""
    head, rest = page.read_text(encoding="utf-8").split(PARTS_BEGIN)
    tail = rest.split(PARTS_END)[1]
    lines = [
        "| " + " | ".join(map(str, row)) + " |"
        for row in (table.columns, ["---"] * len(table.columns), *table.itertuples(index=False))
    ]
    text = "\n".join([f"{head}{PARTS_BEGIN}", *lines, f"{PARTS_END}{tail}"])
    page.write_text(text, encoding="utf-8")


@contextmanager
def patched(**values: object) -> Iterator[None]:
    """Give constants and functions of the recipe, named ``module__name``, other values for a while."""
    with ExitStack() as stack:
        for name, value in values.items():
            module, attribute = name.split("__", 1)
            place = module.replace("detection_", "cjp_fraud.detection.", 1).replace(
                "features_", "features.", 1
            )
            stack.enter_context(mock.patch(f"{place}.{attribute}", value))
        yield


def no_level(residual: Any, interval_seconds: int) -> Any:
    """Step 2 left out."""
    return np.zeros_like(residual)


def day_floors_alone(spread: Any, location: Any, floor: Any, near: Any, smallest: Any) -> Any:
    """Denominator of A without the floor of the hours around."""
    return np.hypot(spread + 0.01 * np.abs(location), 0.3 * floor + smallest)


def noise_of_the_whole_day(hours: Any) -> Any:
    """No hour knows the noise around it."""
    return np.full((len(hours), 24), np.nan)


def no_job_hours(hours: Any, habit: Any) -> Any:
    """No hour has a job."""
    return np.zeros((len(hours), 24), dtype=bool)


def no_provisional_bar(maxima: Any, upper: Any) -> Any:
    """1 for every series."""
    return np.ones(len(maxima))


PARTS: Mapping[str, Callable[[], Any]] = {
    "as it is": patched,
    "without the level of the hour": lambda: patched(features_score_day__level_of_hour=no_level),
    "without the floor of the hours around": lambda: patched(
        features_score_day__scale_of_hour=day_floors_alone
    ),
    "without the swing": lambda: patched(features_strength__SWING_FROM=np.inf),
    WITHOUT_PEAK: patched,
    "without the 15 minutes": lambda: patched(features_strength__FIFTEEN_SHARE=0.0),
    "without Q": lambda: patched(features_own_bar__RARE_SLACK=0.0),
    "without M": lambda: patched(features_own_bar__HABIT_SLACK=np.inf),
    "without H": lambda: patched(features_own_bar__NOISE_SLACK=np.inf),
    "without R": lambda: patched(features_own_bar__RECURRING_SLACK=np.inf),
    "without the noise by hour": lambda: patched(features_own_bar__noise_around=noise_of_the_whole_day),
    "without the hours of jobs": lambda: patched(features_own_bar__job_hours=no_job_hours),
    "without the own bar": lambda: patched(
        features_own_bar__RARE_SLACK=0.0,
        features_own_bar__HABIT_SLACK=np.inf,
        features_own_bar__NOISE_SLACK=np.inf,
        features_own_bar__RECURRING_SLACK=np.inf,
    ),
    "without the provisional bar": lambda: patched(features_own_bar___provisional=no_provisional_bar),
    "with a pool of 7 days": lambda: patched(detection_significance__POOL_DAYS=7),
    "with the forest as a factor": forest_as_factor,
}
"""What is left out, or changed, by name; each is a context in which the recipe is so."""


def without_peaks(labelled: LabelledTraffic) -> LabelledTraffic:
    """The same traffic, whose busiest minutes nobody knows."""
    return replace(labelled, traffic=labelled.traffic.assign(contacts_peak=np.nan))


def wild_rates(social: pd.DataFrame, seed: int, *, with_peak: bool = True) -> dict[str, float]:
    """Episodes a week of each wild series, flagged beside the social ones."""
    start = social["interval_start"].min()
    wild = synthetic.gridded(synthetic.wild(55, seed), start=start, with_peak=with_peak)
    scores = scored(pd.concat([social, wild], ignore_index=True))
    weeks = (scores["interval_start"].max() - scores["interval_start"].min()) / WEEK
    flagged = episodes(scores[scores["flagged"]])["tenant_id"].value_counts()
    return {name: round(int(flagged.get(name, 0)) / weeks, 2) for name in synthetic.WILD}


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


def simulated_cloud(tenants: int, weeks: int, seed: int) -> LabelledTraffic:
    """A cloud of one series a tenant: frauds to be found within a day of their cost, judged after its quiet weeks."""
    cloud = Cloud(seed=seed, weeks=weeks, one_series=True)
    made = simulate_tenants(cloud, range(tenants), columns=COUNTS_ONLY)
    ids = [profile.tenant_id for profile in made.tenants]
    windows: dict[str, list[tuple[pd.Timestamp, pd.Timestamp]]] = {}
    frauds: dict[str, list[tuple[pd.Timestamp, pd.Timestamp]]] = {}
    for label in labels_of(made.truth, {name: number for number, name in enumerate(ids)}):
        windows.setdefault(ids[label.tenant], []).append(_stamps(label.touched))
        if not label.benign and not label.scenario.endswith("_test"):
            frauds.setdefault(ids[label.tenant], []).append(_stamps(label.found_by()))
    judged_from = pd.Timestamp(cloud.begin) + pd.Timedelta(days=WARM_DAYS)
    return LabelledTraffic(made.traffic.to_pandas(), windows, {"frauds": frauds}, made.zones, judged_from)


def _stamps(seconds: tuple[int, int]) -> tuple[pd.Timestamp, pd.Timestamp]:
    first, last = (pd.Timestamp(at, unit="s", tz="UTC") for at in seconds)
    return first, last


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


def scored(traffic: pd.DataFrame, zones: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Back-test under the default rules; without ``zones`` all tenants are in UTC."""
    known = zones or dict.fromkeys(traffic_ids(traffic), "Etc/UTC")
    return backtest_rows(traffic, known, DetectionRules()).to_pandas()


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
    return found_in(flags, series_weeks(scores), windows, wanted)


def series_weeks(scores: pd.DataFrame) -> float:
    """Weeks between the first and the last row, of all tenants together."""
    spans = scores.groupby("tenant_id")["interval_start"].agg(["min", "max"])
    return float((spans["max"] - spans["min"]).sum() / WEEK)


def found_in(flags: pd.DataFrame, weeks: float, windows: Windows, wanted: Windows) -> dict[str, object]:
    """What :func:`summary` says, of flags in so many series-weeks."""
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
        "false per series-week": round(sum(false) / weeks, 2),
    }


def at_budget(scores: pd.DataFrame, windows: Windows, wanted: Windows, budget: float) -> dict[str, object]:
    """The same at one threshold for all: the lowest before the budget of false episodes is first exceeded."""
    best: dict[str, object] = {}
    weeks, high = series_weeks(scores), scores[scores["score"] >= THRESHOLDS.min()]
    for threshold in THRESHOLDS:
        result = found_in(high[high["score"] >= threshold], weeks, windows, wanted)
        if float(str(result["false per series-week"])) > budget:
            break
        best = {"threshold": round(float(threshold), 2), **result}
    return best


if __name__ == "__main__":
    main(Path(sys.argv[1]), parts="--parts" in sys.argv[2:], write="--write" in sys.argv[2:])
