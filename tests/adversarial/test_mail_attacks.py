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
