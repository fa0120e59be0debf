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
from tests.case_builders import START, Office, a_flag, flag, mail_to, open_office
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
def office(engine: Engine, tmp_path: Path, server: MailServerUnderTest) -> Iterator[Office]:
    """The office, with two admins; rita determines, adam approves."""
    made = open_office(engine, tmp_path, mail_to(server))
    with transaction(engine) as session:
        for name, roles in (("root", {Role.ADMIN}), ("boss", {Role.ADMIN, Role.REVIEWER, Role.ANALYST})):
            a_user(session, name, roles, START)
            made.people[name] = actor_named(session, name)
    yield made
    assert verify_log(engine).faults == ()


def made(office: Office, name: str, *roles: Role, by: str = "root", identity: str | None = None) -> User:
    """Make a user as an admin does, and let them act in the office."""
    with transaction(office.engine) as session:
        decision = Decision(session, actor_named(session, by), office.now)
        given = GivenIdentity.parse(identity or f"mail:{name}@provider.example")
        user = create_user(decision, name, roles, identities=[given])
        office.people[name] = actor_named(session, name)
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
def test_one_identity_is_one_user(office: Office, again: str) -> None:
    made(office, "first", Role.REVIEWER, identity="mail:rosa@provider.example")
    with pytest.raises(BadInputError, match="belongs to user 'first'"):
        made(office, "second", Role.APPROVER, identity=again)


@pytest.mark.parametrize(
    "second", ["account:rosa", "account:CORP\\ROSA", "account:rosa@corp", "machine:corp/rosa"]
)
@pytest.mark.parametrize(
    "first",
    ["account:rosa", "account:OTHER\\rosa", "account:rosa@corp.example", "mail:rosa@provider.example"],
)
def test_one_account_in_two_forms_is_one_user(office: Office, first: str, second: str) -> None:
    made(office, "first", Role.REVIEWER, identity=first)
    with pytest.raises(BadInputError, match="'first'"):
        made(office, "second", Role.APPROVER, identity=second)


def test_two_people_of_one_name_are_told_apart_by_their_mail_addresses(office: Office) -> None:
    made(office, "first", Role.REVIEWER, identity="mail:rosa@provider.example")
    made(office, "second", Role.APPROVER, identity="mail:rosa@other.example")
    made(office, "third", Role.APPROVER, identity="mail:ro.sa@provider.example")


@pytest.mark.parametrize("identity", ["mail:rita@provider.example", "account:rita", "account:CORP\\rita"])
def test_a_user_of_init_is_not_made_again_under_an_identity(office: Office, identity: str) -> None:
    with pytest.raises(BadInputError, match="init was told the name alone"):
        made(office, "rita2", Role.APPROVER, identity=identity)
    with pytest.raises(Refused, match="not an admin"):
        identified(office, "rita", "mail:rita@elsewhere.example", by="rita")
    identified(office, "rita", "mail:rita@elsewhere.example")
    made(office, "rita2", Role.APPROVER, identity="mail:rita@provider.example")
    with pytest.raises(BadInputError, match="'rita'"):
        made(office, "rita3", Role.APPROVER, identity="mail:rita+3@elsewhere.example")


def test_an_admin_says_who_somebody_is_and_another_one_who_they_are(office: Office) -> None:
    made(office, "eve", Role.APPROVER)
    with pytest.raises(Refused, match="another admin must"):
        identified(office, "root", "mail:root@provider.example")
    with pytest.raises(BadInputError, match="'eve'"):
        identified(office, "root", "mail:eve+root@provider.example", by="boss")
    for _ in range(2):
        identified(office, "eve", "account:eve")


def identified(office: Office, name: str, identity: str, by: str = "root") -> None:
    with transaction(office.engine) as session:
        decision = Decision(session, actor_named(session, by), office.now)
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


def test_without_an_identity_nobody_is_made(office: Office) -> None:
    with pytest.raises(BadInputError, match="--identity"), transaction(office.engine) as session:
        create_user(Decision(session, actor_named(session, "root"), office.now), "nobody", [Role.APPROVER])


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
def test_nobody_grants_to_themself(office: Office) -> None:
    with pytest.raises(Refused, match="themself"), transaction(office.engine) as session:
        grant_role(Decision(session, actor_named(session, "boss"), office.now), "boss", Role.APPROVER)
    with pytest.raises(IntegrityError), office.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO user_roles (id, user_id, role, granted_at, granted_by, recorded_at) "
                "SELECT 'own', id, 'approver', created_at, id, recorded_at FROM users WHERE name = 'boss'"
            )
        )


def determined(office: Office, by: str = "rita") -> None:
    flag(office.engine, a_flag(office.now - timedelta(minutes=30)), at=office.now)
    office.do(claim, by)
    office.determine(by)


def test_a_user_approves_nothing_for_their_first_24_hours(office: Office) -> None:
    made(office, "eve", Role.APPROVER)
    determined(office)
    office.wait(hours=23, minutes=59)
    with pytest.raises(Refused, match="user eve was made less than 24 hours before"):
        office.approve("eve")
    office.wait(minutes=1)
    office.approve("eve")
    assert office.state is CaseState.APPROVED


def test_a_role_approves_nothing_for_its_first_24_hours(office: Office) -> None:
    with transaction(office.engine) as session:
        grant_role(Decision(session, actor_named(session, "root"), office.now), "rolf", Role.APPROVER)
        office.people["rolf"] = actor_named(session, "rolf")
    determined(office)
    with pytest.raises(Refused, match="rolf's role approver was made less than 24 hours before"):
        office.approve("rolf")


def test_a_role_taken_and_given_back_is_new(office: Office) -> None:
    for change in (revoke_role, grant_role):
        with transaction(office.engine) as session:
            change(Decision(session, actor_named(session, "root"), office.now), "adam", Role.APPROVER)
    determined(office)
    with pytest.raises(Refused, match="less than 24 hours"):
        office.approve("adam")


def test_who_took_part_makes_no_approver_for_the_case(office: Office) -> None:
    made(office, "eve", Role.APPROVER, by="boss")
    office.wait(hours=25)
    determined(office, by="boss")
    with pytest.raises(Refused, match="made by somebody who took part in the case"):
        office.approve("eve")
    office.approve("adam")


def test_an_approver_whose_maker_was_made_by_somebody_who_took_part_is_refused(office: Office) -> None:
    made(office, "chain", Role.ADMIN, by="boss")
    made(office, "link", Role.ADMIN, by="chain")
    made(office, "newc", Role.APPROVER, by="link")
    made(office, "apart", Role.APPROVER)
    with transaction(office.engine) as session:
        grant_role(Decision(session, actor_named(session, "link"), office.now), "rolf", Role.APPROVER)
        office.people["rolf"] = actor_named(session, "rolf")
    office.wait(hours=25)
    determined(office, by="boss")
    for name in ("newc", "rolf"):
        with pytest.raises(Refused, match="goes back to them"):
            office.approve(name)
    office.approve("apart")


def test_a_disabled_user_does_nothing_and_their_approval_counts_no_more(office: Office) -> None:
    office.approved_case()
    with transaction(office.engine) as session:
        disable_user(Decision(session, actor_named(session, "root"), office.now), "adam")
    with pytest.raises(NotFoundError, match="disabled"), transaction(office.engine) as session:
        actor_named(session, "adam")
    report = office.enforce()
    assert report.state is CaseState.APPROVED
    assert any("adam is not an approver" in sentence for sentence in report.waiting_for)
    assert office.restricted() == 0


def test_a_new_approver_reaffirms_nothing(office: Office) -> None:
    office.approved_case()
    assert office.enforce().state is CaseState.SUSPENDED
    made(office, "eve", Role.APPROVER)
    with pytest.raises(Refused, match="less than 24 hours"):
        office.reaffirm("eve", "it goes on")


@pytest.mark.parametrize("who", ["rita", "rolf", "adam", "bella"])
def test_who_did_anything_about_a_case_decides_no_dispute_of_it(office: Office, who: str) -> None:
    """Rita claimed and determined, rolf commented, adam approved, bella reaffirmed."""
    flag(office.engine, a_flag(office.now - timedelta(minutes=30)), at=office.now)
    office.do(claim, "rita")
    office.do(comment, "rolf", "at night")
    office.determine("rita")
    office.approve("adam")
    assert office.enforce().state is CaseState.SUSPENDED
    office.reaffirm("bella", "it goes on")
    dispute = office.do(open_dispute, "ana", "we did not")
    with pytest.raises(Refused, match="took no part"):
        rejected(office, who, dispute.id)
    rejected(office, "carol", dispute.id)


def stated(office: Office) -> None:
    office.do(state_need, "rolf", "it goes on")


def returned(office: Office) -> None:
    office.do(return_, "carol", "shorter, please")
    office.determine("rita")
    office.approve("adam")


PARTS = {
    "stated the need": ("rolf", stated, True),
    "returned the proposal": ("carol", returned, False),
    "ordered a stop": ("carol", lambda office: office.do(order_stop, "carol", "wait"), True),
    "withdrew": ("rolf", lambda office: office.do(withdraw, "rolf", reasons="not sure"), True),
    "opened the dispute": ("rolf", lambda office: office.do(open_dispute, "rolf", "they did not"), True),
}
"""What somebody did → who, how, and whether the case was approved before."""


@pytest.mark.parametrize("what", PARTS)
def test_any_part_at_all_bars_from_deciding_a_dispute(office: Office, what: str) -> None:
    who, act, approved = PARTS[what]
    determined(office)
    if approved:
        office.approve("adam")
    office.wait(minutes=1)
    act(office)
    dispute = office.do(open_dispute, "ana", "we did not")
    with pytest.raises(Refused, match="took no part"):
        rejected(office, who, dispute.id)
    rejected(office, "both", dispute.id)


def test_a_look_and_a_reinstatement_are_parts_too(office: Office) -> None:
    office.approved_case()
    assert office.enforce().state is CaseState.SUSPENDED
    office.look("bella")
    notice = served(office)
    office.do(let_notice_stand, "rolf", notice, "it did arrive")
    reinstate(office.enforcement(), office.case().id, office.people["both"], reasons="over")
    dispute = office.do(open_dispute, "ana", "we did not")
    for who in ("bella", "rolf", "both"):
        with pytest.raises(Refused, match="took no part"):
            rejected(office, who, dispute.id)
    rejected(office, "carol", dispute.id)


def test_the_need_may_be_stated_by_the_approver_whose_approval_counts_still(office: Office) -> None:
    determined(office)
    office.approve("adam")
    office.do(state_need, "adam", "it goes on")
    assert office.enforce().state is CaseState.SUSPENDED


def served(office: Office) -> str:
    with reading(office.engine) as session:
        return session.scalars(select(Notice.id)).first() or ""


def rejected(office: Office, by: str, dispute_id: str) -> None:
    with transaction(office.engine) as session:
        decision = Decision(session, office.people[by], office.now)
        decide_dispute(decision, dispute_id, upheld=False, reasons="they did")
