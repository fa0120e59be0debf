"""Model versions with few trees, for tests whose claims do not depend on how many there are."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from cjp_fraud.detection import model_fit


@contextmanager
def small_forests() -> Iterator[None]:
    """Let model versions be fitted with few trees: fitting, storing and loading 500 takes seconds."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(model_fit, "FOREST_TREES", 25)
        yield
