"""Time stamps after RFC 3161: what is asked of an authority about a bundle's manifest, and whether its answer holds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.x509.oid import ExtendedKeyUsageOID
from rfc3161_client import (
    HashAlgorithm,
    TimeStampRequest,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from cjp_fraud.clock import aware
from cjp_fraud.digests import sha256_bytes
from cjp_fraud.errors import BadInputError, CjpFraudError

_SHA256: Final = "2.16.840.1.101.3.4.2.1"
_GRANTED: Final = 0
_CHAIN_NOT_WHOLE: Final = "certificate verify error"
"""What OpenSSL says where a chain ends at no root; it has not looked at the signature then."""

_CERTIFICATES: Final = 0xA0
"""Tag of the certificates in SignedData (RFC 5652, section 5.1)."""


class TimeStampError(CjpFraudError):
    """An authority did not give a time stamp that holds; the message says why."""


@dataclass(frozen=True, slots=True)
class TimeStamp:
    """What a time stamp says.

    Parameters
    ----------
    at : when the authority saw the digest; aware, UTC.
    authority : its name in its certificate.
    serial : number of the stamp at the authority.
    vouched_for : whether the chain of its certificate ends at a root that was given.
    """

    at: datetime
    authority: str
    serial: int
    vouched_for: bool


def read_roots(pem: bytes) -> tuple[x509.Certificate, ...]:
    """Read the root certificates of time stamp authorities.

    Raises
    ------
    BadInputError
        If there is none in the PEM.
    """
    try:
        return tuple(x509.load_pem_x509_certificates(pem))
    except ValueError:
        raise BadInputError("it holds no certificates in PEM (-----BEGIN CERTIFICATE-----)") from None


def stamp_request(content: bytes) -> TimeStampRequest:
    """Return the request for a stamp of ``content``: its SHA-256, a fresh nonce, the authority's certificate wanted."""
    return TimestampRequestBuilder().data(content).hash_algorithm(HashAlgorithm.SHA256).build()


def answered_stamp(
    answer: bytes, request: TimeStampRequest, content: bytes, roots: Sequence[x509.Certificate]
) -> TimeStamp:
    """Return what an authority answered, if it is an answer to this request and holds.

    Parameters
    ----------
    roots : that the authority's certificate must lead to; none: only imprint, nonce and kind of certificate count.

    Raises
    ------
    TimeStampError
        If it does not.
    """
    response = _decoded(answer)
    if response.status == _GRANTED and response.tst_info.nonce != request.nonce:
        raise TimeStampError("the authority's answer has another nonce: it answers another request")
    return stamp_of(answer, content, roots)


def stamp_of(answer: bytes, content: bytes, roots: Sequence[x509.Certificate]) -> TimeStamp:
    """Return what a stored answer says of ``content``.

    Parameters
    ----------
    roots : none: whether somebody vouches for the authority is not asked, all else is.

    Raises
    ------
    TimeStampError
        If it is no stamp of this content, or does not lead to a root.
    """
    try:
        return _stamp_of(_decoded(answer), content, roots)
    except (ValueError, LookupError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm) as error:
        if isinstance(error, CjpFraudError):
            raise
        raise TimeStampError(f"the stamp cannot be read ({type(error).__name__}: {error})") from error


def _stamp_of(response: TimeStampResponse, content: bytes, roots: Sequence[x509.Certificate]) -> TimeStamp:
    if response.status != _GRANTED:
        words = "; ".join(response.status_string) or "it gives no reason"
        raise TimeStampError(f"the authority refused (status {response.status}): {words}")
    imprint = response.tst_info.message_imprint
    if imprint.hash_algorithm.dotted_string != _SHA256 or imprint.message != sha256_bytes(content):
        raise TimeStampError("the stamp is of other bytes than the manifest's: one of the two was changed")
    signer = _signer(response)
    # Without roots the stamp must at least hold by the certificates that lie in it, where their chain is whole.
    builder = VerifierBuilder()
    for root in roots or _certificates(response):
        builder = builder.add_root_certificate(root)
    try:
        builder.build().verify(response, imprint.message)
    except VerificationError as error:
        if roots or _CHAIN_NOT_WHOLE not in str(error):
            raise TimeStampError(f"the stamp does not hold: {error}") from error
    return TimeStamp(
        at=aware(response.tst_info.gen_time),
        authority=signer.subject.rfc4514_string(),
        serial=response.tst_info.serial_number,
        vouched_for=bool(roots),
    )


def _decoded(answer: bytes) -> TimeStampResponse:
    ordered = _certificates_in_order(answer)
    try:
        response = decode_timestamp_response(ordered)
        if response.status == _GRANTED:
            _ = response.tst_info, response.signed_data
    except ValueError as error:
        raise TimeStampError(f"the answer is no time stamp response ({error})") from error
    if response.as_bytes() != ordered:
        raise TimeStampError("the answer is not in the one form of a time stamp response; bytes were added")
    return response


def _certificates(response: TimeStampResponse) -> list[x509.Certificate]:
    certificates = [
        x509.load_der_x509_certificate(content) for content in sorted(response.signed_data.certificates)
    ]
    return list(dict.fromkeys(certificates))


def _signer(response: TimeStampResponse) -> x509.Certificate:
    """Return the certificate that the stamp is signed with, which must be one for time stamps and nothing else."""
    signers = list(response.signed_data.signer_infos)
    if len(signers) != 1:
        raise TimeStampError(f"the stamp has {len(signers)} signers, and must have one")
    certificate = next(
        (
            signer
            for signer in _certificates(response)
            if (signer.issuer, signer.serial_number) == (signers[0].issuer, signers[0].serial_number)
        ),
        None,
    )
    if certificate is None:
        raise TimeStampError("the certificate that the stamp is signed with does not lie in it")
    try:
        usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except x509.ExtensionNotFound:
        usage = None
    if usage is None or not usage.critical or list(usage.value) != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise TimeStampError("the certificate that the stamp is signed with is not one for time stamps alone")
    return certificate


def _certificates_in_order(answer: bytes) -> bytes:
    """Return an answer with the set of its certificates sorted as DER wants it (X.690, 11.6).

    OpenSSL writes them in the order of its settings; no signature covers that order, and the parser insists on it.
    """
    try:
        token = _parts(answer, *_parts(answer, 0, len(answer))[0][1:])[1]  # TimeStampResp: status, token
        wrapped = _parts(answer, *token[1:])[1]  # ContentInfo: type, [0] content
        signed = _parts(answer, *wrapped[1:])[0]
        start, end = next(
            (start, end) for tag, start, end in _parts(answer, *signed[1:]) if tag == _CERTIFICATES
        )
        ends = [start, *(after for _, _, after in _parts(answer, start, end))]
    except (IndexError, StopIteration, ValueError):
        return answer
    certificates = sorted(answer[begins:after] for begins, after in pairwise(ends))
    return answer[:start] + b"".join(certificates) + answer[end:]


def _parts(der: bytes, start: int, end: int) -> list[tuple[int, int, int]]:
    """Return tag, start and end of the content of each DER value between two places.

    Raises
    ------
    IndexError, ValueError
        If there are none, or one goes further than ``end``.
    """
    parts = []
    while start < end:
        tag, length, start = der[start], der[start + 1], start + 2
        if length & 0x80:
            size = length & 0x7F
            length, start = int.from_bytes(der[start : start + size], "big"), start + size
        if start + length > end:
            raise ValueError("a value goes further than what holds it")
        parts.append((tag, start, start + length))
        start += length
    return parts
