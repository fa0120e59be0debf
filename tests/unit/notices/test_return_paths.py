"""Keyed return paths: made by us alone, known again whatever forwarders do, taken only for a while."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cjp_fraud.config import load_settings
from cjp_fraud.errors import BadInputError, StorageError
from cjp_fraud.notices.return_path_key import existing_return_path_key, return_path_key
from cjp_fraud.notices.return_paths import LIFE, ReturnPathKey
from cjp_fraud.storage.base import new_id
from tests.contract_builders import NOON
from tests.return_paths import KEY

STRANGER = ReturnPathKey(b"\x01" * 32)


def test_the_key_alone_tells_of_which_attempt_an_address_is() -> None:
    attempt = new_id()
    path = KEY.read(f"{KEY.issue(attempt, NOON)}@provider.example")
    assert path is not None
    assert path.attempt_id == attempt
    assert path.expires_on == (NOON + LIFE).date()


def test_every_attempt_has_an_address_of_its_own() -> None:
    assert len({KEY.issue(new_id(), NOON) for _ in range(50)}) == 50


def test_it_expires() -> None:
    path = KEY.read(KEY.issue(new_id(), NOON))
    assert path is not None
    assert not path.expired(NOON + LIFE)
    assert path.expired(NOON + LIFE + timedelta(days=1))


@given(st.uuids())
def test_it_fits_a_local_part_also_with_a_batv_tag(attempt: object) -> None:
    assert len(f"prvs=0123456789={KEY.issue(str(attempt), NOON)}") <= 64


REWRITTEN = [
    "{}@provider.example",
    "<{}@PROVIDER.example>",
    "prvs=0420a1b2c3={}@provider.example",
    "SRS0=HHH=TT=provider.example={}@forwarder.example",
    "SRS1=GGG=other.example==HHH=TT=provider.example={}@forwarder.example",
    "bounces-{}=provider.example@list.example",
]


@pytest.mark.thorough
@given(
    st.uuids(),
    st.sampled_from(REWRITTEN),
    st.sampled_from([str, str.upper, str.title, str.swapcase]),
    st.sampled_from(["+", "=", "-", "", "%2B", "_2B", "."]),
)
def test_it_is_known_again_whatever_forwarders_make_of_it(
    attempt: object, pattern: str, change: object, for_plus: str
) -> None:
    local = KEY.issue(str(attempt), NOON).replace("+", for_plus)
    path = KEY.read(change(pattern.format(local)))  # type: ignore[operator]
    assert path is not None
    assert path.attempt_id == str(attempt)


@given(st.integers(0, 43), st.sampled_from("abcdefghijklmnopqrstuvwxyz234567"))
def test_no_changed_character_is_taken(place: int, other: str) -> None:
    local = KEY.issue("0198c5a2-7f1e-7abc-8def-0123456789ab", NOON)
    prefix, token = local[:2], local[2:]
    changed = token[:place] + other + token[place + 1 :]
    found = KEY.read(prefix + changed)
    assert (found is None) == (changed != token)


def test_another_key_takes_nothing_of_ours() -> None:
    assert STRANGER.read(KEY.issue(new_id(), NOON)) is None


@pytest.mark.thorough
@given(st.text(max_size=200))
def test_no_other_address_is_taken(text: str) -> None:
    assert KEY.read(text) is None


def test_a_short_key_is_refused() -> None:
    with pytest.raises(BadInputError, match="32"):
        ReturnPathKey(b"short")


def test_a_key_is_made_once_in_the_home_and_only_its_owner_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CJP_FRAUD_RETURN_PATH_KEY")
    settings = load_settings(home=tmp_path)
    assert existing_return_path_key(settings) is None
    key = return_path_key(settings)
    assert return_path_key(settings) == existing_return_path_key(settings) == key
    (file,) = settings.key_folder.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert key != KEY


def test_the_setting_wins_over_the_file(tmp_path: Path) -> None:
    assert return_path_key(load_settings(home=tmp_path)) == KEY
    assert not (tmp_path / "keys").exists()


@pytest.mark.parametrize("content", ["", "no hex", "0f" * 31])
def test_a_file_that_is_no_key_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    monkeypatch.delenv("CJP_FRAUD_RETURN_PATH_KEY")
    settings = load_settings(home=tmp_path)
    settings.key_folder.mkdir()
    (settings.key_folder / "return-path.key").write_text(content)
    with pytest.raises(StorageError, match=r"return-path\.key is no key"):
        return_path_key(settings)


@pytest.mark.parametrize("key", ["0f", "zz" * 32, ""])
def test_a_setting_that_is_no_key_is_named(key: str) -> None:
    with pytest.raises(BadInputError, match="CJP_FRAUD_RETURN_PATH_KEY"):
        load_settings(return_path_key=key)


def test_a_key_is_shown_nowhere() -> None:
    assert "0f0f" not in repr(KEY)
    assert "0f0f" not in repr(load_settings())
