"""A folder in the machine's memory for what tests write: databases, lakes and mailboxes that nobody keeps."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

MEMORY = Path("/dev/shm")
"""Where Linux keeps files in memory."""

ROOM_BYTES = 4 * 2**30
"""How much must be free there; a container often has 64 MB."""


def folder_in_memory() -> str | None:
    """Return the folder for temporary files where files in memory have room and may be run; else None.

    None also where ``TMPDIR`` names another place: who sets it wants the files there.
    """
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK):
        return None
    may_run = not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC  # some tests run scripts that they wrote
    return str(MEMORY) if may_run and shutil.disk_usage(MEMORY).free >= ROOM_BYTES else None


def keep_tests_files_in_memory() -> None:
    """Let pytest make its folders (``tmp_path``) in memory, unless it was told where to make them."""
    folder = folder_in_memory()
    if folder is not None:
        os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", folder)
