"""Which files are taken: by their content, with a name that fits and that everybody sees as it is."""

from __future__ import annotations

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.errors import BadInputError
from cjp_fraud.review.attachment_rules import AttachmentKind, AttachmentPolicy, checked_file, plain_name

POLICY = AttachmentPolicy(most_bytes=2**20, most_of_a_case=3)

TAKEN = [
    ("a.pdf", b"%PDF-1.7 ...", AttachmentKind.PDF),
    ("a.PNG", b"\x89PNG\r\n\x1a\n...", AttachmentKind.IMAGE),
    ("a.jpeg", b"\xff\xd8\xff\xe0...", AttachmentKind.IMAGE),
    ("a.webp", b"RIFF\x0a\x00\x00\x00WEBPVP8 ", AttachmentKind.IMAGE),
    ("a.wav", b"RIFF\x0a\x00\x00\x00WAVEfmt ", AttachmentKind.AUDIO),
    ("a.mp3", b"ID3\x04\x00...", AttachmentKind.AUDIO),
    ("a.pcap", b"\xd4\xc3\xb2\xa1\x02\x00", AttachmentKind.CAPTURE),
    ("a.pcapng", b"\n\r\r\n\x1c\x00\x00\x00", AttachmentKind.CAPTURE),
    ("a.xlsx", b"PK\x03\x04...", AttachmentKind.ARCHIVE),
    ("a.csv.gz", b"\x1f\x8b\x08...", AttachmentKind.ARCHIVE),
    ("a.csv", "début;coût\n03:00;12 €\n".encode(), AttachmentKind.TEXT),
    ("a.log", "à 03:00\n".encode("latin-1"), AttachmentKind.TEXT),
]

REFUSED = {
    "a program for Windows": ("a.pdf", b"MZ\x90\x00\x03"),
    "a program for Linux": ("a.bin", b"\x7fELF\x02\x01"),
    "a script": ("a.txt", b"#!/bin/sh\nrm -rf /\n"),
    "a page under a text's name": ("a.html", b"<script>alert(1)</script>"),
    "a drawing that holds scripts": ("a.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
    "a text with zero bytes": ("a.txt", b"hello\x00world"),
    "a picture by its name alone": ("a.png", b"plain text"),
    "a script by its name alone": ("a.bat", b"echo hello"),
    "a document with macros": ("a.docm", b"PK\x03\x04..."),
    "nothing": ("a.txt", b""),
    "too much": ("a.txt", b"a" * (2**20 + 1)),
}


@pytest.mark.parametrize(("name", "content", "kind"), TAKEN, ids=[row[0] for row in TAKEN])
def test_a_file_is_known_by_its_content(name: str, content: bytes, kind: AttachmentKind) -> None:
    file = checked_file(name, content, POLICY)
    assert (file.name, file.content, file.kind) == (name, content, kind)
    assert file.sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("why", REFUSED)
def test_what_is_no_such_file_is_refused(why: str) -> None:
    with pytest.raises(BadInputError):
        checked_file(*REFUSED[why], POLICY)


@pytest.mark.parametrize("content", [b"a" * 2**20, b"a"], ids=["the most", "the least"])
def test_a_file_of_the_largest_size_is_taken(content: bytes) -> None:
    assert checked_file("a.txt", content, POLICY).content == content


def test_folders_are_no_part_of_a_name() -> None:
    assert plain_name("C:\\Users\\rita\\calls.csv") == "calls.csv"
    assert plain_name("../../etc/calls.csv") == "calls.csv"
    assert plain_name("e\u0301te\u0301.csv") == "\u00e9t\u00e9.csv"


@pytest.mark.parametrize(
    ("name", "sign"),
    [
        ("invoice\u202efdp.exe", "character 8 of the file's name is U[+]202E"),
        ("a\u2066b.txt", "U[+]2066"),
        ("a\r\nSet-Cookie: b.txt", "U[+]000D"),
        ("a\x00.txt", "U[+]0000"),
        ("a\u200b.txt", "U[+]200B"),
        ("a\udc80.txt", "U[+]DC80"),
        (".htaccess", "begins with a dot"),
        ("folder/", "no name"),
        ("a" * 121, "121 characters"),
    ],
)
def test_a_name_that_deceives_is_refused_and_the_sign_named_by_its_number(name: str, sign: str) -> None:
    with pytest.raises(BadInputError, match=sign):
        plain_name(name)


@given(st.text(max_size=140))
def test_a_name_that_is_taken_is_one_printable_line_of_no_folder(name: str) -> None:
    try:
        plain = plain_name(name)
    except BadInputError:
        return
    assert plain == plain.strip() != ""
    assert len(plain.splitlines()) == 1
    assert not {"/", "\\"} & set(plain)
    assert plain_name(plain) == plain
