"""Tables of an owner role on PostgreSQL: what the server refuses the application, and that all of it works there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import Result
from sqlalchemy import Engine, inspect, text
from sqlalchemy.exc import ProgrammingError
from typer.testing import CliRunner

from cjp_fraud.cli.main import app
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.errors import BadInputError, Refused, StorageError
from cjp_fraud.review.claim import claim
from cjp_fraud.review.dispute import open_dispute
from cjp_fraud.review.model import CaseState
from cjp_fraud.review.stops_on_record import order_stop
from cjp_fraud.storage.base import Base
from cjp_fraud.storage.database import make_engine, transaction
from cjp_fraud.storage.ownership import application_owns, migrate_as_owner
from cjp_fraud.storage.written_rows import FixedRowsError
from cjp_fraud.suspension.model import PlatformOutcome
from cjp_fraud.suspension.reconciliation import reconcile
from cjp_fraud.suspension.reinstatement import reinstate
from tests.case_builders import a_flag, flag, mail_to, open_staffed
from tests.mail_servers import smtp_server
from tests.postgres_roles import TwoRoles, two_roles
from tests.simulated_clocks import simulate_clock

pytestmark = pytest.mark.both_databases

WAYS_PAST_THE_LOG = (
    "ALTER TABLE audit_entries DISABLE TRIGGER ALL",
    "ALTER TABLE audit_entries DISABLE TRIGGER audit_entries_no_change",
    "DROP TRIGGER audit_entries_no_change ON audit_entries",
    "CREATE TRIGGER mine BEFORE INSERT ON audit_entries FOR EACH ROW EXECUTE FUNCTION audit_entries_append_only()",
    "DROP TABLE audit_entries",
    "ALTER TABLE audit_entries RENAME TO old_entries",
    "UPDATE audit_entries SET actor = 'nobody'",
    "DELETE FROM audit_entries",
    "TRUNCATE audit_entries",
    "SET session_replication_role = replica",
    "CREATE OR REPLACE FUNCTION audit_entries_append_only() RETURNS trigger LANGUAGE plpgsql "
    "AS $$ BEGIN RETURN NEW; END $$",
    "DROP FUNCTION audit_entries_append_only() CASCADE",
    "CREATE TABLE mine (a int)",
    "CREATE SCHEMA mine",
    "UPDATE approvals SET by_user_id = determined_by",
    "DELETE FROM cases",
    "TRUNCATE personal_texts CASCADE",
    "UPDATE alembic_version SET version_num = 'x'",
    "SET ROLE {owner}",
)
"""Statements by which the application's role could change the log or a finding behind the product's back."""


@pytest.fixture
def roles(postgres_server: str) -> TwoRoles:
    """An empty database of an owner, and an application's role without rights."""
    return two_roles(postgres_server)


@pytest.fixture
def owned(roles: TwoRoles) -> Iterator[Engine]:
    """The application's engine, on tables that the owner made."""
    owner, application = make_engine(roles.owner_url), make_engine(roles.url)
    migrate_as_owner(owner, application)
    owner.dispose()
    simulate_clock(application)
    yield application
    application.dispose()


def init(roles: TwoRoles, home: Path, *options: str) -> Result:
    environment = {"CJP_FRAUD_DATABASE_URL": roles.url}
    return CliRunner().invoke(app, ["--home", str(home), "init", *options], env=environment)


def test_the_server_refuses_the_application_every_way_past_the_log(owned: Engine, roles: TwoRoles) -> None:
    for statement in WAYS_PAST_THE_LOG:
        with owned.connect() as connection, pytest.raises(ProgrammingError) as refused:
            connection.execute(text(statement.format(owner=roles.owner_role)))
        assert refused.value.orig.sqlstate == "42501", statement  # insufficient_privilege


def test_the_log_stays_append_only_for_its_owner_too_and_its_function_has_a_fixed_search_path(
    owned: Engine, roles: TwoRoles
) -> None:
    owner = make_engine(roles.owner_url)
    with owner.connect() as connection, pytest.raises(ProgrammingError, match="append-only"):
        connection.execute(text("UPDATE audit_entries SET actor = 'nobody'"))
    with owner.connect() as connection:
        function = connection.execute(
            text(
                "SELECT pg_get_userbyid(proowner) AS owner, proconfig FROM pg_proc "
                "WHERE proname = 'audit_entries_append_only'"
            )
        ).one()
    assert (function.owner, function.proconfig) == (roles.owner_role, ["search_path=pg_catalog"])
    owner.dispose()


def test_a_case_goes_the_whole_way_as_the_application(owned: Engine, tmp_path: Path) -> None:
    with smtp_server() as server:
        staffed = open_staffed(owned, tmp_path, mail_to(server))
        staffed.approved_case()
        assert staffed.enforce().state is CaseState.SUSPENDED
        staffed.wait(minutes=30)
        staffed.do(open_dispute, "ana", text="it was a campaign")
        staffed.do(order_stop, "carol", reasons="the contract is being read again")
        lifted = reinstate(
            staffed.enforcement(), staffed.case().id, staffed.people["bella"], reasons="resolved"
        )
        assert lifted.outcome is PlatformOutcome.NOT_IN_FORCE
        assert not reconcile(staffed.enforcement())
        assert staffed.state is CaseState.REINSTATED
    assert verify_log(owned).faults == ()


def test_the_application_may_add_rows_everywhere_and_change_them_where_rows_change(owned: Engine) -> None:
    with owned.connect() as connection:
        rights = {
            mapper.class_.__tablename__: tuple(
                connection.scalar(
                    text("SELECT has_table_privilege(:table, :right)"),
                    {"table": mapper.class_.__tablename__, "right": right},
                )
                for right in ("SELECT", "INSERT", "UPDATE", "DELETE")
            )
            for mapper in Base.registry.mappers
        }
        assert inspect(connection).get_sequence_names() == []
    assert rights == {
        mapper.class_.__tablename__: (True, True, mapper.class_.ROWS_CHANGE, False)
        for mapper in Base.registry.mappers
    }
    assert rights["audit_entries"] == rights["approvals"] == (True, True, False, False)
    assert rights["cases"] == (True, True, True, False)


def test_init_with_an_owner_makes_the_home_and_stores_the_url_nowhere(
    roles: TwoRoles, tmp_path: Path
) -> None:
    made = init(roles, tmp_path, "--owner-url", roles.owner_url, "--json")
    assert made.exit_code == 0, made.output
    assert json.loads(made.stdout)["application_owns"] is None
    again = init(roles, tmp_path)
    assert (again.exit_code, "NOTE" in again.output) == (0, False)
    environment = {"CJP_FRAUD_DATABASE_URL": roles.url}
    verified = CliRunner().invoke(app, ["--home", str(tmp_path), "audit", "verify"], env=environment)
    assert (verified.exit_code, "NOTE" in verified.output) == (0, False), verified.output
    files = [file.read_bytes() for file in tmp_path.rglob("*") if file.is_file()]
    engine = make_engine(roles.superuser_url)
    with engine.connect() as connection:
        rows = [str(connection.execute(table.select()).all()) for table in Base.metadata.sorted_tables]
    engine.dispose()
    assert not any(roles.owner_role.encode() in content for content in files)
    assert not any(roles.owner_role in content for content in rows)


def test_without_an_owner_init_and_verify_say_that_the_application_owns_its_tables(
    roles: TwoRoles, tmp_path: Path
) -> None:
    roles.as_superuser(f"GRANT CREATE ON SCHEMA public TO {roles.role}")
    made = init(roles, tmp_path)
    assert made.exit_code == 0, made.output
    (line,) = [line for line in made.output.splitlines() if line.startswith("NOTE")]
    assert f"{roles.role!r} owns its tables" in line
    assert "--owner-url" in line
    environment = {"CJP_FRAUD_DATABASE_URL": roles.url}
    verified = CliRunner().invoke(app, ["--home", str(tmp_path), "audit", "verify"], env=environment)
    assert verified.exit_code == 0, verified.output
    assert line in verified.output


def test_tables_that_the_application_owns_are_handed_over_as_the_error_says(
    roles: TwoRoles, tmp_path: Path
) -> None:
    roles.as_superuser(f"GRANT CREATE ON SCHEMA public TO {roles.role}")
    assert init(roles, tmp_path).exit_code == 0
    refused = init(roles, tmp_path, "--owner-url", roles.owner_url)
    assert isinstance(refused.exception, Refused)
    statement = f"REASSIGN OWNED BY {roles.role} TO {roles.owner_role}"
    assert statement in str(refused.exception)

    roles.as_superuser(statement)
    assert init(roles, tmp_path, "--owner-url", roles.owner_url).exit_code == 0
    engine = make_engine(roles.url)
    assert application_owns(engine) is None
    with engine.connect() as connection, pytest.raises(ProgrammingError, match="permission denied"):
        connection.execute(text("UPDATE audit_entries SET actor = 'nobody'"))
    engine.dispose()


def test_an_upgrade_of_tables_of_another_role_asks_for_the_owner(roles: TwoRoles, tmp_path: Path) -> None:
    assert init(roles, tmp_path, "--owner-url", roles.owner_url).exit_code == 0
    roles.as_superuser("UPDATE alembic_version SET version_num = '0000'")
    asked = init(roles, tmp_path)
    assert isinstance(asked.exception, StorageError)
    assert f"belong to role {roles.owner_role!r}" in str(asked.exception)
    assert "--owner-url" in str(asked.exception)


def test_an_empty_database_where_the_application_may_make_no_tables_asks_for_the_owner(
    roles: TwoRoles, tmp_path: Path
) -> None:
    asked = init(roles, tmp_path)
    assert isinstance(asked.exception, StorageError)
    assert "may not make tables" in str(asked.exception)


def test_a_table_without_grants_gets_them_when_init_runs_again(roles: TwoRoles, owned: Engine) -> None:
    roles.as_superuser(f"REVOKE ALL ON cases FROM {roles.role}")
    with owned.connect() as connection, pytest.raises(ProgrammingError, match="permission denied"):
        connection.execute(text("SELECT * FROM cases"))
    owner = make_engine(roles.owner_url)
    migrate_as_owner(owner, owned)
    owner.dispose()
    with owned.connect() as connection:
        assert connection.execute(text("SELECT * FROM cases")).all() == []


@pytest.mark.parametrize(
    ("power", "reason"),
    [
        ("ALTER ROLE {role} SUPERUSER", "is a superuser"),
        ("ALTER ROLE {role} CREATEROLE", "may give itself other roles"),
        ("GRANT {owner} TO {role}", "is a member of"),
        ("ALTER DATABASE {database} OWNER TO {role}", "owns the database"),
        ("GRANT CREATE ON DATABASE {database} TO {role}", "may make schemas"),
        ("GRANT pg_write_all_data TO {role}", "may change or delete rows of"),
        ("GRANT SET ON PARAMETER session_replication_role TO {role}", "session_replication_role"),
    ],
)
def test_a_role_that_could_get_past_the_grants_is_refused_by_name(
    roles: TwoRoles, power: str, reason: str
) -> None:
    owner, application = make_engine(roles.owner_url), make_engine(roles.url)
    database = str(owner.url.database)
    roles.as_superuser(f"GRANT CREATE ON SCHEMA public TO {roles.owner_role}")
    roles.as_superuser(power.format(role=roles.role, owner=roles.owner_role, database=database))
    with pytest.raises(Refused, match=reason):
        migrate_as_owner(owner, application)
    owner.dispose()
    application.dispose()


def test_the_owner_must_be_another_role_of_the_same_database(
    roles: TwoRoles, postgres_server: str, tmp_path: Path
) -> None:
    assert "are both" in str(init(roles, tmp_path, "--owner-url", roles.url).exception)
    elsewhere = init(roles, tmp_path, "--owner-url", two_roles(postgres_server).owner_url)
    assert isinstance(elsewhere.exception, BadInputError)
    assert "not the same database" in str(elsewhere.exception)
    no_url = init(roles, tmp_path, "--owner-url", "owner")
    assert "is no database URL" in str(no_url.exception)


def test_sqlite_refuses_an_owner_with_a_sentence(tmp_path: Path) -> None:
    refused = CliRunner().invoke(
        app, ["--home", str(tmp_path), "init", "--owner-url", "postgresql+psycopg://owner@nowhere.example/db"]
    )
    assert isinstance(refused.exception, BadInputError)
    assert "--owner-url is for PostgreSQL" in str(refused.exception)
    assert not (tmp_path / "cjp_fraud.db").exists()


def test_a_transaction_that_changes_a_row_which_never_changes_is_refused(
    engine: Engine, tmp_path: Path
) -> None:
    with smtp_server() as server:
        staffed = open_staffed(engine, tmp_path, mail_to(server))
    flag(engine, a_flag())
    staffed.do(claim, "rita")
    proposal = staffed.determine()
    with pytest.raises(FixedRowsError, match="proposals"), transaction(engine) as session:
        session.merge(proposal).number = 7
