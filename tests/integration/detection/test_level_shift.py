"""A migration is one case, and the norm from the fourth midnight on; in detection and in back-tests alike."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pandas as pd
from sqlalchemy import select

from benchmarks import synthetic
from cjp_fraud.detection.backtest import backtest_rows
from cjp_fraud.people.model import Decision, Role
from cjp_fraud.people.users import actor_named
from cjp_fraud.review.claim import claim
from cjp_fraud.review.determination import dismiss
from cjp_fraud.review.model import CaseState
from cjp_fraud.review.tables import Case, Flag
from cjp_fraud.storage.database import make_engine, reading, transaction
from tests.integration.detection.deployments import DATABASE, RULES, START, SmallDeployment
from tests.people_builders import a_user

DAYS = 21
MIGRATED = 12
ZONE = "Etc/UTC"
TENANTS = {"migrated": 22, "steady": 1, "also-steady": 3, "quiet": 5}
"""Numbers of the dense series that they have."""


def a_cloud() -> pd.DataFrame:
    """Dense series, of which one is at three times its level to the end, from 09:20 on."""
    made = synthetic.dense(24, DAYS, seed=1)
    series = {name: made[f"dense-{number:03d}"] for name, number in TENANTS.items()}
    begin = MIGRATED * synthetic.MINUTES_A_DAY + 560
    series["migrated"][begin:] *= 3
    return synthetic.gridded(series, start=pd.Timestamp(START))


def dismiss_all(small: SmallDeployment, now: datetime) -> None:
    """Let rita dismiss every case: the customer announced a migration."""
    with transaction(small.engine) as session:
        a_user(session, "rita", [Role.ANALYST, Role.REVIEWER], now)
        decision = Decision(session, actor_named(session, "rita"), now)
        for case_id in session.scalars(select(Case.id)).all():
            claim(decision, case_id)
            dismiss(decision, case_id, reasons="a migration")


def test_a_migration_is_one_case_and_the_norm_from_the_fourth_midnight_on(
    tmp_path: Path, sqlite_template: bytes
) -> None:
    (tmp_path / DATABASE).write_bytes(sqlite_template)
    zones = dict.fromkeys(TENANTS, ZONE)
    small = SmallDeployment(tmp_path, make_engine(f"sqlite:///{tmp_path / DATABASE}"), zones)
    rows = a_cloud()
    small.ingest(rows)
    begun = START + timedelta(days=MIGRATED)
    small.detect(begun, begun + timedelta(days=1))
    dismiss_all(small, begun + timedelta(days=2))
    small.detect(begun + timedelta(days=1), START + timedelta(days=DAYS))
    with reading(small.engine) as session:
        flags = session.scalars(select(Flag).where(Flag.tenant_id == "migrated")).all()
        cases = session.scalars(select(Case).where(Case.tenant_id == "migrated")).all()
    assert len({flag.interval_start.date() for flag in flags}) >= 2, "it is flagged on more days than one"
    assert [case.state for case in cases] == [CaseState.DISMISSED]
    norm = pd.Timestamp(begun).tz_convert(ZONE).normalize() + pd.Timedelta(days=4)
    assert max(flag.interval_start for flag in flags) < norm
    tested = backtest_rows(rows, zones, RULES).to_pandas()
    tested = tested[
        tested["flagged"] & (tested["tenant_id"] == "migrated") & (tested["interval_start"] >= begun)
    ]
    assert {flag.interval_start for flag in flags} == set(tested["interval_start"])
