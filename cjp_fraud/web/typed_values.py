"""Values as people type them into forms: amounts of money, and moments in the reader's zone."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cjp_fraud.errors import BadInputError


def cents_typed(text: str) -> int | None:
    """Return an amount in hundredths; None: none was typed.

    Raises
    ------
    BadInputError
        If it is no amount with at most two places after the point or comma.
    """
    plain = text.strip().replace(",", ".")
    if not plain:
        return None
    whole, _, part = plain.partition(".")
    if not (
        plain.isascii()
        and whole.isdigit()
        and len(whole) < 11
        and (not part or part.isdigit())
        and len(part) < 3
    ):
        raise BadInputError(f"an amount is a number like 12.50, not {plain[:40]!r}")
    return int(whole) * 100 + int(part.ljust(2, "0") or 0)


def moment_typed(text: str, time_zone: str) -> datetime | None:
    """Return a moment, UTC; one without a zone is in ``time_zone`` (IANA); None: none was typed.

    Of an hour that the clock shows twice, it is the first.

    Raises
    ------
    BadInputError
        If it is no moment of ISO 8601, or one that the clock of the zone skips.
    """
    if not text:
        return None
    try:
        typed = datetime.fromisoformat(text)
        local = typed if typed.tzinfo is not None else typed.replace(tzinfo=ZoneInfo(time_zone))
        at = local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadInputError(f"{text[:40]!r} is no moment; write 2026-01-31T09:00") from None
    if at.astimezone(local.tzinfo).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise BadInputError(
            f"there is no {text[:40]} in {time_zone}: clocks go forward then; write another time"
        )
    return at
