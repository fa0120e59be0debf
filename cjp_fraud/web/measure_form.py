"""The fields of a form that say what is to be restricted."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import timedelta

from pydantic import ConfigDict
from pydantic.dataclasses import dataclass

from cjp_fraud.contracts.restriction import CallsInProgress, MeasureKind, Scope
from cjp_fraud.digests import canonical_json
from cjp_fraud.documents import from_document, to_document
from cjp_fraud.errors import BadInputError, CjpFraudError
from cjp_fraud.operations.measure_choice import OfferedMeasure
from cjp_fraud.review.requests import MeasureWanted
from cjp_fraud.web.access import Form


@dataclass(frozen=True, slots=True, config=ConfigDict(extra="forbid"))
class _Offered:
    """A measure that a page offers, as the value of its radio button."""

    kind: MeasureKind
    scope: Scope


def choice_of(measure: OfferedMeasure) -> str:
    """Return an offered measure as the value of a field, from which :func:`measure_in` reads it."""
    return canonical_json(to_document(_Offered(measure.kind, measure.scope))).decode()


def measure_in(form: Form, of: str = "") -> MeasureWanted:
    """Return the measure that a form asks for.

    Its fields are ``offered`` (one that the page offered), or ``measure``, ``channel``, ``direction``, ``rate``, and,
    several by blanks or commas, ``application``, ``principal``, ``destination``, ``origin``; and in both cases
    ``hours``, ``calls`` and ``why_wider``. Who fills in ``measure`` means it, and not what the page offered.

    Parameters
    ----------
    of : how the names of the fields end, where the form describes several measures.

    Raises
    ------
    BadInputError
        If a number is none, or what was offered is no measure.
    """
    kind, offered = form.get(f"measure{of}"), form.get(f"offered{of}")
    hours, rate = _whole_number(form, f"hours{of}"), _whole_number(form, f"rate{of}")
    duration = timedelta(hours=hours) if hours is not None else None
    said = form.get(f"calls{of}")
    calls = CallsInProgress(said) if said in list(CallsInProgress) else None
    why_wider = form.get(f"why_wider{of}").strip() or None
    if offered and not kind:
        chosen = _offered_in(offered)
        scope = replace(chosen.scope, calls_in_progress=calls)
        return MeasureWanted(chosen.kind, scope, duration, why_wider)
    return MeasureWanted(
        kind=MeasureKind(kind) if kind in list(MeasureKind) else None,
        scope=Scope(
            channels=form.all(f"channel{of}"),
            directions=form.all(f"direction{of}"),
            application_ids=_listed(form, f"application{of}"),
            principal_ids=_listed(form, f"principal{of}"),
            destination_prefixes=_listed(form, f"destination{of}"),
            origins=_listed(form, f"origin{of}"),
            contacts_per_hour=rate,
            calls_in_progress=calls,
        ),
        duration=duration,
        why_wider=why_wider,
    )


def _offered_in(value: str) -> _Offered:
    try:
        return from_document(_Offered, json.loads(value))
    except (ValueError, RecursionError, CjpFraudError) as error:
        raise BadInputError(
            "what was chosen is no measure that the page offered; load the page again"
        ) from error


def _listed(form: Form, name: str) -> tuple[str, ...]:
    return tuple(word for text in form.all(name) for word in re.split(r"[\s,;]+", text) if word)


def _whole_number(form: Form, name: str) -> int | None:
    text = form.get(name).strip()
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 6:
        raise BadInputError(f"{name} is {text!r}; give a whole number")
    return int(text)
