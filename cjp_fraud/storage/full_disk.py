"""Say in one sentence that the disk is full, whichever part met it: the lake, the database, a file of ours."""

from __future__ import annotations

import errno
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from cjp_fraud.errors import StorageError

_FULL = re.compile(r"no space left|os error 28|disk is full|disk quota", re.IGNORECASE)
_FULL_NUMBERS = (errno.ENOSPC, errno.EDQUOT)


class FullDiskError(StorageError):
    """The disk is full."""


def means_full_disk(error: BaseException) -> bool:
    """Whether an error, or what caused it, says that the disk is full; the libraries wrap it in errors of their own."""
    reason: BaseException | None = error
    while reason is not None:
        if getattr(reason, "errno", None) in _FULL_NUMBERS or _FULL.search(str(reason)):
            return True
        reason = reason.__cause__ or reason.__context__
    return False


@contextmanager
def full_disk_named(step: str) -> Iterator[None]:
    """Say in one sentence that the disk is full and what to do; for what commits piece by piece and can be repeated.

    Parameters
    ----------
    step : what is being done, as people call it.

    Raises
    ------
    FullDiskError
        In the place of whatever a library raised.
    """
    try:
        yield
    except FullDiskError:
        raise
    except Exception as error:
        if not means_full_disk(error):
            raise
        raise FullDiskError(
            f"the disk is full: nothing was stored of what {step} was writing, and what it finished before stays; "
            f"free space where the database, the lake and temporary files ({tempfile.gettempdir()}) are, then run "
            "the same command again: it goes on where it stopped"
        ) from error
