"""Versions that are tried against the one in force: they replace it, wait, or are promoted anyway by a person."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import select

from cjp_fraud.audit.tables import AuditEntry, PersonalText
from cjp_fraud.clock import day_of
from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.detection.promotion import TrialOutcome, TrialResult
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.tables import ModelPromotion
from cjp_fraud.detection.training import train
from cjp_fraud.detection.trials import Event, backtest_trial
from cjp_fraud.errors import Refused
from cjp_fraud.operations import model_versions
from cjp_fraud.people.model import Role
from cjp_fraud.storage.database import make_engine, reading, transaction
from cjp_fraud.traffic.grid import grid_rows
from features.counting_clocks import Clock
from tests.integration.detection.deployments import DATABASE, RULES, START, ZONES, SmallDeployment, traffic
from tests.people_builders import a_user
from tests.small_forests import small_forests

DAYS = 15
NOW = START + timedelta(days=DAYS, hours=3)


class Told:
    """A trial with given results: of the version first, then of the one in force."""

    name = "simulation"
    budget = None

    def __init__(self, *results: TrialResult) -> None:
        self._results = iter(results)

    def result(self, threshold: float) -> TrialResult:
        return next(self._results)


@pytest.fixture
def opened(tmp_path: Path, sqlite_template: bytes) -> Deployment:
    """Two weeks of one tenant, and an analyst."""
    (tmp_path / DATABASE).write_bytes(sqlite_template)
    small = SmallDeployment(tmp_path, make_engine(f"sqlite:///{tmp_path / DATABASE}"), {"loo": "Etc/UTC"})
    small.ingest(traffic(DAYS, tenants=small.zones, seconds=1800))
    with transaction(small.engine) as session:
        a_user(session, "ana", [Role.ANALYST], START)
        a_user(session, "ida", [Role.ADMIN], START)
    return Deployment(load_settings(home=tmp_path))


def fitted(opened: Deployment, *trials: Told) -> str:
    with small_forests():
        (made,) = train(
            opened.lake,
            opened.engine,
            opened.settings.model_folder,
            opened.zones,
            RULES,
            NOW,
            trials=trials,
        )
    return made


def test_a_version_that_is_no_worse_counts_from_its_monday(opened: Deployment) -> None:
    trial = Told(TrialResult(0.79, 11), TrialResult(0.8, 10))
    view = model_versions.show_version(opened, fitted(opened, trial))
    assert (view.waits_because, view.counts_from) == ((), START + timedelta(days=14))
    assert view.trials == (TrialOutcome("simulation", 0.79, 0.8, 11, 10),)


def test_a_version_that_is_worse_waits_and_says_why(opened: Deployment) -> None:
    trial = Told(TrialResult(0.5, 10), TrialResult(0.8, 10))
    view = model_versions.show_version(opened, fitted(opened, trial))
    assert (view.valid_from, view.counts_from) == ((), None)
    (why,) = view.waits_because
    assert why == "on the simulation it finds 50% of the frauds, the version in force 80%"


def test_a_person_promotes_a_waiting_version_with_a_reason_that_is_in_the_log(
    opened: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = fitted(opened)
    against = ("on the decided cases it has 3 false episodes, the version in force 1",)
    monkeypatch.setattr(model_versions, "_faults_now", lambda *args: against)
    with pytest.raises(Refused, match=r"3 false episodes.*--anyway"):
        model_versions.promote_version(opened, "ida", NOW, made)
    with pytest.raises(Refused, match="--because"):
        model_versions.promote_version(opened, "ida", NOW, made, anyway=True)
    view = model_versions.promote_version(
        opened, "ida", NOW, made, anyway=True, because="the cases were one campaign"
    )
    assert view.counts_from == START + timedelta(days=DAYS + 1)
    with reading(opened.engine) as session:
        promotion = session.scalars(select(ModelPromotion).order_by(ModelPromotion.id.desc())).first()
        assert promotion is not None
        words = session.get_one(PersonalText, promotion.because_text_id)
        entry = session.scalars(select(AuditEntry).where(AuditEntry.subject_id == promotion.id)).one()
        assert words.body == "the cases were one campaign"
        assert (entry.content["against_it"], entry.content["text_sha256"]) == (list(against), words.sha256)
        assert "campaign" not in str(entry.content)


def test_an_analyst_promotes_nothing(opened: Deployment) -> None:
    with pytest.raises(Refused, match="ana is not an admin"):
        model_versions.promote_version(opened, "ana", NOW, fitted(opened))


def test_a_reason_alone_is_no_order_to_promote_anyway(opened: Deployment) -> None:
    with pytest.raises(Refused, match="--anyway"):
        model_versions.promote_version(opened, "ida", NOW, fitted(opened), because="I like it")


@pytest.fixture
def four_weeks(tmp_path: Path, sqlite_template: bytes) -> Deployment:
    """Four weeks with scores of one quiet tenant, so that the threshold of the version after them is its own."""
    small = SmallDeployment.new(tmp_path, sqlite_template, {"loo": "Etc/UTC"}, buckets=1)
    small.ingest(traffic(36, tenants=small.zones, seconds=3600))
    small.register_bare_versions(weeks=3)
    return Deployment(load_settings(home=tmp_path))


def test_a_version_is_tried_on_the_simulation_once_its_threshold_is_its_own(
    four_weeks: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def simulated(rules: DetectionRules, tenants: int) -> Told:
        made.append(tenants)
        return Told(TrialResult(0.8, 1053), TrialResult(0.8, 62))

    monkeypatch.setattr(model_versions, "simulated_trial", simulated)
    with small_forests():
        versions = model_versions.train_versions(four_weeks, START + timedelta(days=36))
    assert [version.threshold == 2.4 for version in versions] == [True, False]
    assert made == [100]
    assert versions[0].trials == ()
    (why,) = versions[-1].waits_because
    assert why == "on the simulation it has 1053 false episodes, the version in force 62"
    assert model_versions.show_version(four_weeks, versions[-1].id) == versions[-1]


def test_a_deployment_may_do_without_the_simulation(
    four_weeks: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    without = Deployment(four_weeks.settings.model_copy(update={"trial_tenants": 0}))
    with small_forests():
        versions = model_versions.train_versions(without, START + timedelta(days=36))
    assert (versions[-1].trials, versions[-1].waits_because) == ((), ())


def test_a_back_test_on_traffic_of_known_truth_is_a_trial() -> None:
    """Two bursts are found at 2.4; a lower threshold has no fewer false episodes, an endless one finds nothing."""
    days = 9

    def burst(tenant: str) -> list[tuple[int, int, int]]:
        return {"acme": [(8 * 96 + 30, 3, 900)], "loo": [(8 * 96 + 60, 3, 900)]}.get(tenant, [])

    rows = traffic(days, seconds=900, burst=burst).assign(application_id=None)
    gridded = pa.Table.from_pandas(grid_rows(rows, grid_seconds=900), preserve_index=False)
    events = [
        Event(tenant, at := (day_of(START.date()) + 8) * 86_400 + place * 900, at + 1800)
        for tenant, place in (("acme", 30), ("loo", 60))
    ]
    trial = backtest_trial("simulation", gridded, ZONES, events, RULES)
    at_default = trial.result({Clock.MINUTE: 2.4})
    assert at_default.recall == 1.0
    assert trial.result({Clock.MINUTE: 1.5}).false_episodes >= at_default.false_episodes
    assert trial.result({Clock.MINUTE: 99.0}) == TrialResult(0.0, 0)
