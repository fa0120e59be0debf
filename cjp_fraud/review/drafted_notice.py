"""The notice of what a proposal asks for: drafted, what the approver should know of it, and what letters lack."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.contract_reader import recipients
from cjp_fraud.contracts.position import Contract
from cjp_fraud.contracts.terms import OUT_OF_BAND
from cjp_fraud.documents import to_document
from cjp_fraud.errors import BadInputError, Refused
from cjp_fraud.notices.letter_facts import Letter
from cjp_fraud.notices.plan_drafting import draft_plan
from cjp_fraud.notices.plans import PlanDraft
from cjp_fraud.review.provider_policy import ProviderPolicy


@dataclass(frozen=True, slots=True)
class DraftedNotice:
    """A notice plan's document, or why there can be none; ``remarks`` are for the approver."""

    document: dict[str, Any] | None
    faults: tuple[str, ...]
    remarks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Noticed:
    """How the notice of a measure goes: to every address or not, and what the measure waits for after it.

    Parameters
    ----------
    waits : whether the measure waits for the periods of the terms.
    not_before : before when it does not begin in any case, as earlier letters of the case state; None: none does.
    """

    everywhere: bool = False
    waits: bool = True
    not_before: datetime | None = None


def draft_notice(
    session: Session,
    position: Contract,
    letter: Letter,
    at: datetime,
    methods: frozenset[str] | None,
    noticed: Noticed,
) -> DraftedNotice:
    """Draft the notice plan of a suspension; a tenant that cannot be served yet gets the reasons instead.

    Parameters
    ----------
    methods : by which the deployment serves; None: not known.
    noticed : to whom, and what the measure waits for.
    """
    terms, everywhere = position.notice_terms, noticed.everywhere
    roles = None if everywhere or terms is None else terms.address_roles
    served = recipients(session, position.tenant_id, roles, at) if terms else ()
    try:
        draft = draft_plan(
            position,
            served,
            letter,
            methods,
            everywhere=everywhere,
            waits=noticed.waits,
            not_before=noticed.not_before,
        )
        return DraftedNotice(to_document(draft), (), _remarks(draft) if everywhere else ())
    except Refused as refused:
        return DraftedNotice(None, refused.missing)
    except BadInputError as error:
        return DraftedNotice(None, (str(error),))


def _remarks(draft: PlanDraft) -> tuple[str, ...]:
    """Return what an approver is told of a notice that goes to every address, because of a taken-over account."""
    contacts = [each for each in draft.recipients if each.role == OUT_OF_BAND and each.replaced_at is None]
    passed_over = sorted({each.method for each in draft.recipients} & set(draft.not_served))
    return (
        "the account may have been taken over: every address of the contract is served, by every method at once",
        *(
            ()
            if contacts
            else (f"no out-of-band contact is on record (contracts load: an address of role {OUT_OF_BAND})",)
        ),
        *(
            f"addresses for {method} are not served: this deployment does not serve by it"
            for method in passed_over
        ),
    )


def letter_faults(policy: ProviderPolicy, position: Contract) -> list[str]:
    """Return what a letter must say and is not known, a sentence each; none in ``observe``, where no letter leaves."""
    if policy.mode is not PlatformMode.ACT:
        return []
    checks = (
        (
            policy.sender.is_named,
            "letters name no legal name of the provider; set CJP_FRAUD_PROVIDER_LEGAL_NAME",
        ),
        (
            policy.sender.contact is not None,
            "letters name no contact beside the address that they come from; set CJP_FRAUD_CONTACT",
        ),
        (
            position.customer_name is not None,
            "the customer's legal name is not on record; give it in the tenants file (name)",
        ),
    )
    return [sentence for holds, sentence in checks if not holds]
