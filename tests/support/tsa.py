"""A time stamping authority of one's own: `openssl ts` behind a small server on the loopback interface.

with time_stamping_authority(folder) as authority:
    authority.url, authority.roots      # where it is asked, and the root that its certificate leads to
    authority.away = True               # it answers 503
"""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_CONFIG = """
[tsa]
default_tsa = one
[one]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
clock_precision_digits = 3
ordering = no
tsa_name = yes
ess_cert_id_chain = no
ess_cert_id_alg = sha256
"""


@dataclass
class TimeStampingAuthority:
    """See the module."""

    folder: Path
    url: str = ""
    away: bool = False
    wrong: bool = False
    """It answers with the stamp that it gave first, whatever it is asked."""
    asked: int = 0
    first: bytes = b""

    @property
    def roots(self) -> Path:
        """The root that its certificate leads to."""
        return self.folder / "root.pem"

    def reply(self, query: bytes) -> bytes:
        """What `openssl ts` answers."""
        asked = self.folder / f"query-{threading.get_ident()}"
        answered = asked.with_suffix(".tsr")
        asked.write_bytes(query)
        config = self.folder / "tsa.cnf"
        subprocess.run(
            ["openssl", "ts", "-reply", "-config", config, "-queryfile", asked, "-out", answered],
            check=True,
            capture_output=True,
            timeout=30,
        )
        return answered.read_bytes()


@contextmanager
def time_stamping_authority(folder: Path) -> Iterator[TimeStampingAuthority]:
    """An authority with keys and a root of its own."""
    folder.mkdir(parents=True)
    _make_keys(folder)
    (folder / "serial").write_text("01\n")
    (folder / "tsa.cnf").write_text(_CONFIG.format(folder=folder))
    authority = TimeStampingAuthority(folder)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            authority.asked += 1
            query = self.rfile.read(int(self.headers["Content-Length"]))
            if authority.away:
                self.send_error(503)
                return
            body = authority.first if authority.wrong else authority.reply(query)
            authority.first = authority.first or body
            self.send_response(200)
            self.send_header("Content-Type", "application/timestamp-reply")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *told: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    authority.url = f"http://127.0.0.1:{server.server_port}/tsr"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield authority
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _make_keys(folder: Path) -> None:
    now = datetime.now(UTC)
    root_key, key = (rsa.generate_private_key(public_exponent=65537, key_size=2048) for _ in range(2))
    root_name, name = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, each)]) for each in ("A root", "A stamper"))

    def certificate(subject: x509.Name, public: rsa.RSAPublicKey) -> x509.CertificateBuilder:
        builder = x509.CertificateBuilder(subject_name=subject, issuer_name=root_name, public_key=public)
        builder = builder.serial_number(x509.random_serial_number())
        return builder.not_valid_before(now - timedelta(days=1)).not_valid_after(now + timedelta(days=30))

    root = certificate(root_name, root_key.public_key()).add_extension(x509.BasicConstraints(True, None), critical=True)
    stamper = certificate(name, key.public_key())
    stamper = stamper.add_extension(x509.BasicConstraints(False, None), critical=True)
    stamper = stamper.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
    for file, made in (("root.pem", root), ("tsa.pem", stamper)):
        signed = made.sign(root_key, hashes.SHA256())
        (folder / file).write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    (folder / "tsa.key").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
