from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum

import numpy as np
import pytest
import typer

from cjp_fraud.cli.frame import moment
from cjp_fraud.cli.printing import Column, print_table, print_view

AT = datetime(2026, 1, 31, 9, tzinfo=UTC)


class Kind(StrEnum):
    BLOCK = "block_destinations"


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened."""

    at: datetime
    what: str


@dataclass(frozen=True, slots=True)
class View:
    """A view as an operation returns it."""

    id: str
    tenant_id: str
    kind: Kind
    in_force_at: datetime
    score: float
    because: str
    events: tuple[Event, ...] = ()
    countries: tuple[str, ...] = ()


def a_view(
    number: int = 0, because: str = "A sentence of the reviewer that is long enough to be cut"
) -> View:
    return View(
        f"019b{number:04x}-0000-7000-8000-000000000000",
        "acme-telephony",
        Kind.BLOCK,
        AT,
        12.3456789,
        because,
        (Event(AT, "opened"),),
        ("LV", "EE"),
    )


@pytest.mark.parametrize("text", ["hi [/x]", "[red]not red[/red]", "[link=x]"])
def test_what_people_write_is_printed_as_it_is_and_never_read_as_markup(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    print_table([{"text": text}], as_json=False, title=text)
    print_view({text: text}, as_json=False, title=text)
    print_table([], as_json=False, title=text)
    assert capsys.readouterr().out.count(text) == 6


def test_json_is_json_whatever_the_values(capsys: pytest.CaptureFixture[str]) -> None:
    row = {"at": AT, "set": {1}, "number": np.int64(3), "unknown": float("nan"), "path": "x"}
    print_table([row], as_json=True, title="x")
    assert json.loads(capsys.readouterr().out) == [
        {"at": "2026-01-31T09:00:00Z", "set": [1], "number": 3, "unknown": None, "path": "x"}
    ]


def test_json_is_the_whole_view_and_not_only_what_the_table_shows(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([a_view()], ["tenant_id"], as_json=True, title="Cases")
    (row,) = json.loads(capsys.readouterr().out)
    assert row["kind"] == "block_destinations"
    assert row["events"] == [{"at": "2026-01-31T09:00:00Z", "what": "opened"}]


def test_a_table_has_one_line_a_row_at_eighty_columns_and_whole_stamps(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_table([a_view(0), a_view(1)], title="Cases")
    lines = capsys.readouterr().out.rstrip().splitlines()
    assert max(map(len, lines)) <= 80
    assert [line.count("2026-01-31 09:00Z") for line in lines[-2:]] == [1, 1]
    assert "{" not in "".join(lines)


def test_a_table_in_a_pipe_is_as_wide_as_COLUMNS_says(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    widths = []
    for columns in ("60", "250"):
        monkeypatch.setenv("COLUMNS", columns)
        print_table([a_view(because="word " * 60)], title="Cases")
        widths.append(max(map(len, capsys.readouterr().out.splitlines())))
    assert widths == [60, 250]


def test_identifiers_are_cut_to_eight_digits_or_as_many_as_tell_them_apart(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_table([a_view(0), a_view(1)], ["id"], title="Cases")
    out = capsys.readouterr().out
    assert "019b0000" in out
    assert "019b0001" in out
    assert "019b0000-" not in out
    same = [{"sha256": "ab" * 31 + "00"}, {"sha256": "ab" * 31 + "01"}]
    print_table(same, title="Versions")
    assert "ab" * 31 + "01" in capsys.readouterr().out


def test_an_identifier_that_the_next_command_needs_is_printed_whole(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    print_table([a_view()], [Column("id", full=True), "in_force_at", "because"], title="Notices")
    out = capsys.readouterr().out
    assert a_view().id in out
    assert "2026-01-31 09:00Z" in out


def test_no_json_stands_in_a_cell(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([a_view()], ["events", "countries"], title="Cases")
    assert capsys.readouterr().out.split()[-3:] == ["1", "LV,", "EE"]
    record = {
        "reasons": {"negative": 2},
        "due": timedelta(hours=72),
        "on": date(2026, 1, 2),
        "critical": True,
    }
    print_view(record, as_json=False, title="x")
    out = capsys.readouterr().out
    for text in ("negative 2", "72 h", "2026-01-02", "yes"):
        assert text in out


def test_a_view_is_a_list_of_its_fields_with_tables_of_what_it_holds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_view(a_view(), title="Case 1", tables={"events": ("History", ["at", "what"])})
    out = capsys.readouterr().out
    assert a_view().id in out
    assert out.index("Case 1") < out.index("History") < out.index("opened")


def test_a_time_without_a_zone_is_wrong_usage_and_says_what_to_write() -> None:
    with pytest.raises(typer.BadParameter, match="2026-01-31T09:00:00Z"):
        moment("2026-01-31T09:00:00")
    assert moment("2026-01-31") == datetime(2026, 1, 31, tzinfo=UTC)


@pytest.mark.parametrize("text", ["9999-12-31T23:59:00-08:00", "0001-01-01T00:00:00+09:00"])
def test_a_moment_beyond_the_calendar_is_no_time(text: str) -> None:
    with pytest.raises(typer.BadParameter, match="is not a time"):
        moment(text)
