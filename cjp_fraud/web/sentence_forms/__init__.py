"""The forms of sentences that operations answer: English, with fields for what fills them.

A field is named for the kind of its value (``num``, ``moment``, ``kind``; :mod:`cjp_fraud.web.sentence_values`), with a
number behind it where a sentence has two: ``%(num_2)s``. Its French stands in the catalogue that is named like the
module (``said_gate.po``), and so does any other language.
"""

from __future__ import annotations

from typing import Final

from cjp_fraud.web.sentence_forms import (
    accounts,
    acts,
    contracts,
    flags,
    frequent,
    gate,
    grounds,
    measures,
    records,
    settings,
    terms,
)

FORMS: Final[tuple[str, ...]] = (
    *frequent.FORMS,
    *gate.FORMS,
    *measures.FORMS,
    *acts.FORMS,
    *accounts.FORMS,
    *flags.FORMS,
    *contracts.FORMS,
    *grounds.FORMS,
    *terms.FORMS,
    *settings.FORMS,
    *records.FORMS,
)
"""The first that fits says a sentence."""
