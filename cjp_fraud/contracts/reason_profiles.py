"""Profiles of statements of reasons: what a law wants a customer told, off until counsel turns it on for an entity."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class ReasonProfile(StrEnum):
    """Which law's list a statement of reasons must satisfy."""

    EU_2022_2065 = "eu_2022_2065_art_17_3"
    EU_2019_1150 = "eu_2019_1150_art_4"


LAWS: Final = {
    ReasonProfile.EU_2022_2065: "Regulation (EU) 2022/2065, article 17(3)",
    ReasonProfile.EU_2019_1150: "Regulation (EU) 2019/1150, article 4",
}
"""What each profile is called."""


@dataclass(frozen=True, slots=True)
class ProfileInForce:
    """A profile that counsel turned on for who contracted: an entity of the provider, or the provider as a whole.

    Parameters
    ----------
    out_of_court : bodies for settlement out of court (2022/2065, article 21), as letters name them.
    mediators : as the terms name them (2019/1150, article 12).
    """

    profile: ReasonProfile
    out_of_court: tuple[str, ...] = ()
    mediators: tuple[str, ...] = ()
