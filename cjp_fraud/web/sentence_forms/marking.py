"""Mark the messages of this package for the catalogues."""

from __future__ import annotations


def _(message: str) -> str:
    """Mark a message for the catalogues."""
    return message
