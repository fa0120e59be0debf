"""The page Thresholds: a what-if on stored scores, setting one, shadow runs; the same by API and command."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pytest
from sqlalchemy import Engine
from typer.testing import CliRunner

from cjp_fraud.cli import model_versions
from cjp_fraud.detection.lake_tables import SCORES
from cjp_fraud.detection.rules import DetectionRules
from cjp_fraud.detection.shadow import ShadowTrial
from cjp_fraud.detection.threshold_settings import settings_on_record
from cjp_fraud.errors import Refused
from cjp_fraud.operations import shadow_runs, thresholds
from cjp_fraud.storage.database import reading
from cjp_fraud.storage.lake import Where
from features.counting_clocks import Clock
from tests.api_calls import calls_of
from tests.contract_builders import a_row
from tests.queue_pages import QueueUnderTest, a_queue, hidden_in, send

HERE = "/admin/thresholds"


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """A queue whose lake has yesterday's scores of two tenants."""
    queue = a_queue(sqlite_engine, tmp_path, a_row(), a_row(tenant_id="beta"), lake=True)
    store_scores(queue, {"acme": [0.2, 0.3, 3.2], "beta": [0.1, 2.0, 2.6]})
    return queue


def store_scores(queue: QueueUnderTest, scores: dict[str, list[float]]) -> None:
    """Store scores of yesterday's first hours, an hour apart, each of 50 contacts where 10 are usual."""
    midnight = queue.deployment.now.replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(days=1)
    rows = [
        {
            "series_id": f"series of {tenant}",
            "tenant_id": tenant,
            "channel": "voice",
            "direction": "outbound",
            "interval_seconds": 3600,
            "interval_start": midnight + timedelta(hours=hour),
            "excess": 40.0,
            "span_baseline": 10.0,
            "score": score,
            "day": midnight.date(),
            "bucket": int(queue.deployment.lake.bucket_of([tenant])[0]),
        }
        for tenant, of_tenant in scores.items()
        for hour, score in enumerate(of_tenant)
    ]
    table = pa.Table.from_pylist(rows, schema=SCORES.schema)
    days = midnight.date(), (midnight + timedelta(days=1)).date()
    queue.deployment.lake.replace(SCORES, table, where=Where(days=days))


def plain(html: str) -> str:
    return " ".join(re.sub("<[^>]+>", " ", html).split())


def test_the_page_says_what_another_threshold_would_have_flagged(queue: QueueUnderTest) -> None:
    ida = queue.signed_in("ida")
    shown = ida.get(HERE, params={"clock": "minute", "threshold": "3"})
    assert "It would have flagged 1 instead of 2." in plain(shown.text)
    assert "Tenants flagged only now beta" in plain(shown.text)
    picture = re.search(r'img src="([^"]+)"', shown.text)
    assert picture is not None
    drawn = ida.get(picture[1].replace("&amp;", "&"))
    assert drawn.headers["content-type"] == "image/svg+xml"
    assert "tried: 3.00" in drawn.text
    assert ida.get(f"{HERE}/scores-dark.svg?clock=minute&threshold=3").text != drawn.text
    assert HERE in ida.get("/admin").text
    found = calls_of(queue, "ana").get("/thresholds/minute/what-if", params={"threshold": 3}).json()
    assert (found["tried"]["flags"], found["in_force"]["flags"]) == (1, 2)
    assert found["tenants_gone"] == {"named": ["beta"], "more": 0}


def test_what_cannot_be_asked_is_refused_with_what_was_typed(queue: QueueUnderTest) -> None:
    ida = queue.signed_in("ida")
    for clock, threshold in (("minute", "0.2"), ("minute", "many"), ("year", "3"), ("minute", "nan")):
        refused = ida.get(HERE, params={"clock": clock, "threshold": threshold})
        assert refused.status_code == 400
        assert f'value="{threshold}"' in refused.text
        assert (
            ida.get(f"{HERE}/scores.svg", params={"clock": clock, "threshold": threshold}).status_code == 400
        )
    caller = calls_of(queue, "ida")
    assert caller.get("/thresholds/year/what-if", params={"threshold": 3}).status_code == 422
    assert caller.get("/thresholds/minute/what-if", params={"threshold": 1.2}).status_code == 422
    assert ida.get(f"{HERE}?run=000000").status_code == 404


def test_an_admin_sets_a_threshold_and_others_do_not(queue: QueueUnderTest) -> None:
    ida = queue.signed_in("ida")
    send(ida, HERE, f"{HERE}/set", clock="minute", threshold="3.25", because="too many launches")
    assert re.search(r"3\.25 · .* · ida too many launches", plain(ida.get(HERE).text))
    refused = send(ida, HERE, f"{HERE}/set", clock="minute", threshold="0.5", because="all of it")
    assert refused.status_code == 400
    assert "all of it" in refused.text
    ana = queue.signed_in("ana")
    assert f"{HERE}/set" not in ana.get(HERE).text
    proof = hidden_in(ana.get("/settings").text, "/settings")
    given = {"clock": "minute", "threshold": "3", "because": "I may not"}
    assert ana.post(f"{HERE}/set", data=proof | given).status_code == 403
    body = {"clock": "minute", "threshold": None, "because": "I may not either"}
    assert calls_of(queue, "ana").post("/thresholds", json=body).status_code == 403
    assert len(queue.entries("threshold.set")) == 1


def test_a_shadow_run_is_started_once_and_stopped_on_the_page(queue: QueueUnderTest) -> None:
    ida = queue.signed_in("ida")
    form = hidden_in(ida.get(HERE).text, f"{HERE}/shadow") | {"threshold_minute": "3"}
    for _ in range(2):
        ida.post(f"{HERE}/shadow", data=form)
    shown = ida.get(HERE)
    assert "runs until" in shown.text
    assert "No detection has tried it yet." in shown.text
    caller = calls_of(queue, "ida")
    [run] = caller.get("/shadow-runs").json()["items"]
    assert run["thresholds"]["minute"] == 3
    again = caller.post("/shadow-runs", json={"thresholds": {"minute": 4}})
    assert (again.status_code, "stop it first" in again.json()["detail"]) == (409, True)
    send(ida, HERE, f"{HERE}/shadow/{run['id']}/stop")
    stopped = caller.get(f"/shadow-runs/{run['id']}").json()["run"]
    assert (stopped["running"], stopped["hours"]) == (False, 0)
    started = caller.post("/shadow-runs", json={"thresholds": {"week": 4}, "days": 2})
    assert started.status_code == 201
    done = caller.post(f"/shadow-runs/{started.json()['result']['id']}/stop")
    assert done.json()["result"]["running"] is False
    assert [entry[0] for entry in queue.entries("shadow_run.started", "shadow_run.stopped")] == [
        "shadow_run.started",
        "shadow_run.stopped",
    ] * 2


def test_who_keeps_no_models_is_offered_nothing_and_refused(queue: QueueUnderTest) -> None:
    for name, why in (("otto", "is an auditor"), ("ana", "is not an admin")):
        person = queue.signed_in(name)
        shown = person.get(HERE).text
        assert 'method="post" action="/admin/thresholds' not in shown
        proof = hidden_in(person.get("/settings").text, "/settings")
        assert person.post(f"{HERE}/shadow", data=proof | {"threshold_minute": "3"}).status_code == 403
        assert calls_of(queue, name).post("/shadow-runs", json={}).status_code == 403
        with pytest.raises(Refused, match=f"{name} {why}"):
            shadow_runs.start_shadow(
                queue.deployment, name, queue.deployment.now, thresholds={Clock.MINUTE: 3}
            )


def test_without_scores_the_page_says_so_and_shows_the_rest(sqlite_engine: Engine, tmp_path: Path) -> None:
    ida = a_queue(sqlite_engine, tmp_path, lake=True).signed_in("ida")
    shown = ida.get(HERE, params={"clock": "minute", "threshold": "3"})
    assert shown.status_code == 400
    assert "no whole UTC day of scores" in shown.text
    assert "In force" in shown.text


def test_a_person_is_named_the_tenants_that_they_reach(queue: QueueUnderTest) -> None:
    ida = queue.signed_in("ida")
    send(ida, "/admin", "/admin/users/ana/revoke", role="analyst")
    send(ida, "/admin", "/admin/users/ana/grant", role="analyst", countries="JP")
    found = calls_of(queue, "ana").get("/thresholds/minute/what-if", params={"threshold": 3}).json()
    assert found["tenants_gone"] == {"named": [], "more": 1}


@pytest.mark.both_databases
def test_of_two_at_once_one_acts(engine: Engine, tmp_path: Path) -> None:
    deployment = a_queue(engine, tmp_path).deployment
    now = deployment.now

    def start_and_set(_: int) -> bool:
        thresholds.set_threshold(deployment, "ida", now, Clock.DAY, 4.5, because="noise")
        try:
            shadow_runs.start_shadow(deployment, "ida", now, thresholds={Clock.MINUTE: 3})
        except Refused:
            return False
        return True

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(start_and_set, range(2))) == [False, True]
    [run_view] = shadow_runs.list_shadows(deployment, now)
    with reading(engine) as session:
        assert len(settings_on_record(session)) == 1
    hour = now.replace(minute=0, second=0, microsecond=0)
    for _ in range(2):
        ShadowTrial(engine, DetectionRules(), now).record(hour - timedelta(hours=3), hour)
    shown = shadow_runs.show_shadow(deployment, now, run_view.id)
    assert (shown.run.hours, shown.run.newest_hour, shown.run.failures) == (3, hour - timedelta(hours=1), 0)


def run(queue: QueueUnderTest, *words: str) -> str:
    shown = CliRunner().invoke(model_versions.app, words, obj=queue.deployment, env={"COLUMNS": "140"})
    assert shown.exit_code == 0, (shown.output, shown.exception)
    return shown.stdout


def test_the_commands_do_the_same(queue: QueueUnderTest) -> None:
    assert "flagged 1 instead of 2" in run(queue, "thresholds", "try", "3")
    assert "flagged only now: beta" in run(queue, "thresholds", "try", "3")
    assert '"threshold": 3.0' in run(queue, "thresholds", "try", "3", "--json")
    set_to = run(queue, "thresholds", "set", "5", "--clock", "day", "--as", "ida", "--because", "noise")
    assert re.search(r"day +3\.5 +3\.5 .* 5 ", set_to)
    run(queue, "thresholds", "take-back", "--clock", "day", "--as", "ida", "--because", "quiet again")
    assert "hour" in run(queue, "thresholds", "show")
    started = run(queue, "shadow", "start", "--threshold", "minute=3", "--days", "1", "--as", "ida")
    identity = started.split()[2].rstrip(":")
    assert identity in run(queue, "shadow", "list", "--json")
    assert "in shadow: 0 flag(s)" in run(queue, "shadow", "show", identity)
    assert '"running": true' in run(queue, "shadow", "show", identity, "--json")
    assert "ended" in run(queue, "shadow", "stop", identity, "--as", "ida")
    wrong = CliRunner().invoke(
        model_versions.app, ["shadow", "start", "--threshold", "year=3", "--as", "ida"], obj=queue.deployment
    )
    assert wrong.exit_code == 2
