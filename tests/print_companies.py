"""A company that prints and posts letters, as an HTTP server on this machine: it takes, refuses, fails, or hangs up."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class PrintCompany:
    """What it was asked, what it took, and how it answers next.

    Parameters
    ----------
    next_answers : statuses of the next posts, in order; ``hang_up``: takes the letter and closes the line,
        ``other``: takes it and names another digest. None left: it takes letters.
    events : key of a letter → its events.
    """

    url: str = ""
    next_answers: list[int | str] = field(default_factory=list)
    letters: dict[str, dict[str, Any]] = field(default_factory=dict)
    printed: list[str] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    events: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def take(self, key: str, letter: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        """Take a letter under its key: the same key is one letter, and never another one."""
        if key in self.letters and self.letters[key] != letter:
            return 409, {"error": "the key is another letter's"}
        if key not in self.letters:
            self.letters[key] = letter
            self.printed.append(key)
        return 201, {"id": key, "sha256": letter["sha256"]}


@contextmanager
def print_company() -> Iterator[PrintCompany]:
    """Run a company on a port of this machine."""
    company = PrintCompany()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            company.tokens.append(self.headers.get("Authorization"))
            letter = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = company.next_answers.pop(0) if company.next_answers else 0
            if isinstance(answer, int) and answer:
                self._say(answer, {"error": "as told"})
                return
            status, said = company.take(self.headers["Idempotency-Key"], letter)
            if answer == "hang_up":
                self.close_connection = True
                return
            self._say(status, {**said, "sha256": "0" * 64} if answer == "other" else said)

        def do_GET(self) -> None:
            key = self.path.split("/")[-2]
            if key in company.events:
                self._say(200, company.events[key])
            else:
                self._say(404, {"error": "no such letter"})

        def _say(self, status: int, document: Any) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    company.url = f"http://127.0.0.1:{server.server_port}/v1"
    try:
        yield company
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
