"""What keeps a measure: reasons of substance on a look at the traffic, and a customer who was told before."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Sequence
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from typing import Any

import pytest
from sqlalchemy import select, update

from cjp_fraud.audit.tables import AuditEntry, PersonalText
from cjp_fraud.compliance.log_verification import verify_log
from cjp_fraud.errors import Refused
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.notices.tables import Notice
from cjp_fraud.review.evidence import RowsWanted
from cjp_fraud.review.model import CaseState
from cjp_fraud.review.stops_on_record import order_stop
from cjp_fraud.review.tables import Flag
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension.embedded_platform import EmbeddedPlatform
from cjp_fraud.suspension.tables import Reaffirmation
from cjp_fraud.suspension.traffic_look import TrafficLook, take_look
from tests.case_builders import StaffedDeployment, a_flag, flag
from tests.mail_servers import MailServerUnderTest
from tests.tampering import unrecorded

DETERMINED = "short calls to one foreign range, at night, no agent logged in"
"""The reasons of the deployment's determination."""


def letter(server: MailServerUnderTest, number: int = -1) -> str:
    content = message_from_bytes(server.received[number].content, policy=default).get_content()  # type: ignore[attr-defined]
    return " ".join(content.split())


def flagged_again(staffed: StaffedDeployment) -> None:
    at = staffed.now - timedelta(minutes=30)
    flag(staffed.engine, a_flag(at), at=staffed.now)


def looked(staffed: StaffedDeployment, by: str, *, contacts: int, usual: float | None) -> TrafficLook:
    with reading(staffed.engine) as session:
        series_id = session.scalars(select(Flag.series_id)).first()

    def rows(wanted: RowsWanted) -> Sequence[dict[str, Any]]:
        row = {"series_id": series_id, "interval_start": wanted.start, "contacts_offered": contacts}
        return [row | ({"baseline": usual} if usual is not None else {})]

    look: TrafficLook = staffed.do(take_look, by, rows)
    return look


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("", "3 words or more"),
        ("x", "3 words or more"),
        ("a b c d e", "3 words or more"),
        ("still still still", "3 words or more"),
        ("1 2 3 42 17", "3 words or more"),
        ("- . , ! ? …", "3 words or more"),
        (DETERMINED, "given before"),
        (f"  {DETERMINED.upper()}. ", "given before"),
        (DETERMINED.replace(" ", "  ").replace(",", " –"), "given before"),
        (DETERMINED.replace("calls", "ca\u200blls"), "given before"),
        (DETERMINED.replace("i", "ｉ"), "given before"),
    ],
)
def test_empty_words_and_those_of_the_determination_keep_no_measure(
    suspended: StaffedDeployment, words: str, said: str
) -> None:
    suspended.wait(hours=60)
    with pytest.raises(Refused, match=said):
        suspended.reaffirm("adam", words)


def test_the_other_persons_words_are_no_reasons_of_ones_own(suspended: StaffedDeployment) -> None:
    suspended.wait(hours=60)
    suspended.reaffirm("adam", "the carrier reports attempts")
    for words in ("The carrier reports attempts.", "THE CARRIER — reports attempts!"):
        with pytest.raises(Refused, match="given before"):
            suspended.reaffirm("bella", words)


def test_reasons_are_kept_with_the_look_that_they_rest_on_and_what_it_showed(
    suspended: StaffedDeployment,
) -> None:
    suspended.wait(hours=60)
    flagged_again(suspended)
    look = looked(suspended, "adam", contacts=412, usual=90.0)

    suspended.reaffirm("adam", "the carrier reports attempts", look=look.reference, although_quiet=None)

    with reading(suspended.engine) as session:
        kept = session.scalars(
            select(PersonalText.body).join(Reaffirmation, Reaffirmation.reasons_text_id == PersonalText.id)
        ).one()
    assert kept == (
        f"Look {look.reference}: 412 contact(s) in 1 interval(s), 1 interval(s) flagged since. "
        "the carrier reports attempts"
    )


@pytest.mark.parametrize(
    ("contacts", "usual", "flags", "is_quiet"),
    [
        (0, 90.0, False, True),
        (90, 90.0, False, True),
        (91, 90.0, False, False),
        (5, None, False, True),
        (0, 90.0, True, False),
    ],
)
def test_a_look_that_shows_nothing_unusual_keeps_no_measure_without_a_reason_for_just_that(
    suspended: StaffedDeployment, contacts: int, usual: float | None, flags: bool, is_quiet: bool
) -> None:
    suspended.wait(hours=60)
    if flags:
        flagged_again(suspended)
    look = looked(suspended, "adam", contacts=contacts, usual=usual)
    assert look.is_quiet is is_quiet
    given = {"look": look.reference, "although_quiet": None}
    if not is_quiet:
        suspended.reaffirm("adam", "the carrier reports attempts", **given)  # type: ignore[arg-type]
        return
    for empty in (None, "", "x", "because because because"):
        with pytest.raises(Refused, match=r"shows nothing unusual since .*--although-quiet"):
            suspended.reaffirm("adam", "the carrier reports attempts", **given | {"although_quiet": empty})  # type: ignore[arg-type]
    quiet = given | {"although_quiet": "the block itself keeps it quiet"}
    suspended.reaffirm("adam", "the carrier reports attempts", **quiet)  # type: ignore[arg-type]
    with reading(suspended.engine) as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "measure.reaffirmed")).one()
        text = session.get_one(PersonalText, entry.content["text_id"])
    assert entry.content["although_quiet"] is True
    assert text.body is not None
    assert text.body.endswith("Although the look shows nothing unusual: the block itself keeps it quiet")


def kept_by_two(staffed: StaffedDeployment) -> None:
    staffed.reaffirm("adam", "the carrier reports attempts")
    staffed.reaffirm("bella", "credentials were not changed yet")


def test_a_measure_that_is_kept_ends_as_before_until_the_customer_was_told(
    suspended: StaffedDeployment, server: MailServerUnderTest
) -> None:
    first_end = suspended.measure().lapses_at
    suspended.wait(hours=70)
    kept_by_two(suspended)
    server.rcpt_replies["notices@acme.example"] = deque(["451 later"])

    report = suspended.enforce()

    assert any("lapses at 2015-04-05" in why for why in report.waiting_for)
    assert any("reaffirmation letter is not sent yet" in why for why in report.waiting_for)
    assert suspended.measure().lapses_at == first_end
    [in_force] = suspended.platform.restrictions(suspended.now)
    assert in_force.ends_at == first_end

    suspended.now = first_end
    suspended.resume_all()

    assert (suspended.state, suspended.restricted()) == (CaseState.LAPSED, 0)
    assert "ended on 5 April 2015 at 08:00 (12:00 UTC)" in letter(server)
    assert len(server.received) == 1, "no letter says that it is kept"
    assert verify_log(suspended.engine).faults == ()


def test_a_measure_of_which_the_customer_was_told_in_time_is_kept(
    suspended: StaffedDeployment, server: MailServerUnderTest
) -> None:
    suspended.wait(hours=70)
    kept_by_two(suspended)
    server.rcpt_replies["notices@acme.example"] = deque(["451 later"])
    suspended.enforce()
    suspended.wait(minutes=5)

    assert suspended.resume_all().faults == ()

    told = letter(server)
    with reading(suspended.engine) as session:
        first = session.scalars(select(Notice).where(Notice.kind == NoticeKind.SUSPENSION)).one()
    number = f"{first.id[-12:]}-1"
    assert f"Announced by: our notice {number} of 2 April 2015 at 08:00 (12:00 UTC)." in told
    assert "In force since: 2 April 2015 at 08:00 (12:00 UTC)." in told
    assert "Until: 8 April 2015 at 06:00 (10:00 UTC) at the latest." in told
    suspended.wait(hours=10)
    suspended.resume_all()
    assert (suspended.state, suspended.restricted()) == (CaseState.SUSPENDED, 1)
    assert verify_log(suspended.engine).faults == ()


@pytest.mark.parametrize("what", ["refused for good", "unknown", "stopped meanwhile"])
def test_a_letter_that_did_not_leave_keeps_nothing(
    suspended: StaffedDeployment, server: MailServerUnderTest, what: str
) -> None:
    suspended.wait(hours=70)
    kept_by_two(suspended)
    if what == "refused for good":
        server.rcpt_replies["notices@acme.example"] = deque(["550 no such user"])
    elif what == "unknown":
        server.data_replies.append("199 hm")
    else:
        suspended.do(order_stop, "carol", "the court has been asked")

    suspended.enforce()
    suspended.wait(hours=2)
    suspended.resume_all()

    assert (suspended.state, suspended.restricted()) == (CaseState.LAPSED, 0)


def test_a_later_end_that_was_slipped_into_a_reaffirmation_is_not_given_to_the_measure(
    suspended: StaffedDeployment,
) -> None:
    suspended.wait(hours=70)
    kept_by_two(suspended)
    first_end = suspended.measure().lapses_at
    with unrecorded(suspended.engine) as session:
        for column in (Reaffirmation.review_at, Reaffirmation.ends_at):
            session.execute(
                update(Reaffirmation)
                .where(column.is_not(None))
                .values({column: suspended.now + timedelta(days=365)})
            )

    report = suspended.enforce()

    assert any("it was changed since" in why for why in report.waiting_for)
    assert suspended.measure().lapses_at == first_end


def test_a_restriction_that_the_platform_ended_by_itself_ended_then_however_late_that_is_noticed(
    suspended: StaffedDeployment, server: MailServerUnderTest
) -> None:
    ended_at = suspended.measure().lapses_at
    suspended.wait(days=29)

    suspended.resume_all()

    assert suspended.measure().ended_at == ended_at
    assert "ended on 5 April 2015 at 08:00 (12:00 UTC)" in letter(server)
    assert "its time had run out" in letter(server)
    assert verify_log(suspended.engine).faults == ()


def test_a_restriction_that_the_platform_did_not_end_ended_when_it_was_lifted(
    suspended: StaffedDeployment, server: MailServerUnderTest
) -> None:
    suspended.platform.endless = True  # type: ignore[attr-defined]
    suspended.wait(days=29)
    lift = EmbeddedPlatform.lift

    def lifted(platform: EmbeddedPlatform, *args: Any) -> None:
        lift(platform, *args)
        suspended.platform.endless = False  # type: ignore[attr-defined]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(EmbeddedPlatform, "lift", lifted)
        suspended.resume_all()

    assert suspended.measure().ended_at == suspended.now
    assert "ended on 1 May 2015 at 08:00 (12:00 UTC)" in letter(server)


def test_the_look_is_summed_from_what_was_frozen(suspended: StaffedDeployment) -> None:
    suspended.wait(hours=60)
    look = looked(suspended, "adam", contacts=7, usual=None)
    with reading(suspended.engine) as session:
        entry = session.scalars(select(AuditEntry).where(AuditEntry.action == "measure.looked_at")).one()
    assert entry.content["evidence_sha256"] == look.sha256
    assert json.dumps(look.series[0].contacts) == "7"
