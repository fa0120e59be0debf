"""Do what is due while the pages are served: new traffic and, every minute, ``run-due``, in a thread each."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Final

from cjp_fraud.deployment import Deployment
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.operations import due_run
from cjp_fraud.operations.new_traffic import take_up_new_traffic

EVERY_SECONDS: Final = 60.0
LOOKS_EVERY_SECONDS: Final = 15.0
"""How often the inbox is looked at."""

_log = logging.getLogger(__name__)


@contextmanager
def doing_what_is_due(
    deployment: Deployment,
    every_seconds: float = EVERY_SECONDS,
    looks_every_seconds: float = LOOKS_EVERY_SECONDS,
) -> Iterator[None]:
    """Run both again and again until the block ends; a run that has begun is finished first.

    A long detection holds up no letter and no measure: each has a thread of its own.
    """
    ends = threading.Event()
    with ExitStack() as threads:
        for name, step, seconds in (
            ("run-due", run_once, every_seconds),
            ("new-traffic", look_once, looks_every_seconds),
        ):
            thread = threading.Thread(
                target=_run_until, args=(deployment, ends, step, seconds), name=name, daemon=False
            )
            thread.start()
            threads.callback(thread.join)
        try:
            yield
        finally:
            ends.set()


def _run_until(
    deployment: Deployment, ends: threading.Event, step: Callable[[Deployment], bool], seconds: float
) -> None:
    again = False
    while not ends.wait(0 if again else seconds):
        again = step(deployment)


def run_once(deployment: Deployment) -> bool:
    """Do what is due; what stands in the way is logged, and the next run tries again. Returns False: it waits."""
    try:
        due_run.run_due(deployment, deployment.now)
    except CjpFraudError as error:
        _log.warning("run-due: %s", error)
    except Exception:
        _log.exception("run-due failed; it is tried again")
    return False


def look_once(deployment: Deployment) -> bool:
    """Take up new traffic; what stands in the way is logged. Returns whether more of it is waiting."""
    try:
        done = take_up_new_traffic(deployment, deployment.now)
    except CjpFraudError as error:
        _log.warning("new traffic: %s", error)
    except Exception:
        _log.exception("new traffic could not be taken up; it is tried again")
    else:
        for name, reason in done.refused:
            _log.warning("new traffic: inbox/refused/%s: %s", name, reason)
        return done.more_is_waiting
    return False
