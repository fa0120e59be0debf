"""Write a file so that it appears whole or not at all, and is still there after a crash."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_EVERYBODY: Final = 0o666
"""Permissions before the process's own mask takes some away, as for any new file."""
_THE_OWNER: Final = 0o600


def write_whole(file: Path, content: bytes) -> None:
    """Write a file in the place of whatever has its name."""
    with _draft_of(file, content, _EVERYBODY) as draft:
        draft.replace(file)


def create_secret(file: Path, content: bytes) -> bool:
    """Write a file that its owner alone may read, never over another one; return whether it was written."""
    with _draft_of(file, content, _THE_OWNER) as draft:
        try:
            os.link(draft, file)
        except FileExistsError:
            return False
    return True


def kept_secret(file: Path, new: Callable[[], bytes]) -> bytes:
    """Return a secret from its file; where there is none, it is made, once, even by two processes at a time."""
    if not file.exists():
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        create_secret(file, new())
    return file.read_bytes().strip()


def new_hex_key(length: int) -> bytes:
    """Return a random key of ``length`` bytes as a file holds it: hex digits and a line end."""
    return f"{secrets.token_hex(length)}\n".encode("ascii")


@contextmanager
def _draft_of(file: Path, content: bytes, permissions: int) -> Iterator[Path]:
    """Yield a finished file beside the one that is meant; it is gone afterwards, unless it was given that name."""
    draft = file.with_name(f".{file.name}.{secrets.token_hex(8)}.part")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, permissions)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        yield draft
    finally:
        draft.unlink(missing_ok=True)
