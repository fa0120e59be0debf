"""Tenants put on record: versions, what is left alone, and who edited what."""

from __future__ import annotations

import json
import threading
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, func, select

from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.contracts.contract_reader import contract_at, recipients
from cjp_fraud.contracts.model import Reading, Recipient, Right
from cjp_fraud.contracts.position import Contract
from cjp_fraud.contracts.tables import (
    Address,
    GoverningDocument,
    NoticeTermsVersion,
    SubscriptionTerms,
    Tenant,
)
from cjp_fraud.contracts.tenant_import import load_tenants
from cjp_fraud.contracts.tenants import tenants_on_record
from cjp_fraud.contracts.tenants_file import PLAIN_TERMS, TenantsFileError
from cjp_fraud.contracts.terms import plain_terms
from cjp_fraud.contracts.versions import enter_address, enter_terms
from cjp_fraud.errors import BadInputError, NotFoundError, OutOfReach
from cjp_fraud.people.model import Actor, Reach, Role, machine
from cjp_fraud.people.participation import lately_edited_contract
from cjp_fraud.storage.database import make_engine, reading, transaction
from tests import processes
from tests.chains import chain_faults
from tests.contract_builders import NOON, a_row, load_rows, write_csv
from tests.people_builders import a_user
from tests.processes import die
from tests.tampering import unrecorded

DAY = timedelta(days=1)


def position(engine: Engine, at: datetime = NOON, tenant_id: str = "acme") -> Contract:
    with reading(engine) as session:
        return contract_at(session, tenant_id, at)


def served(engine: Engine, at: datetime = NOON) -> tuple[Recipient, ...]:
    with reading(engine) as session:
        return recipients(session, "acme", ("notice",), at)


def a_person(engine: Engine, name: str = "ana") -> Actor:
    with transaction(engine) as session:
        user = a_user(session, name, [Role.ADMIN], NOON)
        return Actor(user.name, user.id, frozenset({Role.ADMIN}))


NOTHING = [0, 0, 0, 0, 0, 1]
"""What is counted in a home where nobody has done anything: the entry that it was made."""


def counts(engine: Engine) -> list[int]:
    tables = (Tenant, SubscriptionTerms, GoverningDocument, NoticeTermsVersion, Address, AuditEntry)
    with reading(engine) as session:
        return [session.scalar(select(func.count()).select_from(table)) or 0 for table in tables]


def test_a_complete_row_gives_the_plain_terms(engine: Engine, tmp_path: Path) -> None:
    result = load_rows(engine, tmp_path, a_row())
    assert (result.read, result.added, result.not_read, result.excluded) == (1, ("acme",), (), ())
    found = position(engine)
    assert found.right is Right.CLAUSE_2_4
    assert found.notice_terms == plain_terms()
    assert found.governing_document is not None
    assert found.clause == "Offer description 10.0, clause 2.4"
    assert found.term_faults(NOON) == ()
    assert found.term_running(NOON)
    assert not found.term_running(datetime(2016, 1, 1, 5, tzinfo=UTC))
    assert found.deployment_accepted
    assert (found.language, found.time_zone, found.country) == ("en", "America/New_York", "US")


@pytest.mark.parametrize("missing", PLAIN_TERMS)
def test_any_part_missing_leaves_the_terms_unread(
    sqlite_engine: Engine, tmp_path: Path, missing: str
) -> None:
    result = load_rows(sqlite_engine, tmp_path, a_row(**{missing: ""}))
    assert result.not_read == ("acme",)
    found = position(sqlite_engine)
    assert found.right is Right.NOT_READ
    assert found.notice_terms is None
    assert found.notice_terms_fault == "the notice clause has not been read"


def test_what_was_bought_inside_the_flex_plan_is_governed_elsewhere(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    assert load_rows(sqlite_engine, tmp_path, a_row(plan="Flex Plan")).flex == ("acme",)
    assert position(sqlite_engine).right is Right.NOT_READ


@pytest.mark.both_databases
def test_loading_again_changes_nothing(engine: Engine, tmp_path: Path) -> None:
    load_rows(engine, tmp_path, a_row(), a_row(tenant_id="b"))
    before = counts(engine)
    again = load_rows(engine, tmp_path, a_row(), a_row(tenant_id="b"), at=NOON + DAY)
    assert (again.added, again.changed, again.unchanged) == ((), (), 2)
    assert counts(engine) == before


def test_a_file_with_a_fault_stores_nothing(sqlite_engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(TenantsFileError):
        load_rows(sqlite_engine, tmp_path, a_row(), a_row(tenant_id="b", time_zone="Nowhere"))
    assert counts(sqlite_engine) == NOTHING


def test_a_file_without_columns_leaves_what_is_on_record(sqlite_engine: Engine, tmp_path: Path) -> None:
    load_rows(sqlite_engine, tmp_path, a_row(critical="true", hosting="partner", product="CCX"))
    result = load_rows(sqlite_engine, tmp_path, {"tenant_id": "acme", "time_zone": "America/New_York"})
    assert result.unchanged == 1
    assert result.excluded == ("acme",)
    found = position(sqlite_engine)
    assert found.critical
    assert not found.deployment_accepted
    assert found.notice_terms == plain_terms()


def test_an_empty_cell_takes_away_what_is_on_record(sqlite_engine: Engine, tmp_path: Path) -> None:
    load_rows(sqlite_engine, tmp_path, a_row())
    load_rows(sqlite_engine, tmp_path, a_row(notice_address=""), at=NOON + DAY)
    assert position(sqlite_engine, NOON + DAY).notice_terms is None
    assert [one.replaced_at for one in served(sqlite_engine, NOON + DAY)] == [NOON + DAY]


def test_a_changed_address_is_served_beside_the_old_one_for_thirty_days(
    engine: Engine, tmp_path: Path
) -> None:
    load_rows(engine, tmp_path, a_row())
    old_versions = position(engine).versions
    load_rows(engine, tmp_path, a_row(notice_address="new@acme.example"), at=NOON + DAY)
    (before,) = served(engine, NOON)
    assert before.replaced_at is None
    new, old = served(engine, NOON + 2 * DAY)
    assert (new.replaced_at, old.replaced_at) == (None, NOON + DAY)
    assert old.address_id == before.address_id
    assert "tenants.csv line 2" in new.known
    assert served(engine, NOON + 31 * DAY) == (new,)
    assert position(engine, NOON + 2 * DAY).versions["addresses"] != old_versions["addresses"]
    assert position(engine, NOON + 60 * DAY).versions == position(engine, NOON + 2 * DAY).versions


def test_an_address_that_is_put_back_gets_one_letter(sqlite_engine: Engine, tmp_path: Path) -> None:
    for day, address in enumerate(["a@acme.example", "b@acme.example", "a@acme.example"]):
        load_rows(sqlite_engine, tmp_path, a_row(notice_address=address), at=NOON + day * DAY)
    assert [one.replaced_at for one in served(sqlite_engine, NOON + 3 * DAY)] == [None, NOON + 2 * DAY]


def test_every_change_that_a_measure_rests_on_is_another_version(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    load_rows(sqlite_engine, tmp_path, a_row())
    seen = [position(sqlite_engine).versions]
    changes = [
        {"critical": "true"},
        {"language": "fr"},
        {"term_to": "2016-12-31"},
        {"hosting": "partner"},
        {"governing_document": "Another"},
        {"notice_address": "x@acme.example"},
    ]
    for day, change in enumerate(changes, 1):
        load_rows(sqlite_engine, tmp_path, a_row(**change), at=NOON + day * DAY)
        seen.append(position(sqlite_engine, NOON + day * DAY).versions)
    assert len({json.dumps(dict(versions)) for versions in seen}) == len(changes) + 1


def test_whoever_enters_contract_data_has_edited_it(sqlite_engine: Engine, tmp_path: Path) -> None:
    ana, ben = a_person(sqlite_engine), a_person(sqlite_engine, "ben")
    load_rows(sqlite_engine, tmp_path, a_row(), by=ana)
    load_rows(sqlite_engine, tmp_path, a_row(), by=ben)
    with reading(sqlite_engine) as session:
        assert lately_edited_contract(session, ana, "acme", NOON + DAY)
        assert not lately_edited_contract(session, ben, "acme", NOON + DAY)


def test_the_log_names_no_address_and_no_name(sqlite_engine: Engine, tmp_path: Path) -> None:
    load_rows(sqlite_engine, tmp_path, a_row(name="Acme Ltd"))
    load_rows(
        sqlite_engine, tmp_path, a_row(name="Acme Inc", notice_address="new@acme.example"), at=NOON + DAY
    )
    with reading(sqlite_engine) as session:
        logged = json.dumps([entry.content for entry in session.scalars(select(AuditEntry))])
        assert chain_faults(session) == []
    assert "acme.example" not in logged
    assert "Acme" not in logged


def test_the_tenants_file_does_not_touch_what_counsel_entered(sqlite_engine: Engine, tmp_path: Path) -> None:
    load_rows(sqlite_engine, tmp_path, a_row())
    counsel = a_person(sqlite_engine, "cora")
    with transaction(sqlite_engine) as session:
        assert enter_terms(
            session,
            "acme",
            counsel,
            NOON + DAY,
            reference="Master agreement 7",
            right=Right.NONE,
            terms=None,
            longest_measure=timedelta(days=30),
            filing_stops=True,
        )
    load_rows(
        sqlite_engine, tmp_path, a_row(governing_document="Other", term_to="2017-01-01"), at=NOON + 2 * DAY
    )
    found = position(sqlite_engine, NOON + 2 * DAY)
    assert found.right is Right.NONE
    assert found.notice_terms is None
    assert found.longest_measure == timedelta(days=30)
    assert found.filing_stops
    assert position(sqlite_engine, NOON).right is Right.CLAUSE_2_4


def test_stored_terms_that_cannot_be_served_are_no_terms(sqlite_engine: Engine, tmp_path: Path) -> None:
    load_rows(sqlite_engine, tmp_path, a_row())
    with unrecorded(sqlite_engine) as session:
        version = session.scalars(select(NoticeTermsVersion)).one()
        assert version.terms is not None
        version.terms = version.terms.replace('"hours"', '"weeks"')
    found = position(sqlite_engine)
    assert found.notice_terms is None
    assert "weeks" in (found.notice_terms_fault or "")


def test_addresses_of_other_roles_are_entered_and_ended(sqlite_engine: Engine, tmp_path: Path) -> None:
    load_rows(sqlite_engine, tmp_path, a_row())
    counsel = a_person(sqlite_engine, "cora")
    with transaction(sqlite_engine) as session:
        both = ("one@legal.example", "two@legal.example")
        assert enter_address(session, "acme", "legal", both, counsel, NOON)
        assert not enter_address(session, "acme", "legal", both, counsel, NOON + DAY)
        assert len(recipients(session, "acme", ("legal",), NOON)) == 2
        assert enter_address(session, "acme", "legal", both[:1], counsel, NOON + 2 * DAY)
        in_force = [
            it for it in recipients(session, "acme", ("legal",), NOON + 2 * DAY) if not it.replaced_at
        ]
        assert len(in_force) == 1
        with pytest.raises(BadInputError, match="not an email address"):
            enter_address(session, "acme", "legal", ("nobody",), counsel, NOON + 2 * DAY)


def test_contract_data_cannot_be_changed_before_it_was_valid(sqlite_engine: Engine, tmp_path: Path) -> None:
    load_rows(sqlite_engine, tmp_path, a_row())
    load_rows(sqlite_engine, tmp_path, a_row(notice_address="b@acme.example"), at=NOON + DAY)
    with pytest.raises(BadInputError, match="check the clock"):
        load_rows(sqlite_engine, tmp_path, a_row(notice_address="c@acme.example"), at=NOON)


def test_the_register_says_what_traffic_needs(sqlite_engine: Engine, tmp_path: Path) -> None:
    load_rows(
        sqlite_engine,
        tmp_path,
        a_row(agents_standard="3", agents_premium="4"),
        a_row(tenant_id="b", hosting="on_premises", product="CCE"),
    )
    with reading(sqlite_engine) as session:
        found = tenants_on_record(session, NOON)
    assert list(found) == ["acme", "b"]
    assert (found["acme"].agents, found["acme"].deployment_accepted, found["acme"].notice_terms) == (
        7,
        True,
        Reading.READ,
    )
    assert not found["b"].deployment_accepted
    assert "clause 3" in (found["b"].deployment_fault or "")


def test_a_tenant_that_is_not_on_record_has_no_position(sqlite_engine: Engine) -> None:
    with reading(sqlite_engine) as session, pytest.raises(NotFoundError, match="tenants load"):
        contract_at(session, "nobody", NOON)


@pytest.mark.both_databases
def test_two_loads_at_once_end_as_one(engine: Engine, tmp_path: Path) -> None:
    rows = [a_row(tenant_id=f"t{number}") for number in range(20)]
    errors: list[BaseException] = []

    def run(name: str) -> None:
        folder = tmp_path / name
        folder.mkdir()
        try:
            load_rows(engine, folder, *rows)
        except BaseException as error:
            errors.append(error)

    threads = [threading.Thread(target=run, args=(name,)) for name in ("a", "b")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert counts(engine)[:5] == [20] * 5
    with reading(engine) as session:
        assert chain_faults(session) == []


def test_the_real_tenants_load_as_they_are(sqlite_engine: Engine, shared_data: Path) -> None:
    with transaction(sqlite_engine) as session:
        result = load_tenants(session, shared_data / "real" / "tenants.csv", machine("tenants"), NOON)
    assert (result.read, len(result.not_read)) == (12, 12)


def load_killed_half_way(url: str, file: Path) -> None:
    with transaction(make_engine(url)) as session:
        report = lambda done, total, what: die() if done == 2 else None  # noqa: E731
        load_tenants(session, file, machine("tenants"), NOON, report=report)


@pytest.mark.both_databases
def test_a_load_that_is_killed_half_way_stores_nothing_and_is_completed_by_the_next(
    engine: Engine, tmp_path: Path
) -> None:
    rows = [a_row(tenant_id=f"t{number}") for number in range(4)]
    file = write_csv(tmp_path / "tenants.csv", *rows)
    url = engine.url.render_as_string(hide_password=False)
    processes.killed(load_killed_half_way, url, file)
    assert counts(engine) == NOTHING
    load_rows(engine, tmp_path, *rows)
    assert counts(engine) == [4, 4, 4, 4, 4, 1 + 4]


def test_who_is_narrowed_to_countries_loads_their_tenants_alone(
    sqlite_engine: Engine, tmp_path: Path
) -> None:
    load_rows(sqlite_engine, tmp_path, a_row(), a_row(tenant_id="gamma", country="FR"))
    ana = a_person(sqlite_engine)
    reach = (Reach(countries=frozenset({"FR"})), Reach(frozenset({"voice"}), frozenset({"BE"})))
    narrowed = replace(
        ana,
        roles=frozenset({Role.COUNSEL, Role.ANALYST}),
        narrowed=((Role.COUNSEL, reach[0]), (Role.ANALYST, reach[1])),
    )

    def load(*rows: dict[str, str], by: Actor = narrowed) -> tuple[str, ...]:
        with transaction(sqlite_engine) as session:
            loaded = load_tenants(session, write_csv(tmp_path / "tenants.csv", *rows), by, NOON)
            return loaded.added + loaded.changed

    in_france = a_row(tenant_id="gamma", country="FR", name="Gamma SA")
    for beyond in (
        a_row(),
        a_row(country="FR"),
        a_row(tenant_id="gamma", country="US"),
        a_row(tenant_id="new", country="US"),
        a_row(tenant_id="new", country=""),
    ):
        with pytest.raises(OutOfReach, match=rf"tenants.csv: {beyond['tenant_id']} \(line 2\) lie"):
            load(beyond)
    with pytest.raises(OutOfReach, match=r"acme \(line 3\) lie .* nothing was loaded"):
        load(in_france, a_row())
    with reading(sqlite_engine) as session:
        assert set(tenants_on_record(session, NOON)) == {"acme", "gamma"}
        assert session.scalar(select(Tenant.name).where(Tenant.id == "gamma")) != "Gamma SA"
    assert load(in_france, a_row(tenant_id="new", country="BE")) == ("new", "gamma")
    assert load(a_row(name="Acme"), by=ana) == ("acme",)
