"""What can be wrong with a traffic file as a whole; nothing of such a file is stored."""

from __future__ import annotations

from cjp_fraud.errors import BadInputError


class UnreadableFileError(BadInputError):
    """The file is missing, empty, cut short, or not in the format that it claims."""


class MissingColumnsError(BadInputError):
    """A required column is not in the file, or the column mapping does not fit it."""


class FileChangedError(BadInputError):
    """The file was written to while it was read."""
