"""A time stamp authority on loopback: ``openssl ts`` behind a small HTTP server."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

SETTINGS = """[tsa]
default_tsa = one
[one]
serial = {folder}/serial
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
{certs}
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
"""
_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


@dataclass
class Authority:
    """An authority whose certificates lie in a folder.

    Parameters
    ----------
    answer : makes the answer out of the query; replaced by tests that want another one.
    with_root : whether the root lies in each answer.
    """

    folder: Path
    url: str = ""
    answer: Callable[[bytes], bytes] | None = None
    content_type: str = "application/timestamp-reply"
    status: int = 200
    with_root: bool = True

    @property
    def roots(self) -> Path:
        """PEM file of its root."""
        return self.folder / "root.pem"

    def stamped(self, query: bytes) -> bytes:
        """Return what ``openssl ts`` answers."""
        (self.folder / "query.tsq").write_bytes(query)
        settings = self.folder / "tsa.cnf"
        certs = f"certs = {self.roots}" if self.with_root else ""
        settings.write_text(SETTINGS.format(folder=self.folder, certs=certs))
        out = self.folder / "answer.tsr"
        _openssl("ts", "-reply", "-config", settings, "-queryfile", self.folder / "query.tsq", "-out", out)
        return out.read_bytes()


def make_authority(
    folder: Path, *, usage: str = "critical,timeStamping", name: str = "Test TSA"
) -> Authority:
    """Make a root and a certificate for time stamps (or of another ``usage``)."""
    folder.mkdir(parents=True)
    root, key = folder / "root.pem", folder / "root.key"
    _openssl(
        "req", "-x509", *_KEY, "-keyout", key, "-out", root, "-days", "3650", "-subj", f"/CN={name} root"
    )
    request, extensions = folder / "tsa.csr", folder / "tsa.ext"
    _openssl("req", *_KEY, "-keyout", folder / "tsa.key", "-out", request, "-subj", f"/CN={name}")
    extensions.write_text(f"basicConstraints = CA:FALSE\nextendedKeyUsage = {usage}\n")
    signed = ("-CA", root, "-CAkey", key, "-set_serial", "2", "-days", "3650", "-extfile", extensions)
    _openssl("x509", "-req", "-in", request, *signed, "-out", folder / "tsa.pem")
    (folder / "serial").write_text("01\n")
    return Authority(folder)


@contextmanager
def served(authority: Authority) -> Iterator[Authority]:
    """Serve the authority on loopback while the block runs."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            query = self.rfile.read(int(self.headers["Content-Length"]))
            assert self.headers["Content-Type"] == "application/timestamp-query"
            answer = (authority.answer or authority.stamped)(query)
            self.send_response(authority.status)
            self.send_header("Content-Type", authority.content_type)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    authority.url = f"http://127.0.0.1:{server.server_address[1]}/tsa"
    try:
        yield authority
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
