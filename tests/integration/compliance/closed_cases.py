"""Cases that went the whole way and back, and what is looked for in what is left after an erasure."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, select

from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.notices.inbound_folders import incoming_folder
from cjp_fraud.notices.inbound_reports import collect_delivery_events
from cjp_fraud.notices.tables import SmtpAttempt
from cjp_fraud.operations import privacy
from cjp_fraud.storage.base import Base
from cjp_fraud.storage.database import reading
from tests.delivery_reports import a_report

if TYPE_CHECKING:
    from tests.integration.compliance.conftest import Story

ADDRESS = "notices@acme.example"


def opened(story: Story) -> Deployment:
    """A deployment on the story's database, with a home of its own."""
    home = story.folder / "home"
    home.mkdir(exist_ok=True)
    made = Deployment(load_settings(home=home))
    made.__dict__["engine"] = story.engine
    return made


def told(story: Story) -> Story:
    """Tell the whole story, to the reinstatement, with delivery reports of every kind in the home."""
    story.suspended()
    story.kept_and_disputed()
    story.reinstated()
    settings = opened(story).settings
    incoming = incoming_folder(settings)
    incoming.mkdir(parents=True)
    with reading(story.engine) as session:
        smtp = session.scalars(select(SmtpAttempt)).first()
    assert smtp is not None
    report = a_report(smtp.envelope_from, "delivered", envid=smtp.envid, original=ADDRESS)
    (incoming / "1.eml").write_bytes(report)
    (incoming / "2.eml").write_bytes(b"Subject: who are you?\n\nwe are notices+40acme.example\n")
    assert collect_delivery_events(story.engine, settings, story.tick()) == 1
    return story


def erase(story: Story, by: str = "cora", **options: bool) -> privacy.Erasure:
    reason = "The customer asked for it."
    return privacy.erase(opened(story), by, story.tick(), story.tenant, reason=reason, **options)


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
