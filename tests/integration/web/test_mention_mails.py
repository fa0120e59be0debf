"""Mails about mentions: to whoever waits to be told, one a comment, and nothing of the comment in them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path

import pytest
from sqlalchemy import Engine

from cjp_fraud.errors import CjpFraudError
from cjp_fraud.operations import case_desk, cases, due_run, mention_mails, people, roster, sign_in
from cjp_fraud.operations.mention_mails import mail_mentions
from cjp_fraud.people.form_submissions import case_version
from cjp_fraud.people.model import Role, TurnWanted
from cjp_fraud.people.oncall_rules import DAYS
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.storage.database import reading
from tests.case_builders import START
from tests.chains import chain_faults
from tests.mail_servers import MailServerUnderTest, smtp_server
from tests.queue_pages import QueueUnderTest, a_queue

HOUR = timedelta(hours=1)


@pytest.fixture
def mail() -> Iterator[MailServerUnderTest]:
    """A mail server on loopback."""
    with smtp_server() as running:
        yield running


def mentioning(
    engine: Engine, folder: Path, mail: MailServerUnderTest, text: str = "@nora: is Acme's PBX theirs?"
) -> QueueUnderTest:
    """Return a queue in which rita just named somebody in a comment; nora is known by her mail address."""
    queue = a_queue(
        *(engine, folder),
        smtp_host=mail.host,
        smtp_port=mail.port,
        queue_url="https://queue.provider.example",
    )
    queue.flagged()
    deployment = queue.deployment
    people.create_user(
        deployment, "ida", deployment.now, "nora", [Role.ANALYST], identities=["mail:nora@provider.example"]
    )
    comment(queue, text)
    return queue


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest) -> QueueUnderTest:
    """Nora was named just now."""
    return mentioning(sqlite_engine, tmp_path, mail)


def comment(queue: QueueUnderTest, text: str) -> None:
    cases.comment(queue.deployment, "rita", queue.deployment.now, "1", text)


def run(queue: QueueUnderTest, after: timedelta = timedelta()) -> int:
    """Write to whom it is time to, so long after the beginning; return how many mails left."""
    queue.deployment.wait_until(START + after)
    return mail_mentions(queue.deployment, queue.deployment.now)


def parsed(mail: MailServerUnderTest) -> list[EmailMessage]:
    return [message_from_bytes(each.content, policy=default) for each in mail.received]  # type: ignore[misc]


@pytest.mark.both_databases
def test_who_is_named_gets_one_mail_with_the_case_and_nothing_of_the_comment(
    engine: Engine, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    queue = mentioning(engine, tmp_path, mail)
    with reading(engine) as session:
        version = case_version(session, case_id_of(session, "1"))

    with pytest.raises(CjpFraudError, match="there is no public key"):
        due_run.run_due(queue.deployment, queue.deployment.now)
    assert run(queue, HOUR) == 0, "it left with all that is due"

    [message] = parsed(mail)
    assert (message["To"], message["Subject"]) == ("nora@provider.example", "rita mentions you in case 1")
    assert message.get_content().strip().split("\r\n\r\n") == [
        "rita mentions you in a comment on case 1. Open the case to read it.",
        "https://queue.provider.example/cases/1",
    ]
    assert b"acme" not in mail.received[0].content.lower(), "neither the comment nor the tenant"
    with reading(engine) as session:
        assert case_version(session, case_id_of(session, "1")) == version, "a mail is no news of the case"
        assert chain_faults(session) == []
    comment(queue, "@nora once more")
    assert (run(queue, HOUR), len(mail.received)) == (1, 2)


def test_it_is_in_the_language_of_the_readers_pages(queue: QueueUnderTest, mail: MailServerUnderTest) -> None:
    deployment = queue.deployment
    sign_in.choose_settings(deployment, "nora", deployment.now, language="fr", time_zone="Europe/Paris")
    run(queue)
    [message] = parsed(mail)
    assert message["Subject"] == "rita vous mentionne dans le dossier 1"


def test_nobody_is_written_to_who_opened_the_case_or_may_not_see_it_or_has_no_address(
    queue: QueueUnderTest, mail: MailServerUnderTest
) -> None:
    deployment = queue.deployment
    comment(queue, "@ana has no address")
    case_desk.read_case(deployment, "nora", deployment.now, "1")
    assert run(queue) == 0, "she has opened it"
    comment(queue, "@nora again")
    people.grant_role(deployment, "ida", deployment.now, "nora", Role.ANALYST, countries=["fr"], channels=[])
    assert run(queue) == 0, "the case is out of her reach now"
    people.grant_role(deployment, "ida", deployment.now, "nora", Role.ANALYST, countries=[], channels=[])
    people.disable_user(deployment, "ida", deployment.now, "nora")
    assert run(queue) == 0, "she has left"
    assert mail.received == []


def test_who_is_on_call_is_written_to_where_they_are_paged(
    sqlite_engine: Engine, tmp_path: Path, mail: MailServerUnderTest
) -> None:
    queue = mentioning(sqlite_engine, tmp_path, mail, "@adam: look")
    wanted = TurnWanted("adam", 1, DAYS, "00:00", "00:00", "UTC", mail="adam@provider.example")
    roster.add_turn(queue.deployment, "ida", queue.deployment.now, wanted)
    assert run(queue) == 1
    assert [each.recipient for each in mail.received] == ["adam@provider.example"]


def test_what_no_server_took_is_tried_again_for_a_day(
    queue: QueueUnderTest, mail: MailServerUnderTest
) -> None:
    mail.rcpt_replies["nora@provider.example"].extend(["451 later"] * 2)
    assert [run(queue, minutes * HOUR / 60) for minutes in (0, 0.5, 1, 1.5, 3)] == [0, 0, 0, 0, 1]
    assert [content["outcome"] for _, _, content in queue.entries("mention.mailed")] == [
        "failed",
        "failed",
        "sent",
    ]
    comment(queue, "@nora tomorrow?")
    assert run(queue, 30 * HOUR) == 0


def test_a_killed_run_is_finished_with_the_same_mail(
    queue: QueueUnderTest, mail: MailServerUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_given: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(mention_mails, "record_mail", killed)
        with pytest.raises(KeyboardInterrupt):
            run(queue)
    assert run(queue, HOUR) == 1
    assert run(queue, 2 * HOUR) == 0
    first, again = mail.received
    assert first.content == again.content, "with its Message-ID, by which a mailbox knows it"
