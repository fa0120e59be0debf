"""Mail servers that follow a script: what is said at each stage of the dialogue, or that nothing is."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

CLOSE = b"(close)"
"""In the place of a reply, or after a part of one: close the line."""

SILENCE = b"(silence)"
"""In the place of a reply: say nothing until the client gives up."""

USUAL: Mapping[str, bytes] = {
    "greeting": b"220 mx.acme.example ESMTP\r\n",
    "EHLO": b"250-mx.acme.example\r\n250 DSN\r\n",
    "HELO": b"250 mx.acme.example\r\n",
    "MAIL": b"250 ok\r\n",
    "RCPT": b"250 ok\r\n",
    "DATA": b"354 go ahead\r\n",
    "content": b"250 2.0.0 queued as 4711\r\n",
    "QUIT": b"221 bye\r\n",
}
"""What a server says that does what it should."""


@dataclass
class ScriptedMailServer:
    """A server on loopback; ``contents`` are the contents that it read to their end."""

    host: str
    port: int
    script: Mapping[str, bytes]
    contents: list[bytes] = field(default_factory=list)


@contextmanager
def scripted_server(script: Mapping[str, bytes], port: int = 0) -> Iterator[ScriptedMailServer]:
    """Run a server; ``script`` says what differs from :data:`USUAL`; port 0: a free one."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        host, port = listener.getsockname()
        server = ScriptedMailServer(host, port, {**USUAL, **script})
        over = threading.Event()
        thread = threading.Thread(target=_serve, args=(listener, server, over), daemon=True)
        thread.start()
        try:
            yield server
        finally:
            over.set()
            with socket.socket() as last:  # wakes the listener
                last.connect((host, port))
            thread.join(10)


def _serve(listener: socket.socket, server: ScriptedMailServer, over: threading.Event) -> None:
    while not over.is_set():
        line, _ = listener.accept()
        with line:
            line.settimeout(10)
            try:
                _converse(line, server, over)
            except OSError:
                continue


def _converse(line: socket.socket, server: ScriptedMailServer, over: threading.Event) -> None:
    reader = line.makefile("rb")
    if over.is_set() or not _said(line, server.script["greeting"], over):
        return
    while command := reader.readline():
        word = command[:4].decode("ascii", "replace").upper()
        if not _said(line, server.script.get(word, b"502 what?\r\n"), over):
            return
        if word == "DATA" and server.script["DATA"].startswith(b"354"):
            if server.script["content"] == CLOSE + b" early":
                reader.read(100)
                return
            content = b""
            while (row := reader.readline()) not in (b".\r\n", b""):
                content += row
            if not row:
                return
            server.contents.append(content)
            if not _said(line, server.script["content"], over):
                return


def _said(line: socket.socket, reply: bytes, over: threading.Event) -> bool:
    """Give a reply; whether the dialogue goes on."""
    if reply == SILENCE:
        over.wait(5)
        return False
    if reply == CLOSE:
        return False
    line.sendall(reply.removesuffix(CLOSE))
    return not reply.endswith(CLOSE)
