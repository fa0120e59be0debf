"""Counsel's file on record: what governs, what it proves, who was told where, and what it voids."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.contracts.address_book import addresses_known
from cjp_fraud.contracts.contract_entry import ContractLoaded, load_contract
from cjp_fraud.contracts.contract_explanation import explained
from cjp_fraud.contracts.contract_file import read_contract_file
from cjp_fraud.contracts.contract_reader import contract_at, recipients
from cjp_fraud.contracts.model import Reading, Right
from cjp_fraud.contracts.position import Contract
from cjp_fraud.contracts.tables import Address, ProvisioningRecord
from cjp_fraud.contracts.tenants import tenants_on_record
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
    assert now.calendars.named("recipient").zone_data.startswith("tzdata 20"), (
        "also where only a clock counts"
    )
    assert now.clause == "Offer description, version 10.0 (OD), clause 2.4", (
        "letters name what gives the right"
    )
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
        ('tenant = "acme"', 'tenant = "acme', "it is no TOML"),
    ],
)
def test_a_fault_of_the_file_is_named_and_nothing_is_stored(
    engine: Engine, tmp_path: Path, old: str, new: str, said: str
) -> None:
    before = position(engine)
    with pytest.raises(BadInputError, match=said):
        load(engine, tmp_path, FILE.replace(old, new, 1))
    assert position(engine) == before


def test_documents_that_clash_are_named_with_their_lines(engine: Engine, tmp_path: Path) -> None:
    text = FILE.replace('name = "OD"\nkind = "offer_description"', 'name = "OD"\nkind = "existing_agreement"')
    with pytest.raises(
        BadInputError, match=r"acme\.toml line 14 and acme\.toml line 5: two documents .* overlap"
    ):
        load(engine, tmp_path, text)


OWN_TERMS = """
[amendments.says]
right = "not_stated"
[amendments.says.notice_terms.suspension]
minimum = { amount = 14, unit = "calendar_days" }
[[amendments.says.notice_terms.suspension.steps]]
number = 1
combine = "any_of"
[[amendments.says.notice_terms.suspension.steps.methods]]
method = "email"
basis = "sent"
address_roles = ["legal"]
"""


def test_an_amendment_changes_how_notices_are_served_from_its_day_on(engine: Engine, tmp_path: Path) -> None:
    day = (NOON + 10 * DAY).date()
    changed = FILE.replace("2015-06-01", day.isoformat()).replace('says = { right = "none" }', OWN_TERMS)
    load(engine, tmp_path, changed)
    before, after = position(engine, NOON + 9 * DAY), position(engine, NOON + 11 * DAY)
    assert before.notice_terms is not None
    assert after.notice_terms is not None
    assert (before.notice_terms.address_roles, after.notice_terms.address_roles) == (("notice",), ("legal",))
    assert before.versions["notice_terms"] != after.versions["notice_terms"]
    assert after.right is before.right is Right.CLAUSE_2_4
    with reading(engine) as session:
        (said,) = [
            topic.steps for topic in explained(contract_at(session, "acme", NOON + 11 * DAY), (), NOON)
            if topic.topic == "notice terms"
        ]  # fmt: skip
    assert "they are those of A1" in said


def test_terms_of_an_amendment_that_nobody_has_read_shut_the_gate(engine: Engine, tmp_path: Path) -> None:
    load(
        engine, tmp_path, FILE.replace('{ right = "none" }', '{ right = "none", notice_terms = "not_read" }')
    )
    assert position(engine).notice_terms is not None
    standing = position(engine, datetime(2015, 6, 2, tzinfo=UTC))
    assert standing.notice_terms is None
    assert standing.notice_terms_fault == "the notice clause of A1 has not been read"


def test_a_tenant_whose_document_states_the_terms_is_listed_as_read(engine: Engine, tmp_path: Path) -> None:
    load_rows(engine, tmp_path, a_row(notice_address=""), at=NOON)
    with reading(engine) as session:
        assert tenants_on_record(session, NOON)["acme"].notice_terms is Reading.NOT_READ
    text = FILE.split("[notice_terms]")[0].replace(
        'says = { right = "clause_2_4" }', 'says = { right = "clause_2_4", notice_terms = "file:terms.toml" }'
    )
    (tmp_path / "terms.toml").write_text(FILE.split("[notice_terms]")[1].replace("notice_terms.", ""))
    load(engine, tmp_path, text)
    with reading(engine) as session:
        assert tenants_on_record(session, NOON + DAY)["acme"].notice_terms is Reading.READ
    load(engine, tmp_path, text.replace('version = "10.0"', 'version = "10.0"\nto_day = 2015-06-30'))
    july = datetime(2015, 7, 2, tzinfo=UTC)
    with reading(engine) as session:
        assert tenants_on_record(session, NOON + 2 * DAY)["acme"].notice_terms is Reading.READ
        assert tenants_on_record(session, july)["acme"].notice_terms is Reading.NOT_READ
    loaded = load_rows(engine, tmp_path, a_row(notice_address=""), at=july)
    assert loaded.not_read == ("acme",), "a document that no longer holds says nothing of notices"


@pytest.mark.parametrize("named", ["evil@acme.example", ""])
def test_the_tenants_file_leaves_counsels_notice_addresses_alone_and_says_so(
    engine: Engine, tmp_path: Path, named: str
) -> None:
    load(engine, tmp_path)
    before = in_force_addresses(engine)
    loaded = load_rows(engine, tmp_path, a_row(notice_address=named), at=NOON + 2 * DAY)
    assert in_force_addresses(engine) == before == ["legal@acme.example"]
    assert loaded.addresses_kept == ("acme",)
    same = load_rows(engine, tmp_path, a_row(notice_address="legal@acme.example"), at=NOON + 3 * DAY)
    assert (same.addresses_kept, in_force_addresses(engine)) == ((), before)
    load(engine, tmp_path, FILE.replace("legal@acme.example", "new@acme.example"), at=NOON + 4 * DAY)
    assert in_force_addresses(engine) == ["new@acme.example"], "counsel replaces what counsel entered"


def test_an_address_of_the_tenants_file_that_counsel_names_too_is_counsels_from_then_on(
    engine: Engine, tmp_path: Path
) -> None:
    (known,) = in_force_addresses(engine)
    load(engine, tmp_path, FILE.replace("legal@acme.example", known))
    assert in_force_addresses(engine) == [known]
    loaded = load_rows(engine, tmp_path, a_row(notice_address="evil@acme.example"), at=NOON + 2 * DAY)
    assert in_force_addresses(engine) == [known]
    assert loaded.addresses_kept == ("acme",)
    with reading(engine) as session:
        assert chain_faults(session) == []


def in_force_addresses(engine: Engine) -> list[str]:
    """Return the addresses for notices that count at the end of time."""
    with reading(engine) as session:
        found = session.execute(
            select(PersonalText.body)
            .join(Address, Address.text_id == PersonalText.id)
            .where(Address.valid_to.is_(None), Address.role == "notice")
        )
        return [body or "" for (body,) in found]


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
    assert "not_stated" not in topics["notice terms"]
    assert topics["statement of reasons"].startswith("Provider Inc. contracted | ")
    assert "the provider runs" in topics["deployment"]


def test_half_a_character_in_a_json_file_is_a_fault(tmp_path: Path) -> None:
    file = tmp_path / "acme.json"
    file.write_text('{"tenant": "\\ud800"}', encoding="utf-8")
    with pytest.raises(BadInputError, match=r"acme\.json cannot be loaded .* text that is no Unicode"):
        read_contract_file(file)


def test_since_when_and_until_when_an_address_was_true_is_entered_beside_when_it_was_learned(
    engine: Engine, tmp_path: Path
) -> None:
    """It moved on 10 March, which counsel learns in April: what was true and what was known stay apart."""
    text = (
        FILE
        + """
[[addresses]]
role = "legal"
address = "old@acme.example"
from_day = 2014-01-01
to_day = 2015-03-09

[[addresses]]
role = "legal"
address = "new@acme.example"
from_day = 2015-03-10
"""
    )

    def true(at: datetime, known_at: datetime | None = None) -> list[str | None]:
        with reading(engine) as session:
            known = addresses_known(session, "acme", at, known_at)
        return [row.address for row in known if row.role == "legal"]

    midnight = datetime(2015, 3, 10, 4, tzinfo=UTC)  # in New York
    last = midnight - timedelta(microseconds=1)
    load(engine, tmp_path, text)
    assert [true(at) for at in (last, midnight)] == [["old@acme.example"], ["new@acme.example"]]
    assert true(datetime(2013, 12, 31, tzinfo=UTC)) == []
    assert [true(at, NOON) for at in (last, midnight)] == [[], []]
    assert load(engine, tmp_path, text, at=NOON + 2 * DAY).changed == ()

    corrected = text.replace("from_day = 2015-03-10", "from_day = 2015-03-12")
    load(engine, tmp_path, corrected, at=NOON + 2 * DAY)
    assert true(midnight) == [], "it never held on the tenth, as is known now"
    assert true(midnight, NOON + DAY) == ["new@acme.example"], "as was known then"
    assert true(midnight + 2 * DAY) == ["new@acme.example"]

    moved = (
        corrected + 'to_day = 2015-04-01\n[[addresses]]\nrole = "legal"\naddress = "newest@acme.example"\n'
    )
    load(engine, tmp_path, moved, at=NOON + 4 * DAY)
    assert (true(NOON), true(NOON, NOON + 3 * DAY)) == ([], ["new@acme.example"])
    assert true(NOON + 5 * DAY) == ["newest@acme.example"]
    assert load(engine, tmp_path, moved, at=NOON + 6 * DAY).changed == ()
    with reading(engine) as session:
        assert chain_faults(session) == []
        served = {each.address_id for each in recipients(session, "acme", ["legal"], NOON + 8 * DAY)}
        texts = {
            row.address_id: row.address for row in addresses_known(session, "acme", NOON + 8 * DAY, None)
        }
    assert len(served) == 2, "the newest, and the one before it, of whose end was learned lately"
    assert [texts[each] for each in served & set(texts)] == ["newest@acme.example"]


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("from_day = 2015-04-04", "is still to come; enter the address on that day"),
        ("to_day = 2015-04-03", "is not over"),
    ],
)
def test_an_address_neither_begins_nor_ends_on_a_day_to_come(
    engine: Engine, tmp_path: Path, day: str, said: str
) -> None:
    text = FILE.replace('address = "legal@acme.example"', f'address = "legal@acme.example"\n{day}')
    with pytest.raises(BadInputError, match=rf"acme\.toml line \d+: addresses, .*{said}"):
        load(engine, tmp_path, text)
