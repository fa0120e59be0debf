"""An interface over HTTP of a company that prints and posts letters (protocol: docs/notices.md).

``POST {url}/letters`` with an idempotency key hands a letter over; ``GET {url}/letters/{key}/events`` tells what the
carrier has seen of it. The same key is one letter, however often it is posted.
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote, urlsplit

from tenacity import RetryError, Retrying, retry_if_result, stop_after_attempt, wait_exponential_jitter
from tenacity.wait import wait_base

from cjp_fraud.clock import Clock
from cjp_fraud.errors import CjpFraudError
from cjp_fraud.notices.methods.letter import HandedOver, PrintJob
from cjp_fraud.notices.model import Outcome

_REFUSED_FOR_GOOD: Final = frozenset({400, 409, 413, 415, 422})
"""What is wrong with the letter itself; other refusals (a token, an address) are put right in the settings."""
_AGAIN: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
_MOST_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class _Answer:
    """A status and a body; ``status`` None: none came, and ``left`` says whether the request may have left."""

    status: int | None
    body: bytes
    said: str
    left: bool = True


@dataclass(frozen=True, slots=True)
class PrintInterface:
    """The company's interface.

    Parameters
    ----------
    url : of the interface, https, or http on this machine.
    token : sent as bearer token; None: none.
    tries : how often one call is tried.
    wait : how long between two tries.
    """

    url: str
    token: str | None = field(default=None, repr=False)
    timeout_seconds: float = 30.0
    tries: int = 4
    wait: wait_base = field(default_factory=lambda: wait_exponential_jitter(initial=1, max=10), repr=False)

    @property
    def name(self) -> str:
        """The company's host, in a few words."""
        return f"print interface {urlsplit(self.url).netloc}"

    def print(self, job: PrintJob, clock: Clock) -> HandedOver:
        """Post a letter with its key until there is an answer, and say what came of it.

        ``unknown``: it may have been taken; the same bytes go again under the same key.
        """
        said: list[str] = []
        headers = {"Idempotency-Key": job.key}
        answer = self._until_answered("POST", "/letters", _document(job), headers, said)
        outcome, why = _outcome(answer, job, may_have_left="may have been taken" in " ".join(said))
        return HandedOver(outcome, (*said, *why))

    def events(self, key: str) -> Sequence[Mapping[str, Any]]:
        """Return what the carrier has seen of a letter, as the interface tells it.

        Raises
        ------
        CjpFraudError
            If it does not answer, or answers what is no list of events.
        """
        said: list[str] = []
        answer = self._until_answered("GET", f"/letters/{quote(key, safe='')}/events", None, {}, said)
        if answer.status == 404:
            return []
        try:
            found = json.loads(answer.body) if answer.status == 200 else None
        except ValueError:
            found = None
        if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
            raise CjpFraudError(f"{self.name} tells no events of letter {key}: {'; '.join(said)}")
        return found

    def _until_answered(
        self, verb: str, path: str, document: Any, headers: Mapping[str, str], said: list[str]
    ) -> _Answer:
        retrying = Retrying(
            stop=stop_after_attempt(self.tries),
            wait=self.wait,
            retry=retry_if_result(lambda answer: answer.status is None or answer.status in _AGAIN),
        )

        def once() -> _Answer:
            answer = self._call(verb, path, document, headers)
            said.append(answer.said)
            return answer

        try:
            return retrying(once)
        except RetryError as error:
            last: _Answer = error.last_attempt.result()
            return last

    def _call(self, verb: str, path: str, document: Any, headers: Mapping[str, str]) -> _Answer:
        parts = urlsplit(self.url)
        body = json.dumps(document, ensure_ascii=False).encode() if document is not None else None
        given = {"Accept": "application/json", **headers}
        if body is not None:
            given["Content-Type"] = "application/json"
        if self.token is not None:
            given["Authorization"] = f"Bearer {self.token}"
        connection = _connection(parts.scheme, parts.netloc, self.timeout_seconds)
        try:
            connection.connect()
        except OSError as error:
            return _Answer(None, b"", f"{verb} {path}: no connection: {error}", left=False)
        try:
            connection.request(verb, parts.path.rstrip("/") + path, body, given)
            response = connection.getresponse()
            content = response.read(_MOST_BYTES)
        except (OSError, http.client.HTTPException) as error:
            return _Answer(None, b"", f"{verb} {path}: no answer, it may have been taken: {error!r}")
        finally:
            connection.close()
        shown = content.decode("utf-8", "replace").replace("\n", " ")[:500]
        return _Answer(
            response.status, content, f"{verb} {path}: {response.status} {response.reason}: {shown}"
        )


def _connection(scheme: str, netloc: str, timeout: float) -> http.client.HTTPConnection:
    if scheme == "https":
        return http.client.HTTPSConnection(netloc, timeout=timeout, context=ssl.create_default_context())
    return http.client.HTTPConnection(netloc, timeout=timeout)


def _document(job: PrintJob) -> dict[str, Any]:
    return {
        "reference": job.notice_id,
        "class": job.postal_class,
        "address": {"lines": list(job.lines), "country": job.country},
        "pages": job.pages,
        "sha256": job.sha256,
        "pdf": base64.b64encode(job.content).decode(),
    }


def _outcome(answer: _Answer, job: PrintJob, *, may_have_left: bool) -> tuple[Outcome, tuple[str, ...]]:
    """Return what an answer says of a letter; what is not understood is not known."""
    if answer.status is None or answer.status in _AGAIN:
        return (Outcome.UNKNOWN if may_have_left else Outcome.DEFERRED), ()
    if answer.status in _REFUSED_FOR_GOOD:
        return Outcome.FAILED, ()
    if not 200 <= answer.status < 300:
        return Outcome.DEFERRED, ()
    try:
        taken = json.loads(answer.body)
    except ValueError:
        taken = None
    if not isinstance(taken, dict) or taken.get("sha256") != job.sha256:
        return Outcome.UNKNOWN, ("the answer does not name the digest of what was sent",)
    return Outcome.SENT, ()
