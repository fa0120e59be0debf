"""Draft a notice plan from a contract, its recipients and what the letters say; a pure rule."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from cjp_fraud.contracts.model import DEFAULT_LANGUAGE, Recipient
from cjp_fraud.contracts.receipt_rule import Basis
from cjp_fraud.contracts.servable import methods_not_served, why_not_served
from cjp_fraud.contracts.stated import stated
from cjp_fraud.contracts.terms import Combine, MethodRule, NoticeStep, NoticeTerms
from cjp_fraud.errors import refuse_unless
from cjp_fraud.notices.letter_facts import Letter
from cjp_fraud.notices.letter_languages import LANGUAGES, letter_language
from cjp_fraud.notices.letters import Addressee, render
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.notices.plans import PlanDraft, follow_up_rules, served_roles
from cjp_fraud.notices.statement_of_reasons import (
    StatementOfReasons,
    bodies_outside,
    profile_faults,
    statement_of,
)

if TYPE_CHECKING:
    from cjp_fraud.contracts.position import Contract


def draft_plan(
    position: Contract,
    recipients: tuple[Recipient, ...],
    letter: Letter,
    methods: frozenset[str] | None = None,
    *,
    everywhere: bool = False,
    terms: NoticeTerms | None = None,
    waits: bool = True,
    not_before: datetime | None = None,
) -> PlanDraft:
    """Draft a plan: pure, so that the same facts give the same bytes.

    A suspension is noticed as the contract says. Another kind goes as the contract says of it, where ``recipients`` has
    all the addresses for that, and else once to everybody in it, by the method of each address.

    Parameters
    ----------
    methods : by which the deployment serves; a step that cannot be completed by these is refused. None: not known, and
        dispatch refuses what it cannot serve.
    everywhere : whether all of ``recipients`` are served, and by every method at once: the account may have been taken
        over. Where it is not known by which methods the deployment serves, by those that the terms name.
    terms : how it is served; None: as the contract says of its kind.
    waits, not_before : see :class:`~cjp_fraud.notices.plans.PlanDraft`.

    Raises
    ------
    Refused
        Naming all that stands in the way: terms not read, a role without an address, no letter in the
        contract's language.
    """
    by_contract = letter.kind is NoticeKind.SUSPENSION or terms is not None
    terms = _terms_for(position, letter.kind, recipients, methods, terms)
    unread = position.notice_terms_fault or "the notice clause has not been read"
    language = (stated(terms.language) if terms is not None else None) or position.language
    written_in = letter_language(language)
    letter = _under_contract(letter, position)
    statement = statement_of(letter, position, written_in or DEFAULT_LANGUAGE)
    refuse_unless(
        (terms is not None, unread if by_contract else "there is nobody to be served"),
        (written_in is not None, _no_letter_in(language)),
        *((False, sentence) for sentence in _obstacles(terms, recipients, methods, statement)),
        action=f"draft the {letter.kind} notice of tenant {position.tenant_id}",
    )
    assert terms is not None
    rendered = render(under_terms(letter, terms, waits=waits), addressee(position, language))
    return PlanDraft(
        kind=letter.kind,
        tenant_id=position.tenant_id,
        time_zone=position.time_zone,
        language=rendered.language,
        template=rendered.template,
        template_version=rendered.template_version,
        subject=rendered.subject,
        body=rendered.body,
        clause=position.clause,
        terms=terms,
        recipients=recipients,
        lasts_hours=int(letter.lasts / timedelta(hours=1)) if letter.lasts is not None else None,
        term_to=position.term_to,
        dispute_days=letter.sender.dispute_days,
        locale=rendered.locale,
        not_served=_not_served(terms, recipients, methods, by_contract=by_contract, everywhere=everywhere),
        business_calendars=position.calendars.calendars,
        statement=statement,
        everywhere=everywhere,
        waits=waits,
        not_before=not_before,
    )


def _no_letter_in(language: str) -> str:
    return f"the contract's language is {language} and there is no letter in it; there are {', '.join(LANGUAGES)}"


def _obstacles(
    terms: NoticeTerms | None,
    recipients: tuple[Recipient, ...],
    methods: frozenset[str] | None,
    statement: StatementOfReasons | None,
) -> Iterator[str]:
    """Yield what is missing of addresses, of methods and of the statement of reasons."""
    yield from _without_address(terms, recipients, methods)
    if terms is not None:
        yield from methods_not_served(terms, methods)
    if statement is not None:
        yield from profile_faults(statement)


def _under_contract(letter: Letter, position: Contract) -> Letter:
    """Return a letter with the bodies outside that the contract names and the provision that it relies on."""
    provision = None
    if letter.kind is NoticeKind.SUSPENSION and position.terms is not None:
        provision = position.terms.provision_without_notice(letter.measure, letter.grounds)
    return replace(letter, other_redress=bodies_outside(position.reason_profiles), provision=provision)


def under_terms(letter: Letter, terms: NoticeTerms, *, waits: bool = True) -> Letter:
    """Return a letter with what it says of the way in which the terms want a suspension noticed."""
    if letter.kind is not NoticeKind.SUSPENSION:
        return letter
    return replace(
        letter, waits_for_post=bool(terms.steps_by_post), in_sequence=waits and len(terms.steps) > 1
    )


def _not_served(
    terms: NoticeTerms,
    recipients: tuple[Recipient, ...],
    methods: frozenset[str] | None,
    *,
    by_contract: bool,
    everywhere: bool,
) -> tuple[str, ...]:
    """Return the methods that a plan passes over, because the deployment does not serve by them."""
    named = terms.method_names if by_contract else frozenset[str]()
    if everywhere:
        named |= {recipient.method for recipient in recipients}
    served = methods if methods is not None else (terms.method_names if everywhere else named)
    return tuple(sorted(named - served))


def _terms_for(
    position: Contract,
    kind: NoticeKind,
    recipients: tuple[Recipient, ...],
    methods: frozenset[str] | None,
    given: NoticeTerms | None,
) -> NoticeTerms | None:
    """Return how a letter goes: a suspension's notice as the contract says, another as given.

    Where nothing is given, another goes as the contract says of its kind if that can be done, and else once to all.
    """
    if kind is NoticeKind.SUSPENSION:
        return position.notice_terms
    if given is not None:
        return given
    said = position.terms.notices(kind) if position.terms is not None else None
    if said is None or _without_address(said, recipients, methods) or methods_not_served(said, methods):
        return _once_to_all(tuple(each for each in recipients if methods is None or each.method in methods))
    return said


def addressee(position: Contract, tag: str) -> Addressee:
    """Return to whom a letter under a contract is written, in the language ``tag`` (BCP 47)."""
    document, clause = position.right_given_in
    return Addressee(
        tag=tag,
        reference=position.tenant_id,
        time_zone=position.time_zone,
        document=document,
        clause=clause,
        notice_clause=position.notice_clause,
        service=position.product,
    )


def _once_to_all(recipients: tuple[Recipient, ...]) -> NoticeTerms | None:
    roles: dict[str, list[str]] = {}
    for recipient in recipients:
        roles.setdefault(recipient.method, []).append(recipient.role)
    if not roles:
        return None
    rules = tuple(
        MethodRule(method, Basis.SENT, tuple(dict.fromkeys(names))) for method, names in roles.items()
    )
    return NoticeTerms((NoticeStep(1, Combine.ALL_OF, rules),))


def _without_address(
    terms: NoticeTerms | None, recipients: tuple[Recipient, ...], methods: frozenset[str] | None = None
) -> list[str]:
    """Say which roles of the terms have no address in force; a method cannot be served without one."""
    if terms is None:
        return []
    sentences = []
    for step in terms.steps:
        for rule in (*step.methods, *follow_up_rules(step)):
            if why_not_served(rule, methods) is not None:
                continue
            for role, is_copy in served_roles(rule, recipients):
                in_force = [
                    recipient
                    for recipient in recipients
                    if recipient.role == role
                    and recipient.method == rule.method
                    and not recipient.replaced_at
                ]
                if not in_force and not is_copy:
                    sentences.append(
                        f"no {rule.method} address of role {role!r} is in force (step {step.number}); where it was "
                        "erased, enter it again: cjp-fraud tenants load"
                    )
    return list(dict.fromkeys(sentences))
