"""Similar cases of other tenants: found by what they share, as far as the reader's roles reach."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from cjp_fraud.operations import people
from cjp_fraud.operations.case_desk import look_at_case
from cjp_fraud.people.model import Decision, Role
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.principals import PrincipalRows, freeze_principals
from cjp_fraud.review.similar_cases import SimilarCase, similar_cases
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading, transaction
from tests.api_calls import calls_of
from tests.case_builders import DETECTOR, a_flag
from tests.chains import chain_faults
from tests.contract_builders import a_row
from tests.queue_pages import QueueUnderTest, a_queue


def a_queue_of(engine: Engine, folder: Path, *tenants: str, country: str = "US") -> QueueUnderTest:
    """A case each; all by the same application to Latvia, and zeta in France by another one at the same hour."""
    rows = [a_row(tenant_id=name) for name in tenants]
    queue = a_queue(engine, folder, *rows, a_row(tenant_id="zeta", country="FR"))
    for name in tenants:
        reasons = {"words": "14 × the usual", "country": "LV"}
        queue.flagged(name, application_id="dialler", reasons=reasons)
    queue.flagged("zeta", application_id="own")
    return queue


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """Acme and beta by the same application to Latvia, and zeta at the same hour."""
    return a_queue_of(sqlite_engine, tmp_path, "acme", "beta")


def alike(queue: QueueUnderTest, number: int = 1, by: str = "rita") -> tuple[SimilarCase, ...]:
    return look_at_case(queue.deployment, by, queue.deployment.now, str(number)).similar


def carried_by(queue: QueueUnderTest, number: int, principal: str) -> None:
    """Freeze that a principal carried a case's flags."""
    with transaction(queue.engine) as session:
        case_id = case_id_of(session, str(number))
        start = session.get_one(Case, case_id).first_flag_at

        def read(wanted: object) -> PrincipalRows:
            [(series, _, _)] = wanted.intervals  # type: ignore[attr-defined]
            row = {"series_id": series, "principal_id": principal, "interval_start": start}
            return PrincipalRows([row | {"contacts_offered": 130}])

        freeze_principals(Decision(session, DETECTOR, queue.deployment.now), [case_id], read)


@pytest.mark.both_databases
def test_a_case_names_those_of_other_tenants_with_what_they_share(engine: Engine, tmp_path: Path) -> None:
    queue = a_queue_of(engine, tmp_path, "acme", "beta", "gamma")
    for number in (1, 4):
        carried_by(queue, number, "partner-key")
    found = alike(queue)
    assert [each.tenant_id for each in found] == ["zeta", "gamma", "beta"]
    assert [[(one.kind, one.value) for one in each.shares] for each in found[:2]] == [
        [("principal", "partner-key"), ("hour", found[0].shares[1].value)],
        [
            ("application", "dialler"),
            ("country", "outbound LV"),
            ("hour", found[0].shares[1].value),
        ],
    ]
    with reading(queue.engine) as session:
        assert chain_faults(session) == []


def test_five_are_shown_at_most_and_found_by_few_statements(sqlite_engine: Engine, tmp_path: Path) -> None:
    queue = a_queue_of(sqlite_engine, tmp_path, *(f"tenant-{number}" for number in range(8)))
    statements: list[str] = []
    with reading(queue.engine) as session:
        row = session.get_one(Case, case_id_of(session, "1"))
        connection = session.connection()
        event.listen(connection, "before_cursor_execute", lambda *given: statements.append(given[2]))
        found = similar_cases(session, row, None)
    assert len(found) == 5
    assert len(statements) == 3
    plan = "EXPLAIN QUERY PLAN " + next(each for each in statements if "UNION" in each)
    assert "ix_case_traits_value" in statements_plan(sqlite_engine, plan)


def statements_plan(engine: Engine, explained: str) -> str:
    places = explained.count("?")
    with engine.connect() as connection:
        rows = connection.exec_driver_sql(explained, ("x",) * places if places else ())
        return " ".join(str(row) for row in rows)


def test_another_case_of_the_same_tenant_is_not_among_them(queue: QueueUnderTest) -> None:
    assert "acme" not in [each.tenant_id for each in alike(queue)]


def test_what_a_readers_roles_do_not_reach_is_left_out(queue: QueueUnderTest) -> None:
    deployment = queue.deployment
    for number in (1, 3):
        carried_by(queue, number, "partner-key")
    assert [each.tenant_id for each in alike(queue, by="ana")] == ["zeta", "beta"]
    people.grant_role(deployment, "ida", deployment.now, "ana", Role.ANALYST, countries=["us"])
    assert [each.tenant_id for each in alike(queue, by="ana")] == ["beta"]


def test_the_page_and_the_api_say_what_is_shared(queue: QueueUnderTest) -> None:
    shown = queue.signed_in("ana").get("/cases/1").text
    assert "Similar cases of other tenants" in shown
    assert "the same application dialler; to Latvia" in shown
    [similar] = calls_of(queue, "ana").get("/cases/1/desk").json()["similar"]
    assert (similar["number"], similar["tenant_id"], similar["finding"]) == (2, "beta", None)
    assert [each["kind"] for each in similar["shares"]] == ["application", "country", "hour"]


def test_what_a_case_showed_stays_though_its_flag_was_taken_back(queue: QueueUnderTest) -> None:
    queue.flagged("acme", a_flag(queue.deployment.now, application_id="other"))
    [case] = alike(queue)
    assert ("application", "dialler") in [(each.kind, each.value) for each in case.shares]
