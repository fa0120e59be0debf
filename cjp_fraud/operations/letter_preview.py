"""Look at a letter about a case before it leaves: in any language, as text, page or PDF; nothing is written."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from cjp_fraud.audit.tables import PersonalText
from cjp_fraud.contracts.contract_reader import contract_at, recipients
from cjp_fraud.contracts.methods import LETTER
from cjp_fraud.contracts.position import Contract
from cjp_fraud.contracts.tables import Address, Subscription
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, Refused
from cjp_fraud.notices import letter_html, letter_pdf, letter_phrases
from cjp_fraud.notices.letter_chart import LetterFigures
from cjp_fraud.notices.letter_dates import LetterDates
from cjp_fraud.notices.letter_facts import Letter
from cjp_fraud.notices.letter_languages import LANGUAGES, letter_language
from cjp_fraud.notices.letter_words import wrapped
from cjp_fraud.notices.letters import fill_at_dispatch, finished_body, render, values_at_dispatch
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.notices.plan_drafting import addressee, draft_plan, under_terms
from cjp_fraud.notices.postal_address import PostalAddress, country_named, postal_address, window_lines
from cjp_fraud.notices.statement_of_reasons import STATING, statement_of
from cjp_fraud.review.cases import case_id_of
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading
from cjp_fraud.suspension.letter_preview import letter_of_case
from cjp_fraud.suspension.model import Assumed

ALL_LANGUAGES = "all"

_NO_NUMBER = "–"


@dataclass(frozen=True, slots=True)
class PreviewedLetter:
    """A letter that was not sent, under a line that says so; ``body``: a line a paragraph."""

    case: int
    kind: NoticeKind
    language: str
    subject: str
    body: str

    @property
    def text(self) -> str:
        """Subject and body as an email has them, at 72 columns."""
        return f"{wrapped(self.subject)}\n\n{wrapped(self.body)}"

    @property
    def html(self) -> str:
        """The letter as a web page."""
        return letter_html.page(self.subject, self.body, self.language)


@dataclass(frozen=True, slots=True)
class _Look:
    """A case's letter, and what fills in what its dispatch would."""

    case: int
    letter: Letter
    position: Contract
    dates: LetterDates
    simulated: bool


def preview(
    deployment: Deployment,
    now: datetime,
    case: str,
    *,
    kind: NoticeKind = NoticeKind.SUSPENSION,
    language: str | None = None,
    assumed: Assumed | None = None,
) -> tuple[PreviewedLetter, ...]:
    """Return a letter about a case as it would leave at ``now``, in one language or in all; nothing is written.

    Parameters
    ----------
    language : BCP 47, or ``all``; None: the contract's.
    assumed : what is not on record of the case yet.

    Raises
    ------
    BadInputError
        If there are no letters in that language.
    Refused
        Naming what the case lacks for such a letter.
    """
    with reading(deployment.engine) as session:
        row = session.get_one(Case, case_id_of(session, case))
        return letters_of(session, deployment, row, now, kind=kind, language=language, assumed=assumed)


def letters_of(
    session: Session,
    deployment: Deployment,
    row: Case,
    now: datetime,
    *,
    kind: NoticeKind = NoticeKind.SUSPENSION,
    language: str | None = None,
    assumed: Assumed | None = None,
) -> tuple[PreviewedLetter, ...]:
    """Return the same of a case's row, read in a session that others read in too."""
    letter = letter_of_case(session, row, kind, deployment.policy, now, assumed or Assumed())
    position = contract_at(session, row.tenant_id, now)
    dates = _dates(session, position, letter, now)
    look = _Look(row.number, letter, position, dates, deployment.home_clock.simulated)
    return tuple(_written(look, tag) for tag in _languages(language, position))


def preview_pdf(deployment: Deployment, now: datetime, letter: PreviewedLetter) -> bytes:
    """Return a letter that was looked at as it would be printed, addressed to the customer.

    Raises
    ------
    LetterFontError
        If a sign of it is in no font at hand; names the package that has it.
    """
    sender = deployment.policy.sender
    with reading(deployment.engine) as session:
        case = session.get_one(Case, case_id_of(session, str(letter.case)))
        position = contract_at(session, case.tenant_id, now)
        to = _postal(session, position)
        figures = _figures(session, deployment, case, position, letter, now)
    return letter_pdf.pdf(
        letter_pdf.PaperLetter(
            language=letter.language,
            subject=letter.subject,
            body=letter.body,
            sender=sender.legal_name,
            return_address=deployment.settings.postal_address,
            recipient=window_lines(to, home_country(deployment.settings.postal_address)),
            country=to.country,
            dated=_local_date(now, position.time_zone),
            chart=figures.chart() if figures is not None else None,
        ),
        deployment.settings.fonts,
    )


def _figures(
    session: Session,
    deployment: Deployment,
    case: Case,
    position: Contract,
    letter: PreviewedLetter,
    now: datetime,
) -> LetterFigures | None:
    if letter.kind not in STATING:
        return None
    facts = letter_of_case(session, case, letter.kind, deployment.policy, now, Assumed())
    stated = statement_of(facts, position, letter.language)
    return LetterFigures(stated.facts, position.time_zone, letter.language) if stated is not None else None


def home_country(postal: str | None) -> str | None:
    """Return the country of the provider's postal address (its part after the last comma); None: not known."""
    return country_named(postal.rpartition(",")[2]) if postal else None


def _local_date(now: datetime, time_zone: str) -> date:
    return now.astimezone(ZoneInfo(time_zone)).date()


def _languages(wanted: str | None, position: Contract) -> tuple[str, ...]:
    if wanted == ALL_LANGUAGES:
        own = letter_language(position.language)
        return tuple(position.language if language == own else language for language in LANGUAGES)
    tag = wanted or position.language
    if letter_language(tag) is None:
        raise BadInputError(
            f"there are no letters in language {tag!r}; there are {', '.join(LANGUAGES)}, and {ALL_LANGUAGES}"
        )
    return (tag,)


def _dates(session: Session, position: Contract, letter: Letter, at: datetime) -> LetterDates:
    """Return the moments that the letter would state; of a contract that cannot be served yet, without its waits."""
    terms = position.notice_terms
    served = recipients(session, position.tenant_id, terms.address_roles, at) if terms else ()
    try:
        return draft_plan(position, served, letter).dates(at, 1)
    except Refused:
        minute = at.replace(second=0, microsecond=0)
        return LetterDates(
            minute,
            minute,
            minute + letter.lasts if letter.lasts is not None else None,
            minute + timedelta(days=letter.sender.dispute_days),
        )


def _written(look: _Look, tag: str) -> PreviewedLetter:
    position, terms = look.position, look.position.notice_terms
    letter = under_terms(look.letter, terms) if terms is not None else look.letter
    rendered = render(letter, addressee(position, tag))
    values = values_at_dispatch(
        look.dates,
        customer_name=position.customer_name or position.tenant_id,
        notice_number=_NO_NUMBER,
        time_zone=position.time_zone,
        language=rendered.locale,
        steps=len(terms.steps) if terms is not None else 1,
    )
    body = finished_body(rendered.body, values, rendered.language, simulated_clock=look.simulated)
    return PreviewedLetter(
        case=look.case,
        kind=look.letter.kind,
        language=rendered.language,
        subject=fill_at_dispatch(rendered.subject, values),
        body=f"{letter_phrases.not_sent(rendered.language)}\n\n{body}",
    )


def _postal(session: Session, position: Contract) -> PostalAddress:
    """Return the customer's postal address on record; where there is none, its name and country."""
    text = session.scalar(
        select(PersonalText.body)
        .join(Address, Address.text_id == PersonalText.id)
        .join(Subscription, Subscription.id == Address.subscription_id)
        .where(
            Subscription.tenant_id == position.tenant_id,
            Address.method == LETTER,
            Address.valid_to.is_(None),
            PersonalText.body.is_not(None),
        )
        .order_by(Address.id.desc())
        .limit(1)
    )
    if text is None:
        return PostalAddress((position.customer_name or position.tenant_id,), position.country)
    address = postal_address(text)
    return PostalAddress(address.lines, address.country or position.country)
