"""A word, a bare date or a file that is not there proves no notice of provisioning; a measure ends with the term."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cjp_fraud.contracts.position import contract_at
from cjp_fraud.contracts.tenants_file import TenantsFileError
from cjp_fraud.errors import Refused
from cjp_fraud.review.claim import claim
from cjp_fraud.review.model import CaseState
from cjp_fraud.storage.database import reading
from tests.case_builders import START, a_flag, flag, mail_to, open_office
from tests.contract_builders import NOON, a_row, load_rows
from tests.mail_servers import MailServerUnderTest


def term_proven(engine: Engine) -> bool:
    with reading(engine) as session:
        return contract_at(session, "acme", NOON).term_proven


@pytest.mark.parametrize(
    "proof",
    [
        "x",
        "PN-1",
        "2015-01-01",
        "yes it was",
        "dms:",
        "dms:abc",
        "dms:abcd",
        "dms:12",
        "file:",
        "file:not-there.pdf",
        "file:.",
    ],
)
def test_what_proves_nothing_is_refused_and_nothing_is_stored(
    sqlite_engine: Engine, tmp_path: Path, proof: str
) -> None:
    with pytest.raises(TenantsFileError, match="provisioning_notice_proof"):
        load_rows(sqlite_engine, tmp_path, a_row(provisioning_notice_proof=proof))


@pytest.mark.parametrize("date", ["x", "2015", "2015-13-01", "2015-01-01T09:00:00Z"])
def test_a_date_that_is_none_is_refused(sqlite_engine: Engine, tmp_path: Path, date: str) -> None:
    with pytest.raises(TenantsFileError, match="provisioning_notice_date"):
        load_rows(sqlite_engine, tmp_path, a_row(provisioning_notice_date=date))


@pytest.mark.parametrize("missing", ["provisioning_notice_date", "provisioning_notice_proof"])
def test_any_one_missing_leaves_the_term_unproven_and_the_terms_unread(
    sqlite_engine: Engine, tmp_path: Path, missing: str
) -> None:
    load_rows(sqlite_engine, tmp_path, a_row(**{missing: ""}))
    assert not term_proven(sqlite_engine)
    with reading(sqlite_engine) as session:
        assert contract_at(session, "acme", NOON).notice_terms is None


def test_a_file_proves_by_its_digest(sqlite_engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "notice.pdf").write_bytes(b"provisioned on 2015-01-01")
    load_rows(sqlite_engine, tmp_path, a_row(provisioning_notice_proof="file:notice.pdf"))
    assert term_proven(sqlite_engine)
    with reading(sqlite_engine) as session:
        proof = contract_at(session, "acme", NOON).provisioning_notice_proof
    assert proof == f"file:notice.pdf sha256:{hashlib.sha256(b'provisioned on 2015-01-01').hexdigest()}"
    again = load_rows(
        sqlite_engine,
        tmp_path,
        a_row(provisioning_notice_proof="file:notice.pdf"),
        at=NOON + timedelta(days=1),
    )
    assert again.unchanged == 1
    (tmp_path / "notice.pdf").write_bytes(b"provisioned on 2014-01-01")
    changed = load_rows(
        sqlite_engine,
        tmp_path,
        a_row(provisioning_notice_proof="file:notice.pdf"),
        at=NOON + timedelta(days=2),
    )
    assert changed.changed == ("acme",)


def test_a_measure_ends_with_the_term(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    office = open_office(
        sqlite_engine, tmp_path, mail_to(server), a_row(term_to="2015-04-03", time_zone="Etc/UTC")
    )
    office.approved_case()
    assert office.enforce().state is CaseState.SUSPENDED
    end = datetime(2015, 4, 4, tzinfo=UTC)
    measure = office.measure()
    assert (measure.ends_at, measure.review_at, measure.latest_end_at) == (end, end, end)
    office.wait(hours=36)
    office.resume_all()
    assert office.state is CaseState.LAPSED


def test_after_the_term_nobody_approves(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    office = open_office(
        sqlite_engine, tmp_path, mail_to(server), a_row(term_to="2015-04-01", time_zone="Etc/UTC")
    )
    flag(office.engine, a_flag(START - timedelta(minutes=30)), at=START)
    office.do(claim, "rita")
    office.determine("rita")
    with pytest.raises(Refused, match="the term is not running"):
        office.approve("adam")
