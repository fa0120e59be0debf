"""Cases that went the whole way and back, and what is looked for in what is left after an erasure."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, select

from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.notices.inbound_folders import inbound_folders
from cjp_fraud.notices.inbound_reports import collect
from cjp_fraud.notices.tables import SmtpAttempt
from cjp_fraud.operations import privacy
from cjp_fraud.storage.base import Base
from cjp_fraud.storage.database import reading
from tests.delivery_reports import a_report

if TYPE_CHECKING:
    from tests.integration.compliance.conftest import CaseSteps

ADDRESS = "notices@acme.example"


def opened(steps: CaseSteps) -> Deployment:
    """A deployment on the case's database, with a home of its own."""
    home = steps.folder / "home"
    home.mkdir(exist_ok=True)
    made = Deployment(load_settings(home=home))
    made.__dict__["engine"] = steps.engine
    return made


def told(steps: CaseSteps) -> CaseSteps:
    """Take the case to the reinstatement, with delivery reports of every kind in the home."""
    steps.brought_to("told", partial(_tell, steps))
    return steps


def _tell(steps: CaseSteps) -> None:
    steps.suspended()
    steps.kept_and_disputed()
    steps.reinstated()
    settings = opened(steps).settings
    incoming = inbound_folders(settings).incoming
    incoming.mkdir(parents=True)
    with reading(steps.engine) as session:
        smtp = session.scalars(select(SmtpAttempt)).first()
    assert smtp is not None
    report = a_report(smtp.envelope_from, "delivered", envid=smtp.envid, original=ADDRESS)
    (incoming / "1.eml").write_bytes(report)
    (incoming / "2.eml").write_bytes(b"Subject: who are you?\n\nwe are notices+40acme.example\n")
    assert collect(steps.engine, settings, steps.tick()).new_events == 1


def erase(steps: CaseSteps, by: str = "cora", **options: bool) -> privacy.Erasure:
    reason = "The customer asked for it."
    return privacy.erase(opened(steps), by, steps.tick(), steps.tenant, reason=reason, **options)


def rows(engine: Engine) -> Iterator[str]:
    """Yield every row of the database as text."""
    with engine.connect() as connection:
        for table in Base.metadata.sorted_tables:
            for row in connection.execute(table.select()):
                yield " ".join(
                    value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
                    for value in row
                )


def files_with(folder: Path, text: str) -> list[str]:
    return [
        str(file.relative_to(folder))
        for file in folder.rglob("*")
        if file.is_file() and text.lower().encode() in file.read_bytes().lower()
    ]
