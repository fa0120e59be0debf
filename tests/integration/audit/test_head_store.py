"""The second place: whole files, never written over, on a disk and in a store that fsspec reaches."""

from __future__ import annotations

import errno
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cjp_fraud.audit.head_keys import PrivateKey
from cjp_fraud.audit.head_store import HeadStore
from cjp_fraud.audit.signed_head import SignedHead, sign_head
from cjp_fraud.errors import BadInputError, StorageError

AT = datetime(2026, 3, 10, 3, 20, tzinfo=UTC)
KEY = PrivateKey(Ed25519PrivateKey.generate())


def a_head(number: int, *, minutes: int = 0) -> SignedHead:
    signed_at = AT + timedelta(minutes=minutes)
    return sign_head(KEY, number, f"{number:064x}", AT, signed_at, simulated_clock=False)


@pytest.fixture(params=["folder", "file", "memory"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> HeadStore:
    """A second place that was made."""
    url = {
        "folder": f"{tmp_path}/heads",
        "file": f"file://{tmp_path}/heads",
        "memory": f"memory://{uuid4().hex}",
    }
    made = HeadStore(url[request.param])
    made.make()
    return made


def test_what_was_put_there_is_found_the_newest_first(store: HeadStore) -> None:
    heads = [a_head(3), a_head(12), a_head(12, minutes=1)]
    for signed in heads:
        store.put(signed)
    found = store.found([KEY.public])
    assert found.heads == {signed.name: signed for signed in heads}
    assert found.faults == ()
    assert store.newest([KEY.public]) == heads[2]
    assert store.newest([PrivateKey(Ed25519PrivateKey.generate()).public]) is None


def test_a_head_that_is_there_is_not_written_over(store: HeadStore) -> None:
    signed = a_head(3)
    store.put(signed)
    files, folder = store._opened
    files.pipe_file(f"{folder}/{signed.name}", b"something else")
    store.put(signed)
    assert files.cat_file(f"{folder}/{signed.name}") == b"something else"
    [fault] = store.found([KEY.public]).faults
    assert signed.name in fault


def test_a_place_that_was_not_made_takes_nothing(tmp_path: Path) -> None:
    """A disk that is not mounted must not be written beside."""
    store = HeadStore(str(tmp_path / "mounted" / "heads"))
    with pytest.raises(StorageError, match="is not there"):
        store.put(a_head(3))
    with pytest.raises(StorageError, match="is not there"):
        store.names()
    assert store.names(may_be_new=True) == []
    assert not (tmp_path / "mounted").exists()


def test_a_full_disk_leaves_nothing_and_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = HeadStore(str(tmp_path))

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"cannot be written there.*No space left on device"):
        store.put(a_head(3))
    assert list(tmp_path.iterdir()) == []


def test_many_write_the_same_and_other_heads_at_once(store: HeadStore) -> None:
    heads = [a_head(number) for number in (1, 2, 3)] * 8
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(store.put, heads))
    found = store.found([KEY.public])
    assert len(found.heads) == 3
    assert found.faults == ()


def test_other_files_in_the_place_are_left_alone(tmp_path: Path) -> None:
    store = HeadStore(str(tmp_path))
    (tmp_path / "README.txt").write_text("heads of the log")
    (tmp_path / f".{a_head(9).name}.12.part").write_text("cut off")
    store.put(a_head(3))
    assert store.names() == [a_head(3).name]


@pytest.mark.parametrize("url", ["nowhere://bucket/heads", "s3://bucket/heads"])
def test_a_url_that_nothing_installed_can_reach_is_refused_in_words(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "s3fs", None)
    with pytest.raises(BadInputError, match=r"CJP_FRAUD_HEADS_URL: .* no place that can be used"):
        HeadStore(url).make()
