"""Ask a case's customer "was this you?" through a contact verified before, and put the answer on record.

Each function takes the deployment, the name of the user who acts and the moment ``now`` (aware). ``case`` is a case's
number or id, as people type it.

Raises, in all of them
----------------------
NotFoundError
    If the case or the user is not on record.
Refused
    If something stands in the way; it names everything that does.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from cjp_fraud.deployment import Deployment
from cjp_fraud.operations.cases import CaseStanding
from cjp_fraud.review import customer_questions_on_record as on_record
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.customer_question import OutOfBandContact
from cjp_fraud.review.model import CustomersAnswer
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading


@dataclass(frozen=True, slots=True)
class QuestionToCustomer:
    """What the customer was asked, and where the answer stands.

    Parameters
    ----------
    waits_until : when the case is back in the queue at the latest.
    answer, answered_at : None: not answered.
    """

    asked_at: datetime
    waits_until: datetime
    answer: CustomersAnswer | None
    answered_at: datetime | None


@dataclass(frozen=True, slots=True)
class CustomerAsked:
    """Through whom the customer of a case may be asked, and what was asked before.

    Parameters
    ----------
    contacts : each was on record and verified before the first flag.
    faults : why there is none.
    """

    contacts: tuple[OutOfBandContact, ...]
    faults: tuple[str, ...]
    questions: tuple[QuestionToCustomer, ...]

    @property
    def waits(self) -> bool:
        """Whether a question has no answer yet."""
        return any(question.answered_at is None for question in self.questions)


def customer_asked(deployment: Deployment, now: datetime, case: str) -> CustomerAsked:
    """Return through whom the customer may be asked, and what was asked before."""
    with reading(deployment.engine) as session:
        return asked_of(session, session.get_one(Case, case_id_of(session, case)), now)


def asked_of(session: Session, row: Case, now: datetime) -> CustomerAsked:
    """Return the same of a case's row, read in a session that others read in too."""
    able = on_record.contacts_to_ask(session, row, now)
    questions = tuple(
        QuestionToCustomer(each.asked_at, each.waits_until, each.answer, each.answered_at)
        for each in on_record.questions_of(session, row.id)
    )
    return CustomerAsked(able.contacts, able.faults, questions)


def ask(
    deployment: Deployment, by: str, now: datetime, case: str, words: str, *, contact: str | None = None
) -> CaseStanding:
    """Put on record that a contact is asked; the case is back in the queue on the answer, or after 15 minutes.

    Parameters
    ----------
    contact : id of the contact's address; None: the only one.
    """
    with deployment.deciding(by, now) as decision:
        case_id = case_id_of(decision.session, case)
        return CaseStanding.of(on_record.ask_customer(decision, case_id, contact, words))


def answered(
    deployment: Deployment, by: str, now: datetime, case: str, answer: CustomersAnswer | None, words: str
) -> CaseStanding:
    """Put on record what the customer answered: a statement, which decides nothing by itself."""
    with deployment.deciding(by, now) as decision:
        case_id = case_id_of(decision.session, case)
        return CaseStanding.of(on_record.record_answer(decision, case_id, answer, words))
