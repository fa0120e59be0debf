"""Which of a file's columns is which of ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from cjp_fraud.errors import BadInputError
from cjp_fraud.traffic.errors import MissingColumnsError
from cjp_fraud.traffic.schema import DELIVERED, REQUIRED


def parse_mapping(pairs: Iterable[str]) -> dict[str, str]:
    """Return ``{theirs: ours}`` from ``theirs=ours`` texts (the command line's ``--map``).

    Raises
    ------
    BadInputError
        If a text is not a pair, or ``ours`` is no column of the traffic schema, or is named twice.
    """
    mapping: dict[str, str] = {}
    for pair in pairs:
        theirs, equals, ours = (part.strip() for part in pair.rpartition("="))
        if not equals or not theirs or not ours:
            raise BadInputError(f"--map {pair!r} is not of the form theirs=ours")
        if ours not in DELIVERED.names:
            raise BadInputError(
                f"--map {pair!r}: the traffic schema has no column {ours!r}; it has "
                f"{', '.join(DELIVERED.names)}"
            )
        if theirs in mapping or ours in mapping.values():
            raise BadInputError(f"--map {pair!r}: a column may be mapped only once")
        mapping[theirs] = ours
    return mapping


def find_columns(found: Sequence[str], mapping: Mapping[str, str], *, source: str) -> dict[str, int]:
    """Return our columns and their positions in the file; columns that we do not know are left out.

    Parameters
    ----------
    found : the file's column names, in order.
    mapping : ``{theirs: ours}``.
    source : the file's name, for messages.

    Raises
    ------
    MissingColumnsError
        If a required column or a mapped one is not there, or a column of ours is there twice.
    """
    shown = ", ".join(repr(name) for name in found[:40])
    absent = [theirs for theirs in mapping if theirs not in found]
    if absent:
        raise MissingColumnsError(
            f"{source} has no column {absent[0]!r}, which --map names; it has {shown}. Nothing was stored."
        )
    positions: dict[str, int] = {}
    for position, name in enumerate(found):
        ours = mapping.get(name, name)
        if ours not in DELIVERED.names:
            continue
        if ours in positions:
            raise MissingColumnsError(
                f"{source} has two columns for {ours!r} ({found[positions[ours]]!r} and {name!r}); keep one. "
                "Nothing was stored."
            )
        positions[ours] = position
    missing = [name for name in REQUIRED if name not in positions]
    if missing:
        raise MissingColumnsError(
            f"{source} has no column {', '.join(repr(name) for name in missing)}; it has {shown}. "
            f"If it goes by another name, say so: --map theirs={missing[0]}. Nothing was stored."
        )
    return positions
