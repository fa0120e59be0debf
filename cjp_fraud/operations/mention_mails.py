"""Write to whoever a comment names and who has not opened the case since: one mail a comment, in their language.

The mail says who wrote the comment and on which case. It holds nothing of the comment, which may name a customer, and
does not name the tenant: mail is read in places that know nothing of roles. A mail is on record before it leaves.
Whoever is killed in between sends it once more with the same Message-ID, by which mailboxes know it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Final

from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.operations.staff_mail import StaffMail, queue_link, send_to_staff
from cjp_fraud.operations.staff_mail_words import MENTION, said, spoken
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.review.mention_mails import MentionToMail, choose_mail, record_mail, unmailed_mentions
from cjp_fraud.review.mention_rules import MailOutcome
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.storage.locks import process_lock

_MAILER: Final = machine("mentions")


def mail_mentions(deployment: Deployment, now: datetime) -> int:
    """Write to whoever is named and waits to be told; return how many mails left.

    It may run twice at once, and be killed.

    Raises
    ------
    CjpFraudError
        After all mentions were tried, where one had a fault.
    """
    with reading(deployment.engine) as session:
        waiting = unmailed_mentions(session, now)
    sent, faults = 0, []
    for mention_id in waiting:
        try:
            with process_lock(deployment.engine, f"mailing {mention_id}"):
                sent += _mail(deployment, now, mention_id)
        except CjpFraudError as error:
            faults.append(f"writing about mention {mention_id}: {error}")
    if faults:
        raise CjpFraudError("; ".join(faults))
    return sent


def _mail(deployment: Deployment, now: datetime, mention_id: str) -> int:
    with transaction(deployment.engine) as session:
        mention = choose_mail(Decision(session, _MAILER, now), mention_id)
    if mention is None:
        return 0
    fault = send_to_staff(deployment, now, _written(deployment, mention))
    outcome = MailOutcome.SENT if fault is None else MailOutcome.FAILED
    with transaction(deployment.engine) as session:
        record_mail(Decision(session, _MAILER, now), mention_id, outcome, fault or "taken")
    return int(fault is None)


def _written(deployment: Deployment, mention: MentionToMail) -> StaffMail:
    language = spoken(mention.language)
    words = said(MENTION, language, by=mention.by, case=mention.case)
    return StaffMail(
        id=mention.id,
        address=mention.address,
        language=language,
        subject=words.subject,
        body="\n\n".join(filter(None, (words.body, queue_link(deployment, f"/cases/{mention.case}")))),
        dated=mention.at,
    )
