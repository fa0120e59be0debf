"""Bounces without a part for machines: what their text says, by rules that hold for all mail systems alike.

RFC 5321, section 6.1: a server that cannot deliver what it took over tells the sender so, in words of its own choice.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from email.message import Message
from typing import Final

from cjp_fraud.notices.reports import mime
from cjp_fraud.notices.reports.addresses import addresses_in, header_addresses
from cjp_fraud.notices.reports.bounce_recipients import recipients_in, said_of
from cjp_fraud.notices.reports.delivery_status import groups_in, recipients_of
from cjp_fraud.notices.reports.model import DELAYED, FAILED, RecipientReport
from cjp_fraud.notices.reports.original import original_of, recipients_of_original, without_original
from cjp_fraud.notices.reports.status_codes import (
    NOT_KNOWN_NEARER,
    class_by_words,
    code_in,
    says_it_failed,
    says_it_is_still_tried,
)

_NAMES_THE_FAILED: Final = ("X-Failed-Recipients", "X-Failed-Recipient")
_DAEMON = re.compile(
    r"mailer-?daemon|mail-?daemon|postmaster|mail[ .]delivery|delivery[ .]?(?:subsystem|system)"
    r"|mail (?:system|administrator)"
    r"|system administrator|\bMTA\b|\bNDR\b|mail router|mail server",
    re.IGNORECASE,
)
_SUBJECT = re.compile(
    r"undeliver|undelivr|deliver\w* (?:status|fail|problem|error|report|notif|delay)|delivery incomplete"
    r"|(?:mail|message) (?:delivery|system|could|not|fail|error|status|undeliver|rejected|returned|bounce)"
    r"|failure (?:notice|delivery|notification)|returned (?:mail|message|to sender|e-?mail)|(?:non"
    r"|un)[- ]?deliver"
    r"|not (?:be )?delivered|could not (?:be )?(?:deliver|send|sent)|rejected|warning: message|delayed"
    r"|bounce|\bNDN\b|\bNDR\b"
    r"|mail failure|delivery has failed|user unknown|host unknown|problem delivering"
    r"|unzustellbar|nicht zugestellt|unzustellbarkeit|non remis|non distribu|échec"
    r"|não (?:foi )?entregue|devuelto|no entregado"
    r"|mancata consegna|onbestelbaar|недоставлен|доставк"
    r"|未配信|配信|不達|エラーメール|送信(?:エラー|失敗|できません)|戻り|返送",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"^>+ ?", re.MULTILINE)
_DISCARDED = re.compile(r"(?im)^(?:\s*>)+ ?")


def names_the_failed(message: Message) -> bool:
    """Whether a header names recipients whom it did not reach."""
    return bool(mime.values(message, *_NAMES_THE_FAILED))


def is_from_a_server(message: Message) -> bool:
    """Whether a message names a mail server as its author."""
    return _DAEMON.search(" ".join(map(mime.decoded, mime.values(message, "From", "Sender")))) is not None


def has_subject_of_one(message: Message) -> bool:
    """Whether the subject is that of a bounce."""
    return _SUBJECT.search(mime.header(message, "Subject")) is not None


def _has_null_sender(message: Message) -> bool:
    return any(
        value.strip().lower() in ("<>", "", "<mailer-daemon>")
        for value in mime.values(message, "Return-Path")
    )


def _is_written_by_a_server(message: Message) -> bool:
    return names_the_failed(message) or is_from_a_server(message) or _has_null_sender(message)


def looks_like_a_bounce(message: Message) -> bool:
    """Whether a message may be a bounce by its headers alone."""
    is_report = message.get_content_type() == "multipart/report" and str(
        message.get_param("report-type", "")
    ).lower() in ("delivery-status", "")
    return is_report or has_subject_of_one(message) or _is_written_by_a_server(message)


def recipients_of_bounce(message: Message) -> tuple[RecipientReport, ...]:
    """Return whom a bounce says it did not reach, and how; empty: its words name no failure, so it may be none."""
    whole = mime.words_of(message)
    if _mostly_quoted(whole):
        whole = _DISCARDED.sub("", whole)
    fields = tuple(
        each
        for each in recipients_of(tuple(groups_in(whole)))
        if each.address and each.action in (FAILED, DELAYED)
    )
    if fields:
        return _each_once(fields)
    words, _ = without_original(whole)
    subject = mime.header(message, "Subject")
    addresses = _addresses(message, words, subject)
    action = DELAYED if says_it_is_still_tried(subject, words) else FAILED
    tells = says_it_failed(f"{subject}\n{words}") or code_in(words) is not None
    if not _is_written_by_a_server(message) and code_in(words) is None:
        return ()  # people write of failures, too; they quote a server's reply where they mean one
    if action == FAILED and not (tells or names_the_failed(message) or is_from_a_server(message)):
        return ()
    return tuple(
        RecipientReport(address, action, _status(words, address, addresses, action)) for address in addresses
    )


def _addresses(message: Message, words: str, subject: str) -> tuple[str, ...]:
    """Return whom a bounce is about: by its header, by its words, by what it brings back, by its subject."""
    named = header_addresses(mime.values(message, *_NAMES_THE_FAILED))
    if named:
        return tuple({address.lower(): address for address in named}.values())
    original = original_of(message, mime.words_of(message))
    found = recipients_in(words, senders=_senders(message, original))
    if found:
        return found
    if original is not None and (returned := recipients_of_original(original)):
        return returned
    return tuple(addresses_in(subject))[:1]


def _senders(message: Message, original: Message | None) -> frozenset[str]:
    """Return who wrote the message and who reports, lower case."""
    fields = mime.values(
        message, "From", "To", "Reply-To", "Return-Path", "Delivered-To", "Sender", "Errors-To"
    )
    if original is not None:
        fields += mime.values(original, "From", "Return-Path", "Sender", "Reply-To")
    return frozenset(address.lower() for address in header_addresses(fields))


def _status(words: str, address: str, addresses: Collection[str], action: str) -> str | None:
    """Return the status that the words give an address: where they speak of it, then anywhere, then by their class."""
    naming, block = said_of(words, address, addresses)
    alone = len(addresses) == 1
    for text in (naming, block, words if alone or not block else ""):
        if status := code_in(text):
            return _of_class(status, action)
    return class_by_words(block or words, action)


def _of_class(status: str, action: str) -> str:
    """Return the status; of a message that is still tried, none that is permanent."""
    return NOT_KNOWN_NEARER[DELAYED] if action == DELAYED and status.startswith("5") else status


def _mostly_quoted(text: str) -> bool:
    lines = [line for line in text.split("\n") if line.strip()]
    return sum(bool(_QUOTED.match(line)) for line in lines) * 2 > len(lines)


def _each_once(recipients: tuple[RecipientReport, ...]) -> tuple[RecipientReport, ...]:
    return tuple({(each.address or "").lower(): each for each in reversed(recipients)}.values())[::-1]
