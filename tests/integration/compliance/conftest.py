"""A case that goes the whole way: flagged, determined, approved, noticed over real SMTP, suspended."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Engine, select

from cjp_fraud.clock import StandingClock
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.methods import EMAIL
from cjp_fraud.contracts.tenant_import import load_tenants
from cjp_fraud.notices.letter_facts import Sender
from cjp_fraud.notices.methods.email import EmailMethod
from cjp_fraud.notices.methods.interface import NoticeMethods
from cjp_fraud.notices.methods.mail_server import MailServer
from cjp_fraud.people.model import Actor, Decision, Role, machine
from cjp_fraud.people.users import actor_named
from cjp_fraud.review.approval import approve
from cjp_fraud.review.claim import claim, comment
from cjp_fraud.review.determination import determine_fraud
from cjp_fraud.review.dispute import decide_dispute, open_dispute
from cjp_fraud.review.flags import FlagRow, record_flags
from cjp_fraud.review.grounds import Ground
from cjp_fraud.review.model import CaseState, TenantsPart
from cjp_fraud.review.provider_policy import ProviderPolicy
from cjp_fraud.review.requests import FraudFinding
from cjp_fraud.review.stops_on_record import clear_stop, order_stop
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import make_engine, transaction
from cjp_fraud.suspension.connections import Enforcement
from cjp_fraud.suspension.embedded_platform import EmbeddedPlatform
from cjp_fraud.suspension.enforcement import EnforcementReport, enforce
from cjp_fraud.suspension.gate_facts import approval_obstacles, proposal_obstacles
from cjp_fraud.suspension.reaffirmation import reaffirm
from cjp_fraud.suspension.reinstatement import reinstate
from cjp_fraud.suspension.traffic_look import take_look
from tests.integration.compliance.closed_cases import told
from tests.mail_servers import smtp_server
from tests.people_builders import a_user
from tests.return_paths import KEY
from tests.snapshots import brought_to, newest_entry

if TYPE_CHECKING:
    from tests.integration.compliance.two_editions import TwoEditions

NIGHT = datetime(2026, 3, 10, 3, 0, tzinfo=UTC)
"""Start of the first flag."""

TENANTS = (
    "tenant_id,name,time_zone,country,term_from,term_to,provisioning_notice_date,provisioning_notice_proof,"
    "governing_document,notice_method,notice_address\n"
    "{tenant},Example Ltd,Europe/Berlin,DE,2026-01-01,2027-01-01,2026-01-01,dms:PN-0001,"
    "CJP Offer 10.0,email,notices@{tenant}.example\n"
)


@dataclass
class CaseSteps:
    """The steps of a case, one method each; every step is half an hour after the one before."""

    engine: Engine
    folder: Path
    mail_port: int
    tenant: str = "acme"
    mode: PlatformMode = PlatformMode.ACT
    now: datetime = field(default=NIGHT + timedelta(hours=1))
    case_id: str = ""
    frozen_rows: Sequence[Mapping[str, Any]] = ({"tenant_id": "acme", "observed": 140},)
    begun_at_entry: int | None = None
    """The newest entry of the log when there were only people, in a database that nobody had used before."""

    def tick(self) -> datetime:
        """Return the clock, half an hour later than before."""
        self.now += timedelta(minutes=30)
        return self.now

    def mail(self) -> NoticeMethods:
        """The mail server that the notices go to."""
        return NoticeMethods(self.mode, {EMAIL: EmailMethod(MailServer("127.0.0.1", self.mail_port), KEY)})

    def people(self) -> None:
        """Put three people on record."""
        with transaction(self.engine) as session:
            for name, roles in (
                ("rita", [Role.ANALYST, Role.REVIEWER]),
                ("aron", [Role.APPROVER]),
                ("cora", [Role.COUNSEL]),
            ):
                a_user(session, name, roles, self.tick())

    def who(self, name: str) -> Actor:
        """Return a person by name."""
        with transaction(self.engine) as session:
            return actor_named(session, name)

    def flagged(self) -> None:
        """Load the tenant and flag three intervals of its traffic, which opens the case."""
        file = self.folder / f"{self.tenant}.csv"
        file.write_text(TENANTS.format(tenant=self.tenant))
        rows = [
            FlagRow(
                tenant_id=self.tenant,
                channel="voice",
                direction="outbound",
                application_id=None,
                interval_seconds=300,
                interval_start=NIGHT + timedelta(minutes=5 * place),
                span_seconds=300,
                observed=140.0,
                baseline=10.0,
                excess=130.0,
                score=6.5 + place,
                p_value=10.0 ** -(6.5 + place),
                q_value=0.05,
                threshold=2.4,
                model_version=None,
                reasons={"words": ["14 × the usual Tuesday 03:00"]},
            )
            for place in range(3)
        ]
        with transaction(self.engine) as session:
            load_tenants(session, file, machine("tenants"), self.tick())
            record_flags(
                Decision(session, machine("detect"), self.tick()),
                rows,
                window=(NIGHT, NIGHT + timedelta(hours=1)),
                tenant_ids={self.tenant},
                cases_per_hour=20,
            )
            self.case_id = session.scalars(select(Case.id).where(Case.tenant_id == self.tenant)).one()

    def determined(self) -> None:
        """Claim it, comment on it, determine fraud."""
        rita = self.who("rita")
        with transaction(self.engine) as session:
            claim(Decision(session, rita, self.tick()), self.case_id)
        with transaction(self.engine) as session:
            comment(Decision(session, rita, self.tick()), self.case_id, "Calls to premium numbers at night.")
        with transaction(self.engine) as session:
            determine_fraud(
                Decision(session, rita, self.tick()),
                self.case_id,
                FraudFinding(
                    "Premium numbers, no agent was on duty.", TenantsPart.VICTIM, grounds=[Ground.UNATTENDED]
                ),
                policy=self.policy(),
                read_rows=lambda _: self.frozen_rows,
                obstacles=proposal_obstacles,
            )

    def approved(self) -> None:
        """Let the other person approve."""
        aron = self.who("aron")
        with transaction(self.engine) as session:
            obstacles = partial(approval_obstacles, policy=self.policy())
            approve(Decision(session, aron, self.tick()), self.case_id, obstacles)

    def carried_out(self) -> EnforcementReport:
        """Serve the notice and take the measure."""
        return enforce(self.enforcement(), self.case_id)

    def enforcement(self) -> Enforcement:
        """Return what the case is enforced with, a moment later."""
        clock = StandingClock(self.tick())
        return Enforcement(self.engine, self.mail(), EmbeddedPlatform(self.engine), self.policy(), clock)

    def suspended(self) -> None:
        """Take the case from the first flag to the suspension."""
        self.brought_to("suspended", self._take_to_the_suspension)

    def _take_to_the_suspension(self) -> None:
        self.flagged()
        self.determined()
        self.approved()
        assert self.carried_out().state is CaseState.SUSPENDED

    def brought_to(self, state: str, take_steps: Callable[[], None]) -> None:
        """Take the steps to a state; if only people are on record yet, they are taken once and then copied."""
        if self.begun_at_entry is None or newest_entry(self.engine) != self.begun_at_entry:
            take_steps()
            return

        def taken() -> tuple[datetime, str, dict[Path, bytes | None]]:
            take_steps()
            beside = {
                path.relative_to(self.folder): path.read_bytes() if path.is_file() else None
                for path in sorted(self.folder.rglob("*"))
                if not path.relative_to(self.folder).parts[0].startswith("cjp_fraud.db")
            }
            return self.now, self.case_id, beside

        steps = ("case steps", state, self.tenant, self.mode, self.now)
        self.now, self.case_id, beside = brought_to(self.engine, steps, taken)
        for path, content in beside.items():  # a folder comes before what is in it
            if content is None:
                (self.folder / path).mkdir(exist_ok=True)
            else:
                (self.folder / path).write_bytes(content)

    def kept_and_disputed(self) -> None:
        """Reaffirm the measure by two approvers; reject a dispute; order a stop and clear it."""
        with transaction(self.engine) as session:
            a_user(session, "anna", [Role.APPROVER], self.tick())
            a_user(session, "dora", [Role.ANALYST], self.tick())
        for name in ("aron", "anna"):
            by = self.who(name)
            with transaction(self.engine) as session:
                look = take_look(Decision(session, by, self.tick()), self.case_id, lambda wanted: [])
                reaffirm(
                    Decision(session, by, self.tick()),
                    self.case_id,
                    look=look.reference,
                    reasons=f"The attack goes on, says {name}.",
                    although_quiet="Nothing gets through any more.",
                    policy=self.policy(),
                )
        self.carried_out()
        cora, dora = self.who("cora"), self.who("dora")
        with transaction(self.engine) as session:
            dispute = open_dispute(
                Decision(session, dora, self.tick()), self.case_id, "It was our own campaign."
            )
            decide_dispute(
                Decision(session, cora, self.tick()), dispute.id, upheld=False, reasons="None was planned."
            )
        with transaction(self.engine) as session:
            order_stop(Decision(session, cora, self.tick()), self.case_id, "Until the court has decided.")
            reasons = "The court has decided."
            clear_stop(Decision(session, cora, self.tick()), self.case_id, stop_id=None, reasons=reasons)

    def reinstated(self) -> None:
        """Lift the measure and tell the customer."""
        aron = self.who("aron")
        reinstate(self.enforcement(), self.case_id, aron, reasons="The keys were changed.")
        self.carried_out()

    def policy(self) -> ProviderPolicy:
        """How the provider works."""
        sender = Sender("Example Cloud Ltd.", "notices@provider.example", "+1 555 0100")
        return ProviderPolicy(mode=self.mode, sender=sender)


@pytest.fixture
def smtp_port() -> Iterator[int]:
    """Port of a loopback mail server that takes everything."""
    with smtp_server() as server:
        yield server.port


@pytest.fixture
def steps(engine: Engine, tmp_path: Path, smtp_port: int) -> CaseSteps:
    """People on record, and a case about to be told, on each kind of database."""
    return _begun(engine, tmp_path, smtp_port)


@pytest.fixture
def case(sqlite_engine: Engine, tmp_path: Path, smtp_port: int) -> CaseSteps:
    """The same on SQLite alone, for what does not depend on the database."""
    return _begun(sqlite_engine, tmp_path, smtp_port)


def _begun(engine: Engine, folder: Path, smtp_port: int) -> CaseSteps:
    begun = CaseSteps(engine, folder, smtp_port)
    begun.people()
    begun.begun_at_entry = newest_entry(engine)
    return begun


@pytest.fixture
def closed(steps: CaseSteps) -> CaseSteps:
    """A case that went the whole way and back, on each kind of database."""
    return told(steps)


@pytest.fixture
def closed_on_sqlite(case: CaseSteps) -> CaseSteps:
    """The same on SQLite alone."""
    return told(case)


@pytest.fixture(scope="session")
def editions(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> TwoEditions:
    """Both editions of one case; for reading only."""
    from tests.integration.compliance.two_editions import make_editions  # it imports this module

    return make_editions(tmp_path_factory.mktemp("editions"), sqlite_template)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> dict[str, bytes]:
    """Files of a bundle of a case that went the whole way and back."""
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "cjp_fraud.db").write_bytes(sqlite_template)
    engine = make_engine(f"sqlite:///{folder / 'cjp_fraud.db'}")
    with smtp_server() as server:
        steps = CaseSteps(engine, folder, server.port)
        steps.people()
        steps.suspended()
        steps.kept_and_disputed()
        steps.reinstated()
    from tests.integration.compliance.case_bundles import exported, files_of  # they import this module

    made = exported(steps)
    engine.dispose()
    assert made.faults == ()
    return files_of(made.file)
