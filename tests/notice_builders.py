"""Builders of notice plans on record, for tests."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import Engine, select

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.contract_reader import contract_at, recipients
from cjp_fraud.contracts.methods import EMAIL
from cjp_fraud.contracts.model import Right
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.contracts.terms import NoticeStep, NoticeTerms
from cjp_fraud.contracts.versions import enter_address, enter_terms
from cjp_fraud.notices.letter_facts import Letter, Restored, Seen, Sender, WhyRestored
from cjp_fraud.notices.methods.email import EmailMethod
from cjp_fraud.notices.methods.interface import NoticeMethods
from cjp_fraud.notices.methods.mail_server import MailServer
from cjp_fraud.notices.model import NoticeKind
from cjp_fraud.notices.plan_drafting import draft_plan
from cjp_fraud.notices.plans_on_record import create_plan
from cjp_fraud.notices.tables import DeliveryEvent, Notice, NoticeAttempt, SmtpAttempt
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.storage.base import new_id
from cjp_fraud.storage.database import reading, transaction
from tests.contract_builders import NOON, a_row, load_rows
from tests.mail_servers import MailServerUnderTest
from tests.return_paths import KEY


def a_letter(kind: NoticeKind = NoticeKind.SUSPENSION) -> Letter:
    """Return the facts of a letter about one night burst."""
    night = datetime(2015, 4, 2, 3, tzinfo=UTC)
    return Letter(
        kind=kind,
        case_reference="17",
        sender=Sender("Example Cloud Ltd.", "disputes@provider.example", "+1 555 0100"),
        measure=MeasureKind.SUSPEND_CHANNEL,
        scope=Scope(channels=("voice",), directions=("outbound",)),
        seen=(Seen("voice", "outbound", None, night, 300, 1412.0, 3.0, 2.5e-5),),
        grounds=("unattended",),
        determined_at=night + timedelta(hours=2),
        lasts=timedelta(hours=72) if kind is NoticeKind.SUSPENSION else None,
        until=night + timedelta(days=6) if kind is NoticeKind.REAFFIRMATION else None,
        restored=Restored(night + timedelta(days=1), WhyRestored.DECIDED),
    )


def a_plan(
    engine: Engine,
    *,
    kind: NoticeKind = NoticeKind.SUSPENSION,
    mode: PlatformMode = PlatformMode.ACT,
    at: datetime = NOON,
    proposal_id: str | None = None,
) -> str:
    """Put a plan for tenant acme on record and return its id."""
    with transaction(engine) as session:
        position = contract_at(session, "acme", at)
        assert position.notice_terms is not None
        served = recipients(session, "acme", position.notice_terms.address_roles, at)
        draft = draft_plan(position, served, a_letter(kind))
        plan = create_plan(
            Decision(session, machine("enforcement"), at),
            draft,
            case_id=new_id(),
            proposal_id=proposal_id or new_id(),
            approved_at=at,
            mode=mode,
        )
        return plan.id


def a_plan_under(engine: Engine, folder: Path, step: NoticeStep, role: str, address: str, method: str) -> str:
    """Put acme under terms of one step, with an address to serve it at, and a plan of it on record; return its id."""
    load_rows(engine, folder, a_row())
    with transaction(engine) as session:
        by = machine("test")
        enter_address(session, "acme", role, (address,), by, NOON, method=method)
        enter_terms(
            session,
            "acme",
            by,
            NOON,
            reference="Master agreement 7",
            right=Right.CLAUSE_2_4,
            terms=NoticeTerms((step,)),
        )
    return a_plan(engine)


def a_plain_plan(engine: Engine, folder: Path, *, mode: PlatformMode = PlatformMode.ACT) -> str:
    """Put tenant acme on record with the plain terms, and a plan for it."""
    load_rows(engine, folder, a_row())
    return a_plan(engine, mode=mode)


def a_mail_server(server: MailServerUnderTest, **changes: object) -> MailServer:
    """Return the configuration that uses a server under test."""
    mail = MailServer(
        server.host,
        server.port,
        mail_from="notices@provider.example",
        sender_name="Example Cloud",
        timeout_seconds=5,
    )
    return replace(mail, **changes)  # type: ignore[arg-type]


def by_email(
    mail: MailServer,
    *,
    mode: PlatformMode = PlatformMode.ACT,
    give_up_after: timedelta = timedelta(hours=72),
) -> NoticeMethods:
    """Return the methods of a deployment that serves by email alone."""
    return NoticeMethods(mode, {EMAIL: EmailMethod(mail, KEY)}, give_up_after)


def methods_of(
    server: MailServerUnderTest, mode: PlatformMode = PlatformMode.ACT, **changes: object
) -> NoticeMethods:
    """Return the methods of a deployment that uses a server under test."""
    return by_email(a_mail_server(server, **changes), mode=mode)


def notices_of(engine: Engine, plan_id: str) -> list[Notice]:
    """Return the letters of a plan, in order."""
    with reading(engine) as session:
        return list(session.scalars(select(Notice).where(Notice.plan_id == plan_id).order_by(Notice.number)))


def attempts_of(engine: Engine, notice_id: str) -> list[NoticeAttempt]:
    """Return the attempts at sending a letter, in order."""
    with reading(engine) as session:
        return list(
            session.scalars(
                select(NoticeAttempt)
                .where(NoticeAttempt.notice_id == notice_id)
                .order_by(NoticeAttempt.number)
            )
        )


def smtp_of(engine: Engine, attempt: NoticeAttempt) -> SmtpAttempt:
    """Return what an attempt by email has beside every other."""
    with reading(engine) as session:
        return session.get_one(SmtpAttempt, attempt.id)


def events_of(engine: Engine, notice_id: str) -> list[DeliveryEvent]:
    """Return what became known of a letter, in order."""
    with reading(engine) as session:
        return list(
            session.scalars(
                select(DeliveryEvent).where(DeliveryEvent.notice_id == notice_id).order_by(DeliveryEvent.id)
            )
        )
