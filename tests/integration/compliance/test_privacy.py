"""What is erased of a tenant, what stays, what stands in the way, and that everything still verifies."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, event, select
from typer.testing import CliRunner

from cjp_fraud.audit.row_digests import ERASABLE
from cjp_fraud.audit.tables import AuditEntry, PersonalText
from cjp_fraud.audit.texts import holds_erasable
from cjp_fraud.cli import evidence as evidence_commands
from cjp_fraud.cli import notices as notices_commands
from cjp_fraud.cli import privacy as privacy_commands
from cjp_fraud.clock import utc_text
from cjp_fraud.compliance.export import Exported, export_evidence
from cjp_fraud.compliance.legal_holds import hold_texts
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.compliance.verification import verify_file
from cjp_fraud.config import load_settings
from cjp_fraud.contracts.recipients import recipients
from cjp_fraud.contracts.tables import Tenant
from cjp_fraud.contracts.tenant_import import load_tenants
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import NotFoundError, Refused
from cjp_fraud.notices.inbound_reports import collect_delivery_events, incoming_folder
from cjp_fraud.notices.tables import Notice, SmtpAttempt
from cjp_fraud.operations import privacy
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.review.dispute import open_dispute
from cjp_fraud.storage.base import Base
from cjp_fraud.storage.database import reading, transaction
from tests.delivery_reports import a_report
from tests.integration.compliance.conftest import Story
from tests.simulated_clocks import show_clock

ADDRESS = "notices@acme.example"
WORDS = (
    "Calls to premium numbers at night",
    "no agent was on duty",
    "It was our own campaign",
    "Until the court has decided",
    "The keys were changed",
    "The attack goes on",
    "Example Ltd",
)
"""What persons wrote in the story, and the tenant's name."""


def opened(story: Story) -> Deployment:
    """A deployment on the story's database, with a home of its own."""
    home = story.folder / "home"
    home.mkdir(exist_ok=True)
    made = Deployment(load_settings(home=home))
    made.__dict__["engine"] = story.engine
    return made


def told(story: Story) -> Story:
    """Tell the whole story, to the reinstatement, with delivery reports of every kind in the home."""
    story.suspended()
    story.kept_and_disputed()
    story.reinstated()
    settings = opened(story).settings
    incoming = incoming_folder(settings)
    incoming.mkdir(parents=True)
    with reading(story.engine) as session:
        smtp = session.scalars(select(SmtpAttempt)).first()
    assert smtp is not None
    report = a_report(smtp.envelope_from, "delivered", envid=smtp.envid, original=ADDRESS)
    (incoming / "1.eml").write_bytes(report)
    (incoming / "2.eml").write_bytes(b"Subject: who are you?\n\nwe are notices+40acme.example\n")
    assert collect_delivery_events(story.engine, settings, story.tick()) == 1
    return story


@pytest.fixture
def closed(story: Story) -> Story:
    """A case that went the whole way and back, on each kind of database."""
    return told(story)


@pytest.fixture
def closed_on_sqlite(case: Story) -> Story:
    """The same on SQLite alone."""
    return told(case)


def erase(story: Story, by: str = "cora", **options: bool) -> privacy.Erasure:
    reason = "The customer asked for it."
    return privacy.erase(opened(story), by, story.tick(), story.tenant, reason=reason, **options)


def exported(story: Story, name: str) -> Exported:
    return export_evidence(story.engine, story.case_id, story.folder / name, machine("test"), story.tick())


def rows(engine: Engine) -> Iterator[str]:
    """Yield every row of the database as text."""
    with engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            for row in connection.execute(table.select()):
                yield " ".join(
                    value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                    for value in row
                )


def files_with(folder: Path, text: str) -> list[str]:
    return [
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if file.is_file() and text.lower().encode() in file.read_bytes().lower()
    ]


def test_everything_verifies_after_an_erasure_and_bundles_of_before_and_after_do(closed: Story) -> None:
    before = exported(closed, "before.zip")
    assert (before.faults, verify_file(before.file).erased) == ((), ())

    erasure = erase(closed)
    erased_at = closed.now

    assert (erasure.nothing_left, erasure.name, erasure.addresses) == (False, True, 1)
    assert min(erasure.texts, erasure.letters, erasure.attempts, erasure.reports) >= 2
    assert verify_log(closed.engine).faults == ()
    assert verify_file(before.file).holds
    after = exported(closed, "after.zip")
    assert after.faults == ()
    said = verify_file(after.file).erased
    assert len(said) == erasure.texts + erasure.letters + 2 * erasure.attempts + erasure.reports
    assert all(f"was erased at {utc_text(erased_at)}" in sentence for sentence in said)
    assert verify_log(closed.engine).faults == ()


def test_no_word_and_no_address_is_left_in_the_database(closed: Story) -> None:
    there = list(rows(closed.engine))
    assert all(any(text in row for row in there) for text in (*WORDS, ADDRESS))

    erase(closed)

    there = list(rows(closed.engine))
    assert [text for text in (*WORDS, ADDRESS) for row in there if text.lower() in row.lower()] == []
    assert any("The customer asked for it." in row for row in there), "why it was erased stays"
    with reading(closed.engine) as session:
        kinds = [m.class_ for m in Base.registry.mappers if m.class_.__tablename__ in ERASABLE]
        left = [row for kind in kinds for row in session.scalars(select(kind)) if holds_erasable(row)]
        assert [row.body for row in left] == ["The customer asked for it."]
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "privacy.erased")).one()
        assert (entry.subject_id, entry.content["reason_text_id"]) == ("acme", left[0].id)


def test_no_byte_of_an_address_or_a_word_is_left_in_the_files(closed_on_sqlite: Story) -> None:
    story = closed_on_sqlite
    (story.folder / "acme.csv").unlink()  # the tenants file is the provider's own
    assert files_with(story.folder, ADDRESS)
    assert len(list((story.folder / "home" / "mail").rglob("*.eml"))) == 2

    erasure = erase(story)

    assert erasure.files == 2
    assert {text: files_with(story.folder, text) for text in (*WORDS, ADDRESS)} == {
        text: [] for text in (*WORDS, ADDRESS)
    }
    assert list((story.folder / "home" / "mail").rglob("*.eml")) == []


def test_files_that_are_about_somebody_else_stay(closed_on_sqlite: Story) -> None:
    other = opened(closed_on_sqlite).settings.home / "mail" / "unmatched" / "other.eml"
    other.write_bytes(b"Subject: hello\n\nwe are notices@elsewhere.example\n")
    erase(closed_on_sqlite)
    assert other.exists()


def test_a_second_erasure_does_nothing_and_says_so(closed: Story) -> None:
    erase(closed)
    head = verify_log(closed.engine).head_sha256
    again = erase(closed)
    assert again.nothing_left
    assert again.erased_before is not None
    assert verify_log(closed.engine).head_sha256 == head


def test_a_dry_run_says_what_would_be_erased_and_changes_nothing(closed: Story) -> None:
    head, there = verify_log(closed.engine).head_sha256, list(rows(closed.engine))
    planned = erase(closed, dry_run=True)
    assert verify_log(closed.engine).head_sha256 == head
    assert list(rows(closed.engine)) == there
    done = erase(closed)
    assert (planned.texts, planned.letters, planned.attempts, planned.reports, planned.files) == (
        done.texts,
        done.letters,
        done.attempts,
        done.reports,
        done.files,
    )


def test_only_counsel_erases_holds_and_releases(closed_on_sqlite: Story) -> None:
    story = closed_on_sqlite
    for who in ("rita", "aron"):
        with pytest.raises(Refused, match="is not counsel"):
            erase(story, who)
        with pytest.raises(Refused, match="is not counsel"):
            privacy.hold(opened(story), who, story.tick(), "acme", reason="a suit")
    hold = privacy.hold(opened(story), "cora", story.tick(), "acme", reason="a suit")
    with pytest.raises(Refused, match="is not counsel"):
        privacy.release_hold(opened(story), "aron", story.tick(), hold.id, reason="settled")
    with pytest.raises(Refused, match="give the reason"):
        privacy.hold(opened(story), "cora", story.tick(), "acme", reason=" ")


@pytest.mark.parametrize("step", ["flagged", "determined", "approved", "suspended"])
def test_a_case_that_is_not_closed_is_named_and_keeps_its_texts(case: Story, step: str) -> None:
    for each in ("flagged", "determined", "approved") if step != "suspended" else ("suspended",):
        getattr(case, each)()
        if each == step:
            break
    with pytest.raises(Refused, match=r"case 1 is .*its texts are still needed until it is closed"):
        erase(case)
    with pytest.raises(Refused, match="case 1 is"):
        erase(case, dry_run=True)


def test_an_open_dispute_keeps_the_texts(closed_on_sqlite: Story) -> None:
    story = closed_on_sqlite
    cora = story.who("cora")
    with transaction(story.engine) as session:
        dispute = open_dispute(Decision(session, cora, story.tick()), story.case_id, "We were harmed.")
    with pytest.raises(Refused, match=f"dispute {dispute.id} of case 1 is open"):
        erase(story)


def test_a_letter_that_is_still_to_be_sent_keeps_its_address(case: Story) -> None:
    case.suspended()
    port, case.mail_port = case.mail_port, 1
    case.reinstated()
    with pytest.raises(Refused, match="the letter of reinstatement of case 1 is still to be sent"):
        erase(case)
    case.mail_port = port
    case.carried_out()
    assert not erase(case).nothing_left


def test_a_report_that_waits_to_be_collected_is_collected_first(closed_on_sqlite: Story) -> None:
    story = closed_on_sqlite
    waiting = incoming_folder(opened(story).settings) / "late.eml"
    waiting.write_bytes(b"Subject: bounce\n\nTo: notices@acme.example\n")
    with pytest.raises(Refused, match=r"late\.eml is about it and not collected yet"):
        erase(story)
    collect_delivery_events(story.engine, opened(story).settings, story.tick())
    assert erase(story).files == 3


def test_a_tenant_without_a_case_loses_its_address_and_name(case: Story) -> None:
    case.flagged()
    other = case.folder / "other.csv"
    other.write_text((case.folder / "acme.csv").read_text().replace("acme", "calm"))
    with transaction(case.engine) as session:
        load_tenants(session, other, machine("tenants"), case.tick())
    erasure = privacy.erase(opened(case), "cora", case.tick(), "calm", reason="left")
    assert (erasure.texts, erasure.addresses, erasure.name) == (1, 1, True)
    with reading(case.engine) as session:
        assert session.get_one(Tenant, "calm").name is None
        assert session.get_one(Tenant, "acme").name == "Example Ltd"
        assert recipients(session, "calm", ["notice"], case.now) == ()
        assert len(recipients(session, "acme", ["notice"], case.now)) == 1
    assert verify_log(case.engine).faults == ()


def test_an_address_that_is_loaded_again_can_be_served_again(closed_on_sqlite: Story) -> None:
    story = closed_on_sqlite
    erase(story)
    for _ in range(2):
        with transaction(story.engine) as session:
            load_tenants(session, story.folder / "acme.csv", machine("tenants"), story.tick())
    with reading(story.engine) as session:
        assert len(recipients(session, "acme", ["notice"], story.now)) == 1
        assert len(session.scalars(select(PersonalText).where(PersonalText.body == ADDRESS)).all()) == 1
    assert verify_log(story.engine).faults == ()
    assert erase(story).addresses == 1


def test_a_hold_stands_until_it_is_released_and_is_on_record(closed: Story) -> None:
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


def test_an_erasure_waits_for_a_hold_that_is_being_written(closed: Story) -> None:
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


def test_what_is_not_there_is_said(closed_on_sqlite: Story) -> None:
    story = closed_on_sqlite
    with pytest.raises(NotFoundError, match="no tenant 'nobody'"):
        privacy.erase(opened(story), "cora", story.tick(), "nobody", reason="x")
    with pytest.raises(NotFoundError, match="no legal hold"):
        privacy.release_hold(opened(story), "cora", story.tick(), "nothing", reason="x")
    with pytest.raises(NotFoundError):
        privacy.hold(opened(story), "cora", story.tick(), "acme", reason="x", case="99")


def test_an_erasure_that_dies_before_its_commit_left_everything(closed: Story) -> None:
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
    closed_on_sqlite: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = closed_on_sqlite
    (story.folder / "acme.csv").unlink()

    def die(_engine: Engine) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(privacy, "leave_no_remains", die)
        with pytest.raises(KeyboardInterrupt):
            erase(story)
    assert files_with(story.folder, ADDRESS), "SQLite leaves what was erased in free pages and its log"
    assert erase(story).nothing_left
    assert files_with(story.folder, ADDRESS) == []


def test_every_text_that_a_table_refers_to_is_erased_with_its_tenant() -> None:
    """A new table with texts of a tenant must be read by ``records_of_case`` or named here."""
    with_texts = {
        mapper.class_.__tablename__
        for mapper in Base.registry.mappers
        if any(column.key.endswith("text_id") for column in mapper.column_attrs)
    }
    assert with_texts == {
        "addresses",
        "case_comments",
        "determinations",
        "disputes",
        "legal_holds",
        "need_statements",
        "reaffirmations",
        "stops",
    }


def test_the_commands_erase_hold_release_and_say_what_is_gone(closed_on_sqlite: Story) -> None:
    story = closed_on_sqlite
    home = opened(story)

    def run(app: object, *arguments: str) -> str:
        show_clock(story.engine, story.tick())
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
    bundle = exported(story, "after.zip").file
    assert "ERASED: notices" in run(evidence_commands.app, "verify", str(bundle))
    with reading(story.engine) as session:
        notice = session.scalars(select(Notice)).first()
    assert notice is not None
    assert "(erased at" in run(notices_commands.app, "show", notice.id)
    shown = CliRunner().invoke(notices_commands.app, ["show", notice.id, "--raw"], obj=home)
    assert isinstance(shown.exception, NotFoundError)
    assert "was erased at" in str(shown.exception)
