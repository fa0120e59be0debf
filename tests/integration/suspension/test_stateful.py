"""Random actions of several people restrict nobody while a precondition is missing, and by the book they do.

What must hold is checked at the moment when the platform is told to restrict, by SQL alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from cjp_fraud.config import PlatformMode
from cjp_fraud.contracts.contract_terms import ContractTerms, GroundWithoutNotice
from cjp_fraud.contracts.model import Right
from cjp_fraud.contracts.stated import NOT_STATED
from cjp_fraud.contracts.terms import plain_terms
from cjp_fraud.contracts.versions import enter_address, enter_terms
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.people.model import Decision, Role, machine
from cjp_fraud.people.users import actor_named, create_user, disable_user
from cjp_fraud.review.approval import return_, state_need
from cjp_fraud.review.claim import claim, comment, release
from cjp_fraud.review.determination import dismiss, leave_undetermined, reopen, withdraw
from cjp_fraud.review.dispute import decide_dispute, open_dispute
from cjp_fraud.review.grounds import Ground
from cjp_fraud.review.model import CLOSED_STATES, CaseState
from cjp_fraud.review.stops_on_record import clear_stop, order_stop
from cjp_fraud.storage.database import make_engine, reading, transaction
from cjp_fraud.storage.schema_version import migrate
from cjp_fraud.suspension.embedded_platform import EmbeddedPlatform
from cjp_fraud.suspension.emergency import approve_in_emergency, order_in_emergency
from cjp_fraud.suspension.measures import apply_measure
from cjp_fraud.suspension.reinstatement import reinstate
from tests.case_builders import (
    BLOCK_LATVIA,
    OUTBOUND_VOICE,
    PEOPLE,
    START,
    StaffedDeployment,
    a_flag,
    flag,
    mail_to,
    open_staffed,
)
from tests.chains import chain_faults
from tests.contract_builders import a_row, load_rows
from tests.mail_servers import MailServerUnderTest, smtp_server
from tests.people_builders import a_user
from tests.platforms import Killed, UnreliablePlatform
from tests.preconditions_on_record import PreconditionsOnRecord
from tests.simulated_clocks import simulate_clock
from tests.thoroughness import examples

NEVER_EDIT = ("rolf", "bella")
"""These two do everything by the book and never touch contract data."""

PEOPLE_NAMES = tuple(sorted(PEOPLE))
DECISIVE = ("rita", "rolf", "adam", "bella", "both")
EDITORS = tuple(sorted(set(PEOPLE) - set(NEVER_EDIT)))
TRUTH = (True, False)

AS_IT_WAS = a_row(term_to="2039-12-31", critical="false")
"""A row of the tenants file that lets a case go to its end, however far the clock has jumped."""

CONTRACTS: tuple[dict[str, str], ...] = (
    {},
    {},
    {"governing_document": ""},
    {"critical": "true"},
    {"term_to": "2015-04-20"},
    {"provisioning_notice_proof": ""},
    {"hosting": "partner"},
    {"language": "de"},
)
"""How a tenants file may differ from :data:`AS_IT_WAS`."""

ACTIONS: tuple[tuple[int, str, dict[str, tuple[Any, ...]]], ...] = (
    (8, "goes_on", {"by": DECISIVE, "wanted": (OUTBOUND_VOICE, BLOCK_LATVIA, None), "at_once": TRUTH}),
    (3, "applied", {}),
    (2, "ordered_in_emergency", {"by": DECISIVE, "at_once": TRUTH}),
    (2, "approved_in_emergency", {"by": DECISIVE}),
    (3, "flagged", {"minutes": (5, 30, 200, 600), "direction": ("outbound",) * 5 + ("inbound",)}),
    (1, "taken_back", {"hours": (6, 12, 30)}),
    (1, "ground_is_marked", {"grounds": (tuple(Ground), (Ground.BLOCKED_LINES,), ())}),
    (3, "time_passes", {"hours": (0.1, 0.45, 0.5, 1, 13, 25, 25, 50, 80, 400)}),
    (1, "clock_slips", {"seconds": (2, 4, 30, 4000)}),
    (2, "contract_changes", {"by": (None, None, *EDITORS), "changes": CONTRACTS}),
    (1, "account_is_made_anew", {"by": EDITORS}),
    (2, "stopped", {"by": ("carol", "carol", "rita")}),
    (1, "stop_cleared", {"by": ("carol", "carol", "rita")}),
    (1, "disputed", {"by": PEOPLE_NAMES}),
    (1, "dispute_decided", {"by": ("carol", "both", "rolf"), "upheld": TRUTH}),
    (1, "commented", {"by": PEOPLE_NAMES}),
    (1, "needed", {"by": PEOPLE_NAMES}),
    (1, "passed_on", {"by": PEOPLE_NAMES, "what": ((claim,), (release,), (return_, "narrower"))}),
    (1, "decided", {"by": DECISIVE, "what": (leave_undetermined, dismiss, reopen, withdraw)}),
    (1, "address_edited", {"by": EDITORS, "number": (0, 1, 2, 3)}),
    (1, "reinstated", {"by": DECISIVE}),
    (2, "reaffirmed", {"by": DECISIVE}),
    (2, "platform_misbehaves", {"behaviour": ("refuse", "lose", "kill_before", "kill_after")}),
    (1, "platform_answers", {"unreachable": TRUTH, "unconfirmed": TRUTH}),
    (1, "mail_server_misbehaves", {"reply": ("451 later", "550 no such user", None)}),
    (1, "switch_turned", {"mode": (PlatformMode.ACT, PlatformMode.ACT, PlatformMode.OBSERVE)}),
)
"""What may happen next: how often, which method, and what its arguments are chosen from."""


class _World:
    """What all examples share: a mail server, a database with a staffed deployment, and its bytes as they begin.

    One engine for all of them, so that no statement is compiled twice.
    """

    server: MailServerUnderTest
    file: Path
    template: bytes
    staffed: StaffedDeployment


@pytest.fixture(scope="module", autouse=True)
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("stateful")
    with smtp_server() as server:
        _World.file = folder / "cjp_fraud.db"
        engine = make_engine(f"sqlite:///{_World.file}")
        migrate(engine)
        simulate_clock(engine)
        _World.server = server
        _World.staffed = open_staffed(engine, folder, mail_to(server), AS_IT_WAS)
        with transaction(engine) as session:
            a_user(session, "root", [Role.ADMIN], START - timedelta(days=60))
            _World.staffed.people["root"] = actor_named(session, "root")
        with engine.connect().execution_options(reading_only=True) as connection:
            connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        engine.dispose()
        _World.template = _World.file.read_bytes()
        yield
        engine.dispose()


class WorkflowMachine(PreconditionsOnRecord, RuleBasedStateMachine):
    """Nine people, one tenant, a mail server and a platform that may fail."""

    def __init__(self) -> None:
        super().__init__()
        made = _World.staffed
        self.file, self.engine, self.server = _World.file, made.engine, _World.server
        for left in self.file.parent.glob(f"{self.file.name}-*"):  # journals of the example before
            left.unlink()
        self.file.write_bytes(_World.template)
        self.platform = UnreliablePlatform(EmbeddedPlatform(self.engine))
        self.platform.before_apply = self.nothing_is_missing
        self.staffed = StaffedDeployment(
            self.engine, made.mail, self.platform, made.policy, START, dict(made.people)
        )
        self.checked: set[str] = set()
        self.renamed = 0

    def teardown(self) -> None:
        with reading(self.engine) as session:
            assert chain_faults(session) == []
        self.engine.dispose()
        _World.server.data_replies.clear()
        _World.server.rcpt_replies.clear()
        _World.server.received.clear()

    @rule(seed=st.integers(0, 2**32 - 1))
    def somebody_acts(self, seed: int) -> None:
        """Choose by a seed: hypothesis' own choice of rules hardly ever walks a case to its end."""
        chance = Random(seed)
        _, name, choices = chance.choices(ACTIONS, [weight for weight, _, _ in ACTIONS])[0]
        chosen = {key: chance.choice(values) for key, values in choices.items()}
        note(f"{name} {chosen}")
        getattr(self, name)(**chosen)

    # -- the way of a case: what usually comes next, by somebody who may well be the wrong one ----------

    @initialize(seed=st.integers(0, 2**32 - 1))
    def something_is_flagged(self, seed: int) -> None:
        self.begins(Random(seed).choice((3, 3, 4, 2, 3, 1, 0, -1, -1)))

    def begins(self, steps: int) -> None:
        staffed = self.staffed
        self.flagged(5, "outbound")
        by_the_book = (
            lambda: staffed.do(claim, "rolf"),
            lambda: staffed.determine("rolf"),
            lambda: staffed.approve("bella"),
            staffed.enforce,
        )
        if steps < 0:
            self.ground_is_marked(tuple(Ground))
            by_the_book = (*by_the_book[:2], lambda: self.ordered_in_emergency("rolf", at_once=True))
            steps = 3
        for step in by_the_book[:steps]:
            step()

    def goes_on(self, by: str, wanted: Any, at_once: bool) -> None:
        state = self.staffed.state
        if state is CaseState.OPEN:
            self.tried(claim, by)
        elif state is CaseState.IN_REVIEW:
            with suppress(CjpFraudError):
                self.staffed.determine(by, measure=wanted)
        elif state is CaseState.DETERMINED:
            with suppress(CjpFraudError):
                self.staffed.approve(by)
            if at_once:
                self.surviving(self.staffed.enforce)
        elif state in CLOSED_STATES:
            self.staffed.wait(hours=25)
            self.flagged(5, "outbound")
        else:
            self.surviving(self.staffed.resume_all if at_once else self.staffed.enforce)

    # -- what comes in between -------------------------------------------------------------------------

    def flagged(self, minutes: int, direction: str) -> None:
        start = (self.staffed.now - timedelta(minutes=minutes)).replace(second=0, microsecond=0)
        row = a_flag(start, direction=direction)
        flag(self.engine, row, window=(start, start + timedelta(minutes=5)), at=self.staffed.now)

    def taken_back(self, hours: int) -> None:
        window = (self.staffed.now - timedelta(hours=hours), self.staffed.now)
        flag(self.engine, window=window, at=self.staffed.now)

    def time_passes(self, hours: float) -> None:
        self.staffed.wait(hours=hours)

    def clock_slips(self, seconds: int) -> None:
        """The machine's clock is set back, something is tried, and it is put right again."""
        before = self.staffed.now
        self.staffed.now -= timedelta(seconds=seconds)
        self.surviving(self.staffed.resume_all)
        self.tried(comment, "rolf", "at an odd moment")
        self.staffed.now = before

    def contract_changes(self, by: str | None, changes: dict[str, str]) -> None:
        with suppress(CjpFraudError):
            who = self.staffed.people[by] if by is not None else None
            load_rows(self.engine, self.file.parent, AS_IT_WAS | changes, by=who, at=self.staffed.now)

    def account_is_made_anew(self, by: str) -> None:
        """A person's account is shut, and an admin makes them another one, under another name."""
        staffed, self.renamed = self.staffed, self.renamed + 1
        former = staffed.people[by]
        with suppress(CjpFraudError), transaction(self.engine) as session:
            decision = Decision(session, staffed.people["root"], staffed.now)
            disable_user(decision, former.name)
            name = f"{by}-{self.renamed}"
            create_user(decision, name, PEOPLE[by])
            staffed.people[by] = actor_named(session, name)

    def stopped(self, by: str) -> None:
        self.tried(order_stop, by, "wait")

    def stop_cleared(self, by: str) -> None:
        self.tried(clear_stop, by, None, "go on")

    def disputed(self, by: str) -> None:
        self.tried(open_dispute, by, "it was our campaign")

    def commented(self, by: str) -> None:
        self.tried(comment, by, "looks odd")

    def needed(self, by: str) -> None:
        self.tried(state_need, by, "it goes on")

    def passed_on(self, by: str, what: tuple[Any, ...]) -> None:
        self.tried(what[0], by, *what[1:])

    def decided(self, by: str, what: Any) -> None:
        self.tried(what, by, reasons="because")

    def dispute_decided(self, by: str, upheld: bool) -> None:
        for (dispute,) in self.rows("SELECT id FROM disputes WHERE state = 'open' LIMIT 1"):
            with suppress(CjpFraudError), transaction(self.engine) as session:
                who, now = self.staffed.people[by], self.staffed.now
                decide_dispute(Decision(session, who, now), dispute, upheld=upheld, reasons="so")

    def address_edited(self, by: str, number: int) -> None:
        with transaction(self.engine) as session:
            who = self.staffed.people[by]
            enter_address(session, "acme", "notice", (f"n{number}@acme.example",), who, self.staffed.now)

    def ground_is_marked(self, grounds: tuple[Ground, ...]) -> None:
        """Counsel's reading of the contract changes: on these grounds no prior notice is needed."""
        entry = (GroundWithoutNotice("fraudulent use", grounds),) if grounds else NOT_STATED
        terms = ContractTerms(suspension=plain_terms(), without_notice=entry)
        by, at = machine("contracts"), self.staffed.now
        with suppress(CjpFraudError), transaction(self.engine) as session:
            enter_terms(session, "acme", by, at, reference="Agreement", right=Right.CLAUSE_2_4, terms=terms)

    def ordered_in_emergency(self, by: str, at_once: bool) -> None:
        self.tried(order_in_emergency, by, self.staffed.policy, reasons="it cannot wait")
        if at_once:
            self.surviving(self.staffed.enforce)

    def approved_in_emergency(self, by: str) -> None:
        self.tried(approve_in_emergency, by, self.staffed.policy)
        self.surviving(self.staffed.enforce)

    def applied(self) -> None:
        staffed = self.staffed
        self.surviving(lambda: apply_measure(staffed.enforcement(), staffed.case().id))

    def reinstated(self, by: str) -> None:
        staffed, who = self.staffed, self.staffed.people[by]
        self.surviving(lambda: reinstate(staffed.enforcement(), staffed.case().id, who, reasons="over"))

    def reaffirmed(self, by: str) -> None:
        reasons = f"{by} saw it again at {self.staffed.now}"
        with suppress(CjpFraudError):
            self.staffed.reaffirm(by, reasons)
        self.surviving(self.staffed.enforce)

    # -- what goes wrong -------------------------------------------------------------------------------

    def platform_misbehaves(self, behaviour: str) -> None:
        self.platform.behaviours.append(behaviour)

    def platform_answers(self, unreachable: bool, unconfirmed: bool) -> None:
        self.platform.unreachable, self.platform.unconfirmed = unreachable, unconfirmed

    def mail_server_misbehaves(self, reply: str | None) -> None:
        _World.server.data_replies.append(reply)

    def switch_turned(self, mode: PlatformMode) -> None:
        self.staffed.policy = replace(self.staffed.policy, mode=mode)
        self.staffed.mail = replace(self.staffed.mail, mode=mode)

    # -- what must be possible -------------------------------------------------------------------------

    @precondition(lambda self: self.staffed.state in CLOSED_STATES)
    @rule()
    def by_the_book(self) -> None:
        self.platform.behaviours.clear()
        self.platform_answers(unreachable=False, unconfirmed=False)
        _World.server.data_replies.clear()
        self.switch_turned(mode=PlatformMode.ACT)
        self.staffed.resume_all()
        self.time_passes(26)
        self.contract_changes(by=None, changes={})
        self.flagged(5, "outbound")
        staffed = self.staffed
        staffed.do(claim, "rolf")
        staffed.determine("rolf")
        staffed.approve("bella")
        done = staffed.enforce()
        assert done.state is CaseState.SUSPENDED, done.waiting_for

    # -- means -----------------------------------------------------------------------------------------

    def tried(self, transition: Any, by: str, *words: Any, **kwargs: Any) -> None:
        with suppress(CjpFraudError):
            self.staffed.do(transition, by, *words, **kwargs)

    def surviving(self, action: Any) -> None:
        with suppress(CjpFraudError, Killed):
            action()


TestStaffed = WorkflowMachine.TestCase
TestStaffed.settings = settings(
    max_examples=examples(3, 20), stateful_step_count=examples(20, 30), deadline=None
)
TestStaffed.pytestmark = [pytest.mark.thorough]
