"""A word, a bare date or a file that is not there proves no notice of provisioning; a measure ends with the term."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.contracts.tenants_file import TenantsFileError
from cjp_fraud.errors import Refused
from cjp_fraud.review.claim import claim
from cjp_fraud.review.model import CaseState
from cjp_fraud.storage.database import reading
from tests.case_builders import START, a_flag, flag, mail_to, open_staffed
from tests.contract_builders import NOON, a_row, load_rows, write_csv
from tests.mail_servers import MailServerUnderTest


def term_proven(engine: Engine, at: datetime = NOON) -> bool:
    with reading(engine) as session:
        return contract_at(session, "acme", at).term_faults(at) == ()


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
        "dms:2015-01-01",
        "dms:20150101",
        "dms:01.01.2015",
        "dms:1/1/15",
        "dms:150101",
        "dms:2015",
        "dms:1-Jan-2015",
        "dms:20150101T0900Z",
        "dms:2015-W01-4",
        "dms:---1",
        "dms:0000",
        "dms:1.1.1.1",
        "file:",
        "file:not-there.pdf",
        "file:.",
        "file:tenants.csv",
        "file:./tenants.csv",
    ],
)
def test_what_proves_nothing_is_refused_and_nothing_is_stored(
    sqlite_engine: Engine, tmp_path: Path, proof: str
) -> None:
    with pytest.raises(TenantsFileError, match="provisioning_notice_proof"):
        load_rows(sqlite_engine, tmp_path, a_row(provisioning_notice_proof=proof))


@pytest.mark.parametrize(
    "proof", ["dms:PN-1", "dms:PN-2015-0101", "dms:4711", "dms:2015-01-01-0042", "dms:a/17"]
)
def test_an_id_of_a_document_system_is_taken(sqlite_engine: Engine, tmp_path: Path, proof: str) -> None:
    load_rows(sqlite_engine, tmp_path, a_row(provisioning_notice_proof=proof))
    assert term_proven(sqlite_engine)


def test_neither_a_copy_of_the_tenants_file_nor_an_empty_file_proves_anything(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    row = a_row(provisioning_notice_proof="file:copy.csv")
    write_csv(tmp_path / "copy.csv", row)
    with pytest.raises(TenantsFileError, match="cannot prove what it says itself"):
        load_rows(sqlite_engine, tmp_path, row)
    (tmp_path / "copy.csv").write_text(" \n")
    with pytest.raises(TenantsFileError, match="is empty"):
        load_rows(sqlite_engine, tmp_path, row)


@pytest.mark.parametrize("part", ["x", "-", "1", "x1"])
def test_a_part_without_meaning_is_refused(sqlite_engine: Engine, tmp_path: Path, part: str) -> None:
    with pytest.raises(TenantsFileError, match="provisioning_notice_part"):
        load_rows(sqlite_engine, tmp_path, a_row(provisioning_notice_part=part))


@pytest.mark.parametrize("part", ["", " "])
def test_an_empty_part_leaves_the_term_unproven(sqlite_engine: Engine, tmp_path: Path, part: str) -> None:
    load_rows(sqlite_engine, tmp_path, a_row(provisioning_notice_part=part))
    assert not term_proven(sqlite_engine)


@pytest.mark.parametrize(
    ("date", "said"),
    [
        ("2099-01-01", "still to come"),
        ("2015-04-03", "still to come"),
        ("0001-01-01", "before 1990"),
        ("1989-12-31", "before 1990"),
    ],
)
def test_a_notice_not_given_yet_or_before_such_services_were_sold_is_refused(
    sqlite_engine: Engine, tmp_path: Path, date: str, said: str
) -> None:
    with pytest.raises(TenantsFileError, match=said):
        load_rows(sqlite_engine, tmp_path, a_row(provisioning_notice_date=date))


def test_a_notice_after_the_end_of_the_term_is_refused(sqlite_engine: Engine, tmp_path: Path) -> None:
    row = a_row(term_to="2015-02-28", provisioning_notice_date="2015-03-01")
    with pytest.raises(TenantsFileError, match="after the end of the term"):
        load_rows(sqlite_engine, tmp_path, row)
    load_rows(sqlite_engine, tmp_path, row | {"provisioning_notice_date": "2015-02-28"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"provisioning_notice_date": "2099-01-01"},
        {"provisioning_notice_date": "0001-01-01"},
        {"provisioning_notice_date": "yesterday"},
        {"provisioning_notice_part": "x"},
        {"provisioning_notice_proof": "dms:2015-01-01"},
        {"provisioning_notice_proof": "file:tenants.csv"},
    ],
)
def test_the_gate_asks_again_what_the_file_was_asked(
    sqlite_engine: Engine, tmp_path: Path, wrong: dict[str, str]
) -> None:
    load_rows(sqlite_engine, tmp_path, a_row())
    with reading(sqlite_engine) as session:
        position = contract_at(session, "acme", NOON)
    assert position.term_faults(NOON) == ()
    assert "the term is not proven" in replace(position, **wrong).term_faults(NOON)[0]  # type: ignore[arg-type]


def test_a_notice_counts_from_its_day_in_the_tenants_zone_on(sqlite_engine: Engine, tmp_path: Path) -> None:
    row = a_row(provisioning_notice_date="2015-04-02", time_zone="America/New_York")
    load_rows(sqlite_engine, tmp_path, row)
    assert term_proven(sqlite_engine, datetime(2015, 4, 2, 4, tzinfo=UTC))
    assert not term_proven(sqlite_engine, datetime(2015, 4, 2, 3, 59, tzinfo=UTC))


@pytest.mark.parametrize("date", ["x", "2015", "2015-13-01", "2015-01-01T09:00:00Z"])
def test_a_date_that_is_none_is_refused(sqlite_engine: Engine, tmp_path: Path, date: str) -> None:
    with pytest.raises(TenantsFileError, match="provisioning_notice_date"):
        load_rows(sqlite_engine, tmp_path, a_row(provisioning_notice_date=date))


@pytest.mark.parametrize(
    "missing", ["provisioning_notice_date", "provisioning_notice_part", "provisioning_notice_proof"]
)
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
    staffed = open_staffed(
        sqlite_engine, tmp_path, mail_to(server), a_row(term_to="2015-04-03", time_zone="Etc/UTC")
    )
    staffed.approved_case()
    assert staffed.enforce().state is CaseState.SUSPENDED
    end = datetime(2015, 4, 4, tzinfo=UTC)
    measure = staffed.measure()
    assert (measure.ends_at, measure.review_at, measure.latest_end_at) == (end, end, end)
    staffed.wait(hours=36)
    staffed.resume_all()
    assert staffed.state is CaseState.LAPSED


def test_after_the_term_nobody_approves(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    staffed = open_staffed(
        sqlite_engine, tmp_path, mail_to(server), a_row(term_to="2015-04-01", time_zone="Etc/UTC")
    )
    flag(staffed.engine, a_flag(START - timedelta(minutes=30)), at=START)
    staffed.do(claim, "rita")
    staffed.determine("rita")
    with pytest.raises(Refused, match="the term is not running"):
        staffed.approve("adam")


def test_a_term_runs_from_the_first_notice_of_provisioning_where_no_other_day_is_entered(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    load_rows(sqlite_engine, tmp_path, a_row(term_from="", provisioning_notice_date="2015-02-03"))
    with reading(sqlite_engine) as session:
        position = contract_at(session, "acme", NOON)
    assert position.term_from == datetime(2015, 2, 3, 5, tzinfo=UTC), "midnight in New York"
    assert position.term_faults(NOON) == ()
    assert not position.term_running(datetime(2015, 2, 3, 4, 59, tzinfo=UTC))


def test_what_is_missing_of_a_term_is_named(sqlite_engine: Engine, tmp_path: Path) -> None:
    load_rows(sqlite_engine, tmp_path, a_row(term_to="", provisioning_notice_proof=""))
    with reading(sqlite_engine) as session:
        (fault,) = contract_at(session, "acme", NOON).term_faults(NOON)
    assert fault == (
        "the term is not proven; not on record: its end (term_to of the tenants file), "
        "the proof of the notice of provisioning"
    )
