"""Whether a finding of fraud names anything that an earlier one, which was refused, did not (a pure rule)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RefusedFinding:
    """A finding of fraud that an approver or counsel refused.

    Parameters
    ----------
    by : name of the user who refused it.
    at : when, aware, UTC.
    flags : ids of the flags that it named.
    grounds : why it was fraud, from the catalogue.
    evidence : on what of the evidence it rested, as the reviewer named it.
    """

    by: str
    at: datetime
    flags: frozenset[str]
    grounds: frozenset[str]
    evidence: frozenset[str]


def refused_already(
    flags: Iterable[str], grounds: Iterable[str], evidence: Iterable[str], refused: Iterable[RefusedFinding]
) -> tuple[str, ...]:
    """Say of each refused finding that holds all that this one names; none: it names something new.

    Parameters
    ----------
    flags, grounds, evidence : what the finding names now, as in :class:`RefusedFinding`.
    """
    flags, grounds, evidence = frozenset(flags), frozenset(grounds), frozenset(evidence)
    return tuple(
        f"{each.by} refused this finding at {each.at:%Y-%m-%d %H:%M:%SZ}; "
        "it needs a further flag, ground or kind of evidence"
        for each in refused
        if flags <= each.flags and grounds <= each.grounds and evidence <= each.evidence
    )
