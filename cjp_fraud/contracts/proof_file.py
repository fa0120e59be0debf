"""Read a document that proves a notice of provisioning: it lies beside the file that names it."""

from __future__ import annotations

from pathlib import Path

from cjp_fraud.digests import sha256_hex
from cjp_fraud.errors import BadInputError


def proof_sha256(name: str, named_by: Path) -> str:
    """Return the SHA-256 of a document's bytes.

    Parameters
    ----------
    name : its path from the folder of ``named_by``, inside which it lies: the folder is what counsel hands over.
    named_by : the file that names it, which cannot prove what it says itself.

    Raises
    ------
    BadInputError
        If the document proves nothing, with how to mend that.
    """
    path = named_by.parent / name
    try:
        outside = not path.resolve().is_relative_to(named_by.parent.resolve())
        content = b"" if outside else path.read_bytes()
        own = not outside and (path.samefile(named_by) or content == named_by.read_bytes())
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise BadInputError(f"{name} cannot be read ({reason}); name a file that is there") from None
    if outside:
        raise BadInputError(f"{name} lies outside of the folder of {named_by.name}; copy it there")
    if own:
        raise BadInputError(f"{name} is this file, which cannot prove what it says itself; name the notice")
    if not content.strip():
        raise BadInputError(f"{name} is empty, which proves nothing; name the notice")
    return sha256_hex(content)
