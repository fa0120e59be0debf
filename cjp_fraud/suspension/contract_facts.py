"""Read what the gate asks about a contract."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy.orm import Session

from cjp_fraud.contracts.confirmation import feed_standing
from cjp_fraud.contracts.contract_reader import contract_at
from cjp_fraud.contracts.position import Contract
from cjp_fraud.contracts.servable import methods_not_served
from cjp_fraud.contracts.stated import stated
from cjp_fraud.notices.letter_languages import letter_language
from cjp_fraud.review.provider_policy import ProviderPolicy
from cjp_fraud.review.tables import Case
from cjp_fraud.suspension.model import ContractFact


def position_fact(position: Contract, at: datetime, methods: frozenset[str] | None = None) -> ContractFact:
    """Return what the gate asks about a contract at ``at`` (aware), but for what feeds changed.

    Parameters
    ----------
    methods : by which the deployment serves notices; None: not known, and no method is missing.
    """
    terms = position.notice_terms
    unread = position.notice_terms_fault or "the notice clause has not been read"
    language = (stated(terms.language) if terms is not None else None) or position.language
    return ContractFact(
        right=position.right,
        deployment_accepted=position.deployment_accepted,
        term_faults=position.term_faults(at),
        term_running=position.term_running(at),
        language=letter_language(language),
        longest_measure=position.longest_measure,
        critical=position.critical,
        versions=position.versions,
        feed=None,
        former_address_erased=position.former_address_erased,
        terms_faults=(unread,) if terms is None else methods_not_served(terms, methods),
        deployment_fault=position.deployment_fault,
        terms=position.terms,
        calendars=position.calendars,
        governing_faults=position.governing.faults if position.governing is not None else (),
        country=position.country,
    )


def contract_fact(session: Session, case: Case, policy: ProviderPolicy, at: datetime) -> ContractFact:
    """Return where a case's tenant stands under its contract at ``at`` (aware)."""
    contract = position_fact(contract_at(session, case.tenant_id, at), at, policy.methods)
    return replace(contract, feed=feed_standing(session, case.tenant_id, case.id))
