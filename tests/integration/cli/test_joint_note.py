"""``cjp-fraud cases list`` and ``show`` say once that many tenants were flagged together."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cjp_fraud.cli import cases
from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.operations.housekeeping import LAKE_TABLES
from cjp_fraud.people.model import Decision
from cjp_fraud.review.joint_events import record_joint_spikes
from cjp_fraud.review.joint_spikes import Group, GroupKind, JointGroup, JointSpikeRow
from cjp_fraud.storage.database import transaction
from tests.case_builders import DETECTOR, START, a_flag, flag
from tests.contract_builders import a_row, load_rows

TENANTS = tuple(f"tenant-{number}" for number in range(6))
NOTE = "6 tenants were flagged together (country DE) from 2015-04-02 12:00 to 12:05Z: likely an outage or an event"


@pytest.fixture
def opened(tmp_path: Path, sqlite_template: bytes) -> Deployment:
    """Six tenants flagged together, one of them over the cap of the hour."""
    settings = load_settings(home=tmp_path / "home", now=START + timedelta(minutes=30))
    settings.home.mkdir()
    (settings.home / "cjp_fraud.db").write_bytes(sqlite_template)
    made = Deployment(settings)
    made.lake.create(LAKE_TABLES, buckets=settings.lake_buckets)
    load_rows(made.engine, tmp_path, *(a_row(tenant_id=name) for name in TENANTS), at=START)
    flag(made.engine, *(a_flag(START, name) for name in TENANTS), cap=5)
    spike = JointSpikeRow(
        START,
        START,
        START + timedelta(minutes=5),
        JointGroup(Group(GroupKind.COUNTRY, "DE"), TENANTS, 9, 0.01, 1e-9),
    )
    window = (START, START + timedelta(hours=1))
    with transaction(made.engine) as session:
        record_joint_spikes(Decision(session, DETECTOR, START), [spike], window)
    return made


def run(opened: Deployment, *words: str) -> str:
    done = CliRunner().invoke(cases.app, list(words), obj=opened)
    assert done.exit_code == 0, done.output
    return done.output


def test_the_queue_has_one_note_and_all_cases(opened: Deployment) -> None:
    listed = run(opened, "list")
    assert listed.count(NOTE) == 1
    assert "case 1, 2, 3, 4, 5" in listed
    assert all(name in listed for name in TENANTS[:5])
    page = json.loads(run(opened, "list", "--json"))
    assert [case["others_flagged"] for case in page["cases"]] == [5] * 5
    assert page["joint_events"][0]["cases"] == [1, 2, 3, 4, 5]


def test_the_note_is_not_told_again_on_the_next_page(opened: Deployment) -> None:
    first = json.loads(run(opened, "list", "--limit", "2", "--json"))
    assert NOTE not in run(opened, "list", "--limit", "2", "--after", first["next_cursor"])


def test_a_case_says_it_and_names_nobody(opened: Deployment) -> None:
    shown = run(opened, "show", "1")
    assert "together with 5 other tenants (country DE) from 2015-04-02 12:00 to 12:05Z" in shown
    assert "tenant-1" not in shown
