"""A queue to look at (``cjp-fraud serve --demo``): a simulated cloud, and what people made of its cases.

Everything in it was done by the operations that a person or a schedule calls, on a simulated clock: nothing is written
by hand.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import pyotp

from cjp_fraud.clock import machine_now
from cjp_fraud.contracts.restriction import MeasureKind, Scope
from cjp_fraud.deployment import Deployment, open_deployment
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.operations import (
    cases,
    contract_entries,
    detection,
    due_run,
    housekeeping,
    measures,
    tenants,
    traffic,
)
from cjp_fraud.operations.demo_additions import announce, ask_approver, attach_calls, have_signed
from cjp_fraud.operations.measure_choice import OfferedMeasure, measures_of_case
from cjp_fraud.operations.sign_in import (
    accept_invitation,
    give_code,
    invite_user,
    second_factor_to_set_up,
    sign_out,
)
from cjp_fraud.people.model import Role
from cjp_fraud.people.one_time_codes import STEP_SECONDS
from cjp_fraud.review.grounds import Ground
from cjp_fraud.review.model import TenantsPart, WrongCause
from cjp_fraud.review.requests import FraudFinding, MeasureWanted
from cjp_fraud.simulation.demo_cloud import (
    BURST,
    DELIVERIES,
    ROBOT,
    SMS,
    DemoCloud,
    Fate,
    Incident,
    write_demo_cloud,
)

REVIEWER, APPROVER = "rosa", "amir"
"""The two people as whom one may sign in."""
OTHER_REVIEWER, OTHER_APPROVER, COUNSEL = "ravi", "dana", "carol"
"""Colleagues who have done some of the work."""

PEOPLE: Final[Mapping[str, tuple[Role, ...]]] = {
    REVIEWER: (Role.ANALYST, Role.REVIEWER),
    APPROVER: (Role.APPROVER,),
    OTHER_REVIEWER: (Role.ANALYST, Role.REVIEWER),
    OTHER_APPROVER: (Role.APPROVER,),
    COUNSEL: (Role.COUNSEL,),
}

_THRESHOLD: Final = 2.25
"""Lower than where a cloud begins: here every tenant is hit once, and what is common counts as less unusual."""
_HERE: Final = "127.0.0.1"
_CODES: Final = 8
_DAY: Final = timedelta(hours=24)

_GROUND: Final = {
    BURST: Ground.UNUSUAL_DESTINATIONS,
    SMS: Ground.PUMPED_MESSAGES,
    ROBOT: Ground.AUTOMATED_CALLS,
}
_REASONS: Final = {
    BURST: "Many short calls within minutes to countries that this customer never called; nobody at work",
    SMS: "Messages in sequence to ranges of one country, none of them answered",
    ROBOT: "The same short call thousands of times, hour after hour, far beyond the agents at work",
}


@dataclass(frozen=True, slots=True)
class DemoSignIn:
    """How to sign in as somebody of the demo; good for this home alone.

    Parameters
    ----------
    secret : of the second factor, base32.
    """

    name: str
    roles: tuple[Role, ...]
    password: str
    secret: str

    def codes(self, now: datetime) -> list[tuple[datetime, str]]:
        """Return the codes of the next minutes, each with the moment (aware, UTC) at which its half minute begins."""
        generator, step = pyotp.TOTP(self.secret), int(now.timestamp()) // STEP_SECONDS
        return [
            (datetime.fromtimestamp(each * STEP_SECONDS, now.tzinfo), generator.generate_otp(each))
            for each in range(step + 1, step + 1 + _CODES)
        ]


@dataclass(frozen=True, slots=True)
class DemoQueue:
    """A queue that is ready to be served."""

    deployment: Deployment
    sign_ins: tuple[DemoSignIn, ...]


def make_demo_queue(home: Path, report: Callable[[str], None]) -> DemoQueue:
    """Make a home with a simulated cloud and its cases, in the settings in force.

    Parameters
    ----------
    home : an empty folder (:func:`cjp_fraud.simulation.demo.prepare_home`).
    report : is told what is done now.

    Raises
    ------
    CjpFraudError
        If something of the cloud was not flagged, or an operation refuses; a fault of the product.
    """
    report("simulating a cloud of 30 tenants")
    cloud = write_demo_cloud(home / "input")
    begins = DELIVERIES[0] + timedelta(minutes=5)
    housekeeping.initialize(_opened_at(home, begins), simulated=True, users=PEOPLE)
    run = _DemoRun(home, report)
    sign_ins = _sign_ins(run.deployment, (REVIEWER, APPROVER))
    _take_on(run, cloud)
    have_signed(run.deployment, COUNSEL, OTHER_APPROVER, run.now, cloud.incidents)
    _detect(run, cloud, 0)
    _work_through_the_earlier_cases(run, [each for each in cloud.incidents if each.earlier])
    run.move_to(DELIVERIES[1] + timedelta(minutes=5))
    _detect(run, cloud, 1)
    _work_through_the_latest_cases(run, [each for each in cloud.incidents if not each.earlier])
    return DemoQueue(run.deployment, sign_ins)


def _take_on(run: _DemoRun, cloud: DemoCloud) -> None:
    tenants.load_tenants(run.deployment, COUNSEL, run.now, cloud.tenants)
    for contract in cloud.contracts:
        contract_entries.load(run.deployment, COUNSEL, run.now, contract)


def _detect(run: _DemoRun, cloud: DemoCloud, number: int) -> None:
    """Take a delivery in, and look for what is unusual in its last day."""
    end = DELIVERIES[number]
    run.report(f"detecting until {end:%Y-%m-%d %H:%M}Z")
    traffic.ingest_files(run.deployment, run.now, [cloud.deliveries[number]])
    detection.detect(run.deployment, run.now, end - _DAY, end)


def _work_through_the_earlier_cases(run: _DemoRun, incidents: Sequence[Incident]) -> None:
    """Bring the cases of the first day to their ends: four days go by."""
    run.report("working through the cases of four days before")
    run.move(minutes=30)
    run.let_happen(incidents)
    run.move(hours=3)
    for each in incidents:
        case = run.case_of(each)
        if each.fate is Fate.WITHDRAWN:
            reasons = "The customer showed that the messages are codes for its own new application"
            cases.withdraw_and_notify(run.deployment, OTHER_REVIEWER, run.now, case, reasons=reasons)
        elif each.fate is Fate.REINSTATED:
            reasons = "The credential was replaced, and the customer has confirmed it"
            measures.reinstate(run.deployment, OTHER_APPROVER, run.now, case, reasons=reasons)
        elif each.fate is Fate.DISPUTE_UPHELD:
            dispute = run.disputed(case, "These calls are our own: we opened an office abroad on that day.")
            run.move(minutes=20)
            reasons = "The office and its contract were shown; the calls went to its customers"
            cases.decide_dispute(
                *(run.deployment, APPROVER, run.now, dispute),
                upheld=True,
                reasons=reasons,
                cause=WrongCause.DETECTOR,
            )
    run.move(hours=24)
    due_run.run_due(run.deployment, run.now)


def _work_through_the_latest_cases(run: _DemoRun, incidents: Sequence[Incident]) -> None:
    """Leave the cases of the last day where they are worth looking at."""
    run.report("working through today's cases")
    due_run.run_due(run.deployment, run.now)
    run.move(minutes=5)
    announce(run.deployment, OTHER_REVIEWER, run.now, incidents)
    run.let_happen(incidents)
    run.move(minutes=5)
    looked_at = next(each for each in incidents if (each.event, each.fate) == (BURST, Fate.IN_REVIEW))
    attach_calls(run.deployment, OTHER_REVIEWER, run.now, run.case_of(looked_at), REVIEWER)
    waits = next(each for each in incidents if each.fate is Fate.DETERMINED)
    ask_approver(run.deployment, OTHER_REVIEWER, run.now, run.case_of(waits), APPROVER)
    for each in incidents:
        if each.fate is Fate.DISPUTED:
            run.disputed(
                run.case_of(each),
                "Nobody of us made these calls. Our agents can call nobody. Please lift this.",
            )
    run.move(minutes=5)


class _DemoRun:
    """What happens in the demo's home, moment by moment."""

    def __init__(self, home: Path, report: Callable[[str], None]) -> None:
        self._home = home
        self.report = report
        self.deployment = _opened_at(home)

    @property
    def now(self) -> datetime:
        """What the home's clock shows."""
        return self.deployment.now

    def move(self, **by: float) -> None:
        """Move the home's clock on."""
        self.move_to(self.now + timedelta(**by))

    def move_to(self, moment: datetime) -> None:
        """Move the home's clock on to a moment."""
        self.deployment.engine.dispose()
        self.deployment = _opened_at(self._home, moment)

    def case_of(self, incident: Incident) -> str:
        """Return the number of an incident's case: the tenant's newest, as each tenant has one incident.

        Raises
        ------
        CjpFraudError
            If it was not flagged.
        """
        flags = detection.list_flags(self.deployment, tenant_id=incident.tenant_id, begin=incident.begin)
        numbers = [flag.case for flag in flags if flag.case is not None]
        if not numbers:
            raise CjpFraudError(
                f"{incident.event} of {incident.tenant_id} was not flagged; "
                "this is a fault of cjp_fraud, please report it"
            )
        return str(max(numbers))

    def measures_of(self, case: str) -> tuple[OfferedMeasure, ...]:
        """Return the measures that the page offers for a case, the narrowest first."""
        return measures_of_case(self.deployment, self.now, case)

    def disputed(self, case: str, text: str) -> str:
        """Enter a dispute in the tenant's words; return its id."""
        return cases.open_dispute(self.deployment, OTHER_REVIEWER, self.now, case, text).dispute_id

    def let_happen(self, incidents: Sequence[Incident]) -> None:
        """Let people do what brings each case where it is to stand, one person after the other."""
        left = (Fate.OPEN, Fate.CAPPED)
        waiting = [(each, self.case_of(each)) for each in incidents if each.fate not in left]
        for each, case in waiting:
            cases.claim(self.deployment, _reviewer_of(each), self.now, case)
        self.move(minutes=10)
        for each, case in waiting:
            if each.fate is Fate.IN_REVIEW:
                text = "Asked the customer's administrator by telephone; no answer yet"
                cases.comment(self.deployment, _reviewer_of(each), self.now, case, text)
            elif each.fate is Fate.DISMISSED:
                reasons = "A mailing of the customer's own, which its announcement confirms"
                cases.dismiss(self.deployment, _reviewer_of(each), self.now, case, reasons=reasons)
            else:
                cases.determine(
                    self.deployment,
                    _reviewer_of(each),
                    self.now,
                    case,
                    _finding_of(each, self.measures_of(case)),
                )
        self.move(minutes=10)
        for each, case in waiting:
            if each.fate in _APPROVED:
                cases.approve_and_carry_out(self.deployment, _APPROVED[each.fate], self.now, case)


_APPROVED: Final = {
    Fate.WAITING: OTHER_APPROVER,
    Fate.WITHDRAWN: APPROVER,
    Fate.SUSPENDED: APPROVER,
    Fate.DISPUTED: OTHER_APPROVER,
    Fate.REINSTATED: OTHER_APPROVER,
    Fate.DISPUTE_UPHELD: OTHER_APPROVER,
    Fate.LAPSED: APPROVER,
}
"""Who approves; whoever decides a dispute took no part in its case."""


def _opened_at(home: Path, moment: datetime | None = None) -> Deployment:
    """Open the home, and move its clock to a moment if one is given.

    One bucket of tenants is enough for so small a lake; and all cases are to be seen, however many there are an hour.
    """
    return open_deployment(
        home=home, now=moment, lake_buckets=1, cases_per_hour=100, initial_threshold=_THRESHOLD
    )


def _reviewer_of(incident: Incident) -> str:
    return OTHER_REVIEWER if incident.earlier or incident.profile.index % 2 else REVIEWER


def _finding_of(incident: Incident, offered: Sequence[OfferedMeasure]) -> FraudFinding:
    """Return the finding of fraud, with the narrowest measure that stops nearly all of it."""
    days = 1 if incident.fate is Fate.LAPSED else 3
    channel, direction = incident.series
    scope = Scope(channels=(channel,), directions=(direction,))
    narrowest = next(((each.kind, each.scope) for each in offered if each.suffices), None)
    kind, scope = narrowest or (MeasureKind.SUSPEND_CHANNEL, scope)
    return FraudFinding(
        reasons=_REASONS[incident.event],
        tenants_part=TenantsPart.VICTIM,
        measure=MeasureWanted(kind, scope, timedelta(days=days)),
        grounds=(_GROUND[incident.event],),
    )


def _sign_ins(deployment: Deployment, names: Sequence[str]) -> tuple[DemoSignIn, ...]:
    """Let people choose a password and a second factor; all are invited first, while nobody has a password yet."""
    tokens = {name: invite_user(deployment, None, deployment.now, name).token for name in names}
    return tuple(_sign_in_of(deployment, name, token) for name, token in tokens.items())


def _sign_in_of(deployment: Deployment, name: str, invitation: str) -> DemoSignIn:
    password = secrets.token_urlsafe(12)
    token = accept_invitation(deployment, deployment.now, invitation, password, _HERE).token
    assert token is not None, "the invitation was made just now"
    factor = second_factor_to_set_up(deployment, deployment.now, token)
    assert factor is not None, "it is not set up yet"
    code = pyotp.TOTP(factor.secret).at(machine_now())
    kept = give_code(deployment, deployment.now, token, code, _HERE).token
    sign_out(deployment, deployment.now, kept, _HERE)
    return DemoSignIn(name, PEOPLE[name], password, factor.secret)
