"""Signatures, back-off, events and addresses of webhooks."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from cjp_fraud.errors import BadInputError
from cjp_fraud.webhooks.model import (
    MOST_ATTEMPTS,
    checked_patterns,
    checked_url,
    event_types,
    headers_of,
    message_body,
    new_secret,
    next_attempt,
    signature,
    wants,
)

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def test_a_signature_is_the_one_of_the_specification() -> None:
    # Test vector of the specification's reference implementations.
    sent = signature(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "msg_p5jXN8AQM9LWM0D4loKWxJek",
        datetime.fromtimestamp(1_614_265_330, UTC),
        b'{"test": 2432232314}',
    )
    assert sent == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_receivers_of_the_old_and_of_the_new_secret_take_a_message() -> None:
    old, new, body = new_secret(), new_secret(), b'{"a":1}'
    headers = headers_of([new, old], "id-1", datetime.now(UTC), body)
    for secret in (old, new):
        assert Webhook(secret).verify(body, headers) == {"a": 1}
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(new).verify(b'{"a":2}', headers)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_!!!", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"])
def test_what_is_no_secret_signs_nothing(secret: str) -> None:
    with pytest.raises(BadInputError, match="24 to 64 bytes"):
        signature(secret, "id", AT, b"")


def test_a_new_secret_has_32_bytes_and_is_new() -> None:
    first, second = new_secret(), new_secret()
    assert first != second
    assert len(base64.b64decode(first.removeprefix("whsec_"))) == 32


def test_the_same_event_has_the_same_bytes() -> None:
    one = message_body(
        "case.approved",
        AT,
        sequence=7,
        case_id="c",
        subject_type="cases",
        subject_id="c",
        content={"b": 1, "a": 2},
    )
    assert one == (
        b'{"data":{"case_id":"c","content":{"a":2,"b":1},"sequence":7,"subject_id":"c","subject_type":"cases"},'
        b'"timestamp":"2026-03-02T09:00:00.000000Z","type":"case.approved"}'
    )


def test_attempts_stand_ever_further_apart_and_end() -> None:
    waits = []
    for attempts in range(1, MOST_ATTEMPTS):
        following = next_attempt(attempts, AT)
        assert following is not None
        waits.append(following - AT)
    assert waits == sorted(waits)
    assert waits[0] == timedelta(seconds=5)
    assert sum(waits, timedelta()) > timedelta(days=3)
    assert next_attempt(MOST_ATTEMPTS, AT) is None


def test_reading_and_signing_in_are_not_told() -> None:
    assert not event_types("case.read", {})
    assert not event_types("sign_in.done", {})
    assert event_types("case.approved", {}) == ("case.approved",)
    assert event_types("billing.stopped", {}) == ("billing.stopped",)


def test_charges_stop_with_a_measure_go_on_after_it_and_are_held_while_they_are_disputed() -> None:
    assert event_types("case.suspended", {}) == ("case.suspended", "measure.in_force", "billing.stop")
    assert event_types("case.reinstated", {})[1:] == ("measure.lifted", "billing.resume")
    assert event_types("case.lapsed", {})[1:] == ("measure.lapsed", "billing.resume")
    assert event_types("case.lifting_failed", {})[1:] == ("measure.lifting_failed", "billing.stop")
    assert event_types("measure.narrowed", {})[1:] == ("billing.resume_in_part",)
    assert event_types("dispute.decided", {"state": "narrowed"})[1:] == ("billing.credit_in_part",)
    assert event_types("case.commented", {"mentions": ["a user"]}) == ("case.commented", "case.mentioned")
    assert event_types("case.commented", {}) == ("case.commented",)
    assert event_types("dispute.opened", {})[1:] == ("billing.hold",)
    assert event_types("dispute.decided", {"state": "upheld"})[1:] == ("billing.credit",)
    assert event_types("dispute.decided", {"state": "rejected"})[1:] == ("billing.release",)
    assert event_types("measure.assessed", {"credit_cents": 1250})[1:] == ("billing.credit_assessed",)
    assert event_types("measure.assessed", {"credit_cents": None})[1:] == ()


def test_an_endpoint_wants_what_its_patterns_name() -> None:
    assert wants(["measure.*"], "measure.in_force")
    assert wants(["*"], "case.opened")
    assert wants(["case.opened"], "case.opened")
    assert not wants(["case.opened", "measure.*"], "case.approved")


@pytest.mark.parametrize("pattern", ["", "case", "sign_in.*", "case.*.more", "CASE.*", "case."])
def test_what_names_no_events_is_refused(pattern: str) -> None:
    with pytest.raises(BadInputError, match="names no events"):
        checked_patterns([pattern])


@pytest.mark.parametrize(
    "url",
    [
        "http://receiver.example/",
        "ftp://x.example",
        "https://",
        "https://u:p@x.example/",
        "https://x.example/#f",
        "h",
        "http://[::1",
        "https://x.example/a b",
        "https://x.example:99999/",
    ],
)
def test_an_address_that_leaks_or_leads_nowhere_is_refused(url: str) -> None:
    with pytest.raises(BadInputError):
        checked_url(url)


def test_http_is_for_this_machine_and_a_simulated_home_leaves_it_not() -> None:
    assert checked_url("http://127.0.0.1:8000/x")
    assert checked_url("https://receiver.example/x")
    with pytest.raises(BadInputError, match="leaves this machine"):
        checked_url("https://receiver.example/x", this_machine_only=True)
