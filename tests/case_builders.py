"""Builders of flags, people and cases, for tests: a deployment with its staff, a mail server and a platform."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, func, select

from cjp_fraud.clock import StandingClock
from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.contract_terms import ContractTerms
from cjp_fraud.contracts.methods import EMAIL
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.notices.letter_facts import Sender
from cjp_fraud.notices.methods.email import EmailMethod
from cjp_fraud.notices.methods.interface import NoticeMethods
from cjp_fraud.notices.methods.mail_server import MailServer
from cjp_fraud.people.model import Actor, Decision, Role, machine
from cjp_fraud.people.users import actor_named
from cjp_fraud.review.approval import approve
from cjp_fraud.review.claim import claim
from cjp_fraud.review.decision_tables import Approval, Proposal
from cjp_fraud.review.determination import determine_fraud
from cjp_fraud.review.evidence import RowsWanted
from cjp_fraud.review.flags import FlaggingResult, FlagRow, record_flags
from cjp_fraud.review.frozen_traffic import USUAL_LEVEL
from cjp_fraud.review.grounds import Ground
from cjp_fraud.review.model import CaseState, TenantsPart
from cjp_fraud.review.provider_policy import ProviderPolicy
from cjp_fraud.review.requests import FraudFinding, MeasureWanted
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading, transaction
from cjp_fraud.suspension.connections import Enforcement
from cjp_fraud.suspension.embedded_platform import EmbeddedPlatform
from cjp_fraud.suspension.enforcement import EnforcementReport, ResumeReport, enforce, resume_all
from cjp_fraud.suspension.gate_facts import approval_obstacles, proposal_obstacles
from cjp_fraud.suspension.platform import PlatformClient
from cjp_fraud.suspension.reaffirmation import ReaffirmationResult, reaffirm
from cjp_fraud.suspension.tables import Entitlement, Measure
from cjp_fraud.suspension.traffic_look import TrafficLook, take_look
from tests.contract_builders import a_row, load_rows, read_agreement
from tests.mail_servers import MailServerUnderTest
from tests.people_builders import a_user
from tests.return_paths import KEY
from tests.snapshots import brought_to, is_empty, newest_entry

START = datetime(2015, 4, 2, 12, tzinfo=UTC)
DETECTOR = machine("detect")
HOUR = timedelta(hours=1)

PEOPLE = {
    "ana": (Role.ANALYST,),
    "rita": (Role.ANALYST, Role.REVIEWER),
    "rolf": (Role.REVIEWER,),
    "adam": (Role.APPROVER,),
    "bella": (Role.APPROVER,),
    "both": (Role.REVIEWER, Role.APPROVER),
    "carol": (Role.COUNSEL,),
    "otto": (Role.AUDITOR,),
}
"""Who works in the staffed deployment, and as what."""

OUTBOUND_VOICE = MeasureWanted(
    MeasureKind.SUSPEND_CHANNEL, Scope(channels=("voice",), directions=("outbound",)), timedelta(hours=72)
)
GROUNDS = (Ground.COSTLY_DESTINATIONS, Ground.UNUSUAL_DESTINATIONS)
"""Grounds that leave the customer's account alone, so that no notice goes to every address because of them."""

SENDER = Sender("Example Cloud Ltd.", "notices@provider.example", "+1 555 0100")
"""Who writes the deployment's letters."""

QUIET = "nothing gets through, that is why"
"""Why a measure is kept although its traffic is quiet."""

BLOCK_LATVIA = MeasureWanted(
    MeasureKind.BLOCK_DESTINATIONS,
    Scope(channels=("voice",), directions=("outbound",), destination_prefixes=("+371",)),
    timedelta(hours=72),
)


def a_flag(start: datetime = START, tenant_id: str = "acme", **changes: Any) -> FlagRow:
    """Return a flag of outbound voice, with some fields changed."""
    row = FlagRow(
        tenant_id=tenant_id,
        channel="voice",
        direction="outbound",
        application_id=None,
        interval_seconds=300,
        interval_start=start,
        span_seconds=300,
        observed=140.0,
        baseline=10.0,
        excess=130.0,
        score=6.5,
        p_value=10**-6.5,
        q_value=0.05,
        threshold=2.4,
        model_version=None,
        reasons={"words": "14 × the usual Thursday 12:00"},
    )
    return replace(row, **changes)


def read_rows(wanted: RowsWanted) -> Sequence[dict[str, Any]]:
    """Stand in for the lake: two rows of traffic, and 120 contacts an hour as the usual level of each stream."""
    levels = [
        {
            "table": USUAL_LEVEL,
            "series_id": f"{channel} {direction}",
            "channel": channel,
            "direction": direction,
            "application_id": None,
            "usual_per_hour": 120.0,
        }
        for channel, direction in wanted.streams
    ]
    return [
        {"interval_start": wanted.start, "observed": 10.0},
        {"interval_start": wanted.end - timedelta(minutes=5), "observed": 140.0},
        *levels,
    ]


def flag(
    engine: Engine,
    *rows: FlagRow,
    at: datetime | None = None,
    window: tuple[datetime, datetime] | None = None,
    cap: int = 20,
    tenant_ids: set[str] | None = None,
) -> FlaggingResult:
    """Record flags as detection does, in a window around them if none is given."""
    starts = [row.interval_start for row in rows]
    around = window or (min(starts) - HOUR, max(starts) + HOUR)
    with transaction(engine) as session:
        return record_flags(
            Decision(session, DETECTOR, at or START),
            rows,
            window=around,
            tenant_ids=tenant_ids,
            cases_per_hour=cap,
        )


@dataclass
class StaffedDeployment:
    """People, a database, a mail server, a platform and a clock that only the test moves."""

    engine: Engine
    mail: NoticeMethods
    platform: PlatformClient
    policy: ProviderPolicy
    now: datetime = START
    people: dict[str, Actor] = field(default_factory=dict)
    opened_with: Hashable = None
    """What the staffed deployment was opened with, if in a database that nobody had used."""
    opened_at_entry: int = 0
    """The newest entry of the log then."""

    def case(self) -> Case:
        """Return the newest case."""
        with reading(self.engine) as session:
            return session.scalars(select(Case).order_by(Case.number.desc())).first()  # type: ignore[return-value]

    @property
    def state(self) -> CaseState:
        """State of the newest case."""
        return self.case().state

    def restricted(self) -> int:
        """How many restrictions work at the embedded platform now."""
        with reading(self.engine) as session:
            return (
                session.scalar(
                    select(func.count()).select_from(Entitlement).where(Entitlement.in_force_at(self.now))
                )
                or 0
            )

    def measure(self) -> Measure:
        """Return the newest measure."""
        with reading(self.engine) as session:
            return session.scalars(select(Measure).order_by(Measure.id.desc())).first()  # type: ignore[return-value]

    def do(self, transition: Any, *args: Any, **kwargs: Any) -> Any:
        """Run a transition of the newest case in a transaction: ``do(claim, "rita")``."""
        case_id = self.case().id
        who = [self.people[arg] if isinstance(arg, str) and arg in self.people else arg for arg in args]
        with transaction(self.engine) as session:
            return transition(Decision(session, who[0], self.now), case_id, *who[1:], **kwargs)

    def determine(self, by: str = "rita", **kwargs: Any) -> Proposal:
        """Determine fraud on the newest case."""
        given: dict[str, Any] = {
            "tenants_part": TenantsPart.VICTIM,
            "reasons": "short calls to one foreign range, at night, no agent logged in",
            "grounds": GROUNDS,
            "measure": OUTBOUND_VOICE,
        }
        finding = FraudFinding(**given | kwargs)
        proposal: Proposal = self.do(
            determine_fraud,
            by,
            finding,
            policy=self.policy,
            read_rows=read_rows,
            obstacles=proposal_obstacles,
        )
        return proposal

    def approve(self, by: str = "adam", **kwargs: Any) -> Approval:
        """Approve the newest case's proposal, and nothing else."""
        approval: Approval = self.do(approve, by, partial(approval_obstacles, policy=self.policy), **kwargs)
        return approval

    def look(self, by: str = "adam") -> str:
        """Look at the traffic since the newest case's measure is in force; return the look's reference."""
        look: TrafficLook = self.do(take_look, by, read_rows)
        return look.reference

    def reaffirm(
        self, by: str, reasons: str, *, look: str | None = None, although_quiet: str | None = QUIET
    ) -> ReaffirmationResult:
        """Reaffirm the newest case's measure after a look at the traffic, which shows nothing unusual."""
        named = look if look is not None else self.look(by)
        given = {"reasons": reasons, "although_quiet": although_quiet}
        result: ReaffirmationResult = self.do(reaffirm, by, look=named, policy=self.policy, **given)
        return result

    def enforcement(self, engine: Engine | None = None) -> Enforcement:
        """Return what cases are enforced with now; with another engine, as another process has it."""
        platform = self.platform if engine is None else EmbeddedPlatform(engine)
        return Enforcement(engine or self.engine, self.mail, platform, self.policy, StandingClock(self.now))

    def enforce(self) -> EnforcementReport:
        """Enforce the newest case as far as it goes."""
        return enforce(self.enforcement(), self.case().id)

    def resume_all(self) -> ResumeReport:
        """Run what the schedule runs every five minutes."""
        return resume_all(self.enforcement())

    def wait(self, **how_long: float) -> None:
        """Move the clock on."""
        self.now += timedelta(**how_long)

    def approved_case(self, tenant_id: str = "acme", **determination: Any) -> Case:
        """Bring a flagged case to ``approved`` by the book."""
        approve_it = partial(self._approve_a_case, tenant_id, **determination)
        unused = self.opened_with is not None and newest_entry(self.engine) == self.opened_at_entry
        if unused and not determination:
            brought_to(self.engine, ("approved", self.opened_with, self.now, tenant_id), approve_it)
        else:
            approve_it()
        return self.case()

    def _approve_a_case(self, tenant_id: str, **determination: Any) -> None:
        flag(self.engine, a_flag(self.now - timedelta(minutes=30), tenant_id), at=self.now)
        self.do(claim, "rita")
        self.determine(**determination)
        self.approve()


def open_staffed(
    engine: Engine,
    folder: Path,
    mail: NoticeMethods,
    *rows: dict[str, str],
    mode: PlatformMode = PlatformMode.ACT,
    platform: PlatformClient | None = None,
) -> StaffedDeployment:
    """Open a staffed deployment: the tenants of ``rows`` (or acme under the plain terms), and everybody on record."""
    policy = ProviderPolicy(mode=mode, sender=SENDER)
    staffed = StaffedDeployment(engine, mail, platform or EmbeddedPlatform(engine), policy)
    chosen = rows or (a_row(),)
    if not is_empty(engine):
        staffed.people = _move_in(engine, folder, chosen)
        return staffed
    staffed.opened_with = (mode, tuple(tuple(sorted(row.items())) for row in chosen))
    steps = partial(_move_in, engine, folder, chosen)
    staffed.people = dict(brought_to(engine, ("opened", staffed.opened_with), steps))
    staffed.opened_at_entry = newest_entry(engine)
    return staffed


def a_claimed_case(
    engine: Engine, folder: Path, server: MailServerUnderTest, terms: ContractTerms
) -> StaffedDeployment:
    """Return a deployment whose one case rita has claimed, under these terms."""
    made = open_staffed(engine, folder, mail_to(server))
    with transaction(engine) as session:
        read_agreement(session, terms)
    flag(engine, a_flag(START - timedelta(minutes=30)), at=START)
    made.do(claim, "rita")
    return made


def _move_in(engine: Engine, folder: Path, rows: Sequence[dict[str, str]]) -> dict[str, Actor]:
    load_rows(engine, folder, *rows, at=START - timedelta(days=60))
    with transaction(engine) as session:
        for name, roles in PEOPLE.items():
            a_user(session, name, roles, START - timedelta(days=60))
        return {name: actor_named(session, name) for name in PEOPLE}


def mail_to(server: Any, *, mode: PlatformMode = PlatformMode.ACT) -> NoticeMethods:
    """Return the methods of a deployment that uses a mail server under test."""
    mail = MailServer(
        host=server.host,
        port=server.port,
        mail_from="notices@provider.example",
        sender_name="The provider",
        timeout_seconds=5,
    )
    return NoticeMethods(mode, {EMAIL: EmailMethod(mail, KEY)})
