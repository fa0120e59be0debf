"""Put on record that the customer was asked whether it was them, and what they answered.

The question itself goes by telephone or from a mailbox of the provider's; what was asked and answered is on record.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.contracts.tables import Address, Subscription
from cjp_fraud.contracts.terms import OUT_OF_BAND
from cjp_fraud.errors import refuse_unless
from cjp_fraud.people.model import Decision, Part, Role
from cjp_fraud.people.participation import record_part
from cjp_fraud.review.cases import in_words, lock_case, note, write_comment
from cjp_fraud.review.claim import put_case_aside
from cjp_fraud.review.customer_question import WAITS, Askable, OutOfBandContact, askable, chosen_contact
from cjp_fraud.review.leases import CLAIMABLE, end_waits
from cjp_fraud.review.model import Awaited, CommentKind, CustomersAnswer
from cjp_fraud.review.queue_tables import CustomerQuestion
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.read_rows import rows_kept

# Made once: to make a statement takes longer than to run it.
_CONTACTS: Final = (
    select(Address, PersonalText.body)
    .join(Subscription, Subscription.id == Address.subscription_id)
    .join(PersonalText, PersonalText.id == Address.text_id)
    .where(
        Subscription.tenant_id == bindparam("tenant_id"),
        Address.role == OUT_OF_BAND,
        Address.counts_at(bindparam("at")),
    )
    .order_by(Address.id)
)
_QUESTIONS: Final = (
    select(CustomerQuestion)
    .where(CustomerQuestion.case_id == bindparam("case_id"))
    .order_by(CustomerQuestion.asked_at, CustomerQuestion.id)
)


def contacts_to_ask(session: Session, case: Case, at: datetime) -> Askable:
    """Return through whom a case's customer may be asked at ``at`` (aware)."""
    if not _may_have_contacts(session, case.tenant_id):
        return askable([], case.first_flag_at)
    rows = session.execute(_CONTACTS, {"tenant_id": case.tenant_id, "at": at})
    contacts = [
        OutOfBandContact(row.id, row.method, text, row.recorded_at, row.verified_at) for row, text in rows
    ]
    return askable(contacts, case.first_flag_at)


def _may_have_contacts(session: Session, tenant_id: str) -> bool:
    """Whether the tenant may have out-of-band contacts; where its addresses are read already, whether it has."""
    subscriptions = rows_kept(session, Subscription, tenant_id)
    if subscriptions is None:
        return True
    addresses = (row for each in subscriptions for row in rows_kept(session, Address, each.id) or ())
    return any(row.role == OUT_OF_BAND for row in addresses)


def ask_customer(decision: Decision, case_id: str, contact_id: str | None, words: str) -> Case:
    """Put on record that a person asks a customer's out-of-band contact, and put the case aside for the answer.

    The service clock stands still until the answer, for 15 minutes at most; exposure runs on.

    Parameters
    ----------
    contact_id : id of the contact's address; None: the only one.
    words : what is asked.

    Raises
    ------
    Refused
        Names everything that is missing.
    """
    session, by, at = decision.session, decision.by, decision.at
    case = lock_case(session, case_id)
    able = contacts_to_ask(session, case, at)
    contact = chosen_contact(able.contacts, contact_id)
    refuse_unless(
        *((False, fault) for fault in able.faults),
        (
            contact is not None or not able.contacts,
            f"name the contact by its id: {', '.join(each.address_id for each in able.contacts)}",
        ),
        (bool(words.strip()), "say what is asked"),
        (open_question(session, case.id) is None, "the customer was asked already; record the answer first"),
        action=f"ask the customer of {in_words(case)}",
    )
    assert contact is not None, "it was refused otherwise"
    assert by.user_id is not None, "put_case_aside refuses machines"
    put_case_aside(decision, case_id, at + WAITS, Awaited.CUSTOMER)
    text = write_comment(decision, case, CommentKind.ASKED_CUSTOMER, words)
    record_part(session, by, Part.COMMENTED, case.tenant_id, at, case_id=case.id)
    question = CustomerQuestion(
        case_id=case.id,
        address_id=contact.address_id,
        asked_by=by.user_id,
        asked_at=at,
        waits_until=at + WAITS,
    )
    session.add(question)
    session.flush()
    content = {"question_id": question.id, "address_id": contact.address_id, "until": question.waits_until}
    note(decision, case, "case.customer_asked", content, text)
    return case


def record_answer(decision: Decision, case_id: str, answer: CustomersAnswer | None, words: str) -> Case:
    """Put on record what the customer answered, as a statement; the case is back in the queue.

    Raises
    ------
    Refused
        Names everything that is missing.
    """
    session, by, at = decision.session, decision.by, decision.at
    case = lock_case(session, case_id)
    question = open_question(session, case.id)
    refuse_unless(
        (by.may(Role.ANALYST, Role.REVIEWER), f"{by} is neither an analyst nor a reviewer"),
        (case.state in CLAIMABLE, f"it is {case.state}; an answer counts before the case is decided"),
        (question is not None, "the customer was not asked, or has answered"),
        (answer is not None, f"say what the answer is: {', '.join(CustomersAnswer)}"),
        (bool(words.strip()), "give the customer's words"),
        action=f"record what the customer of {in_words(case)} answered",
    )
    assert question is not None, "it was refused otherwise"
    text = write_comment(decision, case, CommentKind.CUSTOMERS_ANSWER, words)
    record_part(session, by, Part.COMMENTED, case.tenant_id, at, case_id=case.id)
    question.answer, question.answered_at, question.answer_recorded_by = answer, at, by.user_id
    end_waits(session, case.id, at)
    content = {"question_id": question.id, "answer": answer, "state": case.state}
    note(decision, case, "case.customer_answered", content, text)
    return case


def open_question(session: Session, case_id: str) -> CustomerQuestion | None:
    """Return the case's question that has no answer yet; None: there is none."""
    return session.scalar(
        select(CustomerQuestion).where(
            CustomerQuestion.case_id == case_id, CustomerQuestion.answered_at.is_(None)
        )
    )


def questions_of(session: Session, case_id: str) -> Sequence[CustomerQuestion]:
    """Return all questions of a case, the oldest first."""
    return session.scalars(_QUESTIONS, {"case_id": case_id}).all()
