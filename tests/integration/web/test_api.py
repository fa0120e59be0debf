"""The API: who may call it, what it answers, and that an act acts once."""

from __future__ import annotations

import json
from datetime import timedelta
from importlib import import_module
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from sqlalchemy import Engine, select
from typer.testing import CliRunner

from cjp_fraud.cli.groups import ENTRIES
from cjp_fraud.errors import BadInputError, Refused
from cjp_fraud.operations import api_tokens, people
from cjp_fraud.people.api_scopes import ApiScope
from cjp_fraud.people.model import Role
from cjp_fraud.people.tables import ApiToken
from cjp_fraud.storage.database import reading
from cjp_fraud.web.api.application import api_application
from tests.api_calls import a_token, calls_by, calls_of
from tests.case_builders import a_flag
from tests.queue_pages import QueueUnderTest, a_queue

PROBLEM = "application/problem+json"

PARTS_OF_A_CASE = sorted(
    path
    for path, methods in api_application(None).openapi()["paths"].items()  # type: ignore[arg-type]
    if "get" in methods and "{case}" in path and path.count("{") == 1
)


@pytest.fixture
def queue(sqlite_engine: Engine, tmp_path: Path) -> QueueUnderTest:
    """A queue with one case of acme."""
    made = a_queue(sqlite_engine, tmp_path)
    made.flagged()
    return made


def test_without_a_token_nothing_is_answered_and_nothing_recorded(queue: QueueUnderTest) -> None:
    before = queue.newest_entry()
    answer = calls_by(queue, None).get("/cases")
    assert (answer.status_code, answer.headers["content-type"]) == (401, PROBLEM)
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert queue.newest_entry() == before


def test_a_token_that_does_not_count_is_refused_and_on_record_until_there_are_too_many(
    queue: QueueUnderTest,
) -> None:
    caller = calls_by(queue, "cjp_guess")
    statuses = [caller.get("/cases").status_code for _ in range(40)]
    assert statuses == [401] * 30 + [429] * 10
    assert len(queue.entries("access.denied")) == 31


def test_a_token_is_good_for_its_scopes_alone(queue: QueueUnderTest) -> None:
    caller = calls_of(queue, "rita", [ApiScope.CASES_READ])
    assert caller.get("/cases").status_code == 200
    refused = caller.post("/cases/1/claim")
    assert (refused.status_code, refused.headers["content-type"]) == (403, PROBLEM)
    assert "the token lacks the scope" in refused.json()["detail"]
    [(_, actor, content)] = queue.entries("access.denied")
    assert content["why"] == "POST /api/v1/cases/{case}/claim: needs cases:write"
    assert "api_token_id" in content
    assert actor != "system:api"


def test_a_role_that_is_lost_counts_at_the_next_call(queue: QueueUnderTest) -> None:
    caller = calls_of(queue, "rita")
    assert caller.post("/cases/1/claim").status_code == 200
    deployment = queue.deployment
    people.grant_role(deployment, "ida", deployment.now, "rita", Role.AUDITOR)
    people.revoke_role(deployment, "ida", deployment.now, "rita", Role.REVIEWER)
    refused = caller.post("/cases/1/dismissal", json={"reasons": "a launch"})
    assert refused.status_code == 403
    assert "its owner lacks the role" in refused.json()["detail"]


def test_a_disabled_user_a_revoked_and_an_expired_token_are_refused(queue: QueueUnderTest) -> None:
    deployment = queue.deployment
    brief = api_tokens.make_token(
        deployment, "rita", deployment.now, "brief", [ApiScope.CASES_READ], lasts=timedelta(hours=1)
    )
    lasting, other = a_token(queue, "rita"), a_token(queue, "ana")
    deployment.wait_until(deployment.now + timedelta(hours=2))
    assert calls_by(queue, brief.text).get("/cases").status_code == 401
    assert calls_by(queue, lasting).get("/cases").status_code == 200
    [listed] = api_tokens.list_tokens(deployment, deployment.now, of="ana")
    api_tokens.revoke_token(deployment, "ida", deployment.now, listed.id)
    assert calls_by(queue, other).get("/cases").status_code == 401
    people.disable_user(deployment, "ida", deployment.now, "rita")
    assert calls_by(queue, lasting).get("/cases").status_code == 401


def test_of_a_token_only_its_digest_is_kept_and_making_it_is_on_record(queue: QueueUnderTest) -> None:
    text = a_token(queue, "rita", [ApiScope.CASES_READ])
    with reading(queue.engine) as session:
        row = session.scalars(select(ApiToken)).one()
        assert text not in json.dumps({column: str(value) for column, value in vars(row).items()})
    [(_, _, content)] = queue.entries("api_token.made")
    assert content["scopes"] == ["cases:read"]
    assert text not in json.dumps(content)


def test_nobody_makes_a_token_that_their_roles_do_not_open(queue: QueueUnderTest) -> None:
    deployment = queue.deployment
    with pytest.raises(Refused, match="users:write needs one of these roles: admin"):
        api_tokens.make_token(deployment, "rita", deployment.now, "more", [ApiScope.USERS_WRITE])
    with pytest.raises(BadInputError, match="1 to 366 days"):
        api_tokens.make_token(
            deployment, "rita", deployment.now, "ever", [ApiScope.CASES_READ], lasts=timedelta(days=400)
        )


@pytest.mark.both_databases
def test_the_same_key_acts_once_and_other_words_are_refused(engine: Engine, tmp_path: Path) -> None:
    queue = a_queue(engine, tmp_path)
    queue.flagged()
    caller = calls_of(queue, "rita", **{"Idempotency-Key": "key-1"})
    said = {"text": "asked the customer"}
    first, second = (caller.post("/cases/1/comments", json=said).json() for _ in range(2))
    assert (first["replayed"], second["replayed"]) == (False, True)
    assert first["case"] == second["case"]
    assert len(queue.entries("case.commented")) == 1
    assert caller.post("/cases/1/comments", json={"text": "other words"}).status_code == 422
    # The same key of somebody else is another one.
    other = calls_of(queue, "ana", **{"Idempotency-Key": "key-1"})
    assert other.post("/cases/1/comments", json=said).json()["replayed"] is False


def test_an_act_on_an_old_version_does_nothing(queue: QueueUnderTest) -> None:
    caller = calls_of(queue, "rita")
    version = caller.get("/cases/1").headers["etag"]
    calls_of(queue, "ana").post("/cases/1/comments", json={"text": "look at this"})
    stale = caller.post("/cases/1/claim", headers={"If-Match": version})
    assert (stale.status_code, stale.headers["content-type"]) == (412, PROBLEM)
    assert not queue.entries("case.claimed")
    fresh = caller.get("/cases/1").headers["etag"]
    assert caller.post("/cases/1/claim", headers={"If-Match": fresh}).status_code == 200


def test_a_refusal_names_everything_and_what_is_not_there_is_404(queue: QueueUnderTest) -> None:
    caller = calls_of(queue, "rita")
    refused = caller.post("/cases/1/dismissal", json={"reasons": "a launch"})
    assert refused.status_code == 409
    assert refused.json()["missing"]
    assert caller.get("/cases/77").status_code == 404
    assert caller.get("/nothing").headers["content-type"] == PROBLEM
    assert caller.post("/cases/1/dismissal", json={"reasons": " "}).status_code == 422


def test_a_line_break_in_a_path_is_answered_in_the_same_form(queue: QueueUnderTest) -> None:
    answer = calls_of(queue, "rita").post("/cases/%0A8/release")
    assert (answer.status_code, answer.headers["content-type"]) == (404, PROBLEM)


def test_a_parameter_that_takes_one_value_is_not_given_twice(queue: QueueUnderTest) -> None:
    caller = calls_of(queue, "ida")
    twice = caller.get("/audit", params=[("by", "rita"), ("by", "ida")])
    assert twice.status_code == 422
    assert twice.json()["detail"] == "query.by: given 2 times; give it once"
    assert caller.get("/audit", params={"by": "rita"}).status_code == 200
    caller = calls_of(queue, "rita")
    assert caller.get("/cases", params=[("state", "open"), ("state", "determined")]).status_code == 200
    assert caller.get("/cases", params=[("nobody", "true"), ("nobody", "false")]).status_code == 422


def test_pages_by_key_hold_each_user_once(queue: QueueUnderTest) -> None:
    caller = calls_of(queue, "ida")
    names, cursor = [], None
    while True:
        page = caller.get("/users", params={"limit": 2} | ({"after": cursor} if cursor else {})).json()
        names += [user["name"] for user in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert names == sorted(set(names))
    assert len(names) == len(people.list_users(queue.deployment))


SAME = (
    ("/cases", ["cases", "list"], None),
    ("/cases/1", ["cases", "show", "1"], None),
    ("/measures", ["measures", "list"], "items"),
    ("/notices", ["notices", "list"], "items"),
    ("/tenants/acme", ["tenants", "show", "acme"], None),
    ("/contracts/acme", ["contracts", "show", "acme"], None),
    ("/disputes", ["disputes", "list"], "items"),
    ("/models", ["models", "list"], "items"),
    ("/users", ["users", "list"], "items"),
    ("/tokens", ["tokens", "list"], "items"),
    ("/webhooks", ["webhooks", "list"], "items"),
)


@pytest.mark.parametrize(("path", "command", "inside"), SAME, ids=[each[0] for each in SAME])
def test_an_answer_is_what_the_command_prints(
    queue: QueueUnderTest, path: str, command: list[str], inside: str | None
) -> None:
    scopes_of = "ida" if path in ("/users", "/tokens", "/webhooks") else "rita"
    answer = calls_of(queue, scopes_of).get(path)
    assert answer.status_code == 200, answer.text
    module = next(entry.module for entry in ENTRIES if entry.name == command[0])
    group = import_module(f"cjp_fraud.cli.{module}").app
    printed = CliRunner().invoke(group, [*command[1:], "--json"], obj=queue.deployment)
    assert printed.exit_code == 0, printed.output
    expected = json.loads(printed.stdout)
    document = answer.json()[inside] if inside else answer.json()
    assert document == expected


def test_flags_are_paged_in_the_order_in_which_they_were_recorded(queue: QueueUnderTest) -> None:
    now = queue.deployment.now
    queue.flagged("acme", *(a_flag(now - timedelta(minutes=5 * number)) for number in range(1, 6)))
    caller, seen, after = calls_of(queue, "ana"), [], None
    for _ in range(5):
        answer = caller.get("/flags", params={"limit": 2} | ({"after": after} if after else {})).json()
        seen += [each["id"] for each in answer["items"]]
        after = answer["next_cursor"]
        if after is None:
            break
    assert seen == sorted(set(seen))
    assert len(seen) == len(caller.get("/flags", params={"case": 1}).json()["items"]) >= 5


def test_evidence_is_exported_by_who_may_and_that_is_on_record(queue: QueueUnderTest) -> None:
    assert calls_of(queue, "rita").post("/cases/1/evidence").status_code == 403
    bundle = calls_of(queue, "otto").post("/cases/1/evidence")
    assert bundle.headers["content-type"] == "application/zip"
    assert "records/" in " ".join(ZipFile(BytesIO(bundle.content)).namelist())
    assert len(queue.entries("evidence.exported")) == 1


@pytest.mark.parametrize("path", PARTS_OF_A_CASE)
def test_whoever_reads_any_part_of_a_case_is_on_record(queue: QueueUnderTest, path: str) -> None:
    expected = (404,) if path.endswith("/reinstatement/stages") else (200, 409, 503)
    assert calls_of(queue, "rita").get(path.format(case=1)).status_code in expected
    [(_, _, content)] = queue.entries("case.read")
    assert content["tenant_id"] == "acme"


def test_a_letter_that_the_case_is_not_ready_for_is_refused_with_what_it_lacks(queue: QueueUnderTest) -> None:
    refused = calls_of(queue, "rita").get("/cases/1/letters/preview")
    assert refused.status_code == 409
    assert refused.json()["missing"]
