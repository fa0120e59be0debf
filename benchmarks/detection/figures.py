"""The figures of one cloud: tables of the detectors, of frauds, twins, sizes and bursts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from benchmarks.detection.calibration_table import SIZES, calibration_rows, of_size, size_name
from benchmarks.detection.cloud_run import CloudRun
from benchmarks.detection.detectors import OWN_THRESHOLD
from benchmarks.detection.labels import DAY, Label
from benchmarks.detection.measures import (
    HOUR,
    INTERVAL,
    Judged,
    Marks,
    at_budgets,
    cases_of,
    delays,
    false_episodes,
    first_flags,
    money_lost,
    queued,
    recall,
    share_of_worst,
)
from cjp_fraud.simulation.tenant_profiles import draw_profile
from features.counting_clocks import HOURLY_CLOCKS, Clock
from models.stability import stability_index

BUDGETS = (1.0, 0.5, 0.1)
RECIPE = "the product"
DEFAULT = "default"
YEAR = 365.25 * DAY
WEEKS_OF_A_SLOW_ONE = 4 * 7 * DAY
SLOW = "slow_revenue_share"
LARGE = 50
"""Contacts of a burst, all its minutes together."""
TESTS = "_test"
"""End of the name of a scenario of one to five test calls, too few for any flag: in the table of frauds only."""


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """Tables of one seed; all shares are 0 to 1.

    Attributes
    ----------
    detectors : recall of each detector at each budget.
    operating : of the product, at its default and at each budget: what is found, when, and what it costs reviewers.
    frauds, twins, tenants : of the product at its default.
    bursts : share found of the bursts of known size.
    calibration, with_events : observed shares for each nominal p, on clean traffic and with events.
    headline : numbers that are said in a sentence.
    """

    detectors: pd.DataFrame
    operating: pd.DataFrame
    frauds: pd.DataFrame
    twins: pd.DataFrame
    tenants: pd.DataFrame
    bursts: pd.DataFrame
    calibration: pd.DataFrame
    with_events: pd.DataFrame
    headline: dict[str, float]


def figures_of(
    events: CloudRun, clean: CloudRun, bursts: CloudRun, kinds: dict[int, dict[int, str]]
) -> Figures:
    """Return all figures of a seed.

    Parameters
    ----------
    events, clean : the same cloud with its events and without.
    bursts : a clean cloud with injected bursts.
    kinds : by place of the tenant and begin of a burst (UTC seconds), what it is (see ``bursts.injections``).
    """
    own = events.scores.flags(events.first)
    budgets = _judged(events, events.scores.marks(events.first))
    points = {DEFAULT: own} | {
        f"{budget:g} a week": judged.flags
        for budget, judged in zip(BUDGETS, budgets, strict=True)
        if judged is not None
    }
    clocks = (Clock.MINUTE, *HOURLY_CLOCKS)
    alone = {f"{DEFAULT}, {clock} alone": events.scores.flags_of(clock, events.first) for clock in clocks}
    frauds = frauds_of(events.labels)
    return Figures(
        detectors=_detectors(events, budgets, own, frauds),
        operating=pd.DataFrame(
            {name: _operating(events, flags) for name, flags in (points | alone).items()}
        ).T,
        frauds=_by_scenario(own, clean.scores.flags(clean.first), events.labels),
        twins=_by_twin(events, own),
        tenants=_by_kind_of_tenant(events, own),
        bursts=_bursts(bursts, kinds),
        calibration=calibration_rows(clean),
        with_events=calibration_rows(events),
        headline=_headline(events, own),
    )


def frauds_of(labels: Sequence[Label]) -> list[Label]:
    """Return the frauds that recall is measured on: all but test calls."""
    return [label for label in labels if not label.benign and not label.scenario.endswith(TESTS)]


def _judged(run: CloudRun, marks: Marks) -> list[Judged | None]:
    return at_budgets(marks, run.labels, run.series_weeks, run.judged_rows, BUDGETS)


def _detectors(run: CloudRun, budgets: list[Judged | None], own: Marks, frauds: list[Label]) -> pd.DataFrame:
    """Recall of the frauds at each budget, and of those that cost anything within an hour at .5; own flags."""
    costly = [label for label in frauds if label.cost_cents > 0]

    def row(judged: list[Judged | None], flags: Marks | None) -> dict[str, float]:
        cells = {
            f"{budget:g}": np.nan if at is None else recall(at.flags, frauds)
            for budget, at in zip(BUDGETS, judged, strict=True)
        }
        half = judged[1]
        cells["within an hour, .5"] = np.nan if half is None else recall(half.flags, costly, HOUR)
        cells["own flags"] = np.nan if flags is None else recall(flags, frauds)
        cells["own false"] = (
            np.nan if flags is None else len(false_episodes(flags, run.labels)) / run.series_weeks
        )
        return cells

    rows = {RECIPE: row(budgets, own)}
    for name, marks in run.marks.items():
        flags = marks.above(OWN_THRESHOLD[name]) if name in OWN_THRESHOLD else None
        rows[name] = row(_judged(run, marks), flags)
    return pd.DataFrame(rows).T


def _operating(run: CloudRun, flags: Marks) -> dict[str, float]:
    """What a set of flags finds and costs."""
    frauds = frauds_of(run.labels)
    costly = [label for label in frauds if label.cost_cents > 0]
    ends = first_flags(flags, costly, np.inf)
    seconds = delays(first_flags(flags, costly), costly)
    cost = sum(label.cost_cents for label in costly)
    false = false_episodes(flags, run.labels)
    cases = cases_of(flags, run.labels)
    innocent = _without_fraud(run)
    days = (run.cloud.intervals - run.first) * INTERVAL / DAY
    touched = {kind: _in(flags, run.labels, benign=kind == "benign") for kind in ("fraud", "benign")}
    return {
        "frauds found": recall(flags, frauds),
        "costly within an hour": _mean(seconds <= HOUR),
        "in the queue within an hour": _mean(delays(queued(first_flags(flags, costly)), costly) <= HOUR),
        "median delay, minutes": _median(seconds) / 60,
        "money lost before the flag": _ratio(money_lost(ends, costly).sum(), cost),
        "until the queue": _ratio(money_lost(queued(ends), costly).sum(), cost),
        "false episodes a series-week": len(false) / run.series_weeks,
        "share of the worst 5 %": share_of_worst(false.tenant, run.tenants),
        "flags in nothing": _mean(~(touched["fraud"] | touched["benign"])),
        "flags in no fraud": _mean(~touched["fraud"]),
        "cases a day": len(cases.tenant) / days,
        "cases a tenant-year without fraud": _ratio(
            innocent[cases.tenant].sum(), innocent.sum() * days * DAY / YEAR
        ),
    }


def _mean(values: np.ndarray) -> float:
    """Mean; NaN of nothing."""
    return float(values.mean()) if len(values) else np.nan


def _median(values: np.ndarray) -> float:
    """Median of what is known; NaN of nothing."""
    known = values[~np.isnan(values)]
    return float(np.median(known)) if len(known) else np.nan


def _ratio(part: float, whole: float) -> float:
    """Quotient; NaN of nothing."""
    return float(part / whole) if whole else np.nan


def _in(flags: Marks, labels: Sequence[Label], *, benign: bool) -> np.ndarray:
    """Whether each flag lies in an episode that touches a label of this kind."""
    episodes = flags.episodes()
    touching = episodes.touching([label for label in labels if label.benign == benign])
    number = np.searchsorted(
        episodes.tenant * (1 << 40) + episodes.since, flags.tenant * (1 << 40) + flags.start, side="right"
    )
    return touching[number - 1]


def _without_fraud(run: CloudRun) -> np.ndarray:
    """Mask of the tenants that no fraud happens to."""
    innocent = np.ones(run.tenants, dtype=bool)
    innocent[[label.tenant for label in run.labels if not label.benign]] = False
    return innocent


def _by_scenario(flags: Marks, by_chance: Marks, labels: Sequence[Label]) -> pd.DataFrame:
    """Each fraud at the default; ``by chance``: the same times on the same traffic without events."""
    rows = {}
    frauds = [label for label in labels if not label.benign]
    for scenario in sorted({label.scenario for label in frauds}):
        chosen = [label for label in frauds if label.scenario == scenario]
        rows[scenario] = _scenario(flags, by_chance, chosen, DAY)
        if scenario == SLOW:
            rows[f"{SLOW}, within four weeks"] = _scenario(flags, by_chance, chosen, WEEKS_OF_A_SLOW_ONE)
    return pd.DataFrame(rows).T


def _scenario(flags: Marks, by_chance: Marks, chosen: list[Label], within: float) -> dict[str, float]:
    ends = first_flags(flags, chosen, within)
    seconds = delays(ends, chosen)
    cost = sum(label.cost_cents for label in chosen)
    lost = money_lost(first_flags(flags, chosen, np.inf), chosen).sum()
    return {
        "events": float(len(chosen)),
        "found": _mean(~np.isnan(ends)),
        "by chance": recall(by_chance, chosen, within),
        "within an hour": _mean(seconds <= HOUR),
        "median delay, minutes": _median(seconds) / 60,
        "money lost before the flag": _ratio(lost, cost),
    }


def _by_twin(run: CloudRun, flags: Marks) -> pd.DataFrame:
    """Cases on tenants without fraud, by what opened them."""
    cases = cases_of(flags, run.labels)
    innocent = _without_fraud(run)
    years = innocent.sum() * (run.cloud.intervals - run.first) * INTERVAL / YEAR
    causes = cases.cause[innocent[cases.tenant]]
    rows = {}
    benign = [label for label in run.labels if label.benign and innocent[label.tenant]]
    for scenario in [*sorted({label.scenario for label in benign}), "nothing"]:
        chosen = [label for label in benign if label.scenario == scenario]
        opened = int((causes == scenario).sum())
        rows[scenario] = {
            "events": float(len(chosen)) if chosen else np.nan,
            "flagged": recall(flags, chosen),
            "cases": float(opened),
            "cases a tenant-year": _ratio(opened, years),
        }
    rows["all"] = {
        "events": float(len(benign)),
        "flagged": recall(flags, benign),
        "cases": float(len(causes)),
        "cases a tenant-year": _ratio(len(causes), years),
    }
    return pd.DataFrame(rows).T


def _by_kind_of_tenant(run: CloudRun, flags: Marks) -> pd.DataFrame:
    """Recall and false episodes by size of the tenant, and by what is irregular about it."""
    false = false_episodes(flags, run.labels)
    weeks = run.known[:, run.first :].sum(axis=1) * INTERVAL / (7 * DAY)
    frauds = frauds_of(run.labels)
    rows = {}
    for kind, chosen in _kinds_of_tenant(run).items():
        theirs = [label for label in frauds if chosen[label.tenant]]
        rows[kind] = {
            "tenants": float(chosen.sum()),
            "frauds": float(len(theirs)),
            "found": recall(flags, theirs),
            "false episodes a series-week": _ratio(chosen[false.tenant].sum(), weeks[chosen].sum()),
        }
    return pd.DataFrame(rows).T


def _kinds_of_tenant(run: CloudRun) -> dict[str, np.ndarray]:
    """Masks of tenants by size and by what the simulation made irregular; the latter overlap."""
    profiles = [draw_profile(run.cloud, tenant) for tenant in run.tenant_numbers]
    sizes = {f"{size_name(*size)} contacts a day": of_size(run.a_day, *size) for size in SIZES}
    job = np.array([profile.job is not None for profile in profiles])
    level = np.array([len(profile.level_changes) > 0 for profile in profiles])
    launched = np.array([profile.launched for profile in profiles])
    return sizes | {
        "a nightly job": job,
        "level changes": level,
        "launched within the span": launched,
        "none of these": ~(job | level | launched),
    }


def _bursts(run: CloudRun, kinds: dict[int, dict[int, str]]) -> pd.DataFrame:
    """Share of the bursts found by kind, by the product's own flags and at budgets.

    *Any excess* leaves out the least excess of a flag; the last two columns are of bursts of at least so many contacts.
    """
    judged = _judged(run, run.scores.marks(run.first))
    points = {DEFAULT: run.scores.flags(run.first)} | {
        f"{budget:g} a week": at.flags for budget, at in zip(BUDGETS, judged, strict=True) if at is not None
    }
    of_kind: dict[str, list[Label]] = {}
    for label in run.labels:
        of_kind.setdefault(kinds[label.tenant][label.begin], []).append(label)
    high = run.scores.high(run.first)
    rows = {}
    for kind, labels in sorted(of_kind.items(), key=lambda item: (item[0][0], float(item[0].split()[1]))):
        large = [label for label in labels if label.contacts >= LARGE]
        rows[kind] = {
            "bursts": float(len(labels)),
            **{name: recall(flags, labels) for name, flags in points.items()},
            "default, any excess": recall(high, labels),
            f"of {LARGE} contacts": float(len(large)),
            "default, of these": recall(points[DEFAULT], large),
        }
    rows["false episodes a series-week"] = {
        name: len(false_episodes(flags, run.labels)) / run.series_weeks for name, flags in points.items()
    }
    return pd.DataFrame(rows).T


def _headline(run: CloudRun, flags: Marks) -> dict[str, float]:
    pool = run.scores.pool
    days = sorted(pool)
    weeks = [days[at : at + 7] for at in range(14, len(days) - 6, 7)]
    sums = [np.sum([pool[day] for day in week], axis=0) for week in weeks]
    return {
        "tenants": float(run.tenants),
        "weeks": float(run.cloud.weeks),
        "series-weeks judged": run.series_weeks,
        "last threshold": float(run.scores.threshold[-1]),
        "flagged share of rows": len(flags.score) / run.judged_rows,
        "largest weekly shift of the statistic (PSI)": max(
            (stability_index(sums[0], later) for later in sums[1:]), default=np.nan
        ),
    }
