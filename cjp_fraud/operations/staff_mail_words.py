"""The words of mails to the staff, in each reader's language: English here, every other one in a catalogue."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Final

from babel.dates import format_datetime
from babel.support import NullTranslations

from cjp_fraud.catalogues import _, read_catalogue, translations_of

CATALOGUES: Final = files("cjp_fraud.operations") / "locales"
ENGLISH: Final = "en"


@dataclass(frozen=True, slots=True)
class MailWords:
    """What a mail says in one language."""

    subject: str
    body: str


MENTION: Final = MailWords(
    _("%(by)s mentions you in case %(case)s"),
    _("%(by)s mentions you in a comment on case %(case)s. Open the case to read it."),
)
APPROVAL_WAITS: Final = MailWords(
    _("Case %(case)s waits for approval"),
    _("Case %(case)s waits for approval since %(moment)s. You are the next on call (page %(step)s of 3)."),
)
CASE_WAITS: Final = MailWords(
    _("Case %(case)s waits for a reviewer"),
    _("Case %(case)s waits for a reviewer since %(moment)s. You are on call."),
)
CASES_WAIT: Final = MailWords(
    _("%(count)s new cases wait for a reviewer"),
    _("%(count)s new cases wait for a reviewer since %(moment)s: %(cases)s. You are on call."),
)
AND_OTHERS: Final = _("%(cases)s and others")


def said(what: MailWords, language: str, **values: object) -> MailWords:
    """Return a mail's words in a language, filled; in English where there is no catalogue of it.

    Parameters
    ----------
    values : what fills the messages; an aware moment is written in UTC.
    """
    filled = {name: _filled(value, language) for name, value in values.items()}
    return MailWords(*(in_language(message, language) % filled for message in (what.subject, what.body)))


def in_language(message: str, language: str) -> str:
    """Return a message in a language, not filled yet."""
    return str(_translations(language).gettext(message))


def spoken(language: str | None) -> str:
    """Return a language of which there is a catalogue: the one that is asked for, else English."""
    return language if language is not None and _is_there(language) else ENGLISH


def _filled(value: object, language: str) -> str:
    if not isinstance(value, datetime):
        return str(value)
    if language == ENGLISH:
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M}Z"
    return f"{format_datetime(value.astimezone(UTC), 'd MMM y, HH:mm', locale=language)} UTC"


@cache
def _is_there(language: str) -> bool:
    return language == ENGLISH or (CATALOGUES / language / "LC_MESSAGES" / "mails.po").is_file()


@cache
def _translations(language: str) -> NullTranslations:
    if language == ENGLISH or not _is_there(language):
        return NullTranslations()
    content = (CATALOGUES / language / "LC_MESSAGES" / "mails.po").read_bytes()
    return translations_of(read_catalogue(content, language))
