"""Page whoever is on call: a reviewer about a new case at once, the next approver about a proposal that waits.

A proposal that waits is paged about after 5, 10 and 15 minutes, each once. A page is on record before it leaves.
Whoever is killed in between sends it once more under the same id, by which receivers know it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.operations.page_messages import Client, PageMessage, send_page
from cjp_fraud.operations.staff_mail_words import (
    AND_OTHERS,
    APPROVAL_WAITS,
    CASE_WAITS,
    CASES_WAIT,
    ENGLISH,
    MailWords,
    in_language,
    said,
    spoken,
)
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.review.model import PageOutcome
from cjp_fraud.review.new_case_pages import (
    NewCases,
    choose_new_case_pages,
    new_cases_wait,
    record_new_case_pages,
)
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.storage.locks import process_lock
from cjp_fraud.suspension.approver_pages import PageToSend, choose_page, record_page, waiting_proposals

_PAGER: Final = machine("oncall")


def page_new_cases(deployment: Deployment, now: datetime, *, client: Client | None = None) -> int:
    """Page the first reviewer on call about cases that have just been opened; return how many messages left.

    One message a person and run, however many cases it names. It may run twice at once, and be killed.

    Parameters
    ----------
    client : makes what calls webhooks; None: one that follows no redirect.
    """
    with reading(deployment.engine) as session:
        if not new_cases_wait(session, now):
            return 0
    with process_lock(deployment.engine, "paging new cases"):
        with transaction(deployment.engine) as session:
            chosen = choose_new_case_pages(Decision(session, _PAGER, now))
        sent = 0
        for new in chosen:
            answer = send_page(deployment, now, _about_new_cases(new), client)
            outcome = PageOutcome.SENT if answer.left else PageOutcome.FAILED
            with transaction(deployment.engine) as session:
                record_new_case_pages(Decision(session, _PAGER, now), new.id, outcome, answer.detail)
            sent += answer.left
    return sent


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
                sent += _page(deployment, now, proposal_id, client)
        except CjpFraudError as error:
            faults.append(f"paging about proposal {proposal_id}: {error}")
    if faults:
        raise CjpFraudError("; ".join(faults))
    return sent


def _page(deployment: Deployment, now: datetime, proposal_id: str, client: Client | None) -> int:
    with transaction(deployment.engine) as session:
        page = choose_page(Decision(session, _PAGER, now), proposal_id, deployment.policy)
    if page is None:
        return 0
    answer = send_page(deployment, now, _about_a_proposal(page), client)
    outcome = PageOutcome.SENT if answer.left else PageOutcome.FAILED
    with transaction(deployment.engine) as session:
        record_page(Decision(session, _PAGER, now), page.id, outcome, answer.detail)
    return int(answer.left)


def _about_a_proposal(page: PageToSend) -> PageMessage:
    language = spoken(page.language)
    values = {"case": page.case, "moment": page.waiting_since, "step": page.step}
    return PageMessage(
        id=page.id,
        kind="approval.waiting",
        text=said(APPROVAL_WAITS, ENGLISH, **values).body,
        language=language,
        written=said(APPROVAL_WAITS, language, **values),
        path=f"/cases/{page.case}",
        content={"case": page.case, "step": page.step, "waiting_since": page.waiting_since},
        dated=page.waiting_since,
        webhook=page.webhook,
        mail=page.mail,
    )


_MOST_NAMED: Final = 10
"""Cases that the text of a page names; the webhook's data have all."""


def _about_new_cases(new: NewCases) -> PageMessage:
    count, language = len(new.cases), spoken(new.language)
    return PageMessage(
        id=new.id,
        kind="case.waiting",
        text=_new_cases_in(new, ENGLISH).body,
        language=language,
        written=_new_cases_in(new, language),
        path=f"/cases/{new.cases[0]}" if count == 1 else "/queue",
        content={"cases": list(new.cases), "waiting_since": new.opened_at},
        dated=new.opened_at,
        webhook=new.webhook,
        mail=new.mail,
    )


def _new_cases_in(new: NewCases, language: str) -> MailWords:
    count = len(new.cases)
    if count == 1:
        return said(CASE_WAITS, language, case=new.cases[0], moment=new.opened_at)
    cases = ", ".join(map(str, new.cases[:_MOST_NAMED]))
    if count > _MOST_NAMED:
        cases = in_language(AND_OTHERS, language) % {"cases": cases}
    return said(CASES_WAIT, language, count=count, cases=cases, moment=new.opened_at)
