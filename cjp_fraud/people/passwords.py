"""Passwords: which may be chosen (NIST SP 800-63B, section 3.1.1), and how they are kept (argon2id, RFC 9106)."""

from __future__ import annotations

import unicodedata
from functools import cache
from itertools import pairwise
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST: Final = 12
LONGEST: Final = 200
_FEWEST_DIFFERENT: Final = 5
_SHORTEST_NAME: Final = 4

_COMMON: Final = frozenset(
    {
        "password",
        "passwort",
        "motdepasse",
        "qwerty",
        "azerty",
        "letmein",
        "welcome",
        "iloveyou",
        "administrator",
        "changeme",
        "trustno",
        "abcdefghijkl",
        "contactcentre",
        "cjpfraud",
    }
)
"""Words that a password may not consist of, digits and signs around them aside."""

_HASHER: Final = PasswordHasher()


def password_faults(password: str, user_name: str) -> tuple[str, ...]:
    """Return one sentence for each thing that is wrong with a password that somebody chooses; empty: it may be used.

    Any characters may be in it, and none must: length is what counts.
    """
    plain = normal_form(password)
    letters = "".join(character for character in plain.casefold() if character.isalpha())
    faults = []
    if len(plain) < SHORTEST:
        faults.append(f"it has {len(plain)} characters; it must have {SHORTEST} or more")
    if len(plain) > LONGEST:
        faults.append(f"it has {len(plain)} characters; it may have {LONGEST}")
    if plain and len(set(plain)) < _FEWEST_DIFFERENT:
        faults.append("it repeats the same few characters")
    if _is_sequence(plain):
        faults.append("it is a sequence of characters in their order")
    if len(user_name) >= _SHORTEST_NAME and user_name.casefold() in plain.casefold():
        faults.append("it holds the user name")
    if letters in _COMMON:
        faults.append("it is one of those that are tried first")
    return tuple(faults)


def hash_of(password: str) -> str:
    """Return a password as it is kept: argon2id with its salt and costs."""
    return _HASHER.hash(normal_form(password))


def password_fits(kept: str | None, password: str) -> bool:
    """Whether a password is the one that is kept; where there is none (``None``) it takes as long to say no."""
    try:
        return _HASHER.verify(kept or _nobodys(), normal_form(password)) and kept is not None
    except (VerificationError, InvalidHashError):
        return False


def to_be_hashed_again(kept: str) -> bool:
    """Whether a password is kept with other costs than those in force."""
    return _HASHER.check_needs_rehash(kept)


def normal_form(password: str) -> str:
    """Return a password in the form that is hashed (NFKC), so that two keyboards type the same."""
    return unicodedata.normalize("NFKC", password)


@cache
def _nobodys() -> str:
    """The hash of a password that nobody has."""
    return _HASHER.hash("nobody's password, compared where there is none")


def _is_sequence(text: str) -> bool:
    steps = {ord(after) - ord(before) for before, after in pairwise(text)}
    return len(text) > 1 and steps in ({1}, {-1})
