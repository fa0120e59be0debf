"""The tenants file: what is read, and every fault at once."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from cjp_fraud.contracts.methods import EMAIL
from cjp_fraud.contracts.model import Hosting
from cjp_fraud.contracts.tenants_file import COLUMNS, TenantsFileError, read_tenants
from cjp_fraud.errors import BadInputError
from tests.contract_builders import a_row, write_csv


def faults_of(file: Path) -> tuple[str, ...]:
    with pytest.raises(TenantsFileError) as caught:
        read_tenants(file)
    return caught.value.faults


def text_file(folder: Path, content: str, name: str = "tenants.csv") -> Path:
    file = folder / name
    file.write_text(content, encoding="utf-8")
    return file


def test_only_id_and_time_zone_are_needed(tmp_path: Path) -> None:
    (row,) = read_tenants(text_file(tmp_path, "tenant_id,time_zone\nacme,Europe/Berlin\n"))
    assert (row.tenant_id, row.time_zone, row.hosting, row.critical) == (
        "acme",
        "Europe/Berlin",
        Hosting.PROVIDER,
        False,
    )
    assert row.deployment_accepted
    assert row.given == {"tenant_id", "time_zone"}


def test_the_real_tenants_file_loads_as_it_is(shared_data: Path) -> None:
    assert len(read_tenants(shared_data / "real" / "tenants.csv")) == 12


def test_csv_json_and_toml_say_the_same(tmp_path: Path) -> None:
    row = a_row()
    toml = "[[tenants]]\n" + "\n".join(f"{name} = {json.dumps(value)}" for name, value in row.items())
    files = (
        write_csv(tmp_path / "t.csv", row),
        text_file(tmp_path, json.dumps([row]), "t.json"),
        text_file(tmp_path, json.dumps({"tenants": [row]}), "u.json"),
        text_file(tmp_path, toml, "t.toml"),
    )
    read = [read_tenants(file)[0] for file in files]
    for other in read[1:]:
        assert {name: getattr(other, name) for name in COLUMNS} == {
            name: getattr(read[0], name) for name in COLUMNS
        }
    assert read[0].notice_method == EMAIL


def test_a_term_of_dates_runs_from_local_midnight_to_the_end_of_the_last_day(tmp_path: Path) -> None:
    (row,) = read_tenants(write_csv(tmp_path / "t.csv", a_row()))
    assert row.term_from == datetime(2015, 1, 1, 5, tzinfo=UTC)
    assert row.term_to == datetime(2016, 1, 1, 5, tzinfo=UTC)


def test_a_term_may_be_given_in_moments_and_in_toml_dates(tmp_path: Path) -> None:
    content = (
        '[[tenants]]\ntenant_id = "a"\ntime_zone = "UTC"\n'
        "term_from = 2015-01-01\nterm_to = 2015-06-01T10:00:00+02:00\n"
    )
    (row,) = read_tenants(text_file(tmp_path, content, "t.toml"))
    assert (row.term_from, row.term_to) == (
        datetime(2015, 1, 1, tzinfo=UTC),
        datetime(2015, 6, 1, 8, tzinfo=UTC),
    )


def test_an_endless_term_ends_with_the_calendar(tmp_path: Path) -> None:
    (row,) = read_tenants(write_csv(tmp_path / "t.csv", a_row(term_to="9999-12-31")))
    assert row.term_to == datetime(9999, 12, 31, tzinfo=UTC)


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("time_zone", "Mars/Olympus", "IANA"),
        ("time_zone", "", "time_zone is empty"),
        ("tenant_id", "", "tenant_id is empty"),
        ("hosting", "", "hosting is empty"),
        ("hosting", "somewhere", "provider, partner, on_premises"),
        ("notice_method", "mail", "only email can be served so far"),
        ("notice_address", "not an address", "no email address"),
        ("notice_address", "a@b.example\u2028Bcc: x@y.example", "cannot be printed"),
        ("country", "USA", "two letters"),
        ("country", "ZZ", "two letters"),
        ("provisioning_notice_proof", "file:../notice.pdf", "lies outside of the folder of t.csv"),
        ("term_from", "01/02/2015", "2026-01-31"),
        ("term_from", "2015-01-01T00:00:00", "no zone"),
        ("term_from", "2016-06-01", "is before term_from"),
        ("critical", "perhaps", "true or false"),
        ("agents_standard", "-4", "whole number"),
        ("agents_standard", "2.5", "whole number"),
        ("purchase_model", "both", "exactly one"),
        ("language", "English please", "language tag"),
        ("name", "x" * 500, "longer than"),
    ],
)
def test_a_bad_cell_is_named_with_its_line(tmp_path: Path, column: str, cell: str, said: str) -> None:
    file = write_csv(tmp_path / "t.csv", a_row(tenant_id="fine"), a_row(**{column: cell}))
    (fault,) = faults_of(file)
    assert fault.startswith("line 3: ")
    assert said in fault


def test_all_faults_are_told_at_once(tmp_path: Path) -> None:
    file = write_csv(
        tmp_path / "t.csv",
        a_row(time_zone="Nowhere", hosting=""),
        a_row(tenant_id="b", critical="si"),
        a_row(tenant_id="b"),
    )
    said = faults_of(file)
    assert [fault.split(":")[0] for fault in said] == ["line 2", "line 2", "line 3", "line 4"]
    assert "stands in line 3 already" in said[3]


@pytest.mark.parametrize("separator", [";", "\t", "|"], ids=["semicolon", "tab", "bar"])
@pytest.mark.parametrize(
    "first", ["", "sep={}\n", '"sep={}"\r\n', "\n  \n"], ids=["", "sep", "quoted_sep", "blank"]
)
def test_another_separator_is_recognised(tmp_path: Path, separator: str, first: str) -> None:
    rows = (("tenant_id", "name", "time_zone"), ("acme", '"A, B, C"', "UTC"))
    text = "".join(f"{separator.join(row)}\n" for row in rows)
    begins = first.format(separator)
    (row,) = read_tenants(text_file(tmp_path, begins + text))
    assert (row.tenant_id, row.time_zone) == ("acme", "UTC")
    assert row.name == "A, B, C"
    assert row.line == 2 + begins.count("\n")


def test_a_header_in_capitals_is_recognised(tmp_path: Path) -> None:
    (row,) = read_tenants(text_file(tmp_path, "TENANT_ID, Time_Zone \nAcme,UTC\n"))
    assert (row.tenant_id, row.given) == ("Acme", frozenset({"tenant_id", "time_zone"}))
    assert "twice" in faults_of(text_file(tmp_path, "tenant_id,TENANT_ID,time_zone\na,b,UTC\n"))[0]
    as_json = tmp_path / "t.json"
    as_json.write_text('[{"TENANT_ID": "a", "time_zone": "UTC"}]')
    assert "TENANT_ID (tenant_id?)" in faults_of(as_json)[0]


def test_unknown_columns_are_refused_with_their_names(tmp_path: Path) -> None:
    said = faults_of(text_file(tmp_path, "tenant_id,timezone,colour\na,UTC,red\n"))
    assert "timezone (time_zone?)" in said[0]
    assert "colour" in said[0]
    assert "missing: time_zone" in said[1]


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("tenant_id,time_zone\n", "no tenant"),
        ("tenant_id,time_zone\na\n", "1 cells, where the header has 2"),
        ("tenant_id,time_zone\na,UTC,x\n", "3 cells"),
        ('tenant_id,time_zone\n"a,UTC\n', "quotes"),
        ("tenant_id,tenant_id,time_zone\na,b,UTC\n", "twice"),
        ("tenant_id,time_zone,\na,UTC,\n", "has no name"),
    ],
)
def test_a_csv_that_does_not_hold_together_is_refused(tmp_path: Path, content: str, said: str) -> None:
    assert any(said in fault for fault in faults_of(text_file(tmp_path, content)))


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("t.json", "{", "no JSON"),
        ("t.json", "3", "expected a list"),
        ("t.json", "[3]", "expected named fields"),
        ("t.json", '[{"tenant_id": "a", "tenant_id": "b", "time_zone": "UTC"}]', "stands twice"),
        ("t.json", '[{"tenant_id": NaN, "time_zone": "UTC"}]', "NaN"),
        ("t.json", "[" * 100_000, "no JSON"),
        ("t.json", '[\n{"tenant_id": 7, "time_zone": "UTC"}]', "line 2: tenant_id is 7"),
        ("t.toml", "tenants = 3", "expected nothing but"),
        ("t.toml", "[[tenants", "no TOML"),
        ("t.toml", '[[tenants]]\ntenant_id="a"\n\n[[tenants]]\ntenant_id="b"\n', "time_zone"),
    ],
)
def test_a_json_or_toml_that_cannot_be_used_is_refused(
    tmp_path: Path, name: str, content: str, said: str
) -> None:
    assert any(said in fault for fault in faults_of(text_file(tmp_path, content, name)))


def test_a_tenant_without_hosting_where_others_have_it_has_an_empty_cell(tmp_path: Path) -> None:
    rows = [
        {"tenant_id": "a", "time_zone": "UTC", "hosting": "partner"},
        {"tenant_id": "b", "time_zone": "UTC", "hosting": None},
    ]
    (fault,) = faults_of(text_file(tmp_path, json.dumps(rows, indent=1), "t.json"))
    assert fault.startswith("line 7: hosting is empty")


@pytest.mark.parametrize("name", ["missing.csv", "tenants.xlsx"])
def test_a_file_that_is_not_there_or_of_no_known_kind_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInputError, match=name):
        read_tenants(tmp_path / name)


def test_an_empty_file_and_one_that_is_not_text_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="is empty"):
        read_tenants(text_file(tmp_path, " \n"))
    (tmp_path / "t.csv").write_bytes(b"tenant_id,time_zone\n\xff\xfe,UTC\n")
    with pytest.raises(BadInputError, match="not UTF-8"):
        read_tenants(tmp_path / "t.csv")


def test_a_byte_order_mark_and_blank_lines_do_no_harm(tmp_path: Path) -> None:
    file = text_file(tmp_path, "\ufefftenant_id,time_zone\n\na,UTC\n\n b , UTC \n")
    assert [(row.tenant_id, row.line) for row in read_tenants(file)] == [("a", 3), ("b", 5)]


@pytest.mark.parametrize(
    ("hosting", "product", "accepted"),
    [
        ("provider", "CCX", True),
        ("partner", "CCE", False),
        ("on_premises", "PCCE", False),
        ("partner", "HSC-CC", False),
        ("partner", "something else", False),
        ("on_premises", "", False),
    ],
)
def test_clause_3_goes_by_hosting_and_product(
    tmp_path: Path, hosting: str, product: str, accepted: bool
) -> None:
    (row,) = read_tenants(write_csv(tmp_path / "t.csv", a_row(hosting=hosting, product=product)))
    assert row.deployment_accepted is accepted
    assert row.product == {"HSC-CC": "HCS-CC", "": None}.get(product, product)
