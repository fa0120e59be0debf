"""Thresholds: tried on last week's stored scores, set by an admin, and tried in shadow beside those in force."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cjp_fraud.audit.tables import AuditEntry
from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.detection import shadow as shadow_store
from cjp_fraud.detection.precision import DecidedCase
from cjp_fraud.detection.registry import FittedVersion, version_of
from cjp_fraud.detection.rules import DetectionRules, SetThreshold
from cjp_fraud.detection.shadow_rules import SomeTenants, TriedFlag, TriedHour, compare
from cjp_fraud.detection.tables import ShadowHour
from cjp_fraud.detection.window import DetectionWindow
from cjp_fraud.errors import BadInputError, Refused
from cjp_fraud.operations import detection, model_versions, shadow_runs, thresholds
from cjp_fraud.people.model import Role
from cjp_fraud.review.model import Finding
from cjp_fraud.review.tables import Case
from cjp_fraud.storage.database import reading, transaction
from features.counting_clocks import Clock
from features.score_day import Model
from tests.integration.detection.deployments import START, SmallDeployment, traffic
from tests.people_builders import a_user

DAYS = 9
DAY = START + timedelta(days=DAYS - 1)
BEGIN, END = DAY + timedelta(hours=12), DAY + timedelta(hours=17)
NOW = DAY + timedelta(days=1, hours=3)


def attacked(tenant: str) -> list[tuple[int, int, int]]:
    """A burst that every threshold flags, and smaller ones, all on the last day's afternoon."""
    first = (DAYS - 1) * 96
    return {
        "acme": [(first + 54, 3, 900)],
        "zenith": [(first + 50, 2, 130)],
        "kiwi": [(first + 60, 1, 60)],
        "loo": [(first + 60, 1, 90)],
    }[tenant]


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> SmallDeployment:
    """Nine days of four tenants and the staff; of the last day only the first hour is detected."""
    small = SmallDeployment.new(tmp_path_factory.mktemp("thresholds"), sqlite_template, buckets=1)
    small.ingest(traffic(DAYS, seconds=900, burst=attacked))
    with transaction(small.engine) as session:
        a_user(session, "ida", [Role.ADMIN], START)
        a_user(session, "ana", [Role.ANALYST], START)
    small.detect(DAY, DAY + timedelta(hours=1), DAY)
    return small


def opened(small: SmallDeployment) -> Deployment:
    return Deployment(load_settings(home=small.home))


def detected(small: SmallDeployment, now: datetime = NOW) -> detection.DetectionResult:
    return detection.detect(opened(small), now, BEGIN, END)


@pytest.fixture(scope="module")
def plain(before: SmallDeployment, tmp_path_factory: pytest.TempPathFactory) -> SmallDeployment:
    """The afternoon detected, without any shadow."""
    small = before.copy(tmp_path_factory.mktemp("plain") / "home")
    detected(small)
    return small


@pytest.fixture
def fresh(before: SmallDeployment, tmp_path: Path) -> SmallDeployment:
    """A copy in which the afternoon is not detected yet."""
    return before.copy(tmp_path / "home")


def entries(small: SmallDeployment, begin: str) -> list[dict[str, Any]]:
    with reading(small.engine) as session:
        found = session.query(AuditEntry).order_by(AuditEntry.sequence)
        return [entry.content for entry in found if entry.action.startswith(begin)]


# -- what if ---------------------------------------------------------------------------------------------------


def test_what_another_threshold_would_have_flagged_is_what_the_stored_scores_say(
    plain: SmallDeployment,
) -> None:
    tried = thresholds.try_threshold(opened(plain), NOW, Clock.MINUTE, 4)
    end = DAY + timedelta(days=1)
    assert (tried.begin, tried.end, tried.scored_days) == (end - timedelta(days=7), end, 1)
    rows = plain.scores()
    spikes = (rows["excess"] >= 5) & (rows["excess"] >= 0.1 * rows["span_baseline"])
    longer = int(plain.clock_scores()["flagged"].sum())
    assert tried.in_force.flags == int(rows["flagged"].sum()) + longer
    assert tried.tried.flags == int((spikes & (rows["score"] >= 4)).sum()) + longer
    assert 0 < tried.tried.flags < tried.in_force.flags


def test_tenants_that_come_or_go_are_named(plain: SmallDeployment) -> None:
    tried = thresholds.try_threshold(opened(plain), NOW, Clock.MINUTE, 5)
    assert (tried.tenants_new.named, tried.tenants_gone.named) == ((), ("kiwi", "loo"))
    assert (tried.in_force.cases, tried.tried.cases) == (4, 2)
    assert tried.tried.cases_per_day == 2


def test_the_histogram_counts_every_score_of_the_clock(plain: SmallDeployment) -> None:
    tried = thresholds.try_threshold(opened(plain), NOW, Clock.MINUTE, 3)
    scores = plain.scores()["score"].dropna()
    assert sum(each.intervals for each in tried.scores) == len(scores)
    [bin_of_two] = [each for each in tried.scores if each.low == 2]
    assert bin_of_two.intervals == int(((scores >= 2) & (scores < 2.25)).sum())
    assert tried.scores[-1].high is None


def test_the_week_is_summed_up_once_and_anew_when_scores_change(
    plain: SmallDeployment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = plain.copy(tmp_path / "home")
    deployment, asked = opened(small), []
    summed = thresholds.sum_up
    monkeypatch.setattr(
        thresholds,
        "sum_up",
        lambda *which: asked.append(which) or summed(*which),  # type: ignore[func-returns-value]
    )
    weeks = thresholds.StoredWeeks(deployment)
    for threshold in (2, 3):
        thresholds.try_threshold(deployment, NOW, Clock.MINUTE, threshold, weeks=weeks)
    drawn = weeks.picture(NOW, Clock.MINUTE, 3, dark=False)
    assert drawn.startswith(b"<svg")
    assert b"tried: 3.00" in drawn
    assert b"in force: 2.40" in drawn
    assert len(asked) == 1
    detection.detect(deployment, NOW, END, END + timedelta(hours=1))
    thresholds.try_threshold(deployment, NOW, Clock.MINUTE, 3, weeks=weeks)
    assert len(asked) == 2


@pytest.mark.parametrize("threshold", [1.49, 100.1, float("nan"), float("inf"), -1])
def test_a_threshold_that_a_clock_cannot_have_is_refused(plain: SmallDeployment, threshold: float) -> None:
    with pytest.raises(BadInputError, match=r"give 1\.5 to 100"):
        thresholds.try_threshold(opened(plain), NOW, Clock.MINUTE, threshold)
    with pytest.raises(BadInputError, match=r"give 1\.5 to 100"):
        thresholds.set_threshold(opened(plain), "ida", NOW, Clock.MINUTE, threshold, because="too many")


def test_without_a_whole_day_of_scores_it_says_what_to_do(before: SmallDeployment) -> None:
    with pytest.raises(BadInputError, match="cjp-fraud detect"):
        thresholds.try_threshold(opened(before), DAY, Clock.MINUTE, 3)


# -- set -------------------------------------------------------------------------------------------------------


def test_a_set_threshold_counts_from_the_next_midnight_and_flags_say_so(fresh: SmallDeployment) -> None:
    deployment, eve = opened(fresh), DAY - timedelta(hours=9)
    shown = thresholds.set_threshold(deployment, "ida", eve, Clock.MINUTE, 1.5, because="we miss floods")
    assert shown[0].in_force == 2.4
    assert shown[0].coming is not None
    assert (shown[0].coming.threshold, shown[0].coming.set_by) == (1.5, "ida")
    assert shown[0].coming.valid_from == DAY
    detected(fresh)
    assert {(flag.threshold, flag.model_version) for flag in fresh.flags() if flag.clock == "minute"} == {
        (1.5, None)
    }
    stored = fresh.scores().dropna(subset="threshold")
    assert set(stored.loc[stored["interval_start"] >= BEGIN, "threshold"]) == {1.5}
    assert set(stored.loc[stored["interval_start"] < BEGIN, "threshold"]) == {2.4}
    later = thresholds.look_at_thresholds(deployment, NOW)[0]
    assert (later.in_force, later.fitted, later.coming) == (1.5, 2.4, None)
    assert later.setting is not None
    assert later.setting.because == "we miss floods"
    assert model_versions.thresholds_in_force(deployment, NOW)[Clock.HOUR] == 3.5


def test_a_set_threshold_counts_for_whole_days_alone() -> None:
    rules = DetectionRules(
        set_thresholds=(SetThreshold(Clock.MINUTE, 1.5, 10), SetThreshold(Clock.MINUTE, None, 12))
    )
    assert [version_of(day, (), rules).threshold for day in (9, 10, 11, 12)] == [2.4, 1.5, 1.5, 2.4]


def test_a_lower_threshold_makes_flags_of_many_at_once_less_of_a_surprise() -> None:
    version = FittedVersion(0, Model(), 3.0, {"series_weeks": 1.0, "flagged_quarters": 6.72})
    assert version.usual_share == pytest.approx(0.01)
    assert version.with_set({Clock.MINUTE: 2.0}).usual_share == pytest.approx(0.1)
    assert version.with_set({Clock.MINUTE: 4.0, Clock.HOUR: 1.5}).usual_share == pytest.approx(0.01)


def test_what_was_set_is_taken_back(fresh: SmallDeployment) -> None:
    deployment = opened(fresh)
    thresholds.set_threshold(deployment, "ida", DAY, Clock.DAY, 5, because="noise")
    assert model_versions.thresholds_in_force(deployment, NOW)[Clock.DAY] == 5
    thresholds.set_threshold(deployment, "ida", NOW, Clock.DAY, None, because="the noise is mended")
    assert model_versions.thresholds_in_force(deployment, NOW + timedelta(days=1))[Clock.DAY] == 3.5


def test_the_same_twice_is_one_act_and_the_log_keeps_it(fresh: SmallDeployment) -> None:
    for _ in range(2):
        thresholds.set_threshold(opened(fresh), "ida", NOW, Clock.WEEK, 2.5, because="quieter")
    thresholds.set_threshold(opened(fresh), "ida", NOW, Clock.HOUR, None, because="nothing was set")
    [kept] = entries(fresh, "threshold.")
    assert (kept["clock"], kept["threshold"]) == ("week", 2.5)


def test_only_an_admin_with_a_reason_sets_a_threshold(fresh: SmallDeployment) -> None:
    with pytest.raises(Refused) as refused:
        thresholds.set_threshold(opened(fresh), "ana", NOW, Clock.MINUTE, 3, because=" ")
    assert len(refused.value.missing) == 2
    assert entries(fresh, "threshold.") == []


# -- in shadow -------------------------------------------------------------------------------------------------


def start(small: SmallDeployment, threshold: float = 4, **options: Any) -> shadow_runs.ShadowRunView:
    tried = {Clock.MINUTE: threshold}
    return shadow_runs.start_shadow(
        opened(small), "ida", NOW - timedelta(hours=1), thresholds=tried, **options
    )


def what_counts(small: SmallDeployment) -> Any:
    """Scores, calibrations, flags and cases, without ids and the clock of the machine."""
    with reading(small.engine) as session:
        cases = [
            (case.number, case.tenant_id, case.state) for case in session.query(Case).order_by(Case.number)
        ]
    flags = [
        (key[:4], flag.threshold, flag.q_value)
        for key, flag in zip(small.flag_keys(), small.flags(), strict=True)
    ]
    return small.scores(), small.clock_scores(), small.calibrations(), flags, cases


def assert_the_same(one: Any, other: Any) -> None:
    for ours, theirs in zip(one, other, strict=True):
        if isinstance(ours, pd.DataFrame):
            pd.testing.assert_frame_equal(ours, theirs, check_exact=True)
        else:
            assert ours == theirs


def test_a_shadow_changes_no_bit_of_what_counts(fresh: SmallDeployment, plain: SmallDeployment) -> None:
    run = start(fresh)
    detected(fresh)
    assert_the_same(what_counts(fresh), what_counts(plain))
    compared = shadow_runs.show_shadow(opened(fresh), NOW, run.id)
    tried = thresholds.try_threshold(opened(fresh), NOW, Clock.MINUTE, 4)
    assert compared.run.hours == 5
    assert (compared.shadow.flags, compared.in_force.flags) == (tried.tried.flags, tried.in_force.flags)
    assert compared.shadow.cases == tried.tried.cases
    assert compared.tenants_gone == tried.tenants_gone == SomeTenants(("kiwi",), 0)
    assert compared.run.failures == 0


def test_closing_hours_in_stages_tries_it_too_and_again_changes_nothing(fresh: SmallDeployment) -> None:
    run, deployment = start(fresh), opened(fresh)
    detected(fresh)
    at_once = shadow_runs.show_shadow(deployment, NOW, run.id)
    with transaction(fresh.engine) as session:
        for hour in session.query(ShadowHour):
            hour.flags, hour.flagged = 0, []
    window = DetectionWindow(BEGIN, END, "0")
    detection.close_hours(deployment, NOW, window)
    assert shadow_runs.show_shadow(deployment, NOW, run.id) == at_once
    assert 0 < at_once.shadow.flags < at_once.in_force.flags


@pytest.mark.parametrize("broken", ["look", "store", "plan"])
def test_a_shadow_that_fails_stops_no_detection_and_is_told(
    fresh: SmallDeployment, plain: SmallDeployment, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    run = start(fresh)

    def fail(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("the shadow is broken")

    place = {"look": "are_spikes", "store": "_store", "plan": "plan_of"}[broken]
    monkeypatch.setattr(shadow_store, place, fail)
    detected(fresh)
    monkeypatch.undo()
    assert_the_same(what_counts(fresh), what_counts(plain))
    shown = shadow_runs.show_shadow(opened(fresh), NOW, run.id).run
    assert (shown.failures, shown.hours) == (1, 0)
    assert shown.last_failure == "ZeroDivisionError: the shadow is broken"


def test_it_ends_by_itself(fresh: SmallDeployment) -> None:
    run = start(fresh)
    assert run.ends_at - run.started_at == timedelta(days=7)
    assert not shadow_runs.list_shadows(opened(fresh), run.ends_at)[0].running
    detected(fresh, run.ends_at)
    assert shadow_runs.show_shadow(opened(fresh), run.ends_at, run.id).run.hours == 0


def test_one_goes_on_until_somebody_stops_it(fresh: SmallDeployment) -> None:
    run = start(fresh)
    with pytest.raises(Refused, match="stop it first"):
        start(fresh)
    for _ in range(2):
        stopped = shadow_runs.stop_shadow(opened(fresh), "ida", NOW, run.id[:13])
    assert (stopped.stopped_at, stopped.running) == (NOW, False)
    assert len(entries(fresh, "shadow_run.")) == 2
    started_at = NOW + timedelta(minutes=1)
    again = shadow_runs.start_shadow(opened(fresh), "ida", started_at, thresholds={Clock.DAY: 4}, days=28)
    assert again.running
    assert again.thresholds == {"minute": 2.4, "hour": 3.5, "day": 4, "week": 1.0}


def test_decided_cases_are_counted_by_who_would_have_flagged_them() -> None:
    flagged = [
        TriedFlag("a", 3600, Clock.MINUTE, 3.0, by_shadow=True, in_force=True),
        TriedFlag("b", 3900, Clock.MINUTE, 2.0, by_shadow=True, in_force=False),
        TriedFlag("c", 4200, Clock.MINUTE, 2.0, by_shadow=False, in_force=True),
    ]
    hours = [TriedHour(START, 2, 2, tuple(flagged))]
    decided = [
        DecidedCase("a", 3000, 4000, Finding.FRAUDULENT),
        DecidedCase("b", 3000, 4000, Finding.NOT_FRAUDULENT),
        DecidedCase("c", 4201, 9000, Finding.FRAUDULENT),
        DecidedCase("c", 0, 4200, Finding.UNDETERMINED),
    ]
    compared = compare(hours, decided)
    assert (compared.shadow.fraudulent, compared.shadow.not_fraudulent, compared.shadow.undetermined) == (
        1,
        1,
        0,
    )
    in_force = compared.in_force
    assert (in_force.fraudulent, in_force.not_fraudulent, in_force.undetermined) == (1, 0, 1)
    assert (compared.shadow.cases, compared.shadow.cases_per_day) == (2, 48)
    assert (compared.tenants_new, compared.tenants_gone) == ({"b"}, {"c"})
    assert SomeTenants.of({f"t{n:02}" for n in range(12)}).more == 2


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"thresholds": {}}, "say what is tried"),
        ({"thresholds": {Clock.MINUTE: 3}, "version": "2026-03-09"}, "say what is tried"),
        ({"thresholds": {Clock.MINUTE: 0.5}}, "give 1.5 to 100"),
        ({"thresholds": {Clock.MINUTE: 3}, "days": 29}, "28 days at most"),
        ({"thresholds": {Clock.MINUTE: 3}, "days": float("nan")}, "28 days at most"),
    ],
)
def test_what_cannot_be_tried_is_refused(
    before: SmallDeployment, options: dict[str, Any], words: str
) -> None:
    with pytest.raises(BadInputError, match=words):
        shadow_runs.start_shadow(opened(before), "ida", NOW, **options)


def test_a_candidate_version_is_tried_with_its_own_thresholds(fresh: SmallDeployment) -> None:
    fresh.register_bare_versions(1)
    run = shadow_runs.start_shadow(opened(fresh), "ida", NOW, version="2026-03-09")
    assert run.model_version_id is not None
    assert run.thresholds == {"minute": 2.4, "hour": 3.5, "day": 3.5, "week": 1.0}


def test_an_hour_keeps_its_most_unusual_flags_and_counts_the_others(
    fresh: SmallDeployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = start(fresh)
    from cjp_fraud.detection import shadow_rules

    for module in (shadow_rules, shadow_store):
        monkeypatch.setattr(module, "MOST_AN_HOUR", 1)
    detected(fresh)
    compared = shadow_runs.show_shadow(opened(fresh), NOW, run.id)
    tried = thresholds.try_threshold(opened(fresh), NOW, Clock.MINUTE, 4)
    assert compared.shadow.flags == tried.tried.flags
    assert compared.not_kept > 0
    with reading(fresh.engine) as session:
        kept = shadow_store.tried_hours(session, run.id)
    assert max(len(hour.flagged) for hour in kept) == 1
    highest = {hour.hour: max(each.score for each in hour.flagged) for hour in kept if hour.flagged}
    for hour, score in highest.items():
        of_hour = [
            flag.score for flag in fresh.flags() if hour <= flag.interval_start < hour + timedelta(hours=1)
        ]
        assert score == max(of_hour)
    assert len(highest) > 2
