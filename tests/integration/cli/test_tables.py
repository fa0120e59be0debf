"""Every command that lists, at 80 columns, on a home with all there is to list."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from rich.cells import cell_len
from typer.testing import CliRunner

from cjp_fraud.cli import (
    audit,
    baseline,
    cases,
    disputes,
    flags,
    measures,
    model_versions,
    notices,
    scores,
    tenants,
    traffic,
    users,
)
from cjp_fraud.cli.printing import print_table, print_view
from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.operations.detection import detect
from cjp_fraud.operations.housekeeping import LAKE_TABLES
from cjp_fraud.operations.model_versions import ModelVersionView
from cjp_fraud.storage.database import transaction
from tests.case_builders import PEOPLE, START, a_flag, flag
from tests.contract_builders import a_row, load_rows
from tests.mail_servers import smtp_server
from tests.people_builders import a_user

TENANT = "acme-telephony-europe"
BECAUSE = ("--ground", "unattended", "--because", "short calls to one range at night")
MIDNIGHT = datetime(2015, 4, 2, tzinfo=UTC)
WINDOW = ("--from", "2015-04-02T08:00:00Z", "--to", "2015-04-02T10:00:00Z")
HEADER = "tenant_id,interval_start,interval_seconds,channel,direction,contacts_offered"


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory, sqlite_template: bytes) -> Iterator[Deployment]:
    """A home with tenants, traffic, flags in force and superseded, cases, a notice, a measure and a dispute."""
    folder = tmp_path_factory.mktemp("tables")
    with smtp_server() as server:
        home = load_settings(
            home=folder,
            now=START + timedelta(minutes=30),
            platform_mode="act",
            smtp_host=server.host,
            smtp_port=server.port,
            contact="+1 555 0100",
            provider_legal_name="Example Cloud Ltd.",
        )
        (folder / "cjp_fraud.db").write_bytes(sqlite_template)
        made = Deployment(home)
        made.lake.create(LAKE_TABLES, buckets=2)
        rows = [a_row(tenant_id=name) for name in (TENANT, "other", "third")]
        rows.append(a_row(tenant_id="on-premises-customer", hosting="on_premises", product="CCX"))
        load_rows(made.engine, folder, *rows, at=START - timedelta(days=60))
        with transaction(made.engine) as session:
            for name, roles in PEOPLE.items():
                a_user(session, name, roles, START)
        _take_traffic(made)
        _decide(made)
        yield made


def _take_traffic(made: Deployment) -> None:
    rows = [
        f"{TENANT},{MIDNIGHT - timedelta(days=3) + timedelta(minutes=15 * n):%Y-%m-%dT%H:%M:%SZ},900,voice,outbound,20"
        for n in range(3 * 96 + 48)
    ]
    rows += [
        f"{TENANT},2015-04-02T09:00:00,900,voice,outbound,5",
        "not-on-record-yet,2015-04-02T09:00:00Z,900,voice,outbound,5",
        f"{TENANT},2015-04-02T09:00:00Z,901,voice,outbound,-5",
    ]
    file = made.settings.home / "delivered-by-the-switch.csv"
    file.write_text("\n".join([HEADER, *rows]))
    done(made, traffic.app, "ingest", str(file))
    done(made, baseline.app, "refresh")
    detect(made, made.now, datetime.fromisoformat(WINDOW[1]), datetime.fromisoformat(WINDOW[3]))


def _decide(made: Deployment) -> None:
    around = (START - timedelta(hours=1), START + timedelta(hours=1))
    rest = [a_flag(START, "other", score=5.0), a_flag(START, "third", score=4.0)]
    minutes = [START + timedelta(minutes=5 * n) for n in range(3)]
    flag(made.engine, *(a_flag(at, TENANT) for at in minutes), *rest, cap=1)
    flag(
        made.engine,
        *(a_flag(at, TENANT) for at in minutes[:2]),
        *rest,
        window=around,
        at=START + timedelta(minutes=20),
        cap=1,
    )
    done(made, cases.app, "claim", "1", "--as", "rita")
    done(made, cases.app, "determine", "1", "--as", "rita", "--part", "victim", *BECAUSE)
    done(made, cases.app, "approve", "1", "--as", "adam")
    done(made, disputes.app, "open", "1", "--as", "ana", "--text", "it was our own campaign, they say")


def done(made: Deployment, app: Any, *words: str, columns: int = 80) -> str:
    result = CliRunner().invoke(app, list(words), obj=made, env={"COLUMNS": str(columns)})
    assert result.exit_code == 0, (result.output, result.exception)
    return result.stdout


LISTINGS = {
    "users list": (users.app, ("list",)),
    "tenants show": (tenants.app, ("show",)),
    "traffic status": (traffic.app, ("status",)),
    "traffic quarantine": (traffic.app, ("quarantine",)),
    "baseline show": (baseline.app, ("show", TENANT)),
    "scores show": (scores.app, ("show", TENANT, *WINDOW)),
    "flags list": (flags.app, ("list",)),
    "flags list --superseded": (flags.app, ("list", "--superseded")),
    "cases list": (cases.app, ("list",)),
    "cases list --overflow": (cases.app, ("list", "--overflow")),
    "notices list": (notices.app, ("list",)),
    "measures list": (measures.app, ("list",)),
    "disputes list": (disputes.app, ("list", "--all")),
    "audit list": (audit.app, ("list", "--limit", "500")),
}
INSIDE = {"traffic status": "tenants", "baseline show": "series", "cases list": "cases"}
"""Commands whose JSON holds more than the rows of the table: where its rows are."""

CUT = re.compile(r"(\d{4}-\d{2}-\d{2}[ T0-9:]*|\b[0-9a-f]{6,}[-0-9a-f]*)…")
"""A stamp or an identifier that an ellipsis cuts."""


@pytest.mark.parametrize("command", LISTINGS)
def test_a_table_fits_eighty_columns_with_a_line_a_row_and_whole_ids_and_stamps(
    opened: Deployment, command: str
) -> None:
    app, words = LISTINGS[command]
    printed = done(opened, app, *words)
    assert max(map(cell_len, printed.splitlines())) <= 80
    assert not CUT.search(printed), printed
    assert "{" not in printed
    document = json.loads(done(opened, app, *words, "--json"))
    rows = document[INSIDE[command]] if command in INSIDE else document
    assert rows
    assert len(_body(printed)) == len(rows)
    if " tenant " in printed:
        named = [row["tenant_id"] for row in rows]
        assert all(name in line for name, line in zip(named, _body(printed), strict=True))


@pytest.mark.parametrize("command", LISTINGS)
def test_a_wide_table_is_cut_nowhere(opened: Deployment, command: str) -> None:
    app, words = LISTINGS[command]
    printed = done(opened, app, *words, columns=300)
    assert "…" not in printed
    assert max(map(cell_len, printed.splitlines())) <= 300


def test_sentences_wrap_at_eighty_columns_and_names_are_whole(opened: Deployment) -> None:
    printed = done(opened, cases.app, "grounds")
    assert max(map(cell_len, printed.splitlines())) <= 80
    assert "…" not in printed


def test_the_ids_that_a_narrow_table_prints_name_their_rows(opened: Deployment) -> None:
    for app, row, command in (
        (notices.app, done(opened, notices.app, "list"), "show"),
        (disputes.app, done(opened, disputes.app, "list"), "decide"),
    ):
        (short,) = {word for word in row.split() if re.fullmatch(r"[0-9a-f]{8}[-0-9a-f]*", word)}
        assert len(short) < 36
        if command == "show":
            (whole,) = json.loads(done(opened, notices.app, "list", "--json"))
            assert json.loads(done(opened, app, "show", short, "--json"))["id"] == whole["id"]
            assert "Message-ID" in done(opened, app, "show", short, "--raw")
        else:
            said = done(opened, app, "decide", short, "rejected", "--as", "bella", "--because", "it was not")
            assert f"dispute {short}" in said


def test_an_episode_is_claimed_by_how_its_id_begins(opened: Deployment) -> None:
    listed = done(opened, cases.app, "list", "--overflow")
    (episode,) = [line.split()[0] for line in _body(listed) if "third" in line]
    done(opened, cases.app, "claim", episode[:8], "--as", "rolf")
    assert "third" not in done(opened, cases.app, "list", "--overflow")


def test_versions_of_models_fit_eighty_columns_however_often_they_were_promoted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    at = datetime(2015, 3, 30, tzinfo=UTC)
    card: dict[str, Any] = dict.fromkeys(ModelVersionView.__dataclass_fields__, 7)
    versions = [
        ModelVersionView(
            **card
            | {
                "id": f"01a2283e-{n}1b5-77c0-ae7c-21f2e2a9fdc1",
                "monday": date(2015, 3, 30),
                "threshold": 3.2191,
                "valid_from": (at, at + timedelta(days=n)),
            }
        )
        for n in range(1, 4)
    ]
    monkeypatch.setenv("COLUMNS", "80")
    print_table(versions, model_versions._COLUMNS, title="Model versions")
    printed = capsys.readouterr().out
    assert max(map(cell_len, printed.splitlines())) <= 80
    assert not CUT.search(printed)
    assert [line.split()[-2:] for line in _body(printed)] == [
        [f"2015-03-{30 + n}" if n == 1 else f"2015-04-0{n - 1}", "00:00Z"] for n in range(1, 4)
    ]


def _body(printed: str) -> list[str]:
    """The lines below a table's rule, up to the first blank one."""
    lines = printed.splitlines()
    below = lines[next(at for at, line in enumerate(lines) if "───" in line) + 1 :]
    ends = next((at for at, line in enumerate(below) if not line.strip()), len(below))
    return below[:ends]


def test_a_list_of_thousands_is_cut_for_people_and_whole_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    view = {"terms_not_read": tuple(f"tenant-{number:04}" for number in range(4_000))}
    print_view(view, title="Tenants loaded")
    shown = " ".join(capsys.readouterr().out.split())
    assert shown.endswith("tenant-0039 and 3,960 more (--json names all)")
    print_view(view, title="Tenants loaded", as_json=True)
    assert json.loads(capsys.readouterr().out)["terms_not_read"][-1] == "tenant-3999"
