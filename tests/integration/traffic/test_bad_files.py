"""Files that cannot be used: refused whole, in a sentence, with nothing stored."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from cjp_fraud.errors import CjpFraudError
from cjp_fraud.traffic import ingest as ingest_module
from cjp_fraud.traffic.model import FileChangedError, MissingColumnsError, UnreadableFileError
from cjp_fraud.traffic.schema import TRAFFIC_TABLES
from cjp_fraud.traffic.sources import csv as csv_source
from cjp_fraud.traffic.sources.files import FileSource
from tests.integration.traffic.conftest import Desk


def nothing_stored(desk: Desk) -> bool:
    return all(desk.lake.read(table).num_rows == 0 for table in TRAFFIC_TABLES)


@pytest.mark.parametrize(
    ("name", "content", "error"),
    [
        ("empty.csv", b"", UnreadableFileError),
        ("empty.csv.gz", gzip.compress(b"", mtime=0), UnreadableFileError),
        ("blank.csv", b"\n", UnreadableFileError),
        ("columns.csv", b"tenant_id,calls\nacme,1\n", MissingColumnsError),
        ("semicolons.csv", b"tenant_id;interval_start\nacme;1\n", MissingColumnsError),
        ("not.parquet", b"PAR1 but no more", UnreadableFileError),
        ("not.csv.gz", b"\x1f\x8b but no more", UnreadableFileError),
    ],
)
def test_a_file_that_cannot_be_used_is_refused_and_named(
    desk: Desk, name: str, content: bytes, error: type[CjpFraudError]
) -> None:
    path = desk.folder / name
    path.write_bytes(content)
    with pytest.raises(error, match=name):
        desk.ingest(path)
    assert nothing_stored(desk)


def test_a_truncated_gzip_stores_nothing_of_its_good_beginning(desk: Desk) -> None:
    plain = desk.minutes(*([1] * 600))
    path = desk.folder / "cut.csv.gz"
    path.write_bytes(gzip.compress(plain.read_bytes())[:-9])
    with pytest.raises(UnreadableFileError, match="cut short"):
        desk.ingest(path)
    assert nothing_stored(desk)


@pytest.mark.parametrize("change", ["appended", "rewritten_with_the_same_size_and_time", "cut"])
def test_a_file_that_changes_under_the_reader_stores_nothing(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    path = desk.minutes(1, 2, 3)
    content = path.read_bytes()
    check = ingest_module.check_batch

    def change_then_check(*args: object, **options: object) -> object:
        before = path.stat()
        if change == "appended":
            path.write_bytes(content + b"acme,2026-03-02T09:03:00Z,60,voice,outbound,9\n")
        elif change == "cut":
            path.write_bytes(content[:-20])
        else:
            path.write_bytes(content.replace(b",3", b",4"))
            import os

            os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
        return check(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(ingest_module, "check_batch", change_then_check)
    with pytest.raises(FileChangedError, match="changed while it was read"):
        desk.ingest(path)
    assert nothing_stored(desk)


def test_the_files_before_a_bad_one_are_stored(desk: Desk) -> None:
    bad = desk.folder / "bad.csv"
    bad.write_bytes(b"")
    with pytest.raises(UnreadableFileError, match=r"bad\.csv"):
        ingest_module.ingest_sources(map(FileSource, (desk.minutes(1), bad)), desk.into)
    assert desk.traffic() == [("09:00", 1)]


def test_a_missing_file_is_named(desk: Desk) -> None:
    with pytest.raises(UnreadableFileError, match="does not exist"):
        desk.ingest(Path("nowhere.csv"))


@pytest.mark.parametrize("quote", ["", '"'])
def test_a_header_of_very_many_columns_names_some_of_them(desk: Desk, quote: str) -> None:
    path = desk.folder / "wide.csv"
    path.write_text(",".join(f"{quote}c{n}{quote}" for n in range(20_000)) + "\n")
    with pytest.raises(MissingColumnsError, match=r"has no column 'tenant_id'.*'c0', 'c1'"):
        desk.ingest(path)


def test_ours_are_found_among_very_many_columns(desk: Desk) -> None:
    path = desk.minutes(1, 2)
    header, *rows = path.read_text().splitlines()
    many = ",".join(f"c{n}" for n in range(20_000))
    path.write_text("\n".join([f"{header},{many}", *(f"{row}{',' * 20_000}" for row in rows)]))
    result = desk.ingest(path)
    assert (result.stored, result.ignored[0], result.ignored[-1]) == (2, "c0", "and 19,960 more")


def test_a_header_without_an_end_is_said_to_be_too_long(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_source, "LONGEST_LINE", 100_000)
    path = desk.folder / "endless.csv"
    path.write_text("c," * 200_000)
    with pytest.raises(UnreadableFileError, match="line 1 is over 100,000 bytes long"):
        desk.ingest(path)


def test_a_header_in_another_encoding_is_shown_where_the_file_is_text(desk: Desk) -> None:
    path = desk.folder / "latin.csv"
    path.write_bytes("Mandant,Anrufe\nMüller & Söhne,4\n".encode("latin-1"))
    with pytest.raises(MissingColumnsError, match="'Mandant', 'Anrufe'"):
        desk.ingest(path)
