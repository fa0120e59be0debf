"""The words of the notice page and of the mails with its codes, in each language of the letters."""

from __future__ import annotations

from cjp_fraud.notices.letter_catalogues import PAGE, Words, words
from cjp_fraud.notices.letter_languages import letter_language


def page_words(tag: str) -> Words:
    """Return the words for a language tag (``fr-CA``, ``es_MX``); those of English where there are none in it."""
    return words(tag if letter_language(tag) is not None else "en", PAGE)


def page_named(language: str) -> str:
    """Return the sentence before the link at the end of a letter."""
    return page_words(language).gettext(
        "You can also read this letter, and confirm that you have read it, on its page. The page asks for a code, "
        "which is sent to an address that your contract names:"
    )


def code_mail(language: str, provider: str, code: str, minutes: int) -> tuple[str, str]:
    """Return subject and text of the mail that brings a code."""
    said = page_words(language)
    sentences = (
        said.gettext("Your code for the notice page of %(provider)s:", provider=provider),
        code,
        said.gettext(
            "It is valid for %(minutes)s minutes and opens one notice. If you did not ask for it, do nothing: without "
            "it the page stays closed.",
            minutes=str(minutes),
        ),
        said.gettext(
            "Type it only on the page that you opened yourself. Nobody of us will ever ask you for it."
        ),
    )
    return said.gettext("Code for the notice page of %(provider)s", provider=provider), "\n\n".join(
        sentences
    ) + "\n"
