"""Match a message that came back to the attempt that it is about, by keyed return path, envelope id or Message-ID."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from cjp_fraud.notices.delivery_record import address_served
from cjp_fraud.notices.report_origin import TxtRecords, comes_from_own_server, is_signed_by_domain_of
from cjp_fraud.notices.reports.model import InboundReport
from cjp_fraud.notices.return_paths import ReturnPathKey
from cjp_fraud.notices.tables import Notice, NoticeAttempt, SmtpAttempt
from cjp_fraud.notices.weighing import Match, MatchedBy, Voucher


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom we believe.

    Parameters
    ----------
    key : of our return paths.
    own_servers : names and IP addresses of our mail servers.
    records : looks up TXT records for DKIM; None: no name server is asked.
    """

    key: ReturnPathKey
    own_servers: frozenset[str] = frozenset()
    records: TxtRecords | None = None


@dataclass(frozen=True, slots=True)
class MatchedAttempt:
    """An attempt that a message is about."""

    notice_id: str
    attempt_id: str
    match: Match


@dataclass(frozen=True, slots=True)
class _OnRecord:
    notice_id: str
    smtp: SmtpAttempt


def match_to_attempt(
    session: Session, report: InboundReport, content: bytes, trust: Trust, at: datetime
) -> MatchedAttempt | None:
    """Return the attempt that a message is about, and who vouches for the message; None: it is about none of ours.

    Envelope id and Message-ID were seen by everybody who saw the notice: they lead to the attempt, and vouch for
    nothing.

    Parameters
    ----------
    content : the message's bytes.
    at : aware; the present, by which return paths expire.
    """
    keyed = {
        path.attempt_id: path for address in report.sent_to if (path := trust.key.read(address)) is not None
    }
    attempts = [
        (path, each) for path in keyed.values() if (each := attempt_of(session, path.attempt_id)) is not None
    ]
    if attempts:
        path, attempt = min(attempts, key=lambda row: row[1].smtp.attempt_id)
        vouchers = frozenset() if path.expired(at) else frozenset({Voucher.RETURN_PATH})
        by, expired = MatchedBy.RETURN_PATH, path.expired(at)
    else:
        known = _by_what_is_known(session, report)
        if known is None:
            return None
        by, attempt = known
        vouchers, expired = frozenset(), False
    address = address_served(session, attempt.notice_id)
    if not vouchers:
        vouchers = _other_vouchers(report, content, address, trust)
    match = Match(by, vouchers, address, attempt.smtp.envid, several=len(attempts) > 1, expired=expired)
    return MatchedAttempt(attempt.notice_id, attempt.smtp.attempt_id, match)


def notice_of_return_path(
    session: Session, addresses: Collection[str], key: ReturnPathKey, at: datetime
) -> str | None:
    """Return the notice to one of whose return paths a message was sent; None: to none that is taken now."""
    for address in sorted(addresses):
        path = key.read(address)
        if path is not None and not path.expired(at):
            attempt = attempt_of(session, path.attempt_id)
            if attempt is not None:
                return attempt.notice_id
    return None


def attempt_of(session: Session, attempt_id: str) -> _OnRecord | None:
    """Return an attempt by email; None: it is not on record."""
    return _first(session, SmtpAttempt.attempt_id == attempt_id)


def _by_what_is_known(session: Session, report: InboundReport) -> tuple[MatchedBy, _OnRecord] | None:
    """Return the attempt by what others know of it, a return path among it that the key does not confirm."""
    paths = sorted(address.lower() for address in report.sent_to)
    if paths and (found := _first(session, SmtpAttempt.envelope_from.in_(paths))):
        return MatchedBy.RETURN_PATH, found
    if report.envid is not None and (found := _first(session, SmtpAttempt.envid == report.envid)):
        return MatchedBy.ENVELOPE_ID, found
    if report.message_ids and (found := _first(session, Notice.reference.in_(sorted(report.message_ids)))):
        return MatchedBy.MESSAGE_ID, found
    return None


def _other_vouchers(
    report: InboundReport, content: bytes, address: str | None, trust: Trust
) -> frozenset[Voucher]:
    if comes_from_own_server(content, report.reporting_mta, trust.own_servers):
        return frozenset({Voucher.OWN_SERVER})
    if address is not None and is_signed_by_domain_of(content, address, trust.records):
        return frozenset({Voucher.DKIM})
    return frozenset()


def _first(session: Session, condition: ColumnElement[bool]) -> _OnRecord | None:
    """Return the newest attempt that fits."""
    row = session.execute(
        select(NoticeAttempt.notice_id, SmtpAttempt)
        .join(SmtpAttempt, SmtpAttempt.attempt_id == NoticeAttempt.id)
        .join(Notice, Notice.id == NoticeAttempt.notice_id)
        .where(condition)
        .order_by(NoticeAttempt.number.desc())
    ).first()
    return _OnRecord(row[0], row[1]) if row is not None else None
