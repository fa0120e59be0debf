"""``python -m benchmarks.speed [--series N ...]``: what a run costs, by the number of series.

For each number of series a home is made under a temporary folder: one tenant a series, some days of five-minute
traffic, detected but for the last hour. Then each part runs in a process of its own, so that its peak memory is its
own, and is timed without the start-up. Ratios and exponents are of CPU seconds, all threads together, because other
work on the machine changes them less than the clock's:

- ``tenants load`` of all tenants;
- ``baseline refresh`` of all days;
- reading and writing the rows of one hour, nothing else (the yardstick): its traffic, and its scores, which are put
  in their own place in one commit;
- the same with what the scores rest on, which no way of scoring can leave out (a second, milder yardstick): the two
  hours of traffic before it, and the snapshots of its day;
- ``detect`` of that hour when its rows are new, and of the same hour again.

The exponent says how a part's time grows: time ~ series ** exponent. The start-up, and the detector beside what an
analyst would write first with pandas, are printed once. Only ratios of one run mean anything on another machine.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib
import io
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import synthetic

SHAPES = 48
"""Different synthetic series; the others are these, moved by whole hours."""
ALONE = "read and write an hour"
WITH_PAST = "the same with its past"
PARTS = ("tenants load", "baseline refresh", ALONE, WITH_PAST, "detect an hour", "detect it again")
START = pd.Timestamp("2026-03-02", tz="UTC")
HOUR = timedelta(hours=1)


def main() -> None:
    """Make the homes, run the parts, print the table."""
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--series", type=int, nargs="+", default=[1_000, 4_000, 16_000])
    options.add_argument("--days", type=int, default=3, help="days of traffic before the hour")
    options.add_argument("--part", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.part:
        print(json.dumps(_run_part(chosen.part)))
        return
    _print_start_up()
    _print_beside_pandas()
    measured: dict[str, list[dict[str, float]]] = {part: [] for part in PARTS}
    for series in chosen.series:
        with tempfile.TemporaryDirectory() as folder:
            for part, cost in _measure(Path(folder), series, chosen.days).items():
                measured[part].append(cost)
        _print_series(series, {part: costs[-1] for part, costs in measured.items()})
    if len(chosen.series) > 1:
        for part, costs in measured.items():
            seconds = [cost["cpu"] for cost in costs]
            exponent = float(np.polyfit(np.log(chosen.series), np.log(seconds), 1)[0])
            print(f"{part}: CPU time ~ series ** {exponent:.2f}")


def _measure(folder: Path, series: int, days: int) -> dict[str, dict[str, float]]:
    """Cost of each part in a new home of ``series`` tenants and ``days`` days."""
    end = START + timedelta(days=days)
    home = ["--home", str(folder / "home")]
    past, hour = folder / "past.parquet", folder / "hour.parquet"
    write_traffic(past, series, 0, days * 288)
    write_traffic(hour, series, days * 288, days * 288 + 12)
    tenants = folder / "tenants.csv"
    names = [f"tenant-{number:06d}" for number in range(series)]
    pd.DataFrame({"tenant_id": names, "time_zone": "Etc/UTC"}).to_csv(tenants, index=False)
    window = ["--from", end.isoformat(), "--to", (end + HOUR).isoformat()]
    at_end, after = end + timedelta(minutes=5), end + HOUR + timedelta(minutes=15)
    cost = {}
    _command([*home, "init", "--simulated", "--user", "loader=analyst"], at_end)
    cost["tenants load"] = _command([*home, "tenants", "load", str(tenants), "--as", "loader"], at_end)
    _command([*home, "traffic", "ingest", str(past)], at_end)
    cost["baseline refresh"] = _command([*home, "baseline", "refresh"], at_end)
    _command([*home, "detect", "--from", START.isoformat(), "--to", end.isoformat()], at_end)
    _command([*home, "traffic", "ingest", str(hour)], after)
    cost["detect an hour"] = _command([*home, "detect", *window], after)
    cost["detect it again"] = _command([*home, "detect", *window], after)
    for yardstick in (ALONE, WITH_PAST):
        cost[yardstick] = _command([yardstick, str(folder / "home"), end.isoformat()], after)
    return {part: cost[part] for part in PARTS}


def write_traffic(file: Path, series: int, first: int, last: int) -> None:
    """Write five-minute intervals ``first`` to ``last`` of ``series`` tenants, 200 tenants a row group."""
    days = -(-last // 288)
    shapes = synthetic.gridded(synthetic.dense(min(SHAPES, series), days), start=START)
    of_shape = shapes[["contacts_offered", "contacts_peak"]].to_numpy().reshape(-1, days * 288, 2)
    starts = shapes["interval_start"].to_numpy()[first:last]
    rows = shapes.iloc[: last - first]
    writer = None
    for begin in range(0, series, 200):
        numbers = np.arange(begin, min(begin + 200, series))
        cells = [np.roll(of_shape[n % SHAPES], 12 * (n // SHAPES), axis=0)[first:last] for n in numbers]
        whole = np.concatenate(cells).astype(np.int64)
        repeated = rows.loc[np.tile(rows.index, len(numbers))].assign(
            tenant_id=np.repeat([f"tenant-{n:06d}" for n in numbers], last - first),
            interval_start=pd.DatetimeIndex(np.tile(starts, len(numbers)), tz="UTC"),
            contacts_offered=whole[:, 0],
            contacts_peak=whole[:, 1],
        )
        table = pa.Table.from_pandas(repeated.drop(columns="application_id"), preserve_index=False)
        writer = writer or pq.ParquetWriter(file, table.schema)
        writer.write_table(table)
    if writer is not None:
        writer.close()


def _command(words: Sequence[str], now: datetime) -> dict[str, float]:
    """Run a part in a process of its own at ``now``; returns its seconds and megabytes, the start-up's and its own."""
    command = [sys.executable, "-m", "benchmarks.speed", "--part", *words]
    environment = {**os.environ, "CJP_FRAUD_NOW": now.isoformat()}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise SystemExit(f"{' '.join(words)} failed:\n{done.stderr[-4000:]}")
    cost: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return cost


def _run_part(words: list[str]) -> dict[str, float]:
    work = (
        _rows_alone(Path(words[1]), pd.Timestamp(words[2]), with_past=words[0] == WITH_PAST)
        if words[0] in (ALONE, WITH_PAST)
        else _in_process(words)
    )
    at_start = _peak_megabytes()
    begin = time.process_time()
    seconds = timed(work)
    cpu = time.process_time() - begin
    return {"seconds": seconds, "cpu": cpu, "megabytes": _peak_megabytes(), "at_start": at_start}


def _in_process(words: list[str]) -> Callable[[], object]:
    """A command of the command line, with everything that it will import imported."""
    from cjp_fraud.cli.main import app

    _import_all(
        *(f"cjp_fraud.{name}" for name in ("detection", "traffic", "contracts", "review", "suspension")),
        "cjp_fraud.operations",
    )

    def run() -> None:
        with contextlib.redirect_stdout(io.StringIO()):
            app(words, standalone_mode=False)

    return run


def _import_all(*packages: str) -> None:
    for package in packages:
        imported = importlib.import_module(package)
        for module in pkgutil.iter_modules(imported.__path__, f"{package}."):
            importlib.import_module(module.name)


def _rows_alone(home: Path, begin: pd.Timestamp, *, with_past: bool) -> Callable[[], object]:
    """Read one hour of traffic, perhaps with its past, and put its scores, as they are, in their own place."""
    from cjp_fraud.config import load_settings
    from cjp_fraud.deployment import Deployment
    from cjp_fraud.detection.lake_tables import BASELINE, SCORES
    from cjp_fraud.detection.scoring import CONTEXT
    from cjp_fraud.storage.lake import Where
    from cjp_fraud.traffic.schema import TRAFFIC

    lake = Deployment(load_settings(home=home)).lake
    days = (begin.date(), begin.date() + timedelta(days=1))
    hour = Where(between={"interval_start": (begin.to_pydatetime(), (begin + HOUR).to_pydatetime())})
    scores = lake.read(SCORES, days=days, where=hour)
    where = Where(days=days, between=hour.between)
    low = begin - CONTEXT if with_past else begin
    with_context = Where(between={"interval_start": (low.to_pydatetime(), (begin + HOUR).to_pydatetime())})

    def run() -> None:
        lake.read(TRAFFIC, days=(low.date(), days[1]), where=with_context)
        if with_past:
            lake.read(BASELINE, days=days)
        lake.replace(SCORES, scores, where=where)

    return run


def _peak_megabytes() -> float:
    """Peak of this program alone: ``ru_maxrss`` would begin at that of the process which started it."""
    status = Path("/proc/self/status").read_text()
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1]) / 1024


def timed(work: Callable[[], object]) -> float:
    """Seconds that ``work`` takes, once."""
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def _print_series(series: int, costs: dict[str, dict[str, float]]) -> None:
    print(f"\n{series:,} series ({12 * series:,} rows an hour)")
    for part, cost in costs.items():
        times = [cost["cpu"] / costs[yardstick]["cpu"] for yardstick in (ALONE, WITH_PAST)]
        ratio = f", {times[0]:.1f} × its rows alone ({times[1]:.1f} × with its past)"
        ratio = ratio if part.startswith("detect") else ""
        memory = f"peak {cost['megabytes']:,.0f} MB, {cost['at_start']:,.0f} at its start"
        print(f"  {part}: {cost['cpu']:.2f} CPU s, {cost['seconds']:.2f} s{ratio}, {memory}", flush=True)


def _print_start_up() -> None:
    start = "import sys; sys.argv = ['cjp-fraud', '--help']; from cjp_fraud.cli.main import main; main()"
    commands = ("import typer, rich", start)

    def fastest(code: str) -> float:
        command = [sys.executable, "-c", code]
        runs = (
            timed(lambda: subprocess.run(command, stdout=subprocess.DEVNULL, check=True)) for _ in range(5)
        )
        return min(runs)

    plain, ours = (fastest(command) for command in commands)
    print(
        f"start-up: --help {ours:.2f} s, {ours / plain:.1f} × python -c 'import typer, rich' ({plain:.2f} s)"
    )


def _print_beside_pandas(series: int = 40, days: int = 14) -> None:
    """Gridding and a back-test with training, beside a rolling day's median and deviation with plain pandas."""
    from cjp_fraud.detection.backtest import backtest_rows
    from cjp_fraud.detection.rules import DetectionRules
    from cjp_fraud.traffic.grid import grid_rows

    rows = minute_rows(series, days)
    gridded = grid_rows(rows)
    zones = dict.fromkeys(rows["tenant_id"].unique(), "Etc/UTC")

    def plain_pandas() -> None:
        counts = gridded.groupby("tenant_id")["contacts_offered"]
        median = counts.transform(lambda x: x.rolling(288).median())
        (gridded["contacts_offered"] - median).abs().groupby(gridded["tenant_id"]).transform(
            lambda x: x.rolling(288).median()
        )

    yardstick = timed(plain_pandas)
    parts: dict[str, Callable[[], Any]] = {
        "gridding of minute rows": lambda: grid_rows(rows),
        "back-test with training": lambda: backtest_rows(gridded, zones, DetectionRules()),
    }
    for name, work in parts.items():
        print(f"{name}: {timed(work) / yardstick:.2f} × the plain pandas rolling median and deviation")
    print(f"({len(rows):,} minute rows, {len(gridded):,} intervals; yardstick {yardstick:.2f} s)", flush=True)


def minute_rows(series: int, days: int) -> pd.DataFrame:
    """Per-minute Poisson traffic with a day curve; one row a series and minute."""
    random = np.random.default_rng(0)
    starts = pd.date_range("2026-03-02", periods=days * 1440, freq="min", tz="UTC")
    curve = 4 + 3 * np.sin(np.arange(len(starts)) / 1440 * 2 * np.pi)
    return pd.DataFrame(
        {
            "tenant_id": np.repeat([f"tenant-{n:03}" for n in range(series)], len(starts)),
            "interval_start": pd.DatetimeIndex(
                np.tile(starts.tz_localize(None).to_numpy(), series), tz="UTC"
            ),
            "interval_seconds": 60,
            "channel": "voice",
            "direction": "inbound",
            "application_id": None,
            "contacts_offered": random.poisson(np.tile(curve, series)),
        }
    )


if __name__ == "__main__":
    main()
