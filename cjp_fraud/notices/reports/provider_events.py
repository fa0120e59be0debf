"""Notifications of a mail provider's machines that come as JSON in a mail (Amazon SES through SNS)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from email.message import Message
from typing import Any, Final

from cjp_fraud.notices.reports import mime
from cjp_fraud.notices.reports.model import FAILED, RecipientReport, ReportKind
from cjp_fraud.notices.reports.status_codes import code_in, status_of_field

_FOLD = re.compile(r"!\s*\n ")
_CLASS: Final = {"permanent": "5.0.0", "transient": "4.0.0"}


def event_of(message: Message) -> tuple[ReportKind, tuple[RecipientReport, ...]] | None:
    """Return what a notification says; None: it is none, or tells of neither a bounce nor a complaint."""
    text = _FOLD.sub("", mime.words_of(message)).lstrip()
    if not text.startswith("{"):
        return None
    try:
        document, _ = json.JSONDecoder(strict=False).raw_decode(text)
        while isinstance(document, Mapping) and isinstance(document.get("Message"), str):
            document = json.loads(document["Message"])
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, Mapping):
        return None
    kind = str(document.get("notificationType") or document.get("eventType") or "").lower()
    details = document.get(kind)
    if not isinstance(details, Mapping):
        return None
    if kind == "bounce":
        general = _CLASS.get(str(details.get("bounceType")).lower())
        people = _people(details.get("bouncedRecipients"))
        return ReportKind.BOUNCE, tuple(_bounced(each, general) for each in people)
    if kind == "complaint":
        people = _people(details.get("complainedRecipients"))
        return ReportKind.COMPLAINT, tuple(
            RecipientReport(_text(each.get("emailAddress"))) for each in people
        )
    return None


def _people(value: Any) -> list[Mapping[str, Any]]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _bounced(each: Mapping[str, Any], general: str | None) -> RecipientReport:
    status = status_of_field(_text(each.get("status")) or "") or code_in(
        _text(each.get("diagnosticCode")) or ""
    )
    action = (_text(each.get("action")) or FAILED).lower()
    return RecipientReport(_text(each.get("emailAddress")), action, status or general)


def _text(value: Any) -> str | None:
    return mime.storable(value) if isinstance(value, str) and value else None
