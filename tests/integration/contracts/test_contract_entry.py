"""Counsel's file on record: what governs, what it proves, who was told where, and what it voids."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from cjp_fraud.contracts.address_book import addresses_known
from cjp_fraud.contracts.contract_entry import ContractLoaded, load_contract
from cjp_fraud.contracts.contract_explanation import explained
from cjp_fraud.contracts.contract_file import read_contract_file
from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.contracts.model import Right
from cjp_fraud.contracts.position import Contract
from cjp_fraud.contracts.tables import ProvisioningRecord
from cjp_fraud.errors import BadInputError, Refused
from cjp_fraud.people.model import Decision, Role
from cjp_fraud.people.participation import lately_edited_contract
from cjp_fraud.people.users import actor_named
from cjp_fraud.storage.database import reading, transaction
from tests.chains import chain_faults
from tests.contract_builders import NOON, a_row, load_rows
from tests.people_builders import a_user

DAY = timedelta(days=1)

FILE = """
tenant = "acme"
contracting_entity = "Provider Inc."

[[documents]]
name = "MSA"
kind = "existing_agreement"
title = "Master agreement"
version = "2014"
from_day = 2014-01-01
says = { right = "not_stated", longest_measure_hours = 72 }
page = "page 7"

[[documents]]
name = "OD"
kind = "offer_description"
title = "Offer description"
version = "10.0"
says = { right = "clause_2_4" }
source = { clause = "2.4" }
page = "page 2"

[[amendments]]
name = "A1"
of = "OD"
effective = 2015-06-01
says = { right = "none" }

[[provisioning]]
given_on = 2015-02-01
part = "chat"
how = "by email"
proof = "dms:PN-0002"

[[provisioning]]
given_on = 2015-01-10
part = "voice"
how = "in the order portal"
proof = "file:notice.txt"
page = "page 1"

[[addresses]]
role = "notice"
address = "legal@acme.example"

[notice_terms]
[[notice_terms.suspension.steps]]
number = 1
combine = "any_of"
[[notice_terms.suspension.steps.methods]]
method = "email"
basis = "sent"
address_roles = ["notice"]
"""


@pytest.fixture
def engine(sqlite_engine: Engine, tmp_path: Path) -> Engine:
    load_rows(sqlite_engine, tmp_path, a_row(), at=NOON)
    with transaction(sqlite_engine) as session:
        a_user(session, "cora", [Role.COUNSEL], NOON)
        a_user(session, "ana", [Role.APPROVER], NOON)
    return sqlite_engine


def load(
    engine: Engine, folder: Path, text: str = FILE, by: str = "cora", at: datetime = NOON + DAY
) -> ContractLoaded:
    (folder / "notice.txt").write_text("Your service has been provisioned.")
    (folder / "acme.toml").write_text(text)
    with transaction(engine) as session:
        return load_contract(
            Decision(session, actor_named(session, by), at), read_contract_file(folder / "acme.toml")
        )


def position(engine: Engine, at: datetime = NOON + DAY, known_at: datetime | None = None) -> Contract:
    with reading(engine) as session:
        return contract_at(session, "acme", at, known_at=known_at)


def test_what_counsel_entered_governs_and_loading_it_again_changes_nothing(
    engine: Engine, tmp_path: Path
) -> None:
    before = position(engine)
    assert set(load(engine, tmp_path).changed) == {
        "contract_documents",
        "notice_terms",
        "provisioning_notices",
        "addresses",
    }
    now = position(engine)
    assert now.governing_document is not None
    assert now.governing_document.reference == "Master agreement, version 2014 (MSA)"
    assert (now.right, now.longest_measure) == (Right.CLAUSE_2_4, timedelta(hours=72))
    assert now.notice_terms is not None
    changed = {name for name in now.versions if now.versions[name] != before.versions[name]}
    assert changed == {"governing_document", "notice_terms", "provisioning_notices", "addresses"}
    assert load(engine, tmp_path).changed == ()
    with reading(engine) as session:
        assert chain_faults(session) == []


def test_an_amendment_that_takes_effect_voids_proposals_though_no_row_changes(
    engine: Engine, tmp_path: Path
) -> None:
    load(engine, tmp_path)
    first, then = (position(engine, datetime(2015, month, 2, 12, tzinfo=UTC)) for month in (5, 6))
    assert (first.right, then.right) == (Right.CLAUSE_2_4, Right.NONE)
    assert first.versions["governing_document"] != then.versions["governing_document"]


def test_the_term_runs_from_the_first_of_several_notices_and_rests_on_its_proof(
    engine: Engine, tmp_path: Path
) -> None:
    load(engine, tmp_path)
    now = position(engine)
    assert [notice.part for notice in now.provisioning_notices] == ["voice", "chat"]
    assert now.provisioning_notice_date == "2015-01-10"
    assert (now.provisioning_notice_proof or "").startswith("file:notice.txt sha256:")
    assert now.term_faults(NOON + DAY) == ()
    load_rows(engine, tmp_path, a_row(provisioning_notice_date="2015-01-02"), at=NOON + 2 * DAY)
    assert position(engine, NOON + 2 * DAY).provisioning_notice_date == "2015-01-10"


def test_the_tenants_file_still_enters_a_notice_and_replaces_its_own(engine: Engine, tmp_path: Path) -> None:
    load_rows(engine, tmp_path, a_row(provisioning_notice_date="2015-01-02"), at=NOON + DAY)
    with reading(engine) as session:
        rows = session.scalars(select(ProvisioningRecord).order_by(ProvisioningRecord.id)).all()
    assert [(row.given_on, row.valid_to) for row in rows] == [
        ("2015-01-01", NOON + DAY),
        ("2015-01-02", None),
    ]


def test_who_loads_is_counsel_and_may_not_approve_lately(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="not counsel"):
        load(engine, tmp_path, by="ana")
    load(engine, tmp_path)
    with reading(engine) as session:
        assert lately_edited_contract(session, actor_named(session, "cora"), "acme", NOON + 20 * DAY)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("from_day = 2014-01-01", "from_day = 2014-01-01\nto_day = 2013-01-01", "before from_day"),
        ('name = "OD"\nkind = "offer_description"', 'name = "OD"\nkind = "existing_agreement"', "overlap"),
        ('of = "OD"', 'of = "OX"', "none of the documents"),
        ("dms:PN-0002", "dms:2015-01-01", "a date alone"),
        ("file:notice.txt", "file:acme.toml", "cannot prove what it says itself"),
        ("given_on = 2015-02-01", "given_on = 2030-02-01", "still to come"),
        ('how = "by email"', 'how = "by email"\nwhen = 1', "not known; leave it out"),
        ("legal@acme.example", "nobody", "not an email address"),
        ('method = "email"', 'method = "pigeon"', "pigeon"),
        ('tenant = "acme"', 'tenant = "acme', "no TOML"),
    ],
)
def test_a_fault_of_the_file_is_named_and_nothing_is_stored(
    engine: Engine, tmp_path: Path, old: str, new: str, said: str
) -> None:
    before = position(engine)
    with pytest.raises(BadInputError, match=said):
        load(engine, tmp_path, FILE.replace(old, new, 1))
    assert position(engine) == before


def test_the_address_of_a_moment_is_told_by_what_was_known_at_another(engine: Engine, tmp_path: Path) -> None:
    with reading(engine) as session:
        (old,) = addresses_known(session, "acme", NOON, None)
    load(engine, tmp_path)
    with reading(engine) as session:
        then = addresses_known(session, "acme", NOON, None)
        now = addresses_known(session, "acme", NOON + 2 * DAY, None)
        as_known = addresses_known(session, "acme", NOON + 2 * DAY, old.recorded_at)
    assert [row.address for row in then] == ["notices@acme.example"]
    assert [row.address for row in now] == ["legal@acme.example"]
    assert [(row.address, row.valid_to) for row in as_known] == [("notices@acme.example", None)]


def test_the_explanation_names_document_right_term_and_notice(engine: Engine, tmp_path: Path) -> None:
    load(engine, tmp_path)
    topics = {each.topic: " | ".join(each.steps) for each in explained(position(engine), (), NOON + DAY)}
    assert "an agreement that exists beats" in topics["governing document"]
    assert "OD, clause 2.4, gives the right" in topics["governing document"]
    assert "the term runs from the first notice of provisioning, 2015-01-10" in topics["term and its proof"]
    assert "page 1: acme.toml sha256:" in topics["term and its proof"]
    assert "email to notice" in topics["notice terms"]
    assert "the provider runs" in topics["deployment"]
