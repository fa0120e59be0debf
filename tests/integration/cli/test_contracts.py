"""``cjp-fraud contracts``, run as commands on a home of their own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cjp_fraud.cli import cases, contracts, notices
from cjp_fraud.contracts.periods import Wait, WaitUnit
from cjp_fraud.contracts.restriction import MeasureKind
from cjp_fraud.contracts.terms import NoticeTerms, plain_terms
from cjp_fraud.deployment import Deployment
from cjp_fraud.review.tables import CaseLine
from cjp_fraud.storage.database import reading, transaction
from tests.contract_builders import read_agreement
from tests.integration.cli.test_cases import a_deployment, answered, done, to_determined
from tests.mail_servers import MailServerUnderTest, smtp_server


@pytest.fixture
def server() -> Iterator[MailServerUnderTest]:
    with smtp_server() as running:
        yield running


@pytest.fixture
def opened(tmp_path: Path, sqlite_template: bytes, server: MailServerUnderTest) -> Deployment:
    """A deployment in act mode, one of whose tenants is told 36 hours before a measure."""
    made = a_deployment(tmp_path, sqlite_template, server, "act")
    with transaction(made.engine) as session:
        read_agreement(session, NoticeTerms(plain_terms().steps, minimum=Wait(36, WaitUnit.HOURS)))
    return made


def proposed(opened: Deployment, case: str) -> dict[str, Any]:
    (row,) = [row for row in answered(contracts.app, opened, "earliest", case) if row["proposed"]]
    return dict(row)


def test_it_prints_for_each_measure_the_minute_what_is_missing_and_the_path(opened: Deployment) -> None:
    rows = answered(contracts.app, opened, "earliest", "1")
    assert [row["measure"] for row in rows] == list(MeasureKind)
    assert not any(row["proposed"] for row in rows)
    first = datetime.fromisoformat(rows[0]["earliest_at"])
    assert timedelta(hours=36) <= first - opened.now <= timedelta(hours=36, minutes=1)
    assert "gate point 2: no determination is on record" in rows[0]["missing_then"]
    assert any("by email" in sentence for sentence in rows[0]["path"])
    with reading(opened.engine) as session:
        an_hour = session.scalars(select(CaseLine.exposure_per_hour)).one()
    assert rows[0]["exposure_cents"] == round(an_hour * (first - opened.now) / timedelta(hours=1)) > 0
    said = done(contracts.app, opened, "earliest", "1")
    assert f"{', '.join(MeasureKind)}: {first:%Y-%m-%d}" in said, "said once, for all of which it is true"
    assert "fastest path:" in said


def test_once_the_notice_left_only_time_and_the_need_are_missing(opened: Deployment) -> None:
    to_determined(opened)
    before = proposed(opened, "1")
    assert any("no approver's approval" in sentence for sentence in before["missing_then"])
    done(cases.app, opened, "approve", "1", "--as", "adam")

    row = proposed(opened, "1")

    assert row["earliest_at"] is not None
    assert row["missing_then"] == [
        "gate point 8: no flag in the last 24 hours, and nobody has said again that it is needed "
        "(measures apply --needed-because)"
    ]
    assert any("lets the measure follow from" in sentence for sentence in row["missing"])
    assert answered(notices.app, opened, "duties", "--case", "1") == []
