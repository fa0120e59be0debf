"""Value types of the contract domain; they know no database."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

NAME_LENGTH: Final = 200
"""Longest tenant, party or provider id, characters."""

DEFAULT_LANGUAGE: Final = "en"
"""Language of notices where the contract names none: clause 2.2 serves in English."""


class Hosting(StrEnum):
    """Who runs a deployment (clause 3)."""

    PROVIDER = "provider"
    PARTNER = "partner"
    ON_PREMISES = "on_premises"


class PurchaseModel(StrEnum):
    """How agents are bought: exactly one of the two (clause 1)."""

    NAMED = "named"
    CONCURRENT = "concurrent"


class Right(StrEnum):
    """What the governing document says about suspending for fraudulent use (clause 2.4)."""

    CLAUSE_2_4 = "clause_2_4"
    NONE = "none"
    NOT_READ = "not_read"


class Reading(StrEnum):
    """Whether somebody has read a clause; ``not_read`` is a value of its own, and it shuts the gate."""

    READ = "read"
    NOT_READ = "not_read"


class Origin(StrEnum):
    """Where contract data came from; the tenants file never overwrites what counsel entered."""

    TENANTS_FILE = "tenants_file"
    COUNSEL = "counsel"
