"""Do what is due every minute while the pages are served: in a thread of its own, one run at a time."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.operations import measures

EVERY_SECONDS: Final = 60.0

_log = logging.getLogger(__name__)


@contextmanager
def doing_what_is_due(deployment: Deployment, every_seconds: float = EVERY_SECONDS) -> Iterator[None]:
    """Run ``run-due`` again and again until the block ends; a run that has begun is finished first."""
    ends = threading.Event()
    thread = threading.Thread(
        target=_run_until, args=(deployment, ends, every_seconds), name="run-due", daemon=False
    )
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()


def _run_until(deployment: Deployment, ends: threading.Event, every_seconds: float) -> None:
    while not ends.wait(every_seconds):
        run_once(deployment)


def run_once(deployment: Deployment) -> None:
    """Do what is due; what stands in the way is logged, and the next run tries again."""
    try:
        measures.run_due(deployment, deployment.now)
    except CjpFraudError as error:
        _log.warning("run-due: %s", error)
    except Exception:
        _log.exception("run-due failed; it is tried again")
