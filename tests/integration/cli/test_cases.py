"""``cjp-fraud cases``, ``measures`` and ``disputes``, run as commands on a home of their own."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from cjp_fraud.cli import cases, disputes, measures
from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError, NotFoundError, Refused
from cjp_fraud.operations.housekeeping import LAKE_TABLES
from cjp_fraud.operations.overdue import episodes_without_a_case
from cjp_fraud.review.grounds import Ground
from cjp_fraud.storage.database import transaction
from tests.case_builders import PEOPLE, START, a_flag, flag
from tests.contract_builders import a_row, load_rows
from tests.mail_servers import MailServerUnderTest, smtp_server
from tests.people_builders import a_user

BECAUSE = ("--because", "short calls to one range at night")
FRAUD = ("--ground", "unattended", *BECAUSE)


@pytest.fixture
def server() -> Iterator[MailServerUnderTest]:
    with smtp_server() as running:
        yield running


@pytest.fixture
def opened(tmp_path: Path, sqlite_template: bytes, server: MailServerUnderTest) -> Deployment:
    """A deployment in act mode, with people, tenants and flags of two of them."""
    return a_deployment(tmp_path, sqlite_template, server, "act")


def a_deployment(folder: Path, template: bytes, server: MailServerUnderTest, mode: str) -> Deployment:
    settings = load_settings(
        home=folder / "home",
        now=START + timedelta(minutes=30),
        platform_mode=mode,
        smtp_host=server.host,
        smtp_port=server.port,
        contact="+1 555 0100",
        provider_legal_name="Example Cloud Ltd.",
    )
    settings.home.mkdir()
    (settings.home / "cjp_fraud.db").write_bytes(template)
    made = Deployment(settings)
    made.lake.create(LAKE_TABLES, buckets=settings.lake_buckets)
    load_rows(made.engine, folder, a_row(), a_row(tenant_id="other"), at=START - timedelta(days=60))
    with transaction(made.engine) as session:
        for name, roles in PEOPLE.items():
            a_user(session, name, roles, START)
    flag(made.engine, a_flag(START), a_flag(START, "other", score=5.0), cap=1)
    return made


def run(app: Any, opened: Deployment, *arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), obj=opened)


def done(app: Any, opened: Deployment, *arguments: str) -> str:
    result = run(app, opened, *arguments)
    assert result.exit_code == 0, (result.output, result.exception)
    return result.output


def answered(app: Any, opened: Deployment, *arguments: str) -> Any:
    return json.loads(done(app, opened, *arguments, "--json"))


def refusal(app: Any, opened: Deployment, *arguments: str) -> str:
    error = run(app, opened, *arguments).exception
    assert isinstance(error, Refused), error
    return str(error)


def to_determined(opened: Deployment) -> None:
    done(cases.app, opened, "claim", "1", "--as", "rita")
    done(cases.app, opened, "determine", "1", "--as", "rita", "--part", "victim", *FRAUD)


def test_from_the_queue_to_a_suspended_tenant_and_back(
    opened: Deployment, server: MailServerUnderTest
) -> None:
    (row,) = answered(cases.app, opened, "list")["cases"]
    assert (row["number"], row["tenant_id"], row["state"]) == (1, "acme", "open")
    to_determined(opened)
    said = done(cases.app, opened, "approve", "1", "--as", "adam")
    assert "suspended" in said
    assert len(server.received) == 1
    view = answered(cases.app, opened, "show", "1")
    assert view["measures"][0]["state"] == "in_force"
    assert view["proposals"][0]["sha256"]
    assert "Proposal 1" in done(cases.app, opened, "show", "1")
    (measure,) = answered(measures.app, opened, "list", "--in-force")
    assert measure["tenant_id"] == "acme"
    assert answered(measures.app, opened, "reconcile") == []
    for name, why in (("adam", "it goes on"), ("bella", "the carrier confirms")):
        shown = done(measures.app, opened, "reaffirm", "1", "--as", name)
        assert "voice outbound: " in shown
        assert "--because TEXT --although-quiet TEXT" in shown
        look = shown.partition("--look ")[2].split()[0]
        words = ("--look", look, "--because", why, "--although-quiet", "the measure itself keeps it quiet")
        assert "reaffirmed" in done(measures.app, opened, "reaffirm", "1", "--as", name, *words)
    [entitlement] = answered(measures.app, opened, "entitlements")
    assert entitlement["ends_at"] == answered(measures.app, opened, "list")[0]["review_at"]
    done(measures.app, opened, "reinstate", "1", "--as", "adam", "--because", "resolved")
    assert answered(cases.app, opened, "show", "1")["state"] == "reinstated"
    assert len(server.received) == 3  # the notice, the continuation, the reinstatement


def test_the_one_who_determined_cannot_approve(opened: Deployment) -> None:
    done(cases.app, opened, "claim", "1", "--as", "both")
    done(cases.app, opened, "determine", "1", "--as", "both", "--part", "victim", *FRAUD)

    assert "took part in the case" in refusal(cases.app, opened, "approve", "1", "--as", "both")


def test_in_observe_it_stops_at_approved_and_nothing_leaves(
    tmp_path: Path, sqlite_template: bytes, server: MailServerUnderTest
) -> None:
    opened = a_deployment(tmp_path, sqlite_template, server, "observe")
    to_determined(opened)

    said = done(cases.app, opened, "approve", "1", "--as", "adam")

    assert "approved in observe" in said
    assert server.received == []
    assert "observe" in refusal(measures.app, opened, "apply", "1")


def test_a_measure_that_is_not_due_is_refused_with_the_points_of_the_gate(opened: Deployment) -> None:
    said = refusal(measures.app, opened, "apply", "1")

    for point in (2, 3, 5):
        assert f"gate point {point}" in said


def test_the_queue_counts_what_is_on_the_overflow_list(opened: Deployment) -> None:
    assert answered(cases.app, opened, "list")["overflow"] == 1
    assert "1 more episode(s) over the hour's cap" in done(cases.app, opened, "list")
    assert episodes_without_a_case(opened) == 1


def test_an_episode_is_claimed_off_the_overflow_list(opened: Deployment) -> None:
    (waiting,) = answered(cases.app, opened, "list", "--overflow")
    assert waiting["tenant_id"] == "other"

    said = done(cases.app, opened, "claim", waiting["episode_id"], "--as", "rita")

    assert "case 2: in_review" in said


def test_tables_of_cases_fit_80_columns_a_line_a_row(opened: Deployment) -> None:
    to_determined(opened)
    done(cases.app, opened, "comment", "1", "the carrier was asked", "--as", "ana")
    done(disputes.app, opened, "open", "1", "--as", "ana", "--text", "it was our own campaign, they say")

    for app, words in (
        (cases.app, ("list",)),
        (cases.app, ("list", "--overflow")),
        (cases.app, ("show", "1")),
        (disputes.app, ("list",)),
    ):
        result = CliRunner(env={"COLUMNS": "80"}).invoke(app, list(words), obj=opened)
        assert result.exit_code == 0, result.exception
        letter = result.output.find("  letter:")
        table = result.output if letter < 0 else result.output[:letter]
        assert not [line for line in table.splitlines() if len(line) > 80 and "sha256" not in line], table
        assert "{" not in table
    listed = CliRunner(env={"COLUMNS": "80"}).invoke(cases.app, ["list"], obj=opened).output
    (row,) = [line for line in listed.splitlines() if "acme" in line]
    assert "determined" in row


def test_the_queue_is_read_page_after_page_by_the_cursor_that_each_names(opened: Deployment) -> None:
    for episode in answered(cases.app, opened, "list", "--overflow"):
        done(cases.app, opened, "claim", episode["episode_id"], "--as", "rita")

    first = answered(cases.app, opened, "list", "--limit", "1")
    rest = answered(cases.app, opened, "list", "--limit", "1", "--after", first["next_cursor"])

    assert [row["number"] for row in (*first["cases"], *rest["cases"])] == [1, 2]
    assert rest["next_cursor"] is None
    assert first["counts"] == {"in_review": 1, "open": 1}
    assert first["next_cursor"] in done(cases.app, opened, "list", "--limit", "1")


def test_the_catalogue_of_grounds_is_listed_and_needed(opened: Deployment) -> None:
    listed = answered(cases.app, opened, "grounds")
    assert [row["ground"] for row in listed] == [str(ground) for ground in Ground]
    assert "earn a share" in listed[0]["words"]
    done(cases.app, opened, "claim", "1", "--as", "rita")
    said = refusal(cases.app, opened, "determine", "1", "--as", "rita", "--part", "victim", *BECAUSE)
    assert "name at least one ground that fits the flagged traffic, of costly_destinations" in said


def test_a_flag_is_named_by_the_digits_that_the_table_shows(opened: Deployment) -> None:
    done(cases.app, opened, "claim", "1", "--as", "rita")
    (flag_on_record,) = answered(cases.app, opened, "show", "1")["flags"]

    said = refusal(
        cases.app,
        opened,
        *("determine", "1", "--as", "rita", "--part", "victim", "--flag", "00000000"),
        *FRAUD,
    )
    assert "not flags in force of this case: 00000000" in said
    short = flag_on_record["id"][:8]
    done(cases.app, opened, *("determine", "1", "--as", "rita", "--part", "victim", "--flag", short), *FRAUD)


def test_smaller_decisions(opened: Deployment) -> None:
    done(cases.app, opened, "claim", "1", "--as", "ana")
    done(cases.app, opened, "comment", "1", "the carrier was asked", "--as", "ana")
    done(cases.app, opened, "release", "1", "--as", "ana")
    done(cases.app, opened, "claim", "1", "--as", "rita")
    assert "stays in review" in done(
        cases.app, opened, "determine", "1", "--as", "rita", "--finding", "undetermined", *BECAUSE
    )
    done(cases.app, opened, "dismiss", "1", "--as", "rita", "--because", "a campaign")
    assert answered(cases.app, opened, "list")["cases"] == []
    assert len(answered(cases.app, opened, "list", "--all")["cases"]) == 1
    done(cases.app, opened, "reopen", "1", "--as", "rita", "--because", "no campaign")
    done(
        cases.app,
        opened,
        *("determine", "1", "--as", "rita", "--part", "unknown", "--measure", "block_destinations"),
        *("--destination", "+371", "--channel", "voice", "--direction", "outbound", "--days", "2", *FRAUD),
    )
    done(cases.app, opened, "return", "1", "--as", "adam", "--because", "narrower")
    stopped = done(cases.app, opened, "stop", "1", "--as", "carol", "--because", "wait")
    stop_id = stopped.strip().rpartition("(")[2].rstrip(")")
    as_carol = ("--as", "carol", "--because", "go on")
    unknown = run(cases.app, opened, "clear-stop", "1", "--stop", "0000000", *as_carol).exception
    assert "no stop '0000000'" in str(unknown)
    assert stop_id in done(cases.app, opened, "clear-stop", "1", "--stop", stop_id[:13], *as_carol)
    said = done(disputes.app, opened, "open", "1", "--as", "ana", "--text", "it was our campaign")
    (dispute,) = answered(disputes.app, opened, "list")
    assert dispute["id"] in said
    done(
        disputes.app, opened, "decide", dispute["id"], "rejected", "--as", "bella", "--because", "it was not"
    )
    assert answered(disputes.app, opened, "list") == []


def test_a_withdrawal_is_told_to_whom_the_notice_had_gone(
    opened: Deployment, server: MailServerUnderTest
) -> None:
    server.rcpt_replies["notices@acme.example"].append("451 later")
    to_determined(opened)
    assert "tried again" in done(cases.app, opened, "approve", "1", "--as", "adam")

    done(cases.app, opened, "withdraw", "1", "--as", "adam", "--because", "a campaign")

    assert answered(cases.app, opened, "show", "1")["state"] == "withdrawn"
    assert server.received == []


def test_a_text_that_is_not_utf8_is_refused_in_words(opened: Deployment) -> None:
    error = run(cases.app, opened, "comment", "1", "a\udcffb", "--as", "ana").exception

    assert isinstance(error, BadInputError)
    assert "character 2" in str(error)


@pytest.mark.parametrize("arguments", [("show", "99"), ("claim", "1", "--as", "nobody")])
def test_a_name_that_is_not_on_record_is_said_to_be_so(
    opened: Deployment, arguments: tuple[str, ...]
) -> None:
    assert isinstance(run(cases.app, opened, *arguments).exception, NotFoundError)


@pytest.mark.parametrize(
    "arguments",
    [
        ("claim", "1"),
        ("determine", "1", "--as", "rita", "--finding", "not_fraudulent", *BECAUSE),
        ("determine", "1", "--as", "rita", "--channel", "voice", *BECAUSE),
        ("determine", "1", "--as", "rita", "--part", "victim", "--ground", "a_hunch", *BECAUSE),
        ("determine", "1", "--as", "rita", "--finding", "undetermined", *FRAUD),
    ],
)
def test_wrong_usage_ends_with_code_2(opened: Deployment, arguments: tuple[str, ...]) -> None:
    assert run(cases.app, opened, *arguments).exit_code == 2
