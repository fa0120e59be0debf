"""Ask a time stamp authority over HTTP (RFC 3161, section 3.4)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import httpx
from cryptography import x509

from cjp_fraud.compliance.archive import opened, packed
from cjp_fraud.compliance.manifest import FORMAT, MANIFEST, STAMP, read_manifest
from cjp_fraud.compliance.time_stamp import TimeStamp, TimeStampError, answered_stamp, stamp_request
from cjp_fraud.errors import BadInputError

_QUERY: Final = "application/timestamp-query"
_REPLY: Final = "application/timestamp-reply"
_MOST_BYTES: Final = 2**20


@dataclass(frozen=True, slots=True)
class StampAuthority:
    """An authority, and by which roots its answers are judged.

    Parameters
    ----------
    roots : none: an answer is kept though nobody vouches for it; whoever verifies names the roots.
    """

    url: str
    roots: tuple[x509.Certificate, ...] = ()
    timeout_seconds: float = 20.0

    def stamped(self, content: bytes) -> tuple[bytes, TimeStamp]:
        """Return the authority's answer about ``content``, as bytes and read.

        Raises
        ------
        TimeStampError
            If it cannot be reached, refuses, or answers something that does not hold.
        """
        request = stamp_request(content)
        try:
            answer = self._asked(request.as_bytes())
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise TimeStampError(
                f"the time stamp authority {self.url} cannot be asked: {error or type(error).__name__}"
            ) from error
        return answer, answered_stamp(answer, request, content, self.roots)

    def _asked(self, query: bytes) -> bytes:
        headers = {"Content-Type": _QUERY, "Accept": _REPLY}
        with (
            httpx.Client(timeout=self.timeout_seconds, follow_redirects=False) as client,
            client.stream("POST", self.url, content=query, headers=headers) as response,
        ):
            if response.status_code != httpx.codes.OK:
                raise TimeStampError(
                    f"the time stamp authority {self.url} answered with HTTP status {response.status_code}"
                )
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            if kind != _REPLY:
                raise TimeStampError(
                    f"{self.url} answered with {kind or 'nothing said'}, and not with {_REPLY}"
                )
            answer = b""
            for part in response.iter_bytes():
                answer += part
                if len(answer) > _MOST_BYTES:
                    raise TimeStampError(f"the answer of {self.url} is larger than {_MOST_BYTES} bytes")
        return answer


def with_stamp(container: bytes, authority: StampAuthority, name: str) -> tuple[bytes, TimeStamp]:
    """Return a bundle with a time stamp beside its manifest, and the stamp.

    Parameters
    ----------
    name : of the bundle's file, for sentences.

    Raises
    ------
    BadInputError
        If it is no whole bundle with a manifest of the newest format, or has a stamp already.
    TimeStampError
        If the authority gives none that holds.
    """
    unpacked = opened(container)
    if unpacked.faults or MANIFEST not in unpacked.files:
        first = next(iter(unpacked.faults), f"it has no {MANIFEST}")
        raise BadInputError(f"{name} is no whole bundle: {first}. Nothing was stamped")
    manifest = unpacked.files[MANIFEST]
    try:
        kind = read_manifest(manifest).format
    except (ValueError, LookupError, TypeError, AttributeError):
        kind = "not known"
    if kind != FORMAT:
        raise BadInputError(
            f"{name}: a bundle of format {kind} has no place for a time stamp; export it again"
        )
    if STAMP in unpacked.files:
        raise BadInputError(f"{name} has a time stamp already; cjp-fraud evidence verify shows it")
    answer, stamp = authority.stamped(manifest)
    return packed({**unpacked.files, STAMP: answer}), stamp
