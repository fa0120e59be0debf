"""Mail servers that answer what they should not, and letters changed before they leave."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select, text

from cjp_fraud.clock import StandingClock
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.notices.dispatch import dispatch_due
from cjp_fraud.notices.model import Outcome
from cjp_fraud.notices.tables import Notice, NoticeAttempt
from cjp_fraud.storage.database import reading
from tests.contract_builders import NOON
from tests.mail_servers import MailServerUnderTest
from tests.notice_builders import a_plain_plan, methods_of
from tests.scripted_mail_servers import CLOSE, SILENCE, scripted_server

HOUR = timedelta(hours=1)
REPLIES = {
    "250 taken": Outcome.SENT,
    "299 whatever": Outcome.SENT,
    "421 closing": Outcome.DEFERRED,
    "450 busy": Outcome.DEFERRED,
    "499 odd": Outcome.DEFERRED,
    "550 no": Outcome.FAILED,
    "554 no": Outcome.FAILED,
    "599 no": Outcome.FAILED,
    "199 hm": Outcome.UNKNOWN,
    "354 go on": Outcome.UNKNOWN,
    "600 hm": Outcome.UNKNOWN,
    "999 hm": Outcome.UNKNOWN,
}


def outcomes(engine: Engine) -> list[Outcome | None]:
    with reading(engine) as session:
        return list(session.scalars(select(NoticeAttempt.outcome).order_by(NoticeAttempt.number)))


@pytest.mark.parametrize(("reply", "outcome"), REPLIES.items(), ids=REPLIES.keys())
def test_a_reply_to_the_content_means_what_its_class_says_and_anything_else_nothing(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest, reply: str, outcome: Outcome
) -> None:
    plan_id = a_plain_plan(sqlite_engine, tmp_path)
    server.data_replies.append(reply)
    done = dispatch_due(sqlite_engine, methods_of(server), plan_id, StandingClock(NOON))
    assert outcomes(sqlite_engine) == [outcome]
    assert done.step_complete is (outcome is Outcome.SENT)


def test_after_an_unknown_outcome_the_same_bytes_go_again(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    plan_id = a_plain_plan(sqlite_engine, tmp_path)
    server.data_replies.append("199 hm")
    for hour in range(2):
        dispatch_due(sqlite_engine, methods_of(server), plan_id, StandingClock(NOON + hour * HOUR))
    assert outcomes(sqlite_engine) == [Outcome.UNKNOWN, Outcome.SENT]
    assert len({received.content for received in server.received}) == 1


def test_bytes_that_were_changed_after_they_were_written_do_not_leave(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest
) -> None:
    plan_id = a_plain_plan(sqlite_engine, tmp_path)
    server.data_replies.append("199 hm")  # unknown: the same bytes are to go again
    dispatch_due(sqlite_engine, methods_of(server), plan_id, StandingClock(NOON))
    taken = len(server.received)
    with sqlite_engine.begin() as connection:
        connection.execute(text("UPDATE notices SET message = CAST('Subject: pay me' AS BLOB)"))
    with pytest.raises(CjpFraudError, match="do not match their digest"):
        dispatch_due(sqlite_engine, methods_of(server), plan_id, StandingClock(NOON + HOUR))
    assert len(server.received) == taken
    with reading(sqlite_engine) as session:
        assert session.scalars(select(Notice)).one().state == "deferred"


HTTP = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"
TAKEN = b"250 2.0.0 queued\r\n"
SCRIPTS: dict[str, tuple[dict[str, bytes], Outcome]] = {
    "turned away at the door": ({"greeting": b"554 no service here\r\n"}, Outcome.DEFERRED),
    "closed at the door": ({"greeting": CLOSE}, Outcome.DEFERRED),
    "silent at the door": ({"greeting": SILENCE}, Outcome.DEFERRED),
    "no mail server at all": ({"greeting": HTTP}, Outcome.DEFERRED),
    "knows HELO alone": ({"EHLO": b"502 what?\r\n"}, Outcome.SENT),
    "knows neither": ({"EHLO": b"502 what?\r\n", "HELO": b"502 what?\r\n"}, Outcome.DEFERRED),
    "closed after EHLO": ({"EHLO": CLOSE}, Outcome.DEFERRED),
    "refuses the sender for now": ({"MAIL": b"451 later\r\n"}, Outcome.DEFERRED),
    "refuses the sender": ({"MAIL": b"550 not you\r\n"}, Outcome.FAILED),
    "closed after the sender": ({"MAIL": CLOSE}, Outcome.DEFERRED),
    "greylists the recipient": ({"RCPT": b"450 come back\r\n"}, Outcome.DEFERRED),
    "knows no such recipient": ({"RCPT": b"550 no such user\r\n"}, Outcome.FAILED),
    "closed after the recipient": ({"RCPT": CLOSE}, Outcome.DEFERRED),
    "takes the recipient with 354": ({"RCPT": b"354 go on\r\n"}, Outcome.DEFERRED),
    "takes no content with 250": ({"DATA": TAKEN}, Outcome.DEFERRED),
    "refuses the content beforehand": ({"DATA": b"554 no\r\n"}, Outcome.FAILED),
    "closed before the content": ({"DATA": CLOSE}, Outcome.DEFERRED),
    "silent before the content": ({"DATA": SILENCE}, Outcome.DEFERRED),
    "closed in the middle of the content": ({"content": CLOSE + b" early"}, Outcome.UNKNOWN),
    "closed after the content": ({"content": CLOSE}, Outcome.UNKNOWN),
    "silent after the content": ({"content": SILENCE}, Outcome.UNKNOWN),
    "answers the content with half a line": ({"content": b"25"}, Outcome.UNKNOWN),
    "answers the content with no code": ({"content": b"thank you\r\n"}, Outcome.UNKNOWN),
    "answers the content with a line without end": ({"content": b"250 " + b"x" * 10_000}, Outcome.UNKNOWN),
    "answers the content in HTTP": ({"content": HTTP}, Outcome.UNKNOWN),
    "answers the content in several lines": ({"content": b"250-taken\r\n250 queued\r\n"}, Outcome.SENT),
    "answers the content in no known letters": ({"content": b"250 \xff\xfe\x00 ok\r\n"}, Outcome.SENT),
    "closes in the place of a farewell": ({"QUIT": CLOSE}, Outcome.SENT),
    "is silent in the place of a farewell": ({"QUIT": SILENCE}, Outcome.SENT),
    "says farewell with 421": ({"QUIT": b"421 closing\r\n"}, Outcome.SENT),
    "answers the content with a code alone": ({"content": b"250\r\n"}, Outcome.SENT),
    "refuses and takes the content in one reply": ({"content": b"554-no\r\n250 ok\r\n"}, Outcome.UNKNOWN),
    "takes and refuses the content in one reply": ({"content": b"250-ok\r\n554 no\r\n"}, Outcome.UNKNOWN),
    "takes and defers the content in one reply": ({"content": b"250-ok\r\n450 no\r\n"}, Outcome.UNKNOWN),
    "takes the content and then refuses it": ({"content": b"250 ok\r\n554 no\r\n"}, Outcome.UNKNOWN),
    "refuses the content and then takes it": ({"content": b"554 no\r\n250 ok\r\n"}, Outcome.UNKNOWN),
    "refuses the content where it should say farewell": ({"QUIT": b"554 no\r\n"}, Outcome.UNKNOWN),
    "answers the content with four digits": ({"content": b"2500 ok\r\n"}, Outcome.UNKNOWN),
    "answers the content with a code run into a word": ({"content": b"250xyz\r\n"}, Outcome.UNKNOWN),
    "answers the content with a code after a blank": ({"content": b" 250 ok\r\n"}, Outcome.UNKNOWN),
    "answers the content with a signed code": ({"content": b"+25 ok\r\n"}, Outcome.UNKNOWN),
    "answers the content with foreign digits": ({"content": "２５０ ok\r\n".encode()}, Outcome.UNKNOWN),
    "answers the content with an empty line": ({"content": b"\r\n"}, Outcome.UNKNOWN),
    "answers the content with a reply that does not end": ({"content": b"250-ok\r\n"}, Outcome.UNKNOWN),
    "answers the content with a reply of too many lines": (
        {"content": b"250-ok\r\n" * 300 + b"250 ok\r\n"},
        Outcome.UNKNOWN,
    ),
    "answers the content before it has come": (
        {"DATA": b"354 go\r\n250 early\r\n", "content": b"554 no\r\n"},
        Outcome.DEFERRED,
    ),
    "takes and refuses the recipient in one reply": ({"RCPT": b"550-no\r\n250 ok\r\n"}, Outcome.DEFERRED),
    "takes the recipient before it is named": (
        {"MAIL": b"250 ok\r\n250 ok\r\n", "RCPT": b"550 no\r\n"},
        Outcome.DEFERRED,
    ),
    "lets the content come with two codes": ({"DATA": b"554-no\r\n354 go\r\n"}, Outcome.DEFERRED),
}
"""What a server does, and what may be said of the letter then."""


@pytest.mark.parametrize("name", SCRIPTS)
def test_whatever_a_server_does_a_letter_is_sent_only_after_its_content_was_taken(
    sqlite_engine: Engine, tmp_path: Path, name: str
) -> None:
    script, outcome = SCRIPTS[name]
    plan_id = a_plain_plan(sqlite_engine, tmp_path)
    with scripted_server(script) as server:
        mail = MailServerUnderTest(server.host, server.port)
        done = dispatch_due(sqlite_engine, methods_of(mail, timeout_seconds=1), plan_id, StandingClock(NOON))
    assert outcomes(sqlite_engine) == [outcome]
    assert done.step_complete is (outcome is Outcome.SENT)
    if outcome in (Outcome.DEFERRED, Outcome.FAILED):
        assert server.contents == []
    with reading(sqlite_engine) as session:
        assert session.scalars(select(NoticeAttempt.evidence)).one()


@pytest.mark.parametrize("cut", [b"250", b"250 ok", b"250 2.0.0 queued\r"])
def test_a_reply_that_is_cut_off_says_nothing_of_the_content(
    sqlite_engine: Engine, tmp_path: Path, cut: bytes
) -> None:
    plan_id = a_plain_plan(sqlite_engine, tmp_path)
    with scripted_server({"content": cut + CLOSE}) as server:
        mail = MailServerUnderTest(server.host, server.port)
        dispatch_due(sqlite_engine, methods_of(mail, timeout_seconds=1), plan_id, StandingClock(NOON))
    assert outcomes(sqlite_engine) == [Outcome.UNKNOWN]


@pytest.mark.parametrize(
    "name", [name for name, (_, outcome) in SCRIPTS.items() if outcome is Outcome.DEFERRED]
)
def test_a_letter_that_was_not_handed_over_is_written_anew_and_served_by_the_next_attempt(
    sqlite_engine: Engine, tmp_path: Path, server: MailServerUnderTest, name: str
) -> None:
    plan_id = a_plain_plan(sqlite_engine, tmp_path)
    with scripted_server(SCRIPTS[name][0]) as broken:
        mail = MailServerUnderTest(broken.host, broken.port)
        dispatch_due(sqlite_engine, methods_of(mail, timeout_seconds=1), plan_id, StandingClock(NOON))

    done = dispatch_due(sqlite_engine, methods_of(server), plan_id, StandingClock(NOON + HOUR))

    assert outcomes(sqlite_engine) == [Outcome.DEFERRED, Outcome.SENT]
    assert done.step_complete
    assert len(server.received) == 1
