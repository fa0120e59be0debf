"""The inbox: whatever is put there, every file that can be read is taken in, and the others say why not."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import os
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sqlalchemy import update
from typer.testing import CliRunner

from cjp_fraud.cli.main import app
from cjp_fraud.config import load_settings
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError
from cjp_fraud.operations import traffic as operations
from cjp_fraud.operations.tenants import load_tenants
from cjp_fraud.operations.traffic import InboxResult, ingest_inbox
from cjp_fraud.storage.database import transaction
from cjp_fraud.storage.lake import Lake
from cjp_fraud.traffic.schema import INTAKE, TRAFFIC, TRAFFIC_TABLES
from cjp_fraud.traffic.tables import TrafficChange

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
HEADER = "tenant_id,interval_start,interval_seconds,channel,direction,contacts_offered"


def a_row(minute: int, count: int = 1) -> str:
    return f"acme,2026-03-02T09:{minute:02d}:00Z,60,voice,outbound,{count}"


def good(minute: int) -> bytes:
    return f"{HEADER}\n{a_row(minute)}\n".encode()


class Inbox:
    """A deployment with one tenant, and its inbox."""

    prepared: ClassVar[dict[Path, bytes | None]] = {}
    """The files of a home with its tenant, made once a process: content by path, None for a folder."""

    def __init__(self, home: Path) -> None:
        self.folder = home / "inbox"
        if not self.prepared:
            self._prepare(home)
        for path, content in self.prepared.items():  # a folder comes before what is in it
            if content is None:
                (home / path).mkdir(parents=True, exist_ok=True)
            else:
                (home / path).write_bytes(content)
        self.deployment = Deployment(load_settings(home=home, feeds=["customers"]))

    def _prepare(self, home: Path) -> None:
        assert CliRunner().invoke(app, ["--home", str(home), "init", "--simulated"]).exit_code == 0
        deployment = Deployment(load_settings(home=home, feeds=["customers"]))
        tenants = home / "tenants.csv"
        tenants.write_text("tenant_id,time_zone,country\nacme,Etc/UTC,US\n")
        load_tenants(deployment, None, NOW, tenants, feed="customers")
        self.folder.mkdir()
        deployment.engine.dispose()
        self.prepared[Path()] = None
        for path in sorted(home.rglob("*")):
            self.prepared[path.relative_to(home)] = path.read_bytes() if path.is_file() else None

    def put(self, name: str | bytes, content: bytes) -> None:
        Path(os.path.join(self.folder, os.fsdecode(name))).write_bytes(content)

    def run(self) -> InboxResult:
        return ingest_inbox(self.deployment, NOW)

    def names(self, folder: str) -> list[str]:
        return sorted(path.name for path in (self.folder / folder).iterdir())

    def left(self) -> list[str]:
        return [name for name in self.names("") if name not in ("done", "refused")]


@pytest.fixture
def inbox(tmp_path: Path) -> Inbox:
    return Inbox(tmp_path / "home")


def a_parquet(**columns: pa.Array) -> bytes:
    rows = {
        "tenant_id": pa.array(["acme"]),
        "interval_start": pa.array([0], pa.timestamp("us", "UTC")),
        "interval_seconds": pa.array([300]),
        "channel": pa.array(["voice"]),
        "direction": pa.array(["inbound"]),
        "contacts_offered": pa.array([1]),
    }
    out = io.BytesIO()
    pq.write_table(pa.table(rows | columns), out)
    return out.getvalue()


def a_spreadsheet() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
    return out.getvalue()


RANDOM = b"".join(hashlib.sha256(bytes([n])).digest() for n in range(200))

POISON: list[tuple[str, bytes, bytes, str]] = [
    ("random_bytes", b"m.csv", b"\x07" + RANDOM, "binary content"),
    ("undecodable_first_line", b"m.csv", b"\xf0\x9c\xb3\n" + RANDOM, "binary content"),
    ("spreadsheet", b"m.csv", a_spreadsheet(), "a spreadsheet"),
    ("gzip_of_random", b"m.csv.gz", b"\x1f\x8b" + RANDOM, "cut short or damaged"),
    ("gzipped_binary", b"m.csv.gz", gzip.compress(b"\x07" + RANDOM, mtime=0), "binary content"),
    ("parquet_of_random", b"m.parquet", b"PAR1" + RANDOM, "cannot be read as Parquet"),
    ("list_column", b"m.parquet", a_parquet(channel=pa.array([["voice"]])), "'channel' holds list"),
    ("struct_column", b"m.parquet", a_parquet(tenant_id=pa.array([{"a": 1}])), "'tenant_id' holds struct"),
    ("nested_count", b"m.parquet", a_parquet(contacts_offered=pa.array([[1]])), "holds list"),
    (
        "countries_of_texts",
        b"m.parquet",
        a_parquet(countries=pa.array([{"JP": "many"}])),
        "'countries' holds struct<JP: string>, not numbers by country",
    ),
    ("list_of_countries", b"m.parquet", a_parquet(countries=pa.array([["JP"]])), "not numbers by country"),
    ("binary_behind_a_first_line", b"m.csv", b"B\xc8\xa5\n\x00\x01\xff\xfe\x9c\n", "binary content"),
    ("binary_without_control_bytes", b"m.csv", b"B\xc8\xa5\n\xd1\xff\xfe\x9c\xb2\n", "binary content"),
    ("zeros_behind_a_first_line", b"m.csv", b"name\n" + bytes(100), "binary content"),
    (
        "stamps_without_zone",
        b"m.parquet",
        a_parquet(interval_start=pa.array([0], pa.timestamp("us"))),
        "zone",
    ),
    ("dates", b"m.parquet", a_parquet(interval_start=pa.array([0], pa.date32())), "without a time zone"),
    ("empty", b"m.csv", b"", "is empty"),
    ("blank", b"m.csv", b"\n\n", "is empty"),
    ("not_utf_8_name", b"m\xff\xfe.csv", b"nothing", "has no column"),
    ("control_characters_in_name", b"m\n\x1b[31m.csv", b"nothing", "has no column"),
    ("long_name", b"m" * 240 + b".csv", b"nothing", "has no column"),
    ("long_name_of_wide_characters", ("日" * 80).encode() + b".csv", b"nothing", "has no column"),
    ("open_quote", b"m.csv", f'{HEADER}\n"acme'.encode(), "never closed"),
    ("utf_16", b"m.csv", HEADER.encode("utf-16"), "UTF-16"),
]


@pytest.fixture(scope="module")
def poisoned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Inbox, InboxResult]:
    """An inbox of many kinds of poison, between two good files, after one run."""
    inbox = Inbox(tmp_path_factory.mktemp("poison") / "home")
    inbox.put("0.csv", good(0))
    for number, (_, name, content, _) in enumerate(POISON):
        inbox.put(b"%02d" % number + name, content)
    inbox.put("z.csv", good(1))
    return inbox, inbox.run()


def test_the_files_around_the_poison_are_taken_and_nothing_is_left(
    poisoned: tuple[Inbox, InboxResult],
) -> None:
    inbox, result = poisoned
    assert (result.ingested.stored, result.changed, result.failure) == (2, True, None)
    assert inbox.names("done") == ["0.csv", "z.csv"]
    assert inbox.left() == []
    assert len(result.refused) == len(POISON)
    moved = [*result.refused, *(f"{name}.reason.txt" for name in result.refused)]
    assert inbox.names("refused") == sorted(moved)


@pytest.mark.parametrize("kind", [poison[0] for poison in POISON])
def test_a_poisoned_file_is_refused_with_its_reason(poisoned: tuple[Inbox, InboxResult], kind: str) -> None:
    inbox, result = poisoned
    number, said = next((n, poison[3]) for n, poison in enumerate(POISON) if poison[0] == kind)
    (name,) = [name for name in result.refused if name.startswith(f"{number:02d}")]
    assert said in result.refused[name]
    reason = (inbox.folder / "refused" / f"{name}.reason.txt").read_text()
    assert reason == f"{result.refused[name]}\n"
    assert reason.strip().isprintable(), "no byte of the file reaches a terminal"


def test_folders_pipes_and_links_to_nothing_are_refused_without_being_opened(inbox: Inbox) -> None:
    (inbox.folder / "folder").mkdir()
    os.mkfifo(inbox.folder / "pipe.csv")
    (inbox.folder / "link.csv").symlink_to("nowhere.csv")
    inbox.put("z.csv", good(1))
    result = inbox.run()
    assert result.ingested.stored == 1
    assert set(result.refused) == {"folder", "pipe.csv", "link.csv"}
    assert "put the files themselves" in result.refused["folder"]
    assert "link to nothing" in result.refused["link.csv"]
    assert inbox.left() == []


def test_a_file_that_may_not_be_read_is_refused(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    digest = hashlib.file_digest

    def denied(file: BinaryIO, kind: str) -> Any:
        if file.name.endswith("secret.csv"):
            raise PermissionError(errno.EACCES, "Permission denied")
        return digest(file, kind)

    inbox.put("secret.csv", good(0))
    inbox.put("z.csv", good(1))
    monkeypatch.setattr(hashlib, "file_digest", denied)
    result = inbox.run()
    assert "Permission denied" in result.refused["secret.csv"]
    assert inbox.names("done") == ["z.csv"]


def when_reading(monkeypatch: pytest.MonkeyPatch, name: str, act: Callable[[], object]) -> None:
    """Do something between the first look at a file and the reading of its rows."""
    ingest = operations.traffic_ingest.ingest_source

    def act_then_ingest(source: Any, *args: Any, **options: Any) -> Any:
        if source.name == name:
            act()
        return ingest(source, *args, **options)

    monkeypatch.setattr(operations.traffic_ingest, "ingest_source", act_then_ingest)


def test_a_file_that_vanishes_holds_up_no_other(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    inbox.put("a.csv", good(0))
    inbox.put("z.csv", good(1))
    when_reading(monkeypatch, "a.csv", (inbox.folder / "a.csv").unlink)
    result = inbox.run()
    assert (result.refused, result.waiting, result.ingested.stored) == ({}, (), 1)


def test_a_file_still_being_written_to_waits_for_the_next_run(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    inbox.put("a.csv", good(0))
    inbox.put("z.csv", good(1))
    when_reading(monkeypatch, "a.csv", lambda: inbox.put("a.csv", good(0) + a_row(2).encode()))
    result = inbox.run()
    assert (result.waiting, result.ingested.stored, inbox.left()) == (("a.csv",), 1, ["a.csv"])
    monkeypatch.undo()
    assert inbox.run().ingested.stored == 2


@pytest.mark.parametrize("name", ["refused", "done"])
@pytest.mark.parametrize("content", [good(0), b"no traffic"])
def test_a_file_called_like_a_folder_of_ours_is_taken_in_like_any_other(
    inbox: Inbox, name: str, content: bytes
) -> None:
    inbox.put(name, content)
    inbox.put("z.csv", good(1))
    result = inbox.run()
    is_good = content == good(0)
    assert (result.ingested.stored, len(result.refused)) == ((2, 0) if is_good else (1, 1))
    assert inbox.left() == []
    assert f"{name}.1" in inbox.names("done" if is_good else "refused")
    inbox.put("y.csv", good(2))
    assert inbox.run().ingested.stored == 1


def test_a_link_to_nothing_called_like_a_folder_of_ours_holds_up_no_other(inbox: Inbox) -> None:
    (inbox.folder / "done").symlink_to("nowhere")
    inbox.put("z.csv", good(1))
    result = inbox.run()
    assert (result.ingested.stored, set(result.refused)) == (1, {"done.1"})


def test_an_inbox_that_is_a_file_is_said(inbox: Inbox) -> None:
    inbox.folder.rmdir()
    inbox.folder.write_text("")
    with pytest.raises(BadInputError, match="no folder"):
        inbox.run()


def test_a_reason_is_not_written_over_a_refused_file_of_its_name(inbox: Inbox) -> None:
    inbox.put("a.csv.reason.txt", b"theirs")
    inbox.run()
    inbox.put("a.csv", b"nothing")
    inbox.run()
    assert (inbox.folder / "refused" / "a.csv.reason.txt").read_bytes() == b"theirs"
    assert "a.csv.1.reason.txt" in inbox.names("refused")


def test_hidden_files_are_left_alone(inbox: Inbox) -> None:
    inbox.put(".a.csv.part", b"")
    assert inbox.run() == InboxResult(operations.IngestResult(), {}, (), False, None)
    assert inbox.left() == [".a.csv.part"]


def test_good_files_keep_their_order_whatever_their_names(inbox: Inbox) -> None:
    inbox.put(b"a\xff.csv", good(0))
    inbox.put(b"b" * 250 + b".csv", good(1))
    inbox.put("c\n.csv", good(2))
    assert inbox.run().ingested.stored == 3
    assert inbox.left() == []
    assert len(inbox.names("done")) == 3
    stored = inbox.deployment.lake.read(INTAKE, columns=["source"])["source"].to_pylist()
    assert all(name.isprintable() for name in stored)


def test_what_was_stored_before_a_failure_is_announced(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, minute in (("a.csv", 0), ("b.csv", 1), ("c.csv", 2)):
        inbox.put(name, good(minute))

    def broken() -> None:
        raise ConnectionError("the object store is away")

    when_reading(monkeypatch, "b.csv", broken)
    result = inbox.run()
    assert (result.changed, result.ingested.stored, result.waiting) == (True, 1, ("b.csv", "c.csv"))
    assert result.failure is not None
    assert "object store is away" in result.failure
    monkeypatch.undo()
    assert inbox.run().ingested.stored == 2


def test_a_failure_before_anything_is_stored_rises(inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise ConnectionError("the object store is away")

    inbox.put("a.csv", good(0))
    when_reading(monkeypatch, "a.csv", broken)
    with pytest.raises(ConnectionError):
        inbox.run()
    assert inbox.left() == ["a.csv"]


def mark_as_scored(inbox: Inbox) -> None:
    """Say that every change so far has been scored, so that none waits."""
    with transaction(inbox.deployment.engine) as session:
        session.execute(update(TrafficChange).values(scored_at=NOW))


def test_what_a_killed_run_stored_is_announced_by_the_next(inbox: Inbox) -> None:
    inbox.put("a.csv", good(0))
    inbox.run()
    inbox.put("a.csv", good(0))  # as if the run had been killed before it moved the file
    again = inbox.run()
    assert (again.ingested.unchanged, again.changed) == (1, True)
    mark_as_scored(inbox)
    inbox.put("a.csv", good(0))
    assert inbox.run().changed is False


@pytest.mark.parametrize("table", ["intake", "traffic"])
def test_a_full_disk_says_what_is_stored_and_the_same_command_completes(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch, table: str
) -> None:
    replace = Lake.replace

    def full(self: Lake, which: Any, *args: Any, **options: Any) -> int:
        if which.name == table:
            raise OSError(errno.ENOSPC, "No space left on device")
        return replace(self, which, *args, **options)

    path = inbox.folder.parent / "a.csv"
    path.write_bytes(good(0))
    monkeypatch.setattr(Lake, "replace", full)
    result = CliRunner().invoke(app, ["--home", str(inbox.folder.parent), "traffic", "ingest", str(path)])
    assert result.exit_code != 0
    said = str(result.exception)
    assert ("nothing of a.csv was stored" if table == "intake" else "only part of a.csv was stored") in said
    assert "run the same command again" in said
    rows = [inbox.deployment.lake.read(kind).num_rows for kind in TRAFFIC_TABLES]
    assert rows == [0, 0, 0] if table == "intake" else [1, 0, 0]
    monkeypatch.undo()
    assert operations.ingest_files(inbox.deployment, NOW, [path]).read == 1
    assert inbox.deployment.lake.read(TRAFFIC).num_rows == 1
