"""What a contact of a flagged span was charged, read from the traffic."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from cjp_fraud.detection.charges import with_charges
from cjp_fraud.storage.database import make_engine
from cjp_fraud.storage.lake import Lake
from tests.case_builders import a_flag
from tests.integration.detection.deployments import DATABASE, START, SmallDeployment

STEP = timedelta(minutes=5)
MIDNIGHT = START + timedelta(days=1)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> Lake:
    """Acme around a midnight: 10, 20, 30, 0 and 40 contacts, of which the last has no charge."""
    home = tmp_path_factory.mktemp("charges")
    (home / DATABASE).write_bytes(sqlite_template)
    small = SmallDeployment(home, make_engine(f"sqlite:///{home / DATABASE}"), {"acme": "Etc/UTC"})
    rows = pd.DataFrame(
        {
            "tenant_id": "acme",
            "interval_start": [MIDNIGHT + number * STEP for number in (-2, -1, 0, 1, 2)],
            "interval_seconds": 300,
            "channel": "voice",
            "direction": "outbound",
            "contacts_offered": [10, 20, 30, 0, 40],
            "charge_cents": pd.array([10, 80, 270, 0, None], dtype="Int64"),
        }
    )
    small.ingest(rows)
    return small.lake


def test_the_charge_is_the_mean_of_the_span(lake: Lake) -> None:
    one, fifteen = a_flag(MIDNIGHT), a_flag(MIDNIGHT, span_seconds=900)
    assert [flag.cents_per_contact for flag in with_charges(lake, [one, fifteen])] == [9.0, 6.0]


def test_it_is_not_known_where_a_part_has_none_or_nothing_was_offered(lake: Lake) -> None:
    flags = [
        a_flag(MIDNIGHT + 2 * STEP, span_seconds=900),
        a_flag(MIDNIGHT + STEP),
        a_flag(MIDNIGHT + 9 * STEP),
        a_flag(MIDNIGHT, "another"),
    ]
    assert [flag.cents_per_contact for flag in with_charges(lake, flags)] == [None] * 4


def test_no_flags_read_nothing(tmp_path: Path) -> None:
    assert with_charges(Lake(str(tmp_path / "none")), []) == []
