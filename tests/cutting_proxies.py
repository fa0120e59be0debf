"""A line between two mail servers that breaks where a test wants it to, once; then it passes everything."""

from __future__ import annotations

import re
import select
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import Enum

_GO_AHEAD = re.compile(rb"(?m)^354[ \r]")


class CutAt(Enum):
    """Where the line breaks."""

    CONTENT = "in the middle of the content"
    REPLY = "after the content, before its reply"
    NEVER = "never"


@dataclass
class Line:
    """A line that was laid on a port of loopback.

    Parameters
    ----------
    cuts : how often it has broken.
    """

    port: int
    to_port: int
    cut_at: CutAt
    cuts: int = 0
    threads: list[threading.Thread] = field(default_factory=list)


@contextmanager
def cut_line(to_port: int, cut_at: CutAt, port: int = 0) -> Iterator[Line]:
    """Lay a line to a mail server; port 0: on a free port."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        line = Line(listener.getsockname()[1], to_port, cut_at)
        over = threading.Event()
        thread = threading.Thread(target=_serve, args=(listener, line, over), daemon=True)
        thread.start()
        try:
            yield line
        finally:
            over.set()
            for each in (thread, *line.threads):
                each.join(10)


def _serve(listener: socket.socket, line: Line, over: threading.Event) -> None:
    listener.settimeout(0.1)
    while not over.is_set():
        try:
            client, _ = listener.accept()
        except TimeoutError:
            continue
        each = threading.Thread(target=_pass_on, args=(client, line, over), daemon=True)
        line.threads.append(each)
        each.start()


def _pass_on(client: socket.socket, line: Line, over: threading.Event) -> None:
    with client, suppress(OSError), socket.create_connection(("127.0.0.1", line.to_port)) as server:
        content: bytes | None = None
        while not over.is_set():
            ready, _, _ = select.select([client, server], [], [], 0.1)
            for end in ready:
                received = end.recv(65536)
                if not received:
                    return
                cuts = line.cut_at is not CutAt.NEVER and line.cuts == 0
                if end is server:
                    if content is not None and b"\r\n.\r\n" in content and cuts:
                        line.cuts += 1  # the server has taken it over, and nobody hears of it
                        return
                    client.sendall(received)
                    content = b"" if _GO_AHEAD.search(received) else None
                    continue
                content = content + received if content is not None else None
                if content and line.cut_at is CutAt.CONTENT and cuts:
                    server.sendall(received[: len(received) // 2])
                    line.cuts += 1
                    return
                server.sendall(received)
