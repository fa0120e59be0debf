"""Page the next approver about a proposal that waits: after 5, 10 and 15 minutes, by webhook and mail, each once.

A page is on record before it leaves. Whoever is killed in between sends it once more under the same id, by which
receivers know it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Final

import httpx

from cjp_fraud.clock import machine_now
from cjp_fraud.deployment import Deployment
from cjp_fraud.digests import canonical_json
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.operations.staff_mail import StaffMail, case_link, send_to_staff
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.review.model import PageOutcome
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.storage.locks import process_lock
from cjp_fraud.suspension.approver_pages import PageToSend, choose_page, record_page, waiting_proposals

WAITS_SECONDS: Final = 15.0
_PAGER: Final = machine("oncall")

Client = Callable[[], httpx.Client]


def page_due(deployment: Deployment, now: datetime, *, client: Client | None = None) -> int:
    """Page whoever is next about each proposal that waits long enough; return how many pages left.

    It may run twice at once, and be killed.

    Parameters
    ----------
    client : makes what calls webhooks; None: one that follows no redirect.

    Raises
    ------
    CjpFraudError
        After all proposals were tried, where one had a fault.
    """
    with reading(deployment.engine) as session:
        waiting = waiting_proposals(session, now)
    sent, faults = 0, []
    for proposal_id in waiting:
        try:
            with process_lock(deployment.engine, f"paging {proposal_id}"):
                sent += _page(deployment, now, proposal_id, client or _client)
        except CjpFraudError as error:
            faults.append(f"paging about proposal {proposal_id}: {error}")
    if faults:
        raise CjpFraudError("; ".join(faults))
    return sent


def _client() -> httpx.Client:
    return httpx.Client(timeout=WAITS_SECONDS, follow_redirects=False, trust_env=False)


def _page(deployment: Deployment, now: datetime, proposal_id: str, client: Client) -> int:
    with transaction(deployment.engine) as session:
        page = choose_page(Decision(session, _PAGER, now), proposal_id, deployment.policy)
    if page is None:
        return 0
    answers = list(_send(deployment, now, page, client))
    left = any(fault is None for _, fault in answers)
    detail = "; ".join(f"{by}: {fault or 'taken'}" for by, fault in answers)
    with transaction(deployment.engine) as session:
        outcome = PageOutcome.SENT if left else PageOutcome.FAILED
        record_page(Decision(session, _PAGER, now), page.id, outcome, detail)
    return int(left)


def _send(
    deployment: Deployment, now: datetime, page: PageToSend, client: Client
) -> Iterator[tuple[str, str | None]]:
    """Yield, by each way that the person is paged, what failed; None: it was taken."""
    if page.webhook is not None:
        yield "webhook", _call(deployment, page, page.webhook, client)
    if page.mail is not None:
        yield "mail", _mail(deployment, now, page, page.mail)


def _words(page: PageToSend) -> str:
    return (
        f"Case {page.case} waits for approval since {page.waiting_since:%Y-%m-%d %H:%M}Z. "
        f"You are the next on call (page {page.step} of 3)."
    )


def _call(deployment: Deployment, page: PageToSend, url: str, client: Client) -> str | None:
    body = canonical_json(
        {
            "type": "approval.waiting",
            "text": _words(page),
            "data": {
                "case": page.case,
                "step": page.step,
                "waiting_since": page.waiting_since,
                "url": case_link(deployment, page.case),
            },
        }
    )
    headers = {
        "content-type": "application/json",
        "user-agent": "cjp-fraud-oncall/1",
        "webhook-id": page.id,
        "webhook-timestamp": str(int(machine_now().timestamp())),
    }
    try:
        with client() as caller, caller.stream("POST", url, content=body, headers=headers) as answer:
            status = answer.status_code
    except httpx.HTTPError as error:
        return f"{type(error).__name__}: {error}"[:200]
    return None if 200 <= status < 300 else f"answered {status}"


def _mail(deployment: Deployment, now: datetime, page: PageToSend, address: str) -> str | None:
    return send_to_staff(
        deployment,
        now,
        StaffMail(
            id=page.id,
            address=address,
            language="en",
            subject=f"Case {page.case} waits for approval",
            body="\n\n".join(filter(None, (_words(page), case_link(deployment, page.case)))),
            dated=page.waiting_since,
        ),
    )
