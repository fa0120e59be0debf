"""RFC 3161 time stamps of bundles, by ``openssl ts`` behind a small HTTP server on loopback."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cjp_fraud.cli import evidence
from cjp_fraud.compliance.archive import opened, packed
from cjp_fraud.compliance.manifest import MANIFEST, STAMP
from cjp_fraud.compliance.stamp_authority import StampAuthority
from cjp_fraud.compliance.time_stamp import TimeStampError, read_roots, stamp_of
from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import BadInputError
from cjp_fraud.operations.evidence import export_case, stamp_bundle, verify_bundle
from tests.mail_servers import smtp_server
from tests.signed_heads import a_home
from tests.time_stamp_authority import Authority, make_authority, served


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return make_authority(tmp_path_factory.mktemp("tsa") / "authority")


@pytest.fixture
def authority(made: Authority) -> Iterator[Authority]:
    with served(Authority(made.folder)) as running:
        yield running


@pytest.fixture
def home(tmp_path: Path, sqlite_url: str) -> Iterator[Deployment]:
    with smtp_server() as server:
        yield a_home(tmp_path, sqlite_url, server)


def with_authority(home: Deployment, **settings: object) -> Deployment:
    """The same home with a time stamp authority in its settings."""
    return Deployment(home.settings.model_copy(update=settings))


def test_an_export_is_stamped_and_the_stamp_verifies_by_its_root_and_by_openssl(
    home: Deployment, authority: Authority, tmp_path: Path
) -> None:
    out = tmp_path / "case.zip"
    asked = with_authority(home, tsa_url=authority.url, tsa_roots=authority.roots)
    exported = export_case(asked, None, home.now, "1", out)
    assert exported.time_stamp is not None
    assert (exported.notes, exported.faults) == ((), ())
    report = verify_bundle(out, home=home, tsa_roots=[authority.roots])
    assert report.holds
    assert report.time_stamp == exported.time_stamp
    assert report.time_stamp is not None
    assert report.time_stamp.vouched_for
    assert report.time_stamp.authority == "CN=Test TSA"
    files = opened(out.read_bytes()).files
    for name in (MANIFEST, STAMP):
        (tmp_path / name).write_bytes(files[name])
    command = ["openssl", "ts", "-verify", "-in", STAMP, "-data", MANIFEST, "-CAfile", str(authority.roots)]
    assert b"OK" in subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout


def test_an_authority_that_is_down_leaves_a_bundle_without_a_stamp_that_says_so(
    home: Deployment, authority: Authority, tmp_path: Path
) -> None:
    out = tmp_path / "case.zip"
    asked = with_authority(home, tsa_url="http://127.0.0.1:9/tsa")
    said = CliRunner().invoke(evidence.app, ["export", "1", str(out)], obj=asked)
    assert said.exit_code == 0, said.output
    assert "has no time stamp" in said.output
    assert "evidence stamp" in said.output
    before = dict(opened(out.read_bytes()).files)
    assert STAMP not in before
    said = CliRunner().invoke(
        evidence.app, ["stamp", str(out), "--tsa-url", authority.url, "--json"], obj=home
    )
    assert said.exit_code == 0, said.output
    assert json.loads(said.stdout)["time_stamp"]["authority"] == "CN=Test TSA"
    after = dict(opened(out.read_bytes()).files)
    assert after.pop(STAMP)
    assert after == before, "what the manifest signs stays as it was"
    assert verify_bundle(out, home=home).holds


def test_a_bundle_is_stamped_once_and_nothing_else_is(
    home: Deployment, authority: Authority, tmp_path: Path
) -> None:
    out = tmp_path / "case.zip"
    export_case(home, None, home.now, "1", out)
    with pytest.raises(BadInputError, match="CJP_FRAUD_TSA_URL"):
        stamp_bundle(out, home.settings)
    stamp_bundle(out, home.settings, url=authority.url)
    with pytest.raises(BadInputError, match="already"):
        stamp_bundle(out, home.settings, url=authority.url)
    broken = tmp_path / "broken.zip"
    broken.write_bytes(out.read_bytes()[:-3])
    old = Path(__file__).parent / "bundle_format_2.zip"
    for file, words in ((broken, "no whole bundle"), (old, "has no place for a time stamp")):
        copy = tmp_path / "copy.zip"
        copy.write_bytes(file.read_bytes())
        with pytest.raises(BadInputError, match=words):
            stamp_bundle(copy, home.settings, url=authority.url)
        assert copy.read_bytes() == file.read_bytes()


def test_a_stamp_of_another_bundle_and_a_root_of_another_authority_are_faults(
    home: Deployment, authority: Authority, tmp_path: Path
) -> None:
    one, other = tmp_path / "one.zip", tmp_path / "other.zip"
    for out in (one, other):
        export_case(home, None, home.now, "1", out)
        stamp_bundle(out, home.settings, url=authority.url)
    swapped = tmp_path / "swapped.zip"
    foreign = opened(other.read_bytes()).files[STAMP]
    swapped.write_bytes(packed({**opened(one.read_bytes()).files, STAMP: foreign}))
    assert ["of other bytes" in fault for fault in verify_bundle(swapped, home=home).faults] == [True]
    stranger = make_authority(tmp_path / "stranger", name="Another TSA")
    report = verify_bundle(one, home=home, tsa_roots=[stranger.roots])
    assert ["does not hold" in fault for fault in report.faults] == [True]
    unasked = verify_bundle(one, home=home)
    assert unasked.holds
    assert any("nobody vouches" in note for note in unasked.notes)


def test_a_stamp_whose_root_does_not_lie_in_it_needs_the_root_and_says_so(made: Authority) -> None:
    alone = Authority(made.folder, with_root=False)
    answer = alone.stamped(_query(b"content"))
    assert not stamp_of(answer, b"content", ()).vouched_for
    assert stamp_of(answer, b"content", read_roots(made.roots.read_bytes())).vouched_for


def test_what_is_no_answer_to_the_request_is_refused_in_words(made: Authority, tmp_path: Path) -> None:
    wrong_kind = make_authority(tmp_path / "web", usage="critical,serverAuth", name="Web")
    earlier = made.stamped(_query(b"content"))
    with served(Authority(made.folder)) as running:
        asked = StampAuthority(running.url, read_roots(made.roots.read_bytes()), 5.0)
        assert asked.stamped(b"content")[1].vouched_for
        running.answer = lambda _: earlier
        with pytest.raises(TimeStampError, match="another nonce"):
            asked.stamped(b"content")
        running.answer = lambda _: b"junk"
        with pytest.raises(TimeStampError, match="no time stamp response"):
            asked.stamped(b"content")
        running.answer, running.content_type = None, "text/html"
        with pytest.raises(TimeStampError, match="text/html"):
            asked.stamped(b"content")
        running.status = 503
        with pytest.raises(TimeStampError, match="503"):
            asked.stamped(b"content")
    with pytest.raises(
        subprocess.CalledProcessError
    ):  # openssl itself refuses to stamp with such a certificate
        wrong_kind.stamped(_query(b"content"))


def test_a_refusal_of_the_authority_is_told_with_its_reason(made: Authority) -> None:
    with served(Authority(made.folder)) as running:
        running.answer = lambda _: made.stamped(_query(b"content", algorithm="sha512"))
        with pytest.raises(TimeStampError, match="refused"):
            StampAuthority(running.url).stamped(b"content")


def test_no_changed_byte_of_a_stamp_is_taken_for_a_stamp_of_another_time(made: Authority) -> None:
    answer = made.stamped(_query(b"content"))
    right = stamp_of(answer, b"content", read_roots(made.roots.read_bytes()))
    for place in range(len(answer)):
        changed = bytearray(answer)
        changed[place] ^= 0x01
        try:
            found = stamp_of(bytes(changed), b"content", read_roots(made.roots.read_bytes()))
        except TimeStampError:
            continue
        assert (found.at, found.serial) == (right.at, right.serial), place


def _query(content: bytes, algorithm: str = "sha256") -> bytes:
    command = ["openssl", "ts", "-query", f"-{algorithm}", "-cert", "-digest"]
    digest = subprocess.run(
        ["openssl", "dgst", f"-{algorithm}", "-r"], input=content, capture_output=True, check=True
    )
    hexadecimal = digest.stdout.split()[0].decode()
    return subprocess.run([*command, hexadecimal], capture_output=True, check=True).stdout
