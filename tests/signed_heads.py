"""Homes that sign the head of their log, for tests: a case up to its measure, and what lies in the second place."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select

from cjp_fraud.audit.home import record_head_key
from cjp_fraud.audit.recording import recording_time
from cjp_fraud.audit.signed_head import Head, read_signed_head
from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.operations import cases, measures
from cjp_fraud.operations.head_keeping import keep_first
from cjp_fraud.operations.housekeeping import LAKE_TABLES
from cjp_fraud.people.model import Decision, machine
from cjp_fraud.review.model import TenantsPart
from cjp_fraud.review.requests import FraudFinding
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.model import MEASURE_ACTIONS
from tests.case_builders import GROUNDS, OUTBOUND_VOICE, PEOPLE, QUIET, START, a_flag, flag
from tests.contract_builders import a_row, load_rows
from tests.mail_servers import MailServerUnderTest
from tests.people_builders import a_user
from tests.simulated_clocks import show_clock

APPROVED_AT = START + timedelta(minutes=30)


def keep_heads(opened: Deployment) -> None:
    """Do what ``init`` does for signed heads, in a home that was made without it."""
    with reading(opened.engine) as session:
        show_clock(opened.engine, session.scalars(select(func.max(AuditEntry.recorded_at))).one())
    opened.__dict__.pop("home_clock", None)
    opened.head_keys.make()
    key = opened.head_keys.private().public
    with transaction(opened.engine) as session:
        decision = Decision(session, machine("init"), recording_time(session))
        record_head_key(decision, key.key_id, key.text)
    keep_first(opened, opened.now, new_key=True)


def a_home(folder: Path, url: str, server: MailServerUnderTest, **settings: Any) -> Deployment:
    """Return a home with people, a tenant and one flagged case; its heads go to ``counsel`` beside it."""
    made = opened_home(folder, url, server, **settings)
    made.lake.create(LAKE_TABLES, buckets=made.settings.lake_buckets)
    load_rows(made.engine, folder, a_row(), at=START - timedelta(days=60))
    with transaction(made.engine) as session:
        for name, roles in PEOPLE.items():
            a_user(session, name, roles, START)
    flag(made.engine, a_flag(START), at=APPROVED_AT)
    keep_heads(made)
    return made


def opened_home(folder: Path, url: str, server: MailServerUnderTest, **settings: Any) -> Deployment:
    """Return the deployment of such a home, which need not be there yet."""
    return Deployment(
        load_settings(
            **{
                "home": folder / "home",
                "database_url": url,
                "now": APPROVED_AT,
                "platform_mode": "act",
                "smtp_host": server.host,
                "smtp_port": server.port,
                "contact": "+1 555 0100",
                "provider_legal_name": "Example Cloud Ltd.",
                "heads_url": str(folder / "counsel"),
            }
            | settings
        )
    )


def determined(opened: Deployment) -> None:
    """Claim the case and determine fraud."""
    cases.claim(opened, "rita", opened.now, "1")
    finding = FraudFinding(
        "short calls to one range at night", TenantsPart.VICTIM, measure=OUTBOUND_VOICE, grounds=GROUNDS
    )
    cases.determine(opened, "rita", opened.now, "1", finding)


def suspended(opened: Deployment) -> None:
    """Bring the case to its measure, as two people do."""
    determined(opened)
    approved = cases.approve_and_carry_out(opened, "adam", opened.now, "1")
    assert approved.case.state == "suspended", approved


def reaffirmed_by(opened: Deployment, name: str) -> None:
    """Let an approver look at the traffic again and keep the measure."""
    look = measures.look_again(opened, name, opened.now, "1")
    reasons = f"it goes on, says {name}"
    measures.reaffirm(opened, name, opened.now, "1", look=look.sha256, reasons=reasons, although_quiet=QUIET)


def later(opened: Deployment, **how_long: float) -> Deployment:
    """Return the same home after some time."""
    at = opened.now + timedelta(**how_long)
    return Deployment(opened.settings.model_copy(update={"now": at}))


def head_files(opened: Deployment) -> list[Path]:
    """Return the files of the second place, that of the newest head last."""
    return sorted(Path(opened.settings.heads).glob("head-*.json"))


def newest_head(opened: Deployment) -> Head:
    """Return the newest head in the second place."""
    return read_signed_head(head_files(opened)[-1].read_bytes()).head


def newest_entry_of_a_measure(engine: Engine) -> int:
    """Return the number of the newest entry by which a measure was ordered, kept or ended."""
    with reading(engine) as session:
        wanted = select(func.max(AuditEntry.sequence)).where(AuditEntry.action.in_(MEASURE_ACTIONS))
        return session.scalars(wanted).one()
