"""Value types of compliance."""

from __future__ import annotations

from enum import StrEnum


class Edition(StrEnum):
    """Who a bundle is for: ``internal`` holds everything, ``disclosable`` digests in the place of what is withheld."""

    INTERNAL = "internal"
    DISCLOSABLE = "disclosable"
