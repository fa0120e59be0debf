"""The inbox: a folder of the home from which traffic files are taken in."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

INBOX: Final = "inbox"
"""Folder under the home; ``done`` and ``refused`` in it take what is finished."""

FINISHED: Final = ("done", "refused")


def waiting_files(inbox: Path) -> list[Path]:
    """The files that wait, by name; those whose name begins with a dot are still being written."""
    return sorted(path for path in inbox.iterdir() if path.name not in FINISHED and path.name[0] != ".")


def inbox_holds(home: Path) -> bool:
    """Whether there is anything to take in, or something else stands in the inbox's place."""
    inbox = home / INBOX
    return os.path.lexists(inbox) and (not inbox.is_dir() or bool(waiting_files(inbox)))
