"""Known events: on record, on cases, charts and pages, and as the cause for which cases are dismissed together."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.event import listen
from typer.testing import CliRunner

from cjp_fraud.cli.cases import app as cases_app
from cjp_fraud.compliance.erasure import texts_of_tenant
from cjp_fraud.errors import NotFoundError, OutOfReach, Refused
from cjp_fraud.operations import bulk, case_page, case_queue, cases, known_events, people
from cjp_fraud.operations.case_charts import case_charts
from cjp_fraud.people.model import Role
from cjp_fraud.review.known_event import KnownEventKind, KnownEventView, KnownEventWanted
from cjp_fraud.review.known_events_on_record import events_of_cases
from cjp_fraud.review.model import BulkResult, CauseKind
from cjp_fraud.review.queue_tables import BulkDismissal, KnownEvent
from cjp_fraud.review.requests import BulkWanted
from cjp_fraud.review.tables import Flag
from cjp_fraud.storage.database import reading
from tests.api_calls import calls_of
from tests.case_builders import START, a_flag, flag
from tests.chains import chain_faults
from tests.contract_builders import a_row
from tests.queue_pages import QueueUnderTest, a_queue, hidden_in, send

MINUTE = timedelta(minutes=1)
BEGINS = START - 30 * MINUTE
TENANTS = ("acme", "beta", "gamma")
SALE = KnownEventWanted(KnownEventKind.CAMPAIGN, "the spring sale", START - 60 * MINUTE, START)


def a_queue_of_three(engine: Engine, folder: Path) -> QueueUnderTest:
    """Cases 1 and 2 in the US with a flag half an hour ago; case 3 in France with one two hours ago too."""
    rows = (a_row(), a_row(tenant_id="beta"), a_row(tenant_id="gamma", country="FR"))
    queue = a_queue(engine, folder, *rows)
    flags = [a_flag(BEGINS, name) for name in TENANTS] + [a_flag(BEGINS - 90 * MINUTE, "gamma")]
    flag(engine, *flags, at=START, tenant_ids=set(TENANTS))
    return queue


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """Three cases: two with a flag half an hour ago, one with a flag two hours ago too."""
    return a_queue_of_three(sqlite_engine, tmp_path)


def entered(queue: QueueUnderTest, by: str = "rolf", **changes: object) -> KnownEventView:
    return known_events.enter(queue.deployment, by, queue.deployment.now, replace(SALE, **changes))


def the_case(queue: QueueUnderTest, tenant: str) -> case_page.CasePage:
    number = next(number for number in (1, 2, 3) if shown(queue, number).tenant_id == tenant)
    return shown(queue, number)


def shown(queue: QueueUnderTest, number: int) -> case_page.CasePage:
    return case_page.show_case(queue.deployment, queue.deployment.now, str(number))


def left_because(queue: QueueUnderTest, event: KnownEventView) -> dict[str, str | None]:
    cause = bulk.show_cause(queue.deployment, "rita", queue.deployment.now, event.id)
    return {each.tenant_id: each.left_because for each in cause.cases}


@pytest.mark.both_databases
def test_cases_in_an_event_are_dismissed_together_and_the_reasons_name_its_record(
    engine: Engine, tmp_path: Path
) -> None:
    queue = a_queue_of_three(engine, tmp_path)
    deployment, now = queue.deployment, queue.deployment.now
    event = entered(queue)
    assert entered(queue).id == event.id, "the very same is not entered twice"
    [cause] = bulk.list_causes(deployment, "rita", now)
    assert (cause.id, cause.kind, cause.entered_by, cause.tenants) == (event.id, "known_event", "rolf", 3)
    assert [why for why in left_because(queue, event).values() if why] == [
        "1 of its 2 flag(s) lie outside of the event; decide it by itself"
    ]
    wanted = BulkWanted(CauseKind.KNOWN_EVENT, 2, "they announced it in March", cause.seen)
    done = bulk.dismiss_together(deployment, "rita", now, event.id[:13], wanted)
    assert done.count(BulkResult.DISMISSED) == 2
    assert done.known_event_id == event.id
    assert "the spring sale" not in done.cause, "what can be erased is in the reasons alone"
    reasons = the_case(queue, "acme").determinations[-1].reasons
    assert reasons.startswith("they announced it in March")
    assert event.id in reasons
    assert "the spring sale" in reasons
    assert queue.entries("bulk.dismissing")[0][2]["known_event_id"] == event.id
    known_events.withdraw(deployment, "rolf", now, event.id)
    known_events.withdraw(deployment, "rita", now, event.id)
    assert [by for _, by, _ in queue.entries("known_event.withdrawn")] == [user_id(queue, event)]
    with reading(queue.engine) as session:
        assert chain_faults(session) == []


def user_id(queue: QueueUnderTest, event: KnownEventView) -> str:
    with reading(queue.engine) as session:
        return session.get_one(KnownEvent, event.id).entered_by


def test_entering_an_event_changes_no_flag_and_no_case(queue: QueueUnderTest) -> None:
    def flags() -> list[tuple[object, ...]]:
        with reading(queue.engine) as session:
            rows = session.execute(select(Flag.id, Flag.score, Flag.superseded_at).order_by(Flag.id))
            return [tuple(row) for row in rows]

    before, standing = flags(), [shown(queue, number).state for number in (1, 2, 3)]
    assert entered(queue).entered_late
    assert flags() == before
    assert [shown(queue, number).state for number in (1, 2, 3)] == standing


def test_a_case_names_the_events_in_which_its_flags_lie(queue: QueueUnderTest) -> None:
    theirs = entered(queue, tenant_id="acme")
    french = entered(queue, words="a strike", kind=KnownEventKind.INCIDENT, countries=("FR",))
    entered(queue, words="of another channel", channel="sms")
    entered(queue, words="before", begins_at=BEGINS - 600 * MINUTE, ends_at=BEGINS - 500 * MINUTE)
    withdrawn = entered(queue, words="a mistake")
    known_events.withdraw(queue.deployment, "rita", queue.deployment.now, withdrawn.id[:13])
    named = {tenant: [each.id for each in the_case(queue, tenant).known_events] for tenant in TENANTS}
    assert named == {"acme": [theirs.id], "beta": [], "gamma": [french.id]}


def test_who_took_part_in_a_case_cannot_have_it_vanish_by_an_event_of_their_own(
    queue: QueueUnderTest,
) -> None:
    deployment = queue.deployment
    cases.claim(deployment, "rita", deployment.now, str(the_case(queue, "acme").number))
    why = left_because(queue, entered(queue, by="rita"))
    assert why["acme"] == "rita took part in it before entering the event; decide it by itself"
    assert why["beta"] is None


def test_an_event_that_was_withdrawn_is_no_cause_any_more(queue: QueueUnderTest) -> None:
    event = entered(queue)
    known_events.withdraw(queue.deployment, "rita", queue.deployment.now, event.id)
    assert bulk.list_causes(queue.deployment, "rita", queue.deployment.now) == ()


def test_a_case_whose_event_is_withdrawn_before_its_turn_is_left(
    queue: QueueUnderTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    event, deployment = entered(queue), queue.deployment
    with monkeypatch.context() as killed:
        killed.setattr(bulk, "_finish", lambda *_: 0)
        wanted = BulkWanted(CauseKind.KNOWN_EVENT, 2, "announced")
        bulk.dismiss_together(deployment, "rita", deployment.now, event.id, wanted)
    known_events.withdraw(deployment, "rolf", deployment.now, event.id)
    bulk.finish_all(deployment, deployment.now)
    [done] = bulk.list_bulks(deployment, deployment.now)
    assert {each.result for each in done.cases} == {BulkResult.LEFT}
    assert all("withdrawn" in (each.why_not or "") for each in done.cases)


def test_another_kind_than_the_record_says_is_refused(queue: QueueUnderTest) -> None:
    wanted = BulkWanted(CauseKind.SOURCE_OUTAGE, 2, "announced")
    with pytest.raises(Refused, match="on record as known_event"):
        bulk.dismiss_together(queue.deployment, "rita", queue.deployment.now, entered(queue).id, wanted)


def test_auditors_enter_nothing_and_narrowed_roles_what_they_reach(queue: QueueUnderTest) -> None:
    with pytest.raises(Refused, match="otto is an auditor, who reads all and changes nothing"):
        entered(queue, by="otto")
    people.grant_role(
        queue.deployment,
        "ida",
        queue.deployment.now,
        "ana",
        Role.ANALYST,
        countries=["fr"],
        channels=["voice"],
    )
    for changes in ({}, {"tenant_id": "acme", "channel": "voice"}, {"countries": ("FR",)}):
        with pytest.raises(OutOfReach, match="outside of what"):
            entered(queue, by="ana", **changes)
    american = entered(queue, tenant_id="acme")
    with pytest.raises(OutOfReach):
        known_events.withdraw(queue.deployment, "ana", queue.deployment.now, american.id)
    own = entered(queue, by="ana", tenant_id="gamma", channel="voice")
    assert [each.id for each in known_events.list_events(queue.deployment, by="ana")] == [own.id]
    assert len(known_events.list_events(queue.deployment)) == 2


def test_the_words_are_among_what_is_erased_of_the_tenant(queue: QueueUnderTest) -> None:
    event = entered(queue, tenant_id="acme")
    with reading(queue.engine) as session:
        text = session.get_one(KnownEvent, event.id).words_text_id
        assert text in {row.id for row in texts_of_tenant(session, "acme").rows}
        assert text not in {row.id for row in texts_of_tenant(session, "beta").rows}
        assert session.scalars(select(BulkDismissal)).all() == []


def test_the_charts_are_drawn_anew_once_an_event_is_entered(sqlite_engine: Engine, tmp_path: Path) -> None:
    queue = a_queue(sqlite_engine, tmp_path, lake=True)
    queue.flagged()
    digest = case_charts(queue.deployment, queue.deployment.now, "1").digest
    entered(queue)
    assert case_charts(queue.deployment, queue.deployment.now, "1").digest != digest


def test_the_pages_enter_show_and_withdraw_an_event(queue: QueueUnderTest) -> None:
    rita, typed = queue.signed_in("rita"), {"kind": "campaign", "words": "the spring sale"}
    typed |= {"begins_at": "2015-04-02T11:00", "ends_at": "2015-04-02T13:00"}
    saved = send(rita, "/tenants/acme", "/known-events", **typed)
    assert saved.url.path == "/tenants/acme"
    assert "the spring sale" in saved.text
    number = the_case(queue, "acme").number
    on_case = rita.get(f"/cases/{number}").text
    assert "the spring sale" in on_case
    assert "entered after the case was opened" in on_case
    [event] = known_events.list_events(queue.deployment)
    assert (event.tenant_id, event.entered_by) == ("acme", "rita")
    ida = queue.signed_in("ida")
    refused = send(ida, "/admin", "/known-events", **typed | {"ends_at": "2015-04-02T10:00"})
    assert refused.status_code == 400
    assert "it must end after it begins" in refused.text
    assert 'value="the spring sale"' in refused.text
    gone = send(ida, "/admin", f"/known-events/{event.id}/withdraw")
    assert gone.url.path == "/admin"
    assert "the spring sale" not in rita.get(f"/cases/{number}").text
    assert "/known-events/" not in queue.signed_in("otto").get("/known-events").text


def test_the_page_of_an_event_as_a_cause_takes_its_kind_from_the_record(queue: QueueUnderTest) -> None:
    event, rita = entered(queue), queue.signed_in("rita")
    page, path = f"/bulk/causes/{event.id}", f"/bulk/causes/{event.id}/dismiss"
    assert page in rita.get("/bulk").text
    form = hidden_in(rita.get(page).text, path)
    assert form["kind"] == "known_event"
    done = rita.post(path, data=form | {"reasons": "announced"})
    assert done.url.path.startswith("/bulk/dismissals/")
    assert len(queue.entries("case.dismissed")) == 2


def test_the_api_enters_once_lists_and_withdraws(queue: QueueUnderTest) -> None:
    rita = calls_of(queue, "rita", **{"Idempotency-Key": "sale"})
    body = {
        "kind": "campaign",
        "words": "the spring sale",
        "begins_at": "2015-04-02T11:00:00Z",
        "ends_at": "2015-04-02T14:00:00+02:00",
    }
    done = rita.post("/known-events", json=body)
    assert done.status_code == 201, done.text
    assert rita.post("/known-events", json=body).json()["replayed"] is True
    [listed] = calls_of(queue, "otto").get("/known-events").json()["items"]
    assert listed["id"] == done.json()["result"]["id"]
    assert listed["ends_at"] == "2015-04-02T12:00:00Z"
    case = calls_of(queue, "otto").get("/cases/1").json()
    assert [each["words"] for each in case["known_events"]] == ["the spring sale"]
    assert calls_of(queue, "otto").post("/known-events", json=body).status_code == 403
    withdrawn = calls_of(queue, "ida").post(f"/known-events/{listed['id']}/withdrawal")
    assert withdrawn.json()["result"]["withdrawn_by"] == "ida"
    wrong = calls_of(queue, "rita").post("/known-events", json=body | {"ends_at": body["begins_at"]})
    assert wrong.status_code == 422


def test_a_tenant_that_is_not_on_record_has_no_events(queue: QueueUnderTest) -> None:
    with pytest.raises(NotFoundError, match="did you mean 'acme'"):
        entered(queue, tenant_id="acmee")


@pytest.mark.both_databases
def test_a_row_of_the_queue_names_the_events_that_its_flags_lie_in(engine: Engine, tmp_path: Path) -> None:
    queue = a_queue_of_three(engine, tmp_path)
    entered(queue)
    entered(queue, words="acme moves", kind=KnownEventKind.MIGRATION, tenant_id="acme")
    entered(queue, words="in France", countries=("FR",))
    entered(queue, words="chats", channel="chat")
    entered(queue, words="tomorrow", begins_at=START, ends_at=START + 60 * MINUTE)
    withdrawn = entered(queue, words="by mistake")
    known_events.withdraw(queue.deployment, "rolf", queue.deployment.now, withdrawn.id)
    assert known_in_queue(queue) == {
        "acme": ["acme moves", "the spring sale"],
        "beta": ["the spring sale"],
        "gamma": ["in France", "the spring sale"],
    }
    assert {
        tenant: [each.words for each in the_case(queue, tenant).known_events] for tenant in TENANTS
    } == known_in_queue(queue), "as the case's page says"


def test_pages_api_and_command_line_name_them_to_whoever_reaches_the_case(queue: QueueUnderTest) -> None:
    entered(queue, words="<b>acme</b> moves", tenant_id="acme")
    entered(queue, words="in France", countries=("FR",))
    shown = queue.signed_in("rita").get("/queue").text
    assert "campaign: &lt;b&gt;acme&lt;/b&gt; moves" in shown
    rows = calls_of(queue, "rita").get("/cases").json()["cases"]
    named = {row["tenant_id"]: [each["words"] for each in row["known_events"]] for row in rows}
    assert named == {"acme": ["<b>acme</b> moves"], "beta": [], "gamma": ["in France"]}
    listed = CliRunner().invoke(cases_app, ["list", "--as", "ana"], obj=queue.deployment, terminal_width=200)
    assert "campaign: in" in listed.output
    now = queue.deployment.now
    people.grant_role(queue.deployment, "ida", now, "ana", Role.ANALYST, countries=["us"], channels=[])
    assert set(known_in_queue(queue, by="ana")) == {"acme", "beta"}
    assert "in France" not in queue.signed_in("ana").get("/queue").text


def test_naming_them_on_a_page_takes_two_statements(queue: QueueUnderTest) -> None:
    entered(queue)
    page = case_queue.list_cases(queue.deployment)
    statements: list[str] = []
    with reading(queue.engine) as session:
        listen(session.connection(), "before_cursor_execute", lambda *given: statements.append(given[2]))
        assert len(events_of_cases(session, page.cases)) == 3
    assert len(statements) == 2


def known_in_queue(queue: QueueUnderTest, by: str | None = None) -> dict[str, list[str | None]]:
    """Return what events the rows of the queue name, by tenant."""
    page = case_queue.list_cases(queue.deployment, by=by)
    return {case.tenant_id: [each.words for each in case.known_events] for case in page.cases}
