"""What stands in the way of an erasure, legal holds, kills in its middle, and the commands."""

from __future__ import annotations

import json
import threading

import pytest
from sqlalchemy import Engine, event, select
from typer.testing import CliRunner

from cjp_fraud.audit.tables import AuditEntry, PersonalText
from cjp_fraud.cli import evidence as evidence_commands
from cjp_fraud.cli import notices as notices_commands
from cjp_fraud.cli import privacy as privacy_commands
from cjp_fraud.compliance.legal_holds import hold_texts
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.contracts.contract_reader import recipients
from cjp_fraud.contracts.tenant_import import load_tenants
from cjp_fraud.errors import NotFoundError, Refused
from cjp_fraud.notices.inbound_folders import inbound_folders
from cjp_fraud.notices.inbound_reports import collect
from cjp_fraud.notices.tables import Notice
from cjp_fraud.operations import privacy
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.review.dispute import open_dispute
from cjp_fraud.storage.database import reading, transaction
from tests.integration.compliance.case_bundles import exported
from tests.integration.compliance.closed_cases import ADDRESS, erase, files_with, opened, rows
from tests.integration.compliance.conftest import CaseSteps
from tests.simulated_clocks import show_clock


def test_only_counsel_erases_holds_and_releases(closed_on_sqlite: CaseSteps) -> None:
    steps = closed_on_sqlite
    for who in ("rita", "aron"):
        with pytest.raises(Refused, match="is not counsel"):
            erase(steps, who)
        with pytest.raises(Refused, match="is not counsel"):
            privacy.hold(opened(steps), who, steps.tick(), "acme", reason="a suit")
    hold = privacy.hold(opened(steps), "cora", steps.tick(), "acme", reason="a suit")
    with pytest.raises(Refused, match="is not counsel"):
        privacy.release_hold(opened(steps), "aron", steps.tick(), hold.id, reason="settled")
    with pytest.raises(Refused, match="give the reason"):
        privacy.hold(opened(steps), "cora", steps.tick(), "acme", reason=" ")


@pytest.mark.parametrize("step", ["flagged", "determined", "approved", "suspended"])
def test_a_case_that_is_not_closed_is_named_and_keeps_its_texts(case: CaseSteps, step: str) -> None:
    for each in ("flagged", "determined", "approved") if step != "suspended" else ("suspended",):
        getattr(case, each)()
        if each == step:
            break
    with pytest.raises(Refused, match=r"case 1 is .*its texts are still needed until it is closed"):
        erase(case)
    with pytest.raises(Refused, match="case 1 is"):
        erase(case, dry_run=True)


def test_an_open_dispute_keeps_the_texts(closed_on_sqlite: CaseSteps) -> None:
    steps = closed_on_sqlite
    cora = steps.who("cora")
    with transaction(steps.engine) as session:
        dispute = open_dispute(Decision(session, cora, steps.tick()), steps.case_id, "We were harmed.")
    with pytest.raises(Refused, match=f"dispute {dispute.id} of case 1 is open"):
        erase(steps)


def test_a_letter_that_is_still_to_be_sent_keeps_its_address(case: CaseSteps) -> None:
    case.suspended()
    port, case.mail_port = case.mail_port, 1
    case.reinstated()
    with pytest.raises(Refused, match="the letter of reinstatement of case 1 is still to be sent"):
        erase(case)
    case.mail_port = port
    case.carried_out()
    assert not erase(case).nothing_left


def test_a_report_that_waits_to_be_collected_is_collected_first(closed_on_sqlite: CaseSteps) -> None:
    steps = closed_on_sqlite
    waiting = inbound_folders(opened(steps).settings).incoming / "late.eml"
    waiting.write_bytes(b"Subject: bounce\n\nTo: notices@acme.example\n")
    with pytest.raises(Refused, match=r"late\.eml is about it and not collected yet"):
        erase(steps)
    collect(steps.engine, opened(steps).settings, steps.tick())
    assert erase(steps).files == 3


def test_an_address_that_is_loaded_again_can_be_served_again(closed_on_sqlite: CaseSteps) -> None:
    steps = closed_on_sqlite
    erase(steps)
    for _ in range(2):
        with transaction(steps.engine) as session:
            load_tenants(session, steps.folder / "acme.csv", machine("tenants"), steps.tick())
    with reading(steps.engine) as session:
        assert len(recipients(session, "acme", ["notice"], steps.now)) == 1
        assert len(session.scalars(select(PersonalText).where(PersonalText.body == ADDRESS)).all()) == 1
    assert verify_log(steps.engine).faults == ()
    assert erase(steps).addresses == 1


def test_a_hold_stands_until_it_is_released_and_is_on_record(closed: CaseSteps) -> None:
    hold = privacy.hold(opened(closed), "cora", closed.tick(), "acme", reason="A suit is pending.", case="1")
    assert (hold.case, hold.held_by) == (1, "cora")
    with pytest.raises(Refused, match=f"legal hold {hold.id} of cora stands"):
        erase(closed)
    assert privacy.list_holds(opened(closed)) == (hold,)
    released = privacy.release_hold(opened(closed), "cora", closed.tick(), hold.id, reason="Settled.")
    assert released.released_at is not None
    assert privacy.list_holds(opened(closed)) == ()
    erase(closed)
    (listed,) = privacy.list_holds(opened(closed), released_too=True)
    assert listed.reason is None, "why it was held is a text of the tenant too"
    with reading(closed.engine) as session:
        actions = session.scalars(select(AuditEntry.action).where(AuditEntry.action.like("privacy%"))).all()
    assert sorted(actions) == ["privacy.erased", "privacy.held", "privacy.hold_released"]
    assert verify_log(closed.engine).faults == ()


@pytest.mark.both_databases
def test_an_erasure_waits_for_a_hold_that_is_being_written(closed: CaseSteps) -> None:
    held, released = threading.Event(), threading.Event()
    cora, at = closed.who("cora"), closed.tick()
    refusals: list[str] = []

    def hold_slowly() -> None:
        with transaction(closed.engine) as session:
            hold_texts(Decision(session, cora, at), "acme", "A suit is pending.")
            held.set()
            released.wait(60)

    def try_to_erase() -> None:
        try:
            privacy.erase(opened(closed), "cora", at, "acme", reason="asked for")
        except Refused as refused:
            refusals.append(str(refused))

    holding, erasing = threading.Thread(target=hold_slowly), threading.Thread(target=try_to_erase)
    holding.start()
    assert held.wait(60)
    erasing.start()
    erasing.join(0.5)  # it waits; without the lock it has read by now that nothing is held
    released.set()
    holding.join(60)
    erasing.join(60)
    assert len(refusals) == 1
    assert "legal hold" in refusals[0]


def test_what_is_not_there_is_said(closed_on_sqlite: CaseSteps) -> None:
    steps = closed_on_sqlite
    with pytest.raises(NotFoundError, match="no tenant 'nobody'"):
        privacy.erase(opened(steps), "cora", steps.tick(), "nobody", reason="x")
    with pytest.raises(NotFoundError, match="no legal hold"):
        privacy.release_hold(opened(steps), "cora", steps.tick(), "nothing", reason="x")
    with pytest.raises(NotFoundError):
        privacy.hold(opened(steps), "cora", steps.tick(), "acme", reason="x", case="99")


@pytest.mark.both_databases
def test_an_erasure_that_dies_before_its_commit_left_everything(closed: CaseSteps) -> None:
    there = list(rows(closed.engine))

    def die(_connection: object) -> None:
        raise KeyboardInterrupt

    event.listen(closed.engine, "commit", die)
    with pytest.raises(KeyboardInterrupt):
        erase(closed)
    event.remove(closed.engine, "commit", die)
    assert list(rows(closed.engine)) == there
    assert verify_log(closed.engine).faults == ()
    assert not erase(closed).nothing_left
    assert verify_log(closed.engine).faults == ()


def test_an_erasure_that_dies_after_its_commit_is_finished_by_the_next(
    closed_on_sqlite: CaseSteps, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = closed_on_sqlite
    (steps.folder / "acme.csv").unlink()

    def die(_engine: Engine) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(privacy, "leave_no_remains", die)
        with pytest.raises(KeyboardInterrupt):
            erase(steps)
    assert files_with(steps.folder, ADDRESS), "SQLite leaves what was erased in free pages and its log"
    assert erase(steps).nothing_left
    assert files_with(steps.folder, ADDRESS) == []


def test_the_commands_erase_hold_release_and_say_what_is_gone(closed_on_sqlite: CaseSteps) -> None:
    steps = closed_on_sqlite
    home = opened(steps)

    def run(app: object, *arguments: str) -> str:
        show_clock(steps.engine, steps.tick())
        home.__dict__.pop("home_clock", None)
        result = CliRunner().invoke(app, list(arguments), obj=home, env={"COLUMNS": "80"})  # type: ignore[arg-type]
        assert result.exit_code == 0, result.output
        return result.output

    as_cora = ("--as", "cora", "--reason", "asked for")
    held = json.loads(run(privacy_commands.app, "hold", "acme", *as_cora, "--json"))
    (shown,) = [line.split()[0] for line in run(privacy_commands.app, "holds").splitlines() if "acme" in line]
    assert held["id"].startswith(shown), "a hold is named by what its table shows at 80 columns"
    run(privacy_commands.app, "release-hold", shown, *as_cora)
    assert "Would be erased" in run(privacy_commands.app, "erase", "acme", *as_cora, "--dry-run")
    assert "addresses" in run(privacy_commands.app, "erase", "acme", *as_cora)
    assert "nothing is left to erase; erased at" in run(privacy_commands.app, "erase", "acme", *as_cora)
    bundle = exported(steps, "after.zip").file
    assert "ERASED: notices" in run(evidence_commands.app, "verify", str(bundle))
    with reading(steps.engine) as session:
        notice = session.scalars(select(Notice)).first()
    assert notice is not None
    assert "what was said was erased at" in run(notices_commands.app, "show", notice.id)
    shown = CliRunner().invoke(notices_commands.app, ["show", notice.id, "--raw"], obj=home)
    assert isinstance(shown.exception, NotFoundError)
    assert "was erased at" in str(shown.exception)
