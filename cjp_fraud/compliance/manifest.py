"""The manifest of a bundle: name, size, digest and order of every file, signed with Ed25519."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from cjp_fraud.audit.signed_head import Verifier
from cjp_fraud.compliance.format_1 import FORMAT_1
from cjp_fraud.compliance.model import Edition
from cjp_fraud.compliance.readable_json import readable_json
from cjp_fraud.digests import sha256_hex

FORMAT_2: Final = "cjp-fraud-evidence-2"
FORMAT: Final = "cjp-fraud-evidence-3"
FORMATS: Final = (FORMAT_1, FORMAT_2, FORMAT)
"""What this version verifies; what is missing in the older ones is said."""

MANIFEST, SIGNATURE, STAMP = "manifest.json", "manifest.json.sig", "manifest.json.tsr"
"""The manifest, the 64 bytes of its signature, and the response of a time stamp authority about it (RFC 3161)."""

BESIDE: Final = (MANIFEST, SIGNATURE, STAMP)
"""Files that no manifest lists: it, and what is made of it."""


_MEDIA_TYPES: Final = {
    "json": "application/json",
    "eml": "message/rfc822",
    "pdf": "application/pdf",
    "svg": "image/svg+xml",
    "pem": "application/x-pem-file",
}
"""Suffix → media type; what has another suffix, or none, is text for people."""


@dataclass(frozen=True, slots=True)
class ListedFile:
    """A file as the manifest lists it; ``bytes`` is its size."""

    name: str
    bytes: int
    sha256: str

    @property
    def media_type(self) -> str:
        """What it is, for programs that open it (RFC 6838)."""
        return _MEDIA_TYPES.get(self.name.rpartition("/")[2].rpartition(".")[2], "text/plain")


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a bundle says of itself.

    Parameters
    ----------
    files : every file but those of :data:`BESIDE`, in the archive's order.
    entries, head_sha256 : the chain up to and with the export's own entry.
    simulated_clock : whether the home's clock is simulated: the bundle proves a trial.
    key_id : the key that signs; None: nobody did. Formats before the third sign the head alone.
    """

    format: str
    case_id: str
    entries: int
    head_sha256: str
    files: tuple[ListedFile, ...]
    simulated_clock: bool
    edition: Edition = Edition.INTERNAL
    key_id: str | None = None

    @property
    def digests(self) -> dict[str, str]:
        """File → SHA-256."""
        return {file.name: file.sha256 for file in self.files}


def listed(files: Mapping[str, bytes]) -> tuple[ListedFile, ...]:
    """Return files as a manifest lists them: in the order in which the archive holds them."""
    return tuple(ListedFile(name, len(files[name]), sha256_hex(files[name])) for name in sorted(files))


def written(manifest: Manifest) -> bytes:
    """Return the bytes of a manifest of the newest format."""
    return readable_json(
        {
            "format": manifest.format,
            "edition": manifest.edition,
            "case_id": manifest.case_id,
            "simulated_clock": manifest.simulated_clock,
            "chain": {"entries": manifest.entries, "head_sha256": manifest.head_sha256},
            "signed_with": manifest.key_id,
            "files": [
                {
                    "name": file.name,
                    "media_type": file.media_type,
                    "bytes": file.bytes,
                    "sha256": file.sha256,
                }
                for file in manifest.files
            ],
        }
    )


def read_manifest(content: bytes) -> Manifest:
    """Read a manifest of any format.

    Raises
    ------
    ValueError, KeyError, TypeError, AttributeError
        If it is not one.
    """
    document = json.loads(content)
    chain, files = document["chain"], document["files"]
    if isinstance(files, Mapping):  # the formats before the third list no order: it is that of the names
        files = [{"name": name, **files[name]} for name in sorted(files)]
    key_id = document.get("signed_with")
    return Manifest(
        format=str(document["format"]),
        case_id=str(document["case_id"]),
        entries=int(chain["entries"]),
        head_sha256=str(chain["head_sha256"]),
        files=tuple(ListedFile(str(file["name"]), int(file["bytes"]), str(file["sha256"])) for file in files),
        simulated_clock=bool(document.get("simulated_clock", False)),
        edition=Edition(document.get("edition", Edition.INTERNAL)),
        key_id=str(key_id) if key_id is not None else None,
    )


def file_faults(manifest: Manifest, files: Mapping[str, bytes]) -> list[str]:
    """Return which files are not as the manifest lists them, a sentence each: removed, added, changed, moved."""
    names = [file.name for file in manifest.files]
    there = [file for file in manifest.files if file.name in files]
    gone = sorted(set(names) - set(files))
    unlisted = sorted(set(files) - set(names) - set(BESIDE))
    was = {file.sha256: file.name for file in manifest.files if file.name in gone}
    renamed = {name: was[sha256_hex(files[name])] for name in unlisted if sha256_hex(files[name]) in was}
    faults = [f"{old}: is now called {new}; it was renamed" for new, old in renamed.items()]
    faults += [
        f"{name}: listed in the manifest, but not there; it was removed"
        for name in gone
        if name not in renamed.values()
    ]
    faults += [
        f"{name}: not listed in the manifest; it was added" for name in unlisted if name not in renamed
    ]
    faults += [_change(file, files[file.name]) for file in there if _differs(file, files[file.name])]
    if names != sorted(set(names)):
        faults.append(f"{MANIFEST}: lists files twice, or in another order than they were exported in")
    return faults


def signature_faults(
    content: bytes, signature: bytes | None, manifest: Manifest, keys: Sequence[Verifier]
) -> list[str]:
    """Return why a manifest is not signed with one of ``keys``; none: it is, or nobody says that it was signed.

    Parameters
    ----------
    content : the manifest's exact bytes.
    signature : None: the file is missing.
    """
    if manifest.key_id is None:
        return [f"{SIGNATURE}: the manifest names no key that it is signed with"] if signature else []
    if signature is None:
        return [f"{SIGNATURE}: is missing; the manifest says that it is signed with key {manifest.key_id}"]
    if manifest.key_id not in {key.key_id for key in keys}:
        return [
            f"{SIGNATURE}: the manifest is signed with key {manifest.key_id[:16]}…, and the key that counts is "
            f"{_names(keys)}: the key was replaced, or the bundle is another home's"
        ]
    if not any(key.key_id == manifest.key_id and key.fits(signature, content) for key in keys):
        return [f"{SIGNATURE}: does not fit {MANIFEST}; one of the two was changed after it was signed"]
    return []


def _names(keys: Iterable[Verifier]) -> str:
    return " or ".join(f"{key.key_id[:16]}…" for key in keys) or "none"


def _differs(file: ListedFile, content: bytes) -> bool:
    return (len(content), sha256_hex(content)) != (file.bytes, file.sha256)


def _change(file: ListedFile, content: bytes) -> str:
    size = f", {len(content)} bytes where it had {file.bytes}" if len(content) != file.bytes else ""
    return (
        f"{file.name}: its content does not match the manifest{size}: its SHA-256 is {sha256_hex(content)} and "
        f"was {file.sha256}; it was changed"
    )
