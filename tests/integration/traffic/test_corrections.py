"""Rows that say the same twice in different words: two steps, corrections, totals beside their parts."""

from __future__ import annotations

import itertools
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from cjp_fraud.cli.main import app
from cjp_fraud.traffic.ingest import resubmit_quarantined
from cjp_fraud.traffic.model import Reason
from cjp_fraud.traffic.quarantine import list_quarantine
from cjp_fraud.traffic.schema import INTAKE, TRAFFIC
from cjp_fraud.traffic.store import expire_intake
from tests.integration.traffic.conftest import NOW, Desk
from tests.integration.traffic.test_inbox import HEADER, Inbox, a_row, mark_as_scored

FIVE = {"interval_seconds": 300}


def key(desk: Desk) -> set[tuple[Any, ...]]:
    names = ("interval_seconds", "contacts_offered", "principal_id")
    return {tuple(row[name] for name in names) for row in desk.lake.read(INTAKE).to_pylist()}


def test_a_coarser_row_beside_finer_ones_does_not_count_and_says_so(desk: Desk) -> None:
    desk.ingest(desk.minutes(1, 2, 3, 4, 5))
    result = desk.ingest(desk.file(FIVE | {"contacts_offered": 99}, name="late.csv"))
    assert (result.stored, result.outweighed) == (1, 1)
    assert "--corrects" in result.notes[0]
    assert desk.traffic("contacts_peak") == [("09:00", 15, 5)]


def test_a_correcting_row_takes_the_finer_rows_of_its_time_away(desk: Desk) -> None:
    desk.ingest(desk.minutes(1, 2, 3, 4, 5, 6))
    coarse = desk.file(FIVE | {"contacts_offered": 99}, name="late.csv")
    result = desk.ingest(coarse, corrects=True)
    assert (result.stored, result.replaced, result.outweighed, result.notes) == (0, 1, 0, ())
    assert desk.traffic("contacts_peak", "seconds_covered") == [("09:00", 99, None, 300), ("09:05", 6, 6, 60)]
    assert key(desk) == {(300, 99, None), (60, 6, None)}
    versions = [desk.lake.version(table) for table in (INTAKE, TRAFFIC)]
    assert desk.ingest(coarse, corrects=True).unchanged == 1
    assert [desk.lake.version(table) for table in (INTAKE, TRAFFIC)] == versions


def test_a_correction_that_is_already_there_as_a_plain_row_takes_effect(desk: Desk) -> None:
    desk.ingest(desk.minutes(1, 2, 3, 4, 5))
    coarse = desk.file(FIVE | {"contacts_offered": 99}, name="late.csv")
    desk.ingest(coarse)
    result = desk.ingest(coarse, corrects=True)
    assert (result.unchanged, result.taken_away, result.intervals_changed, result.changes) == (1, 5, 1, True)
    assert desk.traffic() == [("09:00", 99)]
    again = desk.ingest(coarse, corrects=True)
    assert (again.unchanged, again.taken_away, again.intervals_changed, again.changes) == (1, 0, 0, False)


def test_a_correction_by_rows_that_are_there_counts_the_implied_zeros_that_it_takes_away(desk: Desk) -> None:
    desk.ingest(desk.minutes(1, None, None, None, 5), complete=True)
    coarse = desk.file(FIVE | {"contacts_offered": 99}, name="late.csv")
    desk.ingest(coarse)
    result = desk.ingest(coarse, corrects=True)
    assert (result.unchanged, result.taken_away, desk.traffic()) == (1, 5, [("09:00", 99)])


def test_a_total_that_is_there_and_corrects_counts_the_parts_that_it_takes_away(desk: Desk) -> None:
    desk.ingest(desk.file(*PARTS, TOTAL))
    result = desk.ingest(desk.file(TOTAL, name="total.csv"), corrects=True)
    assert (result.unchanged, result.taken_away, result.parts_of_totals) == (1, 2, 0)
    assert key(desk) == {(60, 7, None)}


def test_a_row_that_goes_to_quarantine_takes_no_earlier_row_away(desk: Desk) -> None:
    desk.ingest(desk.minutes(1, 2, 3, 4, 5))
    doubtful = desk.file(
        FIVE | {"contacts_offered": 99},
        FIVE | {"contacts_offered": 9, "principal_id": "k"},
        {"interval_seconds": 300, "contacts_offered": 4, "interval_start": "2026-03-02T09:05:00Z"},
        name="late.csv",
    )
    result = desk.ingest(doubtful, corrects=True)
    assert (result.reasons, result.taken_away) == ({"total_or_rest": 2}, 0)
    assert desk.traffic() == [("09:00", 15), ("09:05", 4)]


def test_a_row_delivered_again_says_again_that_it_does_not_count(desk: Desk) -> None:
    desk.ingest(desk.minutes(1, 2, 3, 4, 5))
    coarse = desk.file(FIVE | {"contacts_offered": 99}, name="late.csv")
    first, again = desk.ingest(coarse), desk.ingest(coarse)
    assert (first.outweighed, first.intervals_changed) == (1, 0)
    assert (again.unchanged, again.outweighed, again.changes) == (1, 1, False)


def test_a_correction_at_a_step_of_another_length_leaves_no_interval_of_the_old_one(desk: Desk) -> None:
    desk.ingest(desk.minutes(*range(16)))
    quarter = desk.file({"interval_seconds": 900, "contacts_offered": 7}, name="late.csv")
    result = desk.ingest(quarter, corrects=True)
    assert result.replaced == 0, "a new series of its own length"
    assert (result.stored, result.taken_away, result.intervals_changed) == (1, 15, 4)
    assert desk.traffic("interval_seconds") == [("09:00", 7, 900), ("09:15", 15, 300)]


def test_a_correction_reaches_traffic_whose_delivered_rows_have_expired(desk: Desk) -> None:
    desk.ingest(desk.minutes(*range(16)))
    later = NOW + timedelta(days=15)
    expire_intake(desk.lake, desk.into.engine, now=later)
    five = desk.file(FIVE | {"contacts_offered": 10, "contacts_peak": 4}, name="same.csv")
    assert desk.ingest(five, now=later, corrects=True).changes is False, "what it says is there already"
    quarter = desk.file({"interval_seconds": 900, "contacts_offered": 7}, name="late.csv")
    desk.ingest(quarter, now=later, corrects=True)
    assert desk.traffic("interval_seconds") == [("09:00", 7, 900), ("09:15", 15, 300)]


def test_finer_rows_that_correct_count_once_they_cover_the_interval(desk: Desk) -> None:
    desk.ingest(desk.file(FIVE | {"contacts_offered": 99}))
    part = desk.ingest(desk.minutes(1, 2, 3), corrects=True)
    assert (part.outweighed, desk.traffic()) == (3, [("09:00", 99)])
    desk.ingest(desk.minutes(1, 2, 3, 4, 5), corrects=True)
    assert desk.traffic() == [("09:00", 15)]


def test_a_correcting_row_of_a_principal_leaves_the_others(desk: Desk) -> None:
    rows = [
        {"principal_id": name, "contacts_offered": 2, "interval_start": f"2026-03-02T09:0{minute}:00Z"}
        for name in ("k", "l")
        for minute in range(5)
    ]
    desk.ingest(desk.file(*rows))
    desk.ingest(desk.file(FIVE | {"principal_id": "k", "contacts_offered": 5}, name="k.csv"), corrects=True)
    assert key(desk) == {(300, 5, "k"), (60, 2, "l")}
    desk.ingest(desk.file(FIVE | {"contacts_offered": 30}, name="all.csv"), corrects=True)
    assert key(desk) == {(300, 30, None)}
    assert desk.traffic() == [("09:00", 30)]


def test_a_correction_reaches_only_its_own_series_and_time(desk: Desk) -> None:
    desk.ingest(desk.minutes(1, 1, 1, 1, 1, tenant_id="beta", name="beta.csv"))
    desk.ingest(desk.minutes(1, 1, 1, 1, 1, direction="inbound", name="in.csv"))
    desk.ingest(desk.minutes(1, 1, 1, 1, 1, start="2026-03-02T08:55:00Z", name="before.csv"))
    result = desk.ingest(desk.file(FIVE | {"contacts_offered": 9}), corrects=True)
    assert (result.stored, result.replaced) == (1, 0)
    assert sorted(count for _, count in desk.traffic()) == [5, 5, 5, 9]


@pytest.mark.parametrize("name", ["late.corrects.csv", "late.CORRECTS.csv.gz", "late.corrects"])
def test_a_file_of_the_inbox_corrects_by_its_name(tmp_path: Path, name: str) -> None:
    inbox = Inbox(tmp_path / "home")
    inbox.put("a.csv", "\n".join([HEADER, *(a_row(minute) for minute in range(5))]).encode())
    inbox.run()
    content = f"{HEADER}\n{a_row(0, 9).replace(',60,', ',300,')}".encode()
    if name.endswith(".gz"):
        import gzip

        content = gzip.compress(content, mtime=0)
    inbox.put(name, content)
    assert inbox.run().ingested.replaced == 1
    assert inbox.deployment.lake.read(TRAFFIC)["contacts_offered"].to_pylist() == [9]


def test_an_inbox_announces_a_correction_by_rows_that_are_there_already(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "home")
    coarse = f"{HEADER}\n{a_row(0, 9).replace(',60,', ',300,')}".encode()
    inbox.put("a.csv", "\n".join([HEADER, *(a_row(minute) for minute in range(5))]).encode())
    inbox.put("b.csv", coarse)
    inbox.run()
    mark_as_scored(inbox)
    inbox.put("b.corrects.csv", coarse)
    result = inbox.run()
    assert (result.ingested.unchanged, result.ingested.taken_away, result.changed) == (1, 5, True)


def test_the_command_shows_the_rows_that_a_correction_takes_away(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "home")
    fine, coarse = tmp_path / "fine.csv", tmp_path / "coarse.csv"
    fine.write_text("\n".join([HEADER, *(a_row(minute) for minute in range(5))]))
    coarse.write_text(f"{HEADER}\n{a_row(0, 9).replace(',60,', ',300,')}")
    command = ["--home", str(inbox.folder.parent), "traffic", "ingest"]
    environment = {"COLUMNS": "200", "CJP_FRAUD_NOW": NOW.isoformat()}
    CliRunner().invoke(app, [*command, str(fine), str(coarse)], env=environment)
    shown = CliRunner().invoke(app, [*command, "--corrects", str(coarse)], env=environment)
    rows = dict(line.strip().rsplit(maxsplit=1) for line in shown.output.splitlines() if "  " in line.strip())
    assert (rows["unchanged"], rows["taken away"], rows["intervals changed"]) == ("1", "5", "1")


def test_the_command_says_that_rows_do_not_count_and_how_to_correct(tmp_path: Path) -> None:
    inbox = Inbox(tmp_path / "home")
    fine, coarse = tmp_path / "fine.csv", tmp_path / "coarse.csv"
    fine.write_text("\n".join([HEADER, *(a_row(minute) for minute in range(5))]))
    coarse.write_text(f"{HEADER}\n{a_row(0, 9).replace(',60,', ',300,')}")
    command = ["--home", str(inbox.folder.parent), "traffic", "ingest"]
    environment = {"COLUMNS": "200", "CJP_FRAUD_NOW": NOW.isoformat()}
    CliRunner().invoke(app, [*command, str(fine)], env=environment)
    plain = CliRunner().invoke(app, [*command, str(coarse)], env=environment)
    assert "do not count" in plain.output
    assert "--corrects" in plain.output
    assert sum(inbox.deployment.lake.read(TRAFFIC)["contacts_offered"].to_pylist()) != 9
    other = tmp_path / "other.csv"  # the same rows again would change nothing
    other.write_text(f"{HEADER}\n{a_row(0, 9).replace(',60,', ',300,')}\n")
    corrected = CliRunner().invoke(app, [*command, "--corrects", str(other)], env=environment)
    assert "do not count" not in corrected.output
    assert inbox.deployment.lake.read(TRAFFIC)["contacts_offered"].to_pylist() == [9]


PARTS = ({"principal_id": "k", "contacts_offered": 3}, {"principal_id": "l", "contacts_offered": 4})
TOTAL = {"principal_id": None, "contacts_offered": 7, "distinct_destinations": 5}


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
@pytest.mark.parametrize("files", [1, 2, 3])
def test_a_total_beside_its_parts_counts_once_in_whatever_order_they_come(
    desk: Desk, order: tuple[int, ...], files: int
) -> None:
    rows = [(*PARTS, TOTAL)[at] for at in order]
    cuts = {1: [rows], 2: [rows[:1], rows[1:]], 3: [[row] for row in rows]}[files]
    results = [desk.ingest(desk.file(*cut, name=f"{n}.csv")) for n, cut in enumerate(cuts)]
    quarantined = sum(result.quarantined for result in results)
    counted = desk.traffic("distinct_destinations")
    if quarantined == 0:
        assert counted == [("09:00", 7, 5)]
        assert sum(result.parts_of_totals for result in results) <= 2
    else:
        # The total and a part of its parts look like a total and a rest: nothing is counted twice meanwhile.
        assert counted[0][1] <= 7
        resubmit_quarantined(desk.into)
        assert desk.traffic()[0][1] == 7


def test_a_total_and_its_parts_say_which_count(desk: Desk) -> None:
    result = desk.ingest(desk.file(*PARTS, TOTAL))
    assert (result.stored, result.parts_of_totals, result.outweighed) == (3, 2, 0)
    assert "total" in result.notes[0]


def test_what_is_left_beside_principals_is_added(desk: Desk) -> None:
    desk.ingest(desk.file(*PARTS, {"principal_id": None, "contacts_offered": 2}))
    assert desk.traffic("contacts_peak") == [("09:00", 9, 9)]


@pytest.mark.parametrize("total_first", [True, False])
def test_of_a_row_that_may_be_total_or_rest_the_later_delivery_goes_to_quarantine(
    desk: Desk, total_first: bool
) -> None:
    more = {"principal_id": None, "contacts_offered": 10}
    first, second = ([more], list(PARTS)) if total_first else (list(PARTS), [more])
    desk.ingest(desk.file(*first, name="a.csv"))
    result = desk.ingest(desk.file(*second, name="b.csv"))
    assert (result.stored, result.reasons) == (0, {"total_or_rest": len(second)})
    assert desk.traffic() == [("09:00", 10 if total_first else 7)]
    again = desk.ingest(desk.file(*second, name="b.csv"))
    assert (again.quarantined, len(list_quarantine(desk.lake))) == (len(second), len(second))


def test_of_one_file_neither_counts_and_one_can_be_chosen(desk: Desk) -> None:
    result = desk.ingest(desk.file(*PARTS, {"principal_id": None, "contacts_offered": 10}))
    assert (result.stored, result.reasons, desk.traffic()) == (0, {"total_or_rest": 3}, [])
    total = list_quarantine(desk.lake, reason=Reason.TOTAL_OR_REST)[-1]
    assert resubmit_quarantined(desk.into, ids=[total.quarantine_id]).stored == 1
    assert desk.traffic() == [("09:00", 10)]


def test_a_part_corrected_without_its_total_waits_in_quarantine_for_it(desk: Desk) -> None:
    desk.ingest(desk.file(*PARTS, TOTAL, name="a.csv"))
    part = {"principal_id": "k", "contacts_offered": 5}
    alone = desk.ingest(desk.file(part, name="b.csv"))
    assert (alone.reasons, desk.traffic()) == ({"total_or_rest": 1}, [("09:00", 7)])
    together = desk.ingest(desk.file(part, TOTAL | {"contacts_offered": 9}, name="c.csv"))
    assert (together.replaced, desk.traffic()) == (2, [("09:00", 9)])


def test_totals_are_found_at_each_moment_and_step_alone(desk: Desk) -> None:
    minute = {"interval_start": "2026-03-02T09:01:00Z"}
    desk.ingest(desk.file(*PARTS, TOTAL, {"principal_id": "k", "contacts_offered": 2} | minute))
    assert desk.traffic("seconds_covered") == [("09:00", 9, 120)]
    later = desk.into.now + timedelta(days=20)
    assert desk.ingest(desk.file(*PARTS, name="d.csv"), now=later).reasons == {"too_late": 2}
