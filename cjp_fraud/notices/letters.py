"""Letters: what a notice says, in the contract's language, from templates that carry their version.

A letter is written in two stages. All that is decided goes in when the proposal is drawn up (``{{ name }}`` in
the templates); what only the dispatch knows stays a placeholder (``⟦name⟧``, :data:`AT_DISPATCH`) until then.
Moments, numbers and plurals are written as the letter's language writes them (:mod:`cjp_fraud.notices.letter_words`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, FunctionLoader, StrictUndefined

from cjp_fraud.contracts.model import OFFERED_CLAUSE
from cjp_fraud.digests import sha256_hex
from cjp_fraud.errors import BadInputError
from cjp_fraud.notices import letter_phrases as phrases
from cjp_fraud.notices.letter_catalogues import catalogue_version, words
from cjp_fraud.notices.letter_dates import LetterDates
from cjp_fraud.notices.letter_facts import Letter, Staged
from cjp_fraud.notices.letter_languages import LANGUAGES, letter_language, letter_locale
from cjp_fraud.notices.letter_measures import measure_in_words
from cjp_fraud.notices.letter_moments import moment, zone_in_words
from cjp_fraud.notices.letter_traffic import seen_in_words
from cjp_fraud.notices.letter_words import enumerated, hours
from cjp_fraud.notices.model import NoticeKind

TEMPLATES: Final = files("cjp_fraud.notices") / "templates"
"""One template for each kind, and the parts that several share, in English; the catalogues translate them."""

AT_DISPATCH: Final = (
    "approval",
    "customer_name",
    "dispatched_on",
    "dispute_until",
    "effective_from",
    "ends_at",
    "notice_number",
    "sequence",
)
"""Placeholders that are filled at dispatch."""


@dataclass(frozen=True, slots=True)
class Addressee:
    """To whom a letter is written, and under which contract.

    Parameters
    ----------
    tag : the contract's language.
    reference : how the customer is referred to (the tenant's id; the name is filled in at dispatch).
    time_zone : IANA zone of the customer.
    document, clause : the document that gives the right, and the clause in it; None: not known.
    notice_clause : where the provisions on notices stand; None: not known.
    service : what is provided, by its name; None: it has none on record.
    """

    tag: str
    reference: str
    time_zone: str
    document: str | None
    notice_clause: str | None
    clause: str | None = OFFERED_CLAUSE
    service: str | None = None


@dataclass(frozen=True, slots=True)
class RenderedLetter:
    """Subject and body, with the placeholders of :data:`AT_DISPATCH` left, and where they came from.

    Parameters
    ----------
    language : of the words.
    locale : the language with the contract's region, by which numbers and dates are written (``es_MX``).
    """

    language: str
    locale: str
    template: str
    template_version: str
    subject: str
    body: str


def render(letter: Letter, to: Addressee) -> RenderedLetter:
    """Write a letter, all but what only its dispatch knows.

    Raises
    ------
    BadInputError
        If there is no template in that language: letters are never sent in another one.
    """
    language = letter_language(to.tag)
    if language is None:
        raise BadInputError(
            f"there is no letter in language {to.tag!r}; there are {', '.join(LANGUAGES)}. A notice must be in "
            "the contract's language: have the templates translated, or have counsel check the one on record"
        )
    locale = letter_locale(to.tag)
    at_dispatch = {"cure_until": "⟦effective_from⟧"} if letter.cure_until is None else {}
    fields = {name: _as_text(value) for name, value in _fields(letter, to, locale).items()} | at_dispatch
    subject, _, body = (
        _environment(locale).get_template(f"{letter.kind}.txt").render(fields).partition("\n---\n")
    )
    return RenderedLetter(
        language=language,
        locale=locale,
        template=f"{letter.kind}.{language}",
        template_version=f"template {_template_version(letter.kind)}, words {catalogue_version(language)}",
        subject=subject,
        body=f"{body}\n",
    )


def fill_at_dispatch(text: str, values: Mapping[str, str]) -> str:
    """Fill the placeholders that were left for the dispatch; all that the text has must be given."""
    return DISPATCHED.from_string(text).render(values)


def values_at_dispatch(
    dates: LetterDates,
    *,
    customer_name: str,
    notice_number: str,
    time_zone: str,
    language: str,
    step: int = 1,
    steps: int = 1,
    unless_approved_by: datetime | None = None,
) -> dict[str, str]:
    """Return what the placeholders of :data:`AT_DISPATCH` stand for.

    Parameters
    ----------
    language : may have a region (``es_MX``).
    step, steps : of the notices that the contract wants one after the other, which this is, and how many there are.
    unless_approved_by : when the restriction, which was ordered in an emergency, ends by itself unless another person
        approves it; aware. None: another person has approved it.
    """
    until = moment(unless_approved_by, time_zone, language) if unless_approved_by is not None else None
    values = {
        "approval": phrases.approval(until, language),
        "customer_name": customer_name,
        "dispatched_on": moment(dates.dispatched_at, time_zone, language),
        "dispute_until": moment(dates.dispute_until, time_zone, language),
        "effective_from": moment(dates.effective_from, time_zone, language),
        "notice_number": notice_number,
    }
    if steps > 1:
        values["sequence"] = phrases.place_in_sequence(step, steps, language)
    if dates.ends_at is not None:
        values["ends_at"] = moment(dates.ends_at, time_zone, language)
    return values


def finished_body(body: str, values: Mapping[str, str], language: str, *, simulated_clock: bool) -> str:
    """Return a body as it leaves: filled, under a line that says that its clock is simulated; a line a paragraph.

    Where its lines are broken is the business of the method that serves it.
    """
    text = fill_at_dispatch(body, values)
    return f"{phrases.simulated_clock(language)}\n\n{text}" if simulated_clock else text


def _fields(letter: Letter, to: Addressee, language: str) -> dict[str, Any]:
    """Return what the templates of a language can name; what a kind of letter does not have is left out."""
    said, sender = words(language), letter.sender
    fields: dict[str, Any] = {
        "gap": said.gap,
        "provider": sender.legal_name,
        "contact": sender.contact,
        "reply_to": sender.reply_to,
        "answer": hours(sender.answer_hours, language),
        "customer": to.reference,
        "service": to.service or said.gettext("contact-centre service"),
        "time_zone": zone_in_words(to.time_zone, language),
        "case": letter.case_reference,
        "clause": phrases.clause(to.document, to.clause, to.notice_clause, said),
        "names_contract": letter.kind in _CONTRACT_IN_THE_HEAD or letter.is_about_cap,
        "measure": measure_in_words(letter.measure, letter.scope, language),
        "calls": letter.scope.calls_in_progress,
        "cut_calls_to": enumerated(letter.scope.cut_calls_to, said.locale, "or"),
        "seen": seen_in_words(letter.seen, to.time_zone, said),
        "grounds": "\n".join(f"- {phrases.ground_in_words(ground, language)}" for ground in letter.grounds),
        "announced": phrases.announced(letter.announced, to.time_zone, said),
        "bodies": enumerated(letter.other_redress, language),
        "provision": letter.provision or "",
        "waits_for_post": letter.waits_for_post,
        "in_sequence": letter.in_sequence,
        "consent": letter.consent or "",
        "about_cap": letter.is_about_cap,
        "term_concerned": letter.term_concerned or "",
    }
    moments = {
        "determined_at": letter.determined_at,
        "until": letter.until,
        "began": letter.began,
        "cure_until": letter.cure_until,
    }
    fields |= {
        name: moment(at, to.time_zone, language) if at is not None else "" for name, at in moments.items()
    }
    if letter.lasts is not None:
        fields["lasts"] = hours(int(letter.lasts.total_seconds() // 3600), language)
    return fields | _of_other_letters(letter, to.time_zone, language)


_CONTRACT_IN_THE_HEAD: Final = (NoticeKind.WITHDRAWAL, NoticeKind.REINSTATEMENT, NoticeKind.CAP)
"""Kinds whose text says nowhere else on what part of the contract they rest."""


def _of_other_letters(letter: Letter, time_zone: str, language: str) -> dict[str, Any]:
    """Return what a letter says of what was before it: a restriction that ended, a notice, a dispute."""
    said, withdrawn, answered = words(language), letter.withdrawn, letter.answered
    fields: dict[str, Any] = {
        "why_withdrawn": phrases.why_withdrawn(withdrawn.why, said) if withdrawn is not None else "",
        "may_have_begun": (
            phrases.may_have_begun(said) if withdrawn is not None and withdrawn.may_have_begun else ""
        ),
    }
    if letter.restored is not None:
        fields["restored_at"] = moment(letter.restored.at, time_zone, language)
        fields["why_restored"] = phrases.why_restored(letter.restored.why, said)
    if answered is not None:
        fields |= {
            "disputed_at": moment(answered.received_at, time_zone, language),
            "answered_at": moment(answered.decided_at, time_zone, language),
            "upheld": answered.upheld,
            "in_force": answered.in_force,
            "remains": measure_in_words(*answered.remains, language) if answered.remains else "",
            "narrowed": answered.narrowed,
        }
    if letter.staged is not None:
        fields |= _of_stages(letter.staged, time_zone, language)
    return fields


def _of_stages(staged: Staged, time_zone: str, language: str) -> dict[str, Any]:
    """Return what a letter says of a restriction that is lifted in stages."""
    return {
        "since": moment(staged.since, time_zone, language),
        "still_restricted": measure_in_words(*staged.remains, language),
        "later": [
            {
                "at": moment(stage.earliest_at, time_zone, language),
                "still_restricted": measure_in_words(stage.measure, stage.scope, language),
            }
            for stage in staged.later
        ],
        "lift_at": moment(staged.lift_at, time_zone, language),
    }


def _as_text(value: Any) -> Any:
    """Return people's words so that nothing in them is taken for a placeholder at dispatch."""
    if isinstance(value, list):
        return [{name: _as_text(text) for name, text in each.items()} for each in value]
    return value.replace("⟦", '⟦"⟦"⟧') if isinstance(value, str) else value


def _template_text(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")


@cache
def _environment(locale: str) -> Environment:
    """Return what renders the templates in a language; what is filled in is text and no template."""
    environment = Environment(
        loader=FunctionLoader(_template_text), undefined=StrictUndefined, extensions=["jinja2.ext.i18n"]
    )
    environment.install_gettext_translations(words(locale).translations, newstyle=True)  # type: ignore[attr-defined]
    return environment


@cache
def _template_version(kind: NoticeKind) -> str:
    """Return a digest of a kind's template and of the parts that templates share."""
    kinds = {f"{each}.txt" for each in NoticeKind}
    parts = sorted(entry.name for entry in TEMPLATES.iterdir() if entry.name not in kinds)
    return sha256_hex("\0".join(map(_template_text, (f"{kind}.txt", *parts))).encode())[:16]


DISPATCHED: Final = Environment(
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    variable_start_string="⟦",
    variable_end_string="⟧",
    block_start_string="⟦%",
    block_end_string="%⟧",
    comment_start_string="⟦#",
    comment_end_string="#⟧",
)
"""Reads what was approved: all but ``⟦name⟧`` in it is text, whatever it looks like."""
