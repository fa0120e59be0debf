"""A fault of a contract's file is told with file, line and field, and how to mend it, however the text is broken."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.contracts.contract_file import ContractFile, read_contract_file
from cjp_fraud.contracts.contract_terms import ContractTerms
from cjp_fraud.contracts.entered_file import plain_values
from cjp_fraud.contracts.field_lines import lines_of_json, lines_of_toml
from cjp_fraud.errors import BadInputError
from tests.contract_builders import terms_of_file

TABLE = Path(__file__).parents[2] / "contracts_of_the_table"

FILE = """\
tenant = "acme"
contracting_entity = "Provider Inc."
precedence = [
    "existing_agreement",
    "offer_description",  # below it
]

[[documents]]
name = "MSA"
kind = "existing_agreement"
title = "Master agreement"
from_day = 2014-01-01
says = { right = "not_stated", longest_measure_hours = 72 }
territories = ["DE",
    "US"]

[[documents]]
name = "OD"
kind = "offer_description"
title = '''Offer
description'''
source = { clause = "2.4", text = "…", page_sha256 = "a0" }

[documents.says]
right = "clause_2_4"
[documents.says.notice_terms]
law = "England"

[[amendments]]
name = "A1"
of = "OD"
effective = 2015-06-01

[[provisioning]]
given_on = 2015-02-01
part = "chat"
how = "by email"
proof = "dms:PN-0002"

[[addresses]]
role = "notice"
address = "legal@acme.example"
verified_at = 2015-01-01T09:00:00Z
verified_how = "they answered"

[notice_terms]
[[notice_terms.suspension.steps]]
number = 1
combine = "any_of"
wait = { amount = 2, unit = "hours" }
[[notice_terms.suspension.steps.methods]]
method = "email"
basis = "sent"
address_roles = ["notice"]
""".replace('"a0"', f'"{"a0" * 32}"')


def read(folder: Path, text: str, name: str = "acme.toml") -> ContractFile:
    (folder / name).write_text(text, encoding="utf-8")
    return read_contract_file(folder / name)


def said_of(folder: Path, text: str, name: str = "acme.toml") -> str:
    with pytest.raises(BadInputError) as refused:
        read(folder, text, name)
    return str(refused.value)


def test_the_file_reads_as_it_stands(tmp_path: Path) -> None:
    file = read(tmp_path, FILE)
    assert file.lines == {"MSA": "acme.toml line 8", "OD": "acme.toml line 17", "A1": "acme.toml line 29"}
    assert file.provisioning_lines == ("acme.toml line 35",)


BROKEN = [
    ('tenant = "acme"', 'tenannt = "acme"', "tenannt", "tenannt not known; did you mean tenant?"),
    ('tenant = "acme"', "tenant = 5", "tenant = 5", "tenant: 5 must be text, in quotes"),
    ('tenant = "acme"', 'tenant = " "', "tenant", "tenant is empty; write whose"),
    ('"offer_description",  #', '"offer_descripton",  #', '"offer_descripton"', "precedence 2: 'offer_descripton'"),
    ('"offer_description",  #', '"existing_agreement",  #', "precedence", "precedence names a kind twice"),
    ('kind = "existing_agreement"', 'kind = "existing"', '"existing"', "documents 1, kind: 'existing' is not"),
    ('kind = "existing_agreement"', 'kind = "order"', "precedence", "to which precedence gives no rank; add it"),
    ('title = "Master agreement"', "", "[[documents]]", "documents 1, title missing; enter it"),
    ("from_day = 2014-01-01", 'from_day = "2014-13-01"', "2014-13-01", "documents 1, from_day: '2014-13-01'"),
    ("from_day = 2014-01-01", "to_day = 2013-01-01\nfrom_day = 2014-01-01", "[[documents]]", "lies before from_day"),
    ("longest_measure_hours = 72", "longest_measure_hours = 7.5", "7.5", "is not a whole number"),
    ("longest_measure_hours = 72", "longest_measure_hour = 72", "hour = 72", "did you mean longest_measure_hours?"),
    ("longest_measure_hours = 72", "filing_stops = 'yes'", "'yes'", "'yes' is neither true nor false"),
    ("longest_measure_hours = 72", "longest_measure_hours = 0", "hours = 0", "write whole hours from 1 to"),
    ("longest_measure_hours = 72", "longest_measure_hours = 99999999999", "hours = 9", "write whole hours from 1 to"),
    ('"DE",\n    "US"', '"DE",\n    "ZZ"', '"ZZ"', "'ZZ' is no country; write two capital letters"),
    ('"DE",\n    "US"', '"DE",\n    "USA"', '"USA"', "'USA' is no country; write two capital letters"),
    ('"DE",\n    "US"', '"DE",\n    "us"', '"us"', "'us' is no country"),
    ('name = "OD"', 'name = "MSA"', "<second>", "has the name 'MSA' already; give each entry its own"),
    ("a0a0", "zz", "zz", "is no SHA-256: write 64 digits 0-9 a-f"),
    ('law = "England"', 'low = "England"', "low =", "notice_terms, low not known; did you mean law?"),
    ('of = "OD"', 'of = "OX"', '"OX"', "A1 changes 'OX', which is none of the documents (MSA, OD)"),
    ("effective = 2015-06-01", "effective = 'soon'", "'soon'", "amendments 1, effective: 'soon' is no date"),
    ("given_on = 2015-02-01", "given_on = 2015", "2015\n", "provisioning 1, given_on"),
    ('part = "chat"', 'part = " "', 'part = " "', "provisioning 1, part"),
    ('how = "by email"', 'how = ""', 'how = ""', "say how the notice was given"),
    ("dms:PN-0002", "dms:x", "dms:x", "provisioning 1, proof"),
    ("dms:PN-0002", "the notice", "the notice", "write file:PATH, a document beside this file, or dms:ID"),
    ("dms:PN-0002", "file:there.pdf", "there.pdf", "there.pdf cannot be read"),
    ("dms:PN-0002", "file:acme.toml", "file:acme", "is this file, which cannot prove what it says itself"),
    ('role = "notice"', 'role = ""', 'role = ""', "write what the contract calls it for"),
    ("legal@acme.example", "nobody", "nobody", "addresses 1, address: "),
    ('role = "notice"', 'role = "notice"\nmethod = "pigeon"', "pigeon", "addresses 1, method: "),
    ("dms:PN-0002", "file:../notice.pdf", "../notice.pdf", "../notice.pdf lies outside of the folder of acme.toml"),
    ("dms:PN-0002", "file:/etc/passwd", "/etc/passwd", "/etc/passwd lies outside of the folder of acme.toml"),
    ('part = "chat"', f'part = "{"chat " * 100}"', 'part = "chat', "provisioning 1, part has 500 characters"),
    ('how = "by email"', 'how = "by\\u0000email"', "how =", "how: it holds the control character U+0000; take it out"),
    ('title = "Master', 'title = "Master\\u0007', "title =", "it holds the control character U+0007; take it out"),
    ('law = "England"', 'law = "Eng\\u0000land"', "law =", "notice_terms, law: it holds the control character U+0000"),
    ('role = "notice"', f'role = "{"n" * 41}"', "role =", "addresses 1, role has 41 characters; write 40 at most"),
    ('role = "notice"', 'role = "notice"\nto_day = 2015-01-01\nfrom_day = 2015-01-02', "to_day", "before from_day"),
    ("T09:00:00Z", "T09:00:00", "verified_at", "verified_at has no offset"),
    ('verified_how = "they answered"', "", "[[addresses]]", "belong together; write both or neither"),
    ("number = 1", "number = 2", "[[notice_terms.suspension.steps]]", "steps must be numbered 1, 2, 3"),
    ('combine = "any_of"', 'combine = "any"', '"any"', "suspension, steps 1, combine: 'any' is not served; write"),
    ("amount = 2, ", "amount = 17569, ", "amount = 17569", "17569 hours are longer than two years"),
    ('amount = 2, unit = "hours"', 'amount = 733, unit = "days"', "amount = 733", "733 days are longer than two years"),
    ('unit = "hours"', 'unit = "fortnights"', "fortnights", "suspension, steps 1, wait, unit: 'fortnights'"),
    ('basis = "sent"', 'basis = "posted"', '"posted"', "methods 1, basis: 'posted'"),
    ('method = "email"', 'method = "pigeon"', "[[notice_terms.suspension.steps.methods]]", "pigeon"),
    ('address_roles = ["notice"]', "address_roles = []", "[[notice_terms.suspension.steps.methods]]", "role"),
    ("[notice_terms]\n", "notice_term = 3\n", "notice_term = 3", "not known; did you mean notice_terms?"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "marker", "said"), BROKEN)
def test_each_fault_names_its_line_its_field_and_how_to_mend_it(
    tmp_path: Path, old: str, new: str, marker: str, said: str
) -> None:
    assert old in FILE
    text = FILE.replace(old, new, 1)
    if "notice_term =" in new:  # a field of the last table would be one of an address
        text = new + FILE.replace("[notice_terms]\n", "", 1).split("[[notice_terms")[0]
    second = text.find('name = "MSA"', text.find('name = "MSA"') + 1)
    at = second if marker == "<second>" else text.index(marker)
    line = text.count("\n", 0, at) + 1
    answer = said_of(tmp_path, text)
    assert answer.startswith("acme.toml cannot be loaded (nothing was stored): ")
    assert re.search(rf"acme\.toml line {line}: ((?!acme\.toml line).)*{re.escape(said)}", answer), (
        line,
        answer,
    )


def test_several_faults_come_in_the_order_of_their_lines(tmp_path: Path) -> None:
    text = FILE.replace('kind = "existing_agreement"', 'kind = "x"').replace('of = "OD"', "of = 7")
    text = text.replace('tenant = "acme"', "tenant = 5")
    lines = [int(number) for number in re.findall(r"acme\.toml line (\d+): ", said_of(tmp_path, text))]
    assert lines == [1, 10, 31]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('tenant = "acme', "line 1: it is no TOML"),
        ('tenant = "acme"\ntenant = "b"\n', "line 2: it is no TOML: Cannot overwrite a value"),
        ('tenant = "acme"\nx = [1,\n2\n\n', "line 3: it is no TOML"),
        ("", "line 1: tenant missing"),
        ('tenant = "acme"\nx = """\nthere\n', "line 3: it is no TOML"),
    ],
)
def test_a_text_that_is_no_toml_names_the_line(tmp_path: Path, text: str, said: str) -> None:
    assert f"acme.toml {said}" in said_of(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{\n"tenant": "acme",\n}', "line 3: it is no JSON"),
        ('{\n"tenant": "acme",\n"tenant": "b"}', "line 3: tenant stands in line 2 already; leave one of the two out"),
        ('{\n"tenant": NaN}', "NaN is no number of JSON"),
        ("[]", "line 1: it holds no named fields"),
        ('{"tenant": "acme",\n\n"documents": [{"name": "a\\"b,]}",\n"kind": "x"}]}', "line 4: documents 1, kind"),
        ("[" * 100_000, "it is no JSON"),
        ('{"tenant": "acme", "documents": ' + "[" * 500 + "]" * 500 + "}", "stand in each other"),
    ],
)  # fmt: skip
def test_json_is_read_as_strictly(tmp_path: Path, text: str, said: str) -> None:
    assert said in said_of(tmp_path, text, "acme.json")


def test_bytes_that_are_no_utf_8_name_the_line(tmp_path: Path) -> None:
    (tmp_path / "acme.toml").write_bytes(b'tenant = "acme"\ntitle = "M\xfcller"\n')
    with pytest.raises(BadInputError, match=r"acme\.toml line 2: it is no UTF-8; save the file as UTF-8"):
        read_contract_file(tmp_path / "acme.toml")


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ('country = "CA"\nsubdivision = "XX"', "no public holidays of CA-XX are known"),
        ('subdivision = "ON"', "'ON' needs its country; write country beside it"),
    ],
)
@pytest.mark.parametrize("holder", ["notice_terms", "documents.says.notice_terms"])
def test_a_place_whose_holidays_nobody_knows_is_refused_in_its_line(
    tmp_path: Path, holder: str, code: str, said: str
) -> None:
    entry = f'[[{holder}.places]]\nname = "sender"\ntime_zone = "America/Toronto"\n{code}\n\n'
    begins = "[[amendments]]" if holder.startswith("documents") else "[[provisioning]]"
    text = FILE.replace(begins, entry + begins, 1)
    line = next(number for number, each in enumerate(text.splitlines(), 1) if each.startswith("subdivision"))
    refusal = said_of(tmp_path, text)
    assert f"acme.toml line {line}: " in refusal
    assert said in refusal


def test_a_place_whose_subdivision_the_library_knows_loads(tmp_path: Path) -> None:
    place = '[[notice_terms.places]]\nname = "sender"\ntime_zone = "America/Toronto"\n'
    terms = read(tmp_path, f'{FILE}\n{place}country = "CA"\nsubdivision = "ON"\n').notice_terms
    assert terms is not None
    assert terms.places[0].subdivision == "ON"


def test_terms_of_a_kind_of_contract_stand_in_a_file_of_their_own(tmp_path: Path) -> None:
    (tmp_path / "terms.toml").write_text((TABLE / "04_aws.toml").read_text())
    text = FILE.split("[notice_terms]")[0] + "\n"
    text = 'notice_terms = "file:terms.toml"\n' + text
    file = read(tmp_path, text)
    assert file.notice_terms == read_contract_terms("04_aws")
    whole = file.sha256
    (tmp_path / "terms.toml").write_text((TABLE / "04_aws.toml").read_text() + "\n# read again\n")
    assert read(tmp_path, text).sha256 != whole
    (tmp_path / "terms.toml").write_text("law = 'England'\n\nlift = 3\n")
    assert "terms.toml line 3: lift" in said_of(tmp_path, text)
    missing = text.replace("terms.toml", "none.toml")
    assert "acme.toml line 1: " in said_of(tmp_path, missing)
    assert "none.toml: cannot be read" in said_of(tmp_path, missing)


def read_contract_terms(name: str) -> ContractTerms:
    return terms_of_file(TABLE / f"{name}.toml")


@pytest.mark.parametrize("path", sorted(TABLE.glob("*.toml")), ids=lambda path: path.stem)
def test_each_contract_of_the_table_is_loaded_as_the_terms_of_a_contract_and_of_a_document(
    tmp_path: Path, path: Path
) -> None:
    (tmp_path / "terms.toml").write_text(path.read_text())
    document = (
        '[[documents]]\nname = "D"\nkind = "order"\ntitle = "D"\nsays = { notice_terms = "file:terms.toml" }'
    )
    file = read(tmp_path, f'tenant = "acme"\nnotice_terms = "file:terms.toml"\n{document}\n')
    assert file.notice_terms == read_contract_terms(path.stem)
    assert file.documents is not None
    assert file.documents.documents[0].says.notice_terms == file.notice_terms


# Where fields stand, against the parsers themselves


def places_of(value: object, place: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield place
    entries = (
        value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    )
    for key, entry in entries:
        yield from places_of(entry, (*place, key))


NESTED = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=12,
)


@given(st.dictionaries(st.text(max_size=5), NESTED, max_size=4), st.sampled_from([None, 0, 2]))
def test_every_field_of_any_json_has_a_line(document: dict[str, Any], indent: int | None) -> None:
    text = json.dumps(document, indent=indent, ensure_ascii=False)
    lines = lines_of_json(text)
    assert lines.places == frozenset(places_of(document))
    if indent is not None:
        for place in lines.places - {()}:
            if isinstance(place[-1], str):
                assert json.dumps(place[-1], ensure_ascii=False) in text.split("\n")[lines.line(place) - 1]


KEYS = st.text("abc-_1", min_size=1, max_size=3) | st.text(max_size=4)
WORDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=6)


def in_toml(value: object, in_lines: bool) -> str:
    """Return a value as TOML writes it, a list over several lines if asked."""
    if isinstance(value, list):
        between = ",\n  # a list ] \n" if in_lines else ", "
        return f"[{between.join(in_toml(entry, in_lines) for entry in value)}{' ,' if value and in_lines else ''}]"
    if isinstance(value, dict):
        return f"{{ {', '.join(f'{key_of(key)} = {in_toml(entry, in_lines)}' for key, entry in value.items())} }}"
    if isinstance(value, str) and in_lines and '"' not in value and "\\" not in value:
        return f'"""{value}\n]"""'
    return json.dumps(value, ensure_ascii=False)


def key_of(key: str) -> str:
    return (
        key
        if re.fullmatch("[a-z0-9_-]+", key)
        else json.dumps(key, ensure_ascii=True).replace("\x7f", "\\u007F")
    )


TOML_VALUES = st.recursive(
    st.booleans() | st.integers(-99, 99) | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=2),
    max_leaves=8,
)


TABLES = st.lists(st.dictionaries(WORDS, TOML_VALUES, max_size=2), min_size=1, max_size=2)


@given(
    st.dictionaries(WORDS, TOML_VALUES, max_size=3),
    st.dictionaries(st.text("abc", min_size=4, max_size=5), TABLES, max_size=2),
    st.booleans(),
)
def test_every_field_of_any_toml_has_a_line(
    top: dict[str, Any], lists: dict[str, list[dict[str, Any]]], in_lines: bool
) -> None:
    rows = [
        f"{key_of(key)} = {in_toml(value, in_lines)} # {key!r}"
        for key, value in top.items()
        if key not in lists
    ]
    for name, entries in lists.items():
        for number, entry in enumerate(entries):
            rows.append(f"[[ {name} ]]")
            rows += [f"{key_of(key)} = {in_toml(value, in_lines)}" for key, value in entry.items()]
            rows.append(f'[ {name} . "sub table" ]\nx.y . z = {number}\nmoment = 2026-01-01 09:00:00')
    text = "\n".join(rows)
    try:
        parsed = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # a sign that TOML does not allow as it is
    assert lines_of_toml(text).places == frozenset(places_of(plain_values(parsed)))


@pytest.mark.parametrize("path", sorted(TABLE.glob("*.toml")), ids=lambda path: path.stem)
def test_each_field_of_a_real_file_stands_in_its_line(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    lines = lines_of_toml(text)
    rows = text.split("\n")
    assert lines.places == frozenset(places_of(tomllib.loads(text)))
    for place in lines.places:
        if place and isinstance(place[-1], str):
            assert place[-1] in rows[lines.line(place) - 1], place


@given(st.data())
def test_a_file_that_is_broken_anyhow_is_refused_with_a_line(tmp_path_factory: Any, data: Any) -> None:
    folder = tmp_path_factory.mktemp("broken")
    begin = data.draw(st.integers(0, len(FILE) - 1))
    length = data.draw(st.integers(0, 30))
    put = data.draw(
        st.sampled_from(["", '"', "[", "]]", "\n", "= ", "{", "\x00", "é", "'''", "[[documents]]\n"])
    )
    text = FILE[:begin] + put + FILE[begin + length :]
    (folder / "acme.toml").write_text(text, encoding="utf-8")
    fault = fault_of(folder / "acme.toml")
    assert fault is None or re.search(r"acme\.toml line \d+: ", fault), fault


def fault_of(path: Path) -> str | None:
    """Return what is wrong with a file; whatever else is raised rises."""
    try:
        read_contract_file(path)
    except BadInputError as error:
        return str(error)
    return None


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('tenant = "acme"\n[notice_terms]\n', "line 2: notice_terms"),
        (
            'tenant = "acme"\n[[documents]]\nname = "OD"\nkind = "offer_description"\n[documents.says.notice_terms]\n',
            "line 5: documents 1, says, notice_terms",
        ),
    ],
)
def test_empty_notice_terms_are_refused_and_replace_nothing(tmp_path: Path, text: str, place: str) -> None:
    path = tmp_path / "acme.toml"
    path.write_text(text)
    with pytest.raises(
        BadInputError, match=f"{place}: nothing is entered in it; .* the terms on record stay"
    ):
        read_contract_file(path)
