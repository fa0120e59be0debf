"""The errors that a person can put right. Everything else is a bug and rises as it is."""

from __future__ import annotations

from collections.abc import Iterable


class CjpFraudError(Exception):
    """Root of all errors of this product; the message is a sentence for the person who can put it right."""


class NaiveTimeError(CjpFraudError, ValueError):
    """A time without a zone reached a place where only aware times are allowed."""


class ClockError(CjpFraudError):
    """A clock runs backwards, or a moment lies where no act can be; the message names both clocks."""


class NotFoundError(CjpFraudError):
    """A thing was named that is not on record."""


class BadInputError(CjpFraudError, ValueError):
    """An input (file, option, value) cannot be used; the message says what, where and how to correct it."""


class StorageError(CjpFraudError):
    """The database or the lake is missing, old, or does not match the settings."""


class OutOfReach(CjpFraudError):
    """A case lies outside of the channels or countries to which a person's roles are narrowed.

    ``on_record``: whether the log says already that the person was denied it.
    """

    on_record: bool = False


class FormSentBefore(CjpFraudError):
    """A form acted before; ``leads_to`` is the page that shows what it did."""

    def __init__(self, leads_to: str) -> None:
        self.leads_to = leads_to
        super().__init__("this form was sent before, and acted once")


class StaleForm(CjpFraudError):
    """Somebody acted on a case since a page of it was made; ``version`` is the page's: the newest entry then."""

    def __init__(self, version: int) -> None:
        self.version = version
        super().__init__(
            "the case has changed since this page was made; look at what changed and send it again"
        )


class Refused(CjpFraudError):
    """An action was refused; ``missing`` holds **all** that stood in its way.

    Parameters
    ----------
    missing : the reasons, one sentence each, in the order in which they were checked.
    action : what was refused, in a few words ("approve case 0198...").
    """

    def __init__(self, missing: Iterable[str], *, action: str = "") -> None:
        self.missing: tuple[str, ...] = tuple(missing)
        self.action = action
        head = f"refused: {action}" if action else "refused"
        super().__init__(f"{head}: " + "; ".join(self.missing))


def refuse_unless(*checks: tuple[bool, str], action: str = "") -> None:
    """Raise one :class:`Refused` that names every check that does not hold.

    Parameters
    ----------
    checks : pairs (holds, sentence to say if it does not).
    action : what is being attempted.
    """
    missing = [sentence for holds, sentence in checks if not holds]
    if missing:
        raise Refused(missing, action=action)
