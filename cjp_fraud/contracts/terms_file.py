"""Read the notice terms of a contract as counsel writes them: TOML, each key a field of ``ContractTerms``.

Times are written as TOML has them (09:00:00), or in quotes; what is not known as "not_stated" or "not_read". A fault
names its place, as for everything that is read with :mod:`cjp_fraud.documents`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date, time
from pathlib import Path
from typing import Any

from cjp_fraud.contracts.contract_terms import ContractTerms, contract_terms_from
from cjp_fraud.errors import BadInputError


def read_terms_file(path: Path) -> ContractTerms:
    """Return the notice terms that stand in a TOML file.

    Raises
    ------
    BadInputError
        If the file cannot be read, is no TOML, or holds what notice terms do not have.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read ({error.strerror})") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path}: is no TOML: {error}") from error
    try:
        return terms_of_table(table)
    except BadInputError as error:
        raise BadInputError(f"{path}: {error}") from error


def terms_of_table(table: Mapping[str, object]) -> ContractTerms:
    """Return the notice terms that stand in a parsed TOML table; raises BadInputError naming every fault."""
    return contract_terms_from(plain_values(table))


def plain_values(value: object) -> Any:
    """Return TOML's values as JSON has them: dates and times as text."""
    if isinstance(value, Mapping):
        return {key: plain_values(entry) for key, entry in value.items()}
    if isinstance(value, list):
        return [plain_values(entry) for entry in value]
    return value.isoformat() if isinstance(value, date | time) else value
