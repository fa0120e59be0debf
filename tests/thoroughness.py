"""How many examples a long property test takes: few in ``make test``, many in ``make test-slow``."""

from __future__ import annotations

import os

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"
"""Whether this run takes the many examples (``make test-slow``)."""


def examples(few: int, many: int) -> int:
    """Return ``many`` in a thorough run, else ``few``; the test itself is the same."""
    return many if THOROUGH else few
