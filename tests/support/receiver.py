"""A receiver of webhooks on the loopback interface: a real HTTP server, with a certificate of its own where asked for.

with receiver() as it:
    it.url, it.messages     # what came: (headers in lower case, body)
    it.status = 503         # what it answers from now on
    it.redirect_to = "..."
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


@dataclass
class Receiver:
    """See the module."""

    url: str = ""
    port: int = 0
    status: int = 204
    redirect_to: str = ""
    body: bytes = b""
    messages: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@contextmanager
def receiver(*, certificate: Path | None = None) -> Iterator[Receiver]:
    """A receiver; with a file of key and certificate it talks TLS."""
    it = Receiver()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            it.messages.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(302 if it.redirect_to else it.status)
            if it.redirect_to:
                self.send_header("Location", it.redirect_to)
            if it.status != 204:
                self.send_header("Content-Length", str(len(it.body)))
            self.end_headers()
            if it.status != 204:
                self.wfile.write(it.body)

        def log_message(self, *told: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: object, client_address: object) -> None:
            """A sender that goes away is one of the things tried."""

    server = Server(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    it.port = server.server_port
    it.url = f"{'https' if certificate else 'http'}://127.0.0.1:{it.port}/told"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield it
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def certificate_for(host: str, folder: Path) -> tuple[Path, Path]:
    """(key and certificate of a name, the root that it leads to)."""
    now = datetime.now(UTC)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    builder = x509.CertificateBuilder(subject_name=name, issuer_name=name, public_key=key.public_key())
    builder = builder.serial_number(x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))
    builder = builder.add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    signed = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    both, root = folder / f"{host}.pem", folder / f"{host}-root.pem"
    both.write_bytes(secret + signed)
    root.write_bytes(signed)
    return both, root
