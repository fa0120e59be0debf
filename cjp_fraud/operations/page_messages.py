"""Hand a page to somebody on call: to their webhook, by mail, or both; what failed is said, never raised."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import httpx

from cjp_fraud.clock import machine_now
from cjp_fraud.deployment import Deployment
from cjp_fraud.digests import canonical_json
from cjp_fraud.operations.staff_mail import StaffMail, queue_link, send_to_staff
from cjp_fraud.operations.staff_mail_words import MailWords

WAITS_SECONDS: Final = 15.0

Client = Callable[[], httpx.Client]


@dataclass(frozen=True, slots=True)
class PageMessage:
    """What a page says, and where it goes.

    Parameters
    ----------
    id : by which receivers know it if it comes twice.
    kind : the webhook's ``type``, as ``approval.waiting``.
    text : of the webhook, in English. It names no customer, and neither does the mail.
    language, written : of the mail, and what it says in it.
    path : of the review queue's page that it leads to, as ``/cases/17``.
    content : the webhook's ``data``, to which the link is added.
    dated : aware; the mail's date.
    webhook, mail : URL and address; None: not that way.
    """

    id: str
    kind: str
    text: str
    language: str
    written: MailWords
    path: str
    content: Mapping[str, Any]
    dated: datetime
    webhook: str | None
    mail: str | None


@dataclass(frozen=True, slots=True)
class PageAnswer:
    """Whether a page left by one way at least, and what the receivers answered or what failed."""

    left: bool
    detail: str


def send_page(
    deployment: Deployment, now: datetime, message: PageMessage, client: Client | None = None
) -> PageAnswer:
    """Send a page by each way that its person is paged.

    Parameters
    ----------
    client : makes what calls webhooks; None: one that follows no redirect.
    """
    answers = list(_send(deployment, now, message, client or _client))
    left = any(fault is None for _, fault in answers)
    return PageAnswer(left, "; ".join(f"{by}: {fault or 'taken'}" for by, fault in answers))


def _client() -> httpx.Client:
    return httpx.Client(timeout=WAITS_SECONDS, follow_redirects=False, trust_env=False)


def _send(
    deployment: Deployment, now: datetime, message: PageMessage, client: Client
) -> Iterator[tuple[str, str | None]]:
    """Yield, by each way that the person is paged, what failed; None: it was taken."""
    if message.webhook is not None:
        yield "webhook", _call(deployment, message, message.webhook, client)
    if message.mail is not None:
        yield "mail", _mail(deployment, now, message, message.mail)


def _call(deployment: Deployment, message: PageMessage, url: str, client: Client) -> str | None:
    body = canonical_json(
        {
            "type": message.kind,
            "text": message.text,
            "data": {**message.content, "url": queue_link(deployment, message.path)},
        }
    )
    headers = {
        "content-type": "application/json",
        "user-agent": "cjp-fraud-oncall/1",
        "webhook-id": message.id,
        "webhook-timestamp": str(int(machine_now().timestamp())),
    }
    try:
        with client() as caller, caller.stream("POST", url, content=body, headers=headers) as answer:
            status = answer.status_code
    except httpx.HTTPError as error:
        return f"{type(error).__name__}: {error}"[:200]
    return None if 200 <= status < 300 else f"answered {status}"


def _mail(deployment: Deployment, now: datetime, message: PageMessage, address: str) -> str | None:
    return send_to_staff(
        deployment,
        now,
        StaffMail(
            id=message.id,
            address=address,
            language=message.language,
            subject=message.written.subject,
            body="\n\n".join(filter(None, (message.written.body, queue_link(deployment, message.path)))),
            dated=message.dated,
        ),
    )
