"""Write a file so that it appears whole or not at all, and is still there after a crash."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
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
