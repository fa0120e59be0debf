"""Reading CSV, gzipped CSV and Parquet: rows with the line numbers an editor shows, or a refusal of the
whole."""

from __future__ import annotations

import csv
import gzip
import io
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.errors import BadInputError
from cjp_fraud.traffic.model import FileChangedError, MissingColumnsError, UnreadableFileError
from cjp_fraud.traffic.sources import csv as csv_source
from cjp_fraud.traffic.sources.files import FileSource, fingerprint, refuse_changed
from cjp_fraud.traffic.sources.model import (
    BrokenLine,
    SourceBatch,
    parse_mapping,
)

HEADER = "tenant_id,interval_start,interval_seconds,channel,direction,contacts_offered"
ROW = "acme,2026-03-02T09:00:00Z,300,voice,outbound,{}"


def a_file(folder: Path, content: str | bytes, name: str = "traffic.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def read(path: Path, mapping: dict[str, str] | None = None) -> tuple[list[tuple[int, str]], list[BrokenLine]]:
    """(line, contacts offered) of each row, and the broken lines."""
    batches: list[SourceBatch] = list(FileSource(path, mapping or {}).batches())
    rows = [
        (int(line), count)
        for batch in batches
        for line, count in zip(batch.lines, batch.rows["contacts_offered"].to_pylist(), strict=True)
    ]
    return rows, [line for batch in batches for line in batch.broken]


@pytest.mark.parametrize("quoted", [False, True], ids=["plain", "quoted"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "windows", "old_mac"])
def test_lines_are_counted_like_an_editor_counts_them(tmp_path: Path, quoted: bool, end: str) -> None:
    first = ROW.format(1).replace("acme", '"acme"') if quoted else ROW.format(1)
    lines = [HEADER, first, "", ROW.format(2), "too,few", ROW.format(3) + ",surplus", ROW.format(4)]
    rows, broken = read(a_file(tmp_path, end.join(lines)))
    assert rows == [(2, "1"), (4, "2"), (7, "4")]
    assert [(line.line, line.why) for line in broken] == [
        (5, "it has 2 cells, the header has 6"),
        (6, "it has 7 cells, the header has 6"),
    ]
    assert broken[0].text == "too,few"


@pytest.mark.parametrize("separator", [";", "\t", "|"], ids=["semicolon", "tab", "bar"])
@pytest.mark.parametrize("quoted", [False, True], ids=["plain", "quoted"])
def test_another_separator_is_recognised(tmp_path: Path, separator: str, quoted: bool) -> None:
    first = ROW.format(1).replace("acme", '"acme"') if quoted else ROW.format(1)
    lines = [line.replace(",", separator) for line in (HEADER, first, "too,few", ROW.format(2))]
    rows, broken = read(a_file(tmp_path, "\n".join(lines)))
    assert rows == [(2, "1"), (4, "2")]
    assert [(line.line, line.cells) for line in broken] == [(3, ("too", "few"))]


def test_a_header_in_capitals_is_recognised(tmp_path: Path) -> None:
    assert read(a_file(tmp_path, f"{HEADER.upper()}\n{ROW.format(4)}"))[0] == [(2, "4")]
    both = f"{HEADER},CONTACTS_OFFERED\n{ROW.format(4)},9"
    assert read(a_file(tmp_path, both))[0] == [(2, "4")], "the exact name is taken before a similar one"


def test_a_header_in_capitals_is_recognised_beside_a_mapping(tmp_path: Path) -> None:
    path = a_file(tmp_path, f"{HEADER.upper().replace('CONTACTS_OFFERED', 'CALLS')}\n{ROW.format(4)}")
    for written in ("CALLS", "calls", " Calls "):
        assert read(path, {written: "contacts_offered"})[0] == [(2, "4")]
    both = a_file(tmp_path, f"{HEADER.replace('contacts_offered', 'CALLS')},calls\n{ROW.format(4)},9")
    assert read(both, {"calls": "contacts_offered"})[0] == [(2, "9")], "the exact name is taken"


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"], ids=["unix", "windows", "old_mac"])
@pytest.mark.parametrize("quoted", [False, True], ids=["plain", "quoted"])
@pytest.mark.parametrize(
    ("first", "separator"),
    [
        (["sep=;"], ";"),
        (['"sep=;"'], ";"),
        (["SEP=\t", ""], "\t"),
        (["\ufeffsep=,"], ","),
        ([""], ","),
        (["", "  ", ""], ";"),
        ([",,,,,"], ","),
    ],
    ids=lambda value: "+".join(value) if isinstance(value, list) else "",
)
def test_blank_lines_and_a_line_that_names_the_separator_may_stand_before_the_header(
    tmp_path: Path, first: list[str], separator: str, quoted: bool, end: str
) -> None:
    row = ROW.format(1).replace("acme", '"acme"') if quoted else ROW.format(1)
    lines = [line.replace(",", separator) for line in (HEADER, row, "too,few", ROW.format(2))]
    rows, broken = read(a_file(tmp_path, end.join([*first, *lines])))
    begins = len(first)
    assert rows == [(begins + 2, "1"), (begins + 4, "2")]
    assert [line.line for line in broken] == [begins + 3]


@pytest.mark.parametrize("name", ["traffic.csv", "traffic.csv.gz", "traffic.parquet"])
def test_a_file_of_zero_bytes_is_named_as_such(tmp_path: Path, name: str) -> None:
    for content in (bytes(5000), gzip.compress(bytes(5000))):
        if name.endswith(".parquet") and content[0]:
            continue
        with pytest.raises(UnreadableFileError, match="zero bytes in the place of content"):
            read(a_file(tmp_path, content, name))


def test_a_binary_file_is_named_as_such_and_not_shown(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="holds binary content") as refused:
        read(a_file(tmp_path, b"\x07\xffsecret\n\x00"))
    assert "secret" not in str(refused.value)


def test_a_cell_may_hold_commas_and_line_breaks_in_quotes(tmp_path: Path) -> None:
    lines = [HEADER, ROW.format(1), ROW.format(2).replace("acme", '"a,\nb"'), ROW.format(3)]
    assert read(a_file(tmp_path, "\n".join(lines)))[0] == [(2, "1"), (3, "2"), (5, "3")]


def test_a_quote_that_is_never_closed_refuses_the_file(tmp_path: Path) -> None:
    lines = [HEADER, ROW.format(1), '"' + ROW.format(2), ROW.format(3)]
    with pytest.raises(UnreadableFileError, match=r"line 3: a quote is opened and never closed"):
        read(a_file(tmp_path, "\n".join(lines)))


def test_quotes_in_the_middle_break_only_their_line(tmp_path: Path) -> None:
    lines = [HEADER, ROW.format(1), '"ac"me' + ROW.format(2)[4:], ROW.format(3)]
    rows, broken = read(a_file(tmp_path, "\n".join(lines)))
    assert rows == [(2, "1"), (4, "3")]
    assert (broken[0].line, broken[0].why) == (3, "its quotes do not match")


def test_a_line_that_is_not_utf_8_is_broken_and_the_others_are_read(tmp_path: Path) -> None:
    lines = [
        HEADER.encode(),
        ROW.format(1).encode(),
        b"\xff" + ROW.format(2).encode(),
        ROW.format(3).encode(),
    ]
    rows, broken = read(a_file(tmp_path, b"\n".join(lines)))
    assert rows == [(2, "1"), (4, "3")]
    assert (broken[0].line, broken[0].why) == (3, "it is not UTF-8")


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path: Path) -> None:
    assert read(a_file(tmp_path, "\ufeff" + HEADER + "\n" + ROW.format(1)))[0] == [(2, "1")]


def test_a_header_alone_is_a_file_without_rows(tmp_path: Path) -> None:
    assert read(a_file(tmp_path, HEADER + "\n")) == ([], [])


@given(
    st.lists(
        st.lists(st.text(st.sampled_from('ab",\n\r é'), max_size=4), min_size=6, max_size=6),
        min_size=1,
        max_size=12,
    ),
    st.integers(20, 200),
)
def test_whatever_csv_writes_is_read_back_whatever_the_size_of_a_block(
    cells: list[list[str]], block: int
) -> None:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEADER.split(","))
    writer.writerows(cells)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(csv_source, "BLOCK_BYTES", block)
        with tempfile.TemporaryDirectory() as folder:
            source = FileSource(a_file(Path(folder), text.getvalue()), {})
            batches = list(source.batches())
    read_back = [tuple(row.values()) for batch in batches for row in batch.rows.to_pylist()]
    names = batches[0].rows.column_names if batches else []
    order = [names.index(name) for name in HEADER.split(",")] if names else []
    assert [[row[at] or "" for at in order] for row in read_back] == cells
    assert not any(batch.broken for batch in batches)


def test_gzipped_csv_is_told_by_its_content(tmp_path: Path) -> None:
    content = gzip.compress(f"{HEADER}\n{ROW.format(5)}\n".encode())
    assert read(a_file(tmp_path, content, "traffic.csv.gz"))[0] == [(2, "5")]
    assert read(a_file(tmp_path, content, "traffic.csv"))[0] == [(2, "5")]


@pytest.mark.parametrize("cut", [1, 8, 30])
def test_a_truncated_gzip_is_refused(tmp_path: Path, cut: int) -> None:
    rows = "\n".join(ROW.format(n) for n in range(5000))
    content = gzip.compress(f"{HEADER}\n{rows}\n".encode())
    with pytest.raises(UnreadableFileError, match="cut short"):
        read(a_file(tmp_path, content[:-cut], "traffic.csv.gz"))


def test_a_gzip_cut_inside_its_first_line_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="cut short"):
        read(a_file(tmp_path, gzip.compress(f"{HEADER}\n".encode())[:14], "traffic.csv.gz"))


@pytest.mark.parametrize("name", ["traffic.csv.gz", "traffic.parquet"])
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnreadableFileError, match="whatever its name"):
        read(a_file(tmp_path, f"{HEADER}\n", name))


@pytest.mark.parametrize(
    ("content", "message"),
    [(b"", "is empty"), (b"\n\n", "is empty"), ("tenant_id\n".encode("utf-16"), "UTF-16")],
    ids=["nothing", "blank", "utf-16"],
)
def test_a_file_without_a_readable_header_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = a_file(tmp_path, content)
    with pytest.raises(UnreadableFileError, match=message):
        read(path) if fingerprint(path) else None


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFileError, match="does not exist"):
        fingerprint(tmp_path / "none.csv")
    with pytest.raises(UnreadableFileError, match="is not a file"):
        fingerprint(tmp_path)


def test_a_missing_column_is_named_with_what_is_there_and_how_to_map_it(tmp_path: Path) -> None:
    path = a_file(tmp_path, HEADER.replace("contacts_offered", "calls") + "\n" + ROW.format(1))
    with pytest.raises(MissingColumnsError, match=r"no column 'contacts_offered'.*'calls'.*--map theirs="):
        read(path)
    assert read(path, {"calls": "contacts_offered"})[0] == [(2, "1")]


def test_a_mapped_column_that_is_not_there_or_there_twice_is_refused(tmp_path: Path) -> None:
    path = a_file(tmp_path, HEADER + ",calls\n" + ROW.format(1) + ",2")
    with pytest.raises(MissingColumnsError, match="two columns for 'contacts_offered'"):
        read(path, {"calls": "contacts_offered"})
    with pytest.raises(MissingColumnsError, match="'anrufe', which --map names"):
        read(path, {"anrufe": "contacts_peak"})


def test_a_mapping_is_theirs_equals_ours() -> None:
    assert parse_mapping(["calls=contacts_offered", "a=b=tenant_id"]) == {
        "calls": "contacts_offered",
        "a=b": "tenant_id",
    }
    for wrong in (["calls"], ["calls=kontakte"], ["=tenant_id"], ["a=tenant_id", "b=tenant_id"]):
        with pytest.raises(BadInputError, match="--map"):
            parse_mapping(wrong)


def a_parquet(folder: Path, **columns: pa.Array) -> Path:
    rows = {
        "tenant_id": pa.array(["acme", "acme"]),
        "interval_start": pa.array([0, 300_000_000], pa.timestamp("us", "UTC")),
        "interval_seconds": pa.array([300, 300]),
        "channel": pa.array(["voice", "voice"]),
        "direction": pa.array(["inbound", "inbound"]),
        "contacts_offered": pa.array([1, 2]),
    }
    path = folder / "traffic.parquet"
    pq.write_table(pa.table(rows | columns), path)
    return path


def test_parquet_rows_are_counted_from_one_and_foreign_columns_left_out(tmp_path: Path) -> None:
    path = a_parquet(tmp_path, nested=pa.array([{"x": 1}, {"x": 2}]))
    (batch,) = FileSource(path, {}).batches()
    assert batch.lines.tolist() == [1, 2]
    assert batch.rows["contacts_offered"].to_pylist() == [1, 2]
    assert "nested" not in batch.rows.column_names


@pytest.mark.parametrize(
    ("column", "values", "said"),
    [
        ("interval_start", pa.array([0, 1], pa.timestamp("ms")), "without a time zone"),
        ("interval_start", pa.array([0, 1], pa.date32()), "without a time zone"),
        ("channel", pa.array([["voice"], []]), "flatten"),
        ("contacts_offered", pa.array([{"n": 1}, None]), "flatten"),
    ],
    ids=["naive_stamps", "dates", "lists", "structs"],
)
def test_a_parquet_column_that_no_row_can_be_used_with_refuses_the_file(
    tmp_path: Path, column: str, values: pa.Array, said: str
) -> None:
    with pytest.raises(UnreadableFileError, match=f"'{column}'.*{said}"):
        FileSource(a_parquet(tmp_path, **{column: values}), {})


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    path = a_parquet(tmp_path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UnreadableFileError, match="cannot be read as Parquet"):
        read(path)


def test_a_file_that_grew_was_rewritten_or_removed_is_refused(tmp_path: Path) -> None:
    path = a_file(tmp_path, HEADER)
    before = fingerprint(path)
    refuse_changed(path, before)
    path.write_text(HEADER + "\n")
    with pytest.raises(FileChangedError, match="changed while it was read"):
        refuse_changed(path, before)
    path.unlink()
    with pytest.raises(FileChangedError):
        refuse_changed(path, before)
