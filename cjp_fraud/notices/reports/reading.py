"""Read whatever came back: of what kind it is, and of whom it says what; decides nothing and never raises."""

from __future__ import annotations

import email
from dataclasses import replace
from email.message import Message
from email.policy import compat32

from cjp_fraud.notices.reports import (
    auto_reply,
    bounce,
    complaint,
    delivery_status,
    mime,
    provider_events,
    read_receipt,
)
from cjp_fraud.notices.reports.addresses import header_addresses
from cjp_fraud.notices.reports.model import InboundReport, RecipientReport, ReportKind
from cjp_fraud.notices.reports.original import message_ids, original_of


def read_message(content: bytes) -> InboundReport:
    """Return what a message reports.

    A part for machines wins over the text. What cannot be read is of kind ``none`` and says why: mail is written by
    strangers, so a fault in it must stop nobody from reading the next one.
    """
    try:
        return _read(email.message_from_bytes(content, policy=compat32))
    except Exception as error:  # whatever bytes do to the parsers of the standard library
        return InboundReport(ReportKind.NONE, unreadable=f"{type(error).__name__}: {error!a}"[:200])


def _read(message: Message) -> InboundReport:
    kind, recipients = _kind_and_recipients(message)
    receipt = read_receipt.receipt_part(message)
    groups = delivery_status.groups_of(*delivery_status.status_parts(message))
    envid = delivery_status.first_field(groups, "original-envelope-id") or complaint.envid_of_complaint(
        message
    )
    mta = delivery_status.first_field(groups, "reporting-mta")
    returned = original_of(message, mime.words_of(message))
    ids = message_ids(returned) | message_ids(message, "In-Reply-To", "References")
    if receipt is not None:
        ids |= read_receipt.message_id_of_receipt(receipt)
    return InboundReport(
        kind=kind,
        recipients=recipients,
        sent_to=frozenset(header_addresses(mime.sent_to(message))),
        envid=envid.strip() if envid else None,
        message_ids=ids,
        reporting_mta=mta.rpartition(";")[2].strip().lower() if mta else None,
        wrong_addressee=kind is ReportKind.AUTO_REPLY and auto_reply.says_the_addressee_is_gone(message),
        challenge=kind is ReportKind.AUTO_REPLY and auto_reply.asks_to_confirm(message),
        dated=mime.date_of(message),
    )


def _kind_and_recipients(message: Message) -> tuple[ReportKind, tuple[RecipientReport, ...]]:
    receipt = read_receipt.receipt_part(message)
    if receipt is not None:
        return ReportKind.RECEIPT, read_receipt.recipient_of_receipt(receipt)
    parts = delivery_status.status_parts(message)
    if parts:
        named = delivery_status.recipients_of(delivery_status.groups_of(*parts))
        return ReportKind.REPORT, _completed(named, message)
    if complaint.is_complaint(message):
        return ReportKind.COMPLAINT, complaint.recipients_of_complaint(message)
    event = provider_events.event_of(message)
    if event is not None:
        return event
    return _kind_by_words(message)


def _completed(named: tuple[RecipientReport, ...], message: Message) -> tuple[RecipientReport, ...]:
    """Return what the fields say; an address or a status that they leave out, the words may give."""
    if named and all(each.address and each.status for each in named):
        return named
    by_words = bounce.recipients_of_bounce(message)
    if not named:
        return by_words
    only = by_words[0] if len(by_words) == 1 and len(named) == 1 else None
    statuses = {(each.address or "").lower(): each.status for each in by_words}
    return tuple(
        replace(
            each,
            address=each.address or (only.address if only else None),
            status=each.status or (statuses.get(each.address.lower()) if each.address else None),
        )
        for each in named
    )


def _kind_by_words(message: Message) -> tuple[ReportKind, tuple[RecipientReport, ...]]:
    """Tell bounces, automatic replies and all other mail apart, where no part is written for machines."""
    by_a_server = bounce.is_from_a_server(message) or bounce.has_subject_of_one(message)
    answers = auto_reply.has_subject_of_one(message) or (
        auto_reply.is_auto_reply(message) and not by_a_server
    )
    if answers and not bounce.names_the_failed(message):
        return ReportKind.AUTO_REPLY, auto_reply.responder(message)
    if bounce.looks_like_a_bounce(message):
        failed = bounce.recipients_of_bounce(message)
        if failed:
            return ReportKind.BOUNCE, failed
    if auto_reply.is_auto_reply(message):
        return ReportKind.AUTO_REPLY, auto_reply.responder(message)
    return ReportKind.NONE, ()
