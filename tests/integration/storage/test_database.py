"""The two databases behave alike: zones, locks, migrations."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, create_engine, select, text
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column

from cjp_fraud.errors import BadInputError, NotFoundError, StorageError
from cjp_fraud.people.model import Role
from cjp_fraud.people.tables import User, UserRole
from cjp_fraud.people.users import actor_named
from cjp_fraud.storage.base import Base, import_all_tables
from cjp_fraud.storage.database import make_engine, reading, transaction
from cjp_fraud.storage.locks import HOLDERS, named_lock, process_lock
from cjp_fraud.storage.schema_version import migrate, require_current
from tests import processes
from tests.people_builders import a_user
from tests.processes import die
from tests.tampering import unrecorded

pytestmark = pytest.mark.both_databases

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_the_migrations_make_exactly_the_tables_of_the_classes(engine: Engine) -> None:
    import_all_tables()
    with engine.connect() as connection:
        differences = compare_metadata(MigrationContext.configure(connection), Base.metadata)
    assert differences == []


def test_migrating_again_changes_nothing(engine: Engine) -> None:
    before, after = migrate(engine)
    assert before == after


def test_an_empty_database_is_refused_with_what_to_run(tmp_path: Path) -> None:
    engine = make_engine(f"sqlite:///{tmp_path / 'new.db'}")
    with pytest.raises(StorageError, match="cjp-fraud init"):
        require_current(engine)


def test_a_moment_comes_back_in_utc_whatever_zone_it_went_in(engine: Engine) -> None:
    tokyo = AT.astimezone(timezone(timedelta(hours=9)))
    with unrecorded(engine) as session:
        session.add(User(name="kei", created_at=tokyo, created_by="system:test"))
    with reading(engine) as session:
        stored = session.scalars(select(User)).one().created_at
    assert stored == AT
    assert stored.utcoffset() == timedelta(0)


def test_a_naive_time_cannot_be_stored(engine: Engine) -> None:
    with pytest.raises(StatementError, match="no time zone"), transaction(engine) as session:
        session.add(User(name="kei", created_at=AT.replace(tzinfo=None), created_by="system:test"))


def test_a_role_that_does_not_exist_is_refused_by_the_database_itself(engine: Engine) -> None:
    with transaction(engine) as session:
        a_user(session, "kei", [Role.ANALYST], AT)
    with pytest.raises(IntegrityError), engine.begin() as connection:
        connection.exec_driver_sql("UPDATE user_roles SET role = 'emperor'")


def test_a_user_is_on_record_with_roles_and_an_audit_entry(engine: Engine) -> None:
    with transaction(engine) as session:
        a_user(session, "kei", [Role.REVIEWER, Role.ANALYST], AT)
    with reading(engine) as session:
        kei = actor_named(session, "kei")
        assert kei.roles == {Role.ANALYST, Role.REVIEWER}
        assert kei.may(Role.REVIEWER)
        assert not kei.may(Role.APPROVER)
        assert len(session.scalars(select(UserRole)).all()) == 2
        with pytest.raises(NotFoundError, match="users create"):
            actor_named(session, "nobody")


@pytest.mark.parametrize("name", ["", " kei", "system:detect"])
def test_a_name_that_could_be_taken_for_a_machine_or_for_nothing_is_refused(
    engine: Engine, name: str
) -> None:
    with pytest.raises(BadInputError), transaction(engine) as session:
        a_user(session, name, [Role.ANALYST], AT)


def test_two_holders_of_one_lock_never_overlap(engine: Engine) -> None:
    inside, most = 0, 0
    guard = threading.Lock()

    def hold() -> None:
        nonlocal inside, most
        for _ in range(20):
            with process_lock(engine, "one"):
                with guard:
                    inside += 1
                    most = max(most, inside)
                with guard:
                    inside -= 1

    threads = [threading.Thread(target=hold) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == 1


def die_with_the_lock(url: str) -> None:
    with process_lock(make_engine(url), "one"):
        die()


def test_a_killed_process_leaves_no_lock_behind(engine: Engine) -> None:
    url = engine.url.render_as_string(hide_password=False)
    processes.killed(die_with_the_lock, url)
    with process_lock(engine, "one"):
        pass


def test_more_holders_than_connections_each_with_two_locks_and_a_transaction_all_get_through(
    engine: Engine,
) -> None:
    through = []

    def work(number: int) -> None:
        with process_lock(engine, f"outer {number}"), process_lock(engine, f"inner {number}"):
            with reading(engine) as session:
                session.execute(text("SELECT 1"))
            through.append(number)

    with ThreadPoolExecutor(3 * HOLDERS) as threads:
        list(threads.map(work, range(6 * HOLDERS)))
    assert sorted(through) == list(range(6 * HOLDERS))


def test_a_named_lock_is_held_until_the_end_of_the_transaction(engine: Engine) -> None:
    order = []

    def second() -> None:
        with transaction(engine) as session:
            named_lock(session, "one")
            order.append("second")

    thread = threading.Thread(target=second)
    with transaction(engine) as session:
        named_lock(session, "one")
        thread.start()
        thread.join(0.2)
        order.append("first")
    thread.join()
    assert order == ["first", "second"]


def test_sessions_of_other_packages_in_this_process_are_left_alone(tmp_path: Path) -> None:
    """Airflow runs our tasks in a process in which it changes rows of its own."""

    class Foreign(DeclarativeBase):
        pass

    class Task(Foreign):
        __tablename__ = "tasks"
        id: Mapped[int] = mapped_column(primary_key=True)
        state: Mapped[str]

    theirs = create_engine(f"sqlite:///{tmp_path / 'theirs.db'}")
    Foreign.metadata.create_all(theirs)
    with Session(theirs) as session, session.begin():
        session.add(Task(id=1, state="queued"))
    with Session(theirs) as session, session.begin():
        session.get_one(Task, 1).state = "running"
    with Session(theirs) as session:
        assert session.get_one(Task, 1).state == "running"
    theirs.dispose()
