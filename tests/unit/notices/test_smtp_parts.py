"""The envelope of a letter and the replies of servers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.errors import BadInputError
from cjp_fraud.notices.methods.smtp_envelope import Envelope
from cjp_fraud.notices.methods.smtp_replies import queue_id


@pytest.mark.parametrize("sender", ["", "<>", " ", "@provider.example", "a@b.example> SIZE=1", "a@b\r\nDATA"])
def test_an_envelope_never_has_the_null_sender_or_none(sender: str) -> None:
    with pytest.raises(BadInputError):
        Envelope(sender, "a@acme.example", "E-1")


@pytest.mark.parametrize(
    "recipient", ["", "acme", "a@acme.example>,<b@acme.example", "a@acme.example\r\nRSET"]
)
def test_an_envelope_has_one_recipient(recipient: str) -> None:
    with pytest.raises(BadInputError):
        Envelope("b@provider.example", recipient, "E-1")


def test_reports_are_asked_for_where_the_server_passes_them_on() -> None:
    envelope = Envelope("b+1@provider.example", "a+b@acme.example", "E-1")
    assert [command for command, _ in envelope.commands(server_offers_reports=True)] == [
        "MAIL FROM:<b+1@provider.example> RET=HDRS ENVID=E-1",
        "RCPT TO:<a+b@acme.example> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;a+2Bb@acme.example",
        "DATA",
    ]
    assert [command for command, _ in envelope.commands(server_offers_reports=False)] == [
        "MAIL FROM:<b+1@provider.example>",
        "RCPT TO:<a+b@acme.example>",
        "DATA",
    ]


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ("2.0.0 Ok: queued as 4Zx7Rk2Jq1z9xY", "4Zx7Rk2Jq1z9xY"),
        ("OK id=1pX2ab-0003Yz-Qk", "1pX2ab-0003Yz-Qk"),
        ("2.0.0 3B2CwQaZ012345 Message accepted for delivery", "3B2CwQaZ012345"),
        (
            "2.6.0 <x@y.example> [InternalId=4711, Hostname=m.example] Queued mail for delivery",
            "4711",
        ),
        ("ok 1311155555 qp 7777", "1311155555 qp 7777"),
        ("2.0.0 OK  1700000000 af79cd13be357-77dbaec9si123 - gsmtp", "af79cd13be357-77dbaec9si123"),
        ("Ok 0100018c2f3a-4b5c-000000", "0100018c2f3a-4b5c-000000"),
        ("Message Queued (6A1B2C3D-0F1E-4A5B-8C9D-0123456789AB.1)", "6A1B2C3D-0F1E-4A5B-8C9D-0123456789AB.1"),
        ("2.0.0 queued as id 42", "42"),
        ("Queued (0.1 seconds)", None),
        ("2.0.0 Ok", None),
        ("2.6.0 Message accepted", None),
        ("thank you", None),
        ("", None),
    ],
)
def test_the_queue_id_is_read_from_the_replies_of_widespread_servers(said: str, name: str | None) -> None:
    assert queue_id(said.encode()) == name


@given(st.binary(max_size=600))
def test_no_reply_breaks_the_reading_of_its_queue_id(said: bytes) -> None:
    name = queue_id(said)
    assert name is None or 0 < len(name) <= 255
