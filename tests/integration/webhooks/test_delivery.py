"""Webhooks against a receiver on loopback: signed, in order, again with the same id, given up, ended."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, func, select
from standardwebhooks import Webhook

from cjp_fraud.errors import Refused
from cjp_fraud.operations import cases, webhook_delivery, webhooks
from cjp_fraud.operations.webhook_delivery import WebhookRun, deliver_due
from cjp_fraud.review import claim as claims
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.storage.database import reading
from cjp_fraud.webhooks.model import MOST_ATTEMPTS, DeliveryState
from cjp_fraud.webhooks.tables import WebhookEvent, WebhookSecret
from tests.queue_pages import QueueUnderTest, a_queue


@dataclass
class Receiver:
    """A server that takes webhooks; ``answers``: the status of each one, the last for all that follow."""

    answers: list[int] = field(default_factory=lambda: [204])
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    def verified(self, secret: str) -> list[Any]:
        """Return what came, each checked by the specification's own library."""
        return [Webhook(secret).verify(body, headers) for headers, body in self.received]

    @property
    def ids(self) -> list[str]:
        """The ids of the messages, as they came."""
        return [headers["webhook-id"] for headers, _ in self.received]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A receiver on loopback."""
    made = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            made.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(made.answers.pop(0) if len(made.answers) > 1 else made.answers[0])
            self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    made.url = f"http://127.0.0.1:{server.server_port}/hook"
    yield made
    server.shutdown()
    server.server_close()


def an_endpoint(queue: QueueUnderTest, url: str, *events: str) -> webhooks.NewSecret:
    """Make an endpoint as the admin."""
    return webhooks.create_endpoint(queue.deployment, "ida", queue.deployment.now, url, events or ("*",))


def run(queue: QueueUnderTest) -> WebhookRun:
    """Send what is due now."""
    return deliver_due(queue.deployment, queue.deployment.now)


def claim(queue: QueueUnderTest) -> None:
    """Let rita claim the first case."""
    cases.claim(queue.deployment, "rita", queue.deployment.now, "1")


@pytest.mark.both_databases
def test_events_arrive_signed_and_in_their_order_once(
    engine: Engine, tmp_path: Path, receiver: Receiver
) -> None:
    queue = a_queue(engine, tmp_path)
    made = an_endpoint(queue, receiver.url)
    queue.flagged()
    claim(queue)
    assert run(queue).delivered == len(receiver.received) >= 2
    told = receiver.verified(made.secret)
    assert [each["type"] for each in told][-1] == "case.claimed"
    assert [each["data"]["sequence"] for each in told] == sorted(each["data"]["sequence"] for each in told)
    assert run(queue) == WebhookRun()
    assert len(set(receiver.ids)) == len(receiver.ids)


def test_what_is_undone_is_not_told(sqlite_engine: Engine, tmp_path: Path, receiver: Receiver) -> None:
    queue = a_queue(sqlite_engine, tmp_path)
    an_endpoint(queue, receiver.url)
    queue.flagged()
    deployment = queue.deployment

    def claim_and_die() -> None:
        with deployment.deciding("rita", deployment.now) as decision:
            claims.claim(decision, case_id_of(decision.session, "1"))
            raise RuntimeError("killed")

    with pytest.raises(RuntimeError, match="killed"):
        claim_and_die()
    run(queue)
    assert not [body for _, body in receiver.received if b"case.claimed" in body]


def test_without_an_endpoint_that_wants_it_nothing_is_kept(
    sqlite_engine: Engine, tmp_path: Path, receiver: Receiver
) -> None:
    queue = a_queue(sqlite_engine, tmp_path)
    an_endpoint(queue, receiver.url, "billing.*")
    queue.flagged()
    with reading(queue.engine) as session:
        assert session.scalar(select(func.count()).select_from(WebhookEvent)) == 0


def test_a_failed_event_comes_again_later_with_the_same_id_and_bytes(
    sqlite_engine: Engine, tmp_path: Path, receiver: Receiver
) -> None:
    queue = a_queue(sqlite_engine, tmp_path)
    made = an_endpoint(queue, receiver.url, "case.claimed")
    queue.flagged()
    claim(queue)
    receiver.answers = [500, 302, 200]
    assert run(queue).failed == 1
    assert run(queue) == WebhookRun(), "not before its time"
    queue.deployment.wait_until(queue.deployment.now + timedelta(seconds=6))
    assert run(queue).failed == 1, "a redirect is followed nowhere"
    queue.deployment.wait_until(queue.deployment.now + timedelta(minutes=6))
    assert run(queue).delivered == 1
    assert len(set(receiver.ids)) == 1
    assert len({body for _, body in receiver.received}) == 1
    assert len(receiver.verified(made.secret)) == 3


def test_after_the_last_attempt_an_event_is_given_up_and_can_be_sent_again(
    sqlite_engine: Engine, tmp_path: Path, receiver: Receiver
) -> None:
    queue = a_queue(sqlite_engine, tmp_path)
    an_endpoint(queue, receiver.url, "case.claimed")
    queue.flagged()
    claim(queue)
    receiver.answers = [503]
    for _ in range(MOST_ATTEMPTS):
        run(queue)
        queue.deployment.wait_until(queue.deployment.now + timedelta(days=2))
    [delivery] = webhooks.list_deliveries(queue.deployment)
    assert (delivery.state, delivery.attempts, delivery.last_status) == (
        DeliveryState.DEAD,
        MOST_ATTEMPTS,
        503,
    )
    assert run(queue) == WebhookRun()
    receiver.answers = [200]
    webhooks.send_again(queue.deployment, "ida", queue.deployment.now, delivery.id)
    assert run(queue).delivered == 1
    assert len(set(receiver.ids)) == 1


def test_an_endpoint_that_is_gone_is_told_nothing_more(
    sqlite_engine: Engine, tmp_path: Path, receiver: Receiver
) -> None:
    queue = a_queue(sqlite_engine, tmp_path)
    an_endpoint(queue, receiver.url)
    queue.flagged()
    claim(queue)
    receiver.answers = [410]
    run(queue)
    assert len(receiver.received) == 1
    [endpoint] = webhooks.list_endpoints(queue.deployment, queue.deployment.now)
    assert endpoint.disabled_at is not None
    queue.deployment.wait_until(queue.deployment.now + timedelta(hours=1))
    assert run(queue) == WebhookRun()


def test_one_that_is_down_holds_no_other_up(
    sqlite_engine: Engine, tmp_path: Path, receiver: Receiver
) -> None:
    queue = a_queue(sqlite_engine, tmp_path)
    an_endpoint(queue, "http://127.0.0.1:9/nobody", "case.claimed")
    an_endpoint(queue, receiver.url, "case.claimed")
    queue.flagged()
    claim(queue)
    assert run(queue) == WebhookRun(delivered=1, failed=1)


def test_two_secrets_sign_while_one_is_exchanged_and_then_the_new_one_alone(
    sqlite_engine: Engine, tmp_path: Path, receiver: Receiver
) -> None:
    queue = a_queue(sqlite_engine, tmp_path)
    old = an_endpoint(queue, receiver.url, "case.*")
    new = webhooks.rotate_secret(queue.deployment, "ida", queue.deployment.now, old.endpoint.id)
    assert new.endpoint.secrets == 2
    queue.flagged()
    run(queue)
    assert receiver.verified(old.secret) == receiver.verified(new.secret)
    receiver.received.clear()
    queue.deployment.wait_until(queue.deployment.now + timedelta(hours=25))
    claim(queue)
    run(queue)
    assert receiver.verified(new.secret)
    with pytest.raises(Exception, match="No matching signature"):
        receiver.verified(old.secret)


def test_a_killed_run_sends_once_more_under_the_same_id(
    sqlite_engine: Engine, tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    queue = a_queue(sqlite_engine, tmp_path)
    an_endpoint(queue, receiver.url, "case.claimed")
    queue.flagged()
    claim(queue)

    def killed(*_: Any) -> DeliveryState:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(webhook_delivery, "_record", killed)
        with pytest.raises(KeyboardInterrupt):
            run(queue)
    assert run(queue).delivered == 1
    assert len(receiver.ids) == 2
    assert len(set(receiver.ids)) == 1


def test_secrets_are_not_in_the_database_and_only_an_admin_makes_endpoints(
    sqlite_engine: Engine, tmp_path: Path, receiver: Receiver
) -> None:
    queue = a_queue(sqlite_engine, tmp_path)
    with pytest.raises(Refused, match="not an admin"):
        webhooks.create_endpoint(queue.deployment, "rita", queue.deployment.now, receiver.url, ["*"])
    made = an_endpoint(queue, receiver.url)
    with reading(queue.engine) as session:
        [kept] = session.scalars(select(WebhookSecret.secret)).all()
    assert made.secret.removeprefix("whsec_") not in kept
    assert [action for action, _, _ in queue.entries("webhook.made")] == ["webhook.made"]
