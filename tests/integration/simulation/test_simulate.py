"""``cjp-fraud simulate``: the same files for a seed, of bounded size, and all of it can be taken in."""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from cjp_fraud.cli.main import app
from cjp_fraud.contracts.tenants_file import read_tenants
from cjp_fraud.simulation import cloud_files
from cjp_fraud.simulation.cloud import Cloud
from cjp_fraud.simulation.cloud_files import KNOWN_EVENT_COLUMNS, TRUTH_COLUMNS, chunks, write_cloud
from cjp_fraud.simulation.generate import simulate_tenants

WORDS = ("simulate", "--tenants", "4", "--weeks", "3", "--seed", "55")


def run(*words: str) -> str:
    result = CliRunner().invoke(app, list(words), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def digests(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cloud") / "out"
    run(*WORDS, "--out", str(out))
    return out


def test_the_same_seed_gives_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    run(*WORDS, "--out", str(tmp_path / "again"))
    assert digests(tmp_path / "again") == digests(folder)
    run(*WORDS[:-1], "56", "--out", str(tmp_path / "other"))
    assert digests(tmp_path / "other")["truth.csv"] != digests(folder)["truth.csv"]


def test_more_tenants_leave_the_first_ones_as_they_are(folder: Path, tmp_path: Path) -> None:
    run("simulate", "--tenants", "6", "--weeks", "3", "--seed", "55", "--out", str(tmp_path / "more"))
    for name in ("tenants.csv", "truth.csv", "known_events.csv"):
        assert (tmp_path / "more" / name).read_text().startswith((folder / name).read_text())


def test_the_files_are_what_was_simulated(folder: Path) -> None:
    simulated = simulate_tenants(Cloud(seed=55, weeks=3), range(4))
    keys = ["tenant_id", "channel", "direction", "interval_start"]
    columns = [*keys, "contacts_offered", "contacts_peak", "charge_cents"]
    files = [*folder.glob("traffic/*.parquet"), *folder.glob("late/*.parquet")]
    read = pd.concat([pq.read_table(file, columns=columns).to_pandas() for file in files])
    made = simulated.traffic.select(columns).to_pandas()
    texts = dict.fromkeys(keys[:3], "str")
    read, made = (frame.astype(texts).sort_values(keys, ignore_index=True) for frame in (read, made))
    pd.testing.assert_frame_equal(read, made)
    late = sum(pq.read_metadata(file).num_rows for file in folder.glob("late/*.parquet"))
    assert late == (simulated.late_hours > 0).sum() > 0


def test_every_row_can_be_taken_in(tmp_path: Path) -> None:
    folder = tmp_path / "out"
    run("simulate", "--tenants", "2", "--weeks", "3", "--seed", "55", "--out", str(folder))
    home = ("--home", str(tmp_path / "home"))
    run(*home, "--now", "2025-11-03", "init", "--simulated", "--user", "rosa=analyst")
    run(*home, "tenants", "load", str(folder / "tenants.csv"), "--as", "rosa")
    files = [*sorted(folder.glob("traffic/*.parquet")), *sorted(folder.glob("late/*.parquet"))]
    rows = sum(pq.read_metadata(file).num_rows for file in files)
    taken = json.loads(run(*home, "traffic", "ingest", *map(str, files), "--json"))
    assert (taken["read"], taken["stored"]) == (rows, rows)
    assert (taken["quarantined"], taken["refused"], taken["outweighed"]) == (0, 0, 0)


def test_contracts_known_events_and_truth_agree_with_each_other(folder: Path) -> None:
    tenants = {row.tenant_id for row in read_tenants(folder / "tenants.csv")}
    with (folder / "truth.csv").open() as lines:
        truth = list(csv.DictReader(lines))
    with (folder / "known_events.csv").open() as lines:
        known = list(csv.DictReader(lines))
    assert set(truth[0]) == set(TRUTH_COLUMNS)
    assert tuple(known[0]) == KNOWN_EVENT_COLUMNS
    assert {row["tenant_id"] for row in truth} <= tenants
    announced = [row for row in truth if row["announced"] == "true"]
    assert [(row["tenant_id"], row["from"]) for row in announced] == [
        (row["tenant_id"], row["from"]) for row in known
    ]
    assert all(row["benign"] == "true" for row in announced)
    assert all(bool(row["method"]) == bool(row["fraud_type"]) == (row["benign"] == "false") for row in truth)


def test_no_file_has_more_rows_than_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cloud_files, "FILE_ROWS", 30_000)
    cloud = Cloud(seed=8, weeks=2)
    written = write_cloud(cloud, 10, tmp_path / "out")
    rows = [pq.read_metadata(file).num_rows for file in (tmp_path / "out").rglob("*.parquet")]
    assert len(rows) == written.files > 2
    assert max(rows) <= 30_000
    assert sum(rows) == written.rows
    assert np.concatenate([list(chunk) for chunk in chunks(cloud, 10)]).tolist() == list(range(10))


def test_a_folder_with_something_in_it_is_refused(folder: Path) -> None:
    refused = CliRunner().invoke(app, [*WORDS, "--out", str(folder)])
    assert refused.exit_code == 1
    assert "not an empty folder" in str(refused.exception)
