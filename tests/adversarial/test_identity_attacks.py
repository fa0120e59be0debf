"""Somebody who wants to decide and approve alone needs a second person: a second account of their own is none."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError
from typer.testing import CliRunner

from cjp_fraud.cli.main import app
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.errors import BadInputError, NotFoundError, Refused
from cjp_fraud.notices.tables import Notice
from cjp_fraud.people.model import Decision, GivenIdentity, Role
from cjp_fraud.people.tables import User
from cjp_fraud.people.users import (
    actor_named,
    add_identity,
    create_user,
    disable_user,
    grant_role,
    revoke_role,
)
from cjp_fraud.review.approval import return_, state_need
from cjp_fraud.review.claim import claim, comment
from cjp_fraud.review.determination import withdraw
from cjp_fraud.review.dispute import decide_dispute, open_dispute
from cjp_fraud.review.model import CaseState
from cjp_fraud.review.stops_on_record import let_notice_stand, order_stop
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.reinstatement import reinstate
from tests.case_builders import START, StaffedDeployment, a_flag, flag, mail_to, open_staffed
from tests.mail_servers import MailServerUnderTest
from tests.people_builders import a_user

LOOK_ALIKES = {
    "capitals": "ROSA",
    "a Cyrillic o": "r\u043esa",
    "a zero-width space": "rosa\u200b",
    "decomposed": unicodedata.normalize("NFD", "ros\u00e1"),
    "composed": "ros\u00e1",
    "full width": "\uff52osa",
    "a space": "rosa ",
    "one letter": "r",
    "a machine's": "system-x",
    "too long": "r" * 65,
    "nothing": "",
    "dots": "..",
    "lines": "__",
    "digits": "007",
}


@pytest.fixture
def staffed(engine: Engine, tmp_path: Path, server: MailServerUnderTest) -> Iterator[StaffedDeployment]:
    """The staffed deployment, with two admins; rita determines, adam approves."""
    made = open_staffed(engine, tmp_path, mail_to(server))
    with transaction(engine) as session:
        for name, roles in (("root", {Role.ADMIN}), ("boss", {Role.ADMIN, Role.REVIEWER, Role.ANALYST})):
            a_user(session, name, roles, START)
            made.people[name] = actor_named(session, name)
    yield made
    assert verify_log(engine).faults == ()


def made(
    staffed: StaffedDeployment, name: str, *roles: Role, by: str = "root", identity: str | None = None
) -> User:
    """Make a user as an admin does, and let them act in the staffed deployment."""
    with transaction(staffed.engine) as session:
        decision = Decision(session, actor_named(session, by), staffed.now)
        given = GivenIdentity.parse(identity or f"mail:{name}@provider.example")
        user = create_user(decision, name, roles, identities=[given])
        staffed.people[name] = actor_named(session, name)
        return user


@pytest.mark.parametrize("name", LOOK_ALIKES.values(), ids=LOOK_ALIKES.keys())
def test_a_name_that_looks_like_anothers_cannot_be_made(tmp_path: Path, name: str) -> None:
    home = ["--home", str(tmp_path / "home")]
    assert CliRunner().invoke(app, [*home, "init", "--user", "rosa=analyst,reviewer"]).exit_code == 0
    words = ["users", "create", name, "--role", "approver", "--identity", "mail:x@provider.example"]
    refused = CliRunner().invoke(app, [*home, *words])
    assert isinstance(refused.exception, BadInputError)
    assert "cannot be a user's name" in str(refused.exception)


@pytest.mark.parametrize(
    "again",
    [
        "mail:rosa@provider.example",
        "mail:ROSA@Provider.Example",
        "mail: rosa@provider.example ",
        "mail:\uff52osa@provider.example",
        "mail:rosa+2@provider.example",
        "mail:Rosa+approver+x@provider.example",
    ],
)
def test_one_identity_is_one_user(staffed: StaffedDeployment, again: str) -> None:
    made(staffed, "first", Role.REVIEWER, identity="mail:rosa@provider.example")
    with pytest.raises(BadInputError, match="belongs to user 'first'"):
        made(staffed, "second", Role.APPROVER, identity=again)


@pytest.mark.parametrize(
    "second", ["account:rosa", "account:CORP\\ROSA", "account:rosa@corp", "machine:corp/rosa"]
)
@pytest.mark.parametrize(
    "first",
    ["account:rosa", "account:OTHER\\rosa", "account:rosa@corp.example", "mail:rosa@provider.example"],
)
def test_one_account_in_two_forms_is_one_user(staffed: StaffedDeployment, first: str, second: str) -> None:
    made(staffed, "first", Role.REVIEWER, identity=first)
    with pytest.raises(BadInputError, match="'first'"):
        made(staffed, "second", Role.APPROVER, identity=second)


def test_two_people_of_one_name_are_told_apart_by_their_mail_addresses(staffed: StaffedDeployment) -> None:
    made(staffed, "first", Role.REVIEWER, identity="mail:rosa@provider.example")
    made(staffed, "second", Role.APPROVER, identity="mail:rosa@other.example")
    made(staffed, "third", Role.APPROVER, identity="mail:ro.sa@provider.example")


@pytest.mark.parametrize("identity", ["mail:rita@provider.example", "account:rita", "account:CORP\\rita"])
def test_a_user_of_init_is_not_made_again_under_an_identity(
    staffed: StaffedDeployment, identity: str
) -> None:
    with pytest.raises(BadInputError, match="init was told the name alone"):
        made(staffed, "rita2", Role.APPROVER, identity=identity)
    with pytest.raises(Refused, match="not an admin"):
        identified(staffed, "rita", "mail:rita@elsewhere.example", by="rita")
    identified(staffed, "rita", "mail:rita@elsewhere.example")
    made(staffed, "rita2", Role.APPROVER, identity="mail:rita@provider.example")
    with pytest.raises(BadInputError, match="'rita'"):
        made(staffed, "rita3", Role.APPROVER, identity="mail:rita+3@elsewhere.example")


def test_an_admin_says_who_somebody_is_and_another_one_who_they_are(staffed: StaffedDeployment) -> None:
    made(staffed, "eve", Role.APPROVER)
    with pytest.raises(Refused, match="another admin must"):
        identified(staffed, "root", "mail:root@provider.example")
    with pytest.raises(BadInputError, match="'eve'"):
        identified(staffed, "root", "mail:eve+root@provider.example", by="boss")
    for _ in range(2):
        identified(staffed, "eve", "account:eve")


def identified(staffed: StaffedDeployment, name: str, identity: str, by: str = "root") -> None:
    with transaction(staffed.engine) as session:
        decision = Decision(session, actor_named(session, by), staffed.now)
        add_identity(decision, name, GivenIdentity.parse(identity))


def test_init_and_the_command_line_say_who_people_are(tmp_path: Path) -> None:
    home = ["--home", str(tmp_path / "home")]
    named = ["--user", "ada=admin", "--user", "rosa=reviewer@mail:rosa@provider.example"]
    assert CliRunner().invoke(app, [*home, "init", *named]).exit_code == 0
    create = [*home, "users", "create", "rosa2", "--role", "approver", "--as", "ada", "--identity"]
    refused = CliRunner().invoke(app, [*create, "mail:Rosa+2@provider.example"])
    assert "belongs to user 'rosa'" in str(refused.exception)
    added = CliRunner().invoke(app, [*home, "users", "identity", "rosa", "account:CORP\\rosa", "--as", "ada"])
    assert added.exit_code == 0
    listed = CliRunner().invoke(app, [*home, "users", "list", "--json"]).stdout
    assert "mail:rosa@provider.example" in listed
    assert "user.identity_added" in CliRunner().invoke(app, [*home, "audit", "list", "--json"]).stdout
    assert CliRunner().invoke(app, [*home, "audit", "verify"]).exit_code == 0


def test_init_refuses_two_users_that_may_be_one(tmp_path: Path) -> None:
    named = ["--user", "rosa=reviewer", "--user", "rosa2=approver@mail:rosa@provider.example"]
    refused = CliRunner().invoke(app, ["--home", str(tmp_path / "home"), "init", *named])
    assert isinstance(refused.exception, BadInputError)


@pytest.mark.parametrize(
    "identity", ["mail:r\u0456ta@provider.example", "account:r\u043esa", "mail:x", "x", "account:"]
)
def test_an_identity_that_looks_like_another_is_none(identity: str) -> None:
    with pytest.raises(BadInputError):
        GivenIdentity.parse(identity)


def test_without_an_identity_nobody_is_made(staffed: StaffedDeployment) -> None:
    with pytest.raises(BadInputError, match="--identity"), transaction(staffed.engine) as session:
        create_user(Decision(session, actor_named(session, "root"), staffed.now), "nobody", [Role.APPROVER])


def test_once_there_is_an_admin_nobody_else_makes_users(tmp_path: Path) -> None:
    home = ["--home", str(tmp_path / "home")]
    named = ["--user", "ada=admin", "--user", "rosa=analyst,reviewer"]
    assert CliRunner().invoke(app, [*home, "init", *named]).exit_code == 0
    words = ["users", "create", "eve", "--role", "approver", "--identity", "mail:eve@provider.example"]
    for who in ([], ["--as", "rosa"]):
        refused = CliRunner().invoke(app, [*home, *words, *who])
        assert isinstance(refused.exception, Refused)
        assert "is not an admin" in str(refused.exception)
    assert CliRunner().invoke(app, [*home, *words, "--as", "ada"]).exit_code == 0
    for late in (["init", "--user", "mallory=approver"], ["init", "--user", "rosa=approver"]):
        CliRunner().invoke(app, [*home, *late])
    listed = CliRunner().invoke(app, [*home, "users", "list", "--json"]).stdout
    assert "mallory" not in listed
    assert listed.count('"approver"') == 1, "eve alone: init gives roles on the first day, never later"


@pytest.mark.both_databases
def test_nobody_grants_to_themself(staffed: StaffedDeployment) -> None:
    with pytest.raises(Refused, match="themself"), transaction(staffed.engine) as session:
        grant_role(Decision(session, actor_named(session, "boss"), staffed.now), "boss", Role.APPROVER)
    with pytest.raises(IntegrityError), staffed.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO user_roles (id, user_id, role, granted_at, granted_by, recorded_at) "
                "SELECT 'own', id, 'approver', created_at, id, recorded_at FROM users WHERE name = 'boss'"
            )
        )


def determined(staffed: StaffedDeployment, by: str = "rita") -> None:
    flag(staffed.engine, a_flag(staffed.now - timedelta(minutes=30)), at=staffed.now)
    staffed.do(claim, by)
    staffed.determine(by)


def test_a_user_approves_nothing_for_their_first_24_hours(staffed: StaffedDeployment) -> None:
    made(staffed, "eve", Role.APPROVER)
    determined(staffed)
    staffed.wait(hours=23, minutes=59)
    with pytest.raises(Refused, match="user eve was made less than 24 hours before"):
        staffed.approve("eve")
    staffed.wait(minutes=1)
    staffed.approve("eve")
    assert staffed.state is CaseState.APPROVED


def test_a_role_approves_nothing_for_its_first_24_hours(staffed: StaffedDeployment) -> None:
    with transaction(staffed.engine) as session:
        grant_role(Decision(session, actor_named(session, "root"), staffed.now), "rolf", Role.APPROVER)
        staffed.people["rolf"] = actor_named(session, "rolf")
    determined(staffed)
    with pytest.raises(Refused, match="rolf's role approver was made less than 24 hours before"):
        staffed.approve("rolf")


def test_a_role_taken_and_given_back_is_new(staffed: StaffedDeployment) -> None:
    for change in (revoke_role, grant_role):
        with transaction(staffed.engine) as session:
            change(Decision(session, actor_named(session, "root"), staffed.now), "adam", Role.APPROVER)
    determined(staffed)
    with pytest.raises(Refused, match="less than 24 hours"):
        staffed.approve("adam")


def test_who_took_part_makes_no_approver_for_the_case(staffed: StaffedDeployment) -> None:
    made(staffed, "eve", Role.APPROVER, by="boss")
    staffed.wait(hours=25)
    determined(staffed, by="boss")
    with pytest.raises(Refused, match="made by somebody who took part in the case"):
        staffed.approve("eve")
    staffed.approve("adam")


def test_an_approver_whose_maker_was_made_by_somebody_who_took_part_is_refused(
    staffed: StaffedDeployment,
) -> None:
    made(staffed, "chain", Role.ADMIN, by="boss")
    made(staffed, "link", Role.ADMIN, by="chain")
    made(staffed, "newc", Role.APPROVER, by="link")
    made(staffed, "apart", Role.APPROVER)
    with transaction(staffed.engine) as session:
        grant_role(Decision(session, actor_named(session, "link"), staffed.now), "rolf", Role.APPROVER)
        staffed.people["rolf"] = actor_named(session, "rolf")
    staffed.wait(hours=25)
    determined(staffed, by="boss")
    for name in ("newc", "rolf"):
        with pytest.raises(Refused, match="goes back to them"):
            staffed.approve(name)
    staffed.approve("apart")


def test_a_disabled_user_does_nothing_and_their_approval_counts_no_more(staffed: StaffedDeployment) -> None:
    staffed.approved_case()
    with transaction(staffed.engine) as session:
        disable_user(Decision(session, actor_named(session, "root"), staffed.now), "adam")
    with pytest.raises(NotFoundError, match="disabled"), transaction(staffed.engine) as session:
        actor_named(session, "adam")
    report = staffed.enforce()
    assert report.state is CaseState.APPROVED
    assert any("adam is not an approver" in sentence for sentence in report.waiting_for)
    assert staffed.restricted() == 0


def test_a_new_approver_reaffirms_nothing(staffed: StaffedDeployment) -> None:
    staffed.approved_case()
    assert staffed.enforce().state is CaseState.SUSPENDED
    made(staffed, "eve", Role.APPROVER)
    with pytest.raises(Refused, match="less than 24 hours"):
        staffed.reaffirm("eve", "it goes on")


@pytest.mark.parametrize("who", ["rita", "rolf", "adam", "bella"])
def test_who_did_anything_about_a_case_decides_no_dispute_of_it(staffed: StaffedDeployment, who: str) -> None:
    """Rita claimed and determined, rolf commented, adam approved, bella reaffirmed."""
    flag(staffed.engine, a_flag(staffed.now - timedelta(minutes=30)), at=staffed.now)
    staffed.do(claim, "rita")
    staffed.do(comment, "rolf", "at night")
    staffed.determine("rita")
    staffed.approve("adam")
    assert staffed.enforce().state is CaseState.SUSPENDED
    staffed.reaffirm("bella", "it goes on")
    dispute = staffed.do(open_dispute, "ana", "we did not")
    with pytest.raises(Refused, match="took no part"):
        rejected(staffed, who, dispute.id)
    rejected(staffed, "carol", dispute.id)


def stated(staffed: StaffedDeployment) -> None:
    staffed.do(state_need, "rolf", "it goes on")


def returned(staffed: StaffedDeployment) -> None:
    staffed.do(return_, "carol", "shorter, please")
    staffed.determine("rita")
    staffed.approve("adam")


PARTS = {
    "stated the need": ("rolf", stated, True),
    "returned the proposal": ("carol", returned, False),
    "ordered a stop": ("carol", lambda staffed: staffed.do(order_stop, "carol", "wait"), True),
    "withdrew": ("rolf", lambda staffed: staffed.do(withdraw, "rolf", reasons="not sure"), True),
    "opened the dispute": ("rolf", lambda staffed: staffed.do(open_dispute, "rolf", "they did not"), True),
}
"""What somebody did → who, how, and whether the case was approved before."""


@pytest.mark.parametrize("what", PARTS)
def test_any_part_at_all_bars_from_deciding_a_dispute(staffed: StaffedDeployment, what: str) -> None:
    who, act, approved = PARTS[what]
    determined(staffed)
    if approved:
        staffed.approve("adam")
    staffed.wait(minutes=1)
    act(staffed)
    dispute = staffed.do(open_dispute, "ana", "we did not")
    with pytest.raises(Refused, match="took no part"):
        rejected(staffed, who, dispute.id)
    rejected(staffed, "both", dispute.id)


def test_a_look_and_a_reinstatement_are_parts_too(staffed: StaffedDeployment) -> None:
    staffed.approved_case()
    assert staffed.enforce().state is CaseState.SUSPENDED
    staffed.look("bella")
    notice = served(staffed)
    staffed.do(let_notice_stand, "rolf", notice, "it did arrive")
    reinstate(staffed.enforcement(), staffed.case().id, staffed.people["both"], reasons="over")
    dispute = staffed.do(open_dispute, "ana", "we did not")
    for who in ("bella", "rolf", "both"):
        with pytest.raises(Refused, match="took no part"):
            rejected(staffed, who, dispute.id)
    rejected(staffed, "carol", dispute.id)


def test_the_need_may_be_stated_by_the_approver_whose_approval_counts_still(
    staffed: StaffedDeployment,
) -> None:
    determined(staffed)
    staffed.approve("adam")
    staffed.do(state_need, "adam", "it goes on")
    assert staffed.enforce().state is CaseState.SUSPENDED


def served(staffed: StaffedDeployment) -> str:
    with reading(staffed.engine) as session:
        return session.scalars(select(Notice.id)).first() or ""


def rejected(staffed: StaffedDeployment, by: str, dispute_id: str) -> None:
    with transaction(staffed.engine) as session:
        decision = Decision(session, staffed.people[by], staffed.now)
        decide_dispute(decision, dispute_id, upheld=False, reasons="they did")
