"""What the SeaweedFS server is told: its ports, identities, keys and command line, per home.

Rule 1: everything the server reads is written anew at every start from what is kept here; options that the server
saved itself are never trusted, and its environment is empty but for HOME and PATH (a stray ``AWS_ACCESS_KEY_ID`` would
become an administrator).
Rule 2: secrets live in files of mode 0600 inside a folder of mode 0700 and never on a command line.
Rule 3: every port is on 127.0.0.1.
The reason for each setting is in README.md, by number.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import secrets
import socket
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

LOOPBACK = "127.0.0.1"
BUCKET = "strongroom"
REGION = "us-east-1"
PORT_NAMES = ("master", "master_grpc", "volume", "volume_grpc", "filer", "filer_grpc", "s3", "s3_grpc")
FIRST_PORT, LAST_PORT = 20000, 31999  # below the range that outgoing connections take their ports from

APPLICATION_OBJECT_ACTIONS = (
    "s3:GetObject",
    "s3:GetObjectVersion",
    "s3:PutObject",
    "s3:AbortMultipartUpload",
    "s3:ListMultipartUploadParts",
    "s3:GetObjectRetention",
    "s3:PutObjectRetention",
    "s3:GetObjectLegalHold",
    "s3:PutObjectLegalHold",
    "s3:DeleteObjectVersion",
)
APPLICATION_BUCKET_ACTIONS = (
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:ListBucketMultipartUploads",
    "s3:GetBucketLocation",
    "s3:GetBucketVersioning",
    "s3:GetBucketObjectLockConfiguration",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """One S3 identity's key pair."""

    access_key: str
    secret_key: str = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Everything secret that a home's server knows."""

    application: Credentials
    operator: Credentials
    signing: Mapping[str, str] = field(repr=False)


def application_policy(bucket: str) -> dict[str, object]:
    """What the application may do, as an IAM policy: write, read, list, lock longer, hold, delete what is unlocked.

    Not in it, and so refused: ``s3:BypassGovernanceRetention``, every setting of a bucket, making and removing buckets,
    and ``s3:DeleteObject`` (a delete marker is not destruction).
    """
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": list(APPLICATION_OBJECT_ACTIONS),
                "Resource": [f"arn:aws:s3:::{bucket}/*"],
            },
            {
                "Effect": "Allow",
                "Action": list(APPLICATION_BUCKET_ACTIONS),
                "Resource": [f"arn:aws:s3:::{bucket}"],
            },
        ],
    }


def write_private(path: Path, text: str) -> None:
    """Replaces a file atomically; nobody but its owner may ever read it."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def load_keys(home: Path) -> Keys:
    """The home's keys, made and kept at the first call."""
    path = home / "keys.json"
    if not path.exists():
        made = {
            "application": {"access_key": secrets.token_hex(10), "secret_key": secrets.token_urlsafe(30)},
            "operator": {"access_key": secrets.token_hex(10), "secret_key": secrets.token_urlsafe(30)},
            "signing": {
                section: secrets.token_urlsafe(32)
                for section in ("jwt.signing", "jwt.signing.read", "jwt.filer_signing", "jwt.filer_signing.read")
            },
        }
        write_private(path, json.dumps(made, indent=1))
    kept = json.loads(path.read_text(encoding="utf-8"))
    return Keys(
        application=Credentials(**kept["application"]),
        operator=Credentials(**kept["operator"]),
        signing=kept["signing"],
    )


def is_free(port: int) -> bool:
    """Whether nobody listens on this port of the loopback interface."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def choose_ports(home: Path) -> dict[str, int]:
    """The home's ports: those remembered where they are free, others where somebody else has taken them."""
    path = home / "ports.json"
    remembered: dict[str, int] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    chosen: dict[str, int] = {}
    for name in PORT_NAMES:
        port = remembered.get(name, 0)
        while port in chosen.values() or not FIRST_PORT <= port <= LAST_PORT or not is_free(port):
            port = FIRST_PORT + secrets.randbelow(LAST_PORT - FIRST_PORT + 1)
        chosen[name] = port
    if chosen != remembered:
        write_private(path, json.dumps(chosen, indent=1))
    return chosen


def write_certificates(folder: Path) -> None:
    """An authority and one certificate for mutual TLS between the server's parts; the authority's key is not kept."""
    if (folder / "node.key").exists():
        return
    authority_key, node_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    authority_name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Strongroom embedded store")])

    def certificate(subject: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(authority_name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
            .not_valid_after(dt.datetime(2120, 1, 1, tzinfo=dt.UTC))
        )

    authority = certificate(authority_name, authority_key).add_extension(
        x509.BasicConstraints(ca=True, path_length=0), critical=True
    )
    node = certificate(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "node")]), node_key).add_extension(
        x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
    )
    pem = serialization.Encoding.PEM
    for name, builder in (("ca.pem", authority), ("node.pem", node)):
        signed = builder.sign(authority_key, hashes.SHA256())
        write_private(folder / name, signed.public_bytes(pem).decode())
    unencrypted = node_key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    write_private(folder / "node.key", unencrypted.decode())


def write_configuration(home: Path, keys: Keys) -> None:
    """Writes every file that the server reads. Paths in them are relative to the home, the server's working folder."""
    for folder in (home, home / "data", home / "master", home / "filer", home / "tls"):
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
    for stray in home.glob("weed.*"):  # a log that the server begins besides its own at every start, and leaves empty
        stray.unlink()
    write_certificates(home / "tls")
    security = [
        "[cors.allowed_origins]",
        f'values = "http://{LOOPBACK}"',
        "[access]",
        "ui = false",
        "[filer.expose_directory_metadata]",
        "enabled = false",
    ]
    for section, key in keys.signing.items():
        security += [f"[{section}]", f'key = "{key}"']
    security += ["[grpc]", 'ca = "tls/ca.pem"']
    for part in ("master", "volume", "filer", "s3", "client"):
        security += [f"[grpc.{part}]", 'cert = "tls/node.pem"', 'key = "tls/node.key"']
    write_private(home / "security.toml", "\n".join(security) + "\n")
    write_private(
        home / "filer.toml",
        '[filer.options]\nrecursive_delete = false\n[leveldb2]\nenabled = true\ndir = "./filer"\n',
    )
    write_private(home / "credential.toml", "[credential.memory]\nenabled = true\n")
    policy = json.dumps(application_policy(BUCKET))
    identities = {
        "identities": [
            _identity("application", keys.application) | {"policyNames": ["application"]},
            _identity("operator", keys.operator) | {"actions": ["Admin"]},
        ],
        "policies": [{"name": "application", "content": policy}],
    }
    write_private(home / "s3.json", json.dumps(identities, indent=1))


def _identity(name: str, credentials: Credentials) -> dict[str, object]:
    pair = {"accessKey": credentials.access_key, "secretKey": credentials.secret_key}
    return {"name": name, "credentials": [pair]}


def command_line(weed: str, ports: Mapping[str, int]) -> list[str]:
    """The server's whole command line; the numbers are those of README.md."""
    return [
        weed,
        "-logtostderr=true",
        "-v=0",
        "server",
        "-options=/dev/null",
        f"-ip={LOOPBACK}",  # 1
        f"-ip.bind={LOOPBACK}",
        f"-s3.ip.bind={LOOPBACK}",
        "-disableHttp=true",  # 2
        "-filer.disableHttp=true",
        "-filer.exposeDirectoryData=false",
        "-filer.disableDirListing=true",
        "-filer.ui.deleteDir=false",
        "-master=true",
        "-volume=true",
        "-filer=true",
        "-s3=true",
        "-iam=false",  # 3
        "-webdav=false",
        "-sftp=false",
        "-mq.broker=false",
        "-mq.agent=false",
        "-s3.iam=false",
        "-s3.port.iceberg=0",
        "-s3.port.lance=0",
        "-metricsPort=0",
        "-volume.pprof=false",
        "-debug=false",
        "-master.telemetry=false",  # 4
        "-master.telemetry.url=",
        "-s3.config=s3.json",  # 5
        "-s3.allowDeleteBucketNotEmpty=false",  # 6
        "-s3.autoCreateBucket=false",
        "-dir=data",
        "-master.dir=master",
        "-master.volumeSizeLimitMB=1024",  # 8
        "-master.volumePreallocate=false",
        "-master.defaultReplication=000",
        "-master.resumeState=true",
        "-master.peers=none",  # 11
        "-master.electionTimeout=100ms",
        "-master.heartbeatInterval=20ms",
        "-volume.max=20000",
        "-volume.minFreeSpace=256MiB",  # 9
        "-volume.index=memory",
        "-volume.preStopSeconds=0",
        "-filer.localSocket=filer.sock",
        "-s3.localSocket=s3.sock",
        f"-master.port={ports['master']}",
        f"-master.port.grpc={ports['master_grpc']}",
        f"-volume.port={ports['volume']}",
        f"-volume.port.public={ports['volume']}",
        f"-volume.port.grpc={ports['volume_grpc']}",
        f"-filer.port={ports['filer']}",
        f"-filer.port.grpc={ports['filer_grpc']}",
        f"-s3.port={ports['s3']}",
        f"-s3.port.grpc={ports['s3_grpc']}",
    ]


def environment(home: Path) -> dict[str, str]:
    """The server's whole environment."""
    return {"HOME": str(home), "PATH": os.defpath, "TMPDIR": str(home)}


def local_sockets(ports: Mapping[str, int]) -> list[str]:
    """The Unix sockets that the server's parts listen on besides; their folder is fixed in the server."""
    parts = ("master", "volume", "filer", "s3")
    return [f"/tmp/seaweedfs-{part}-grpc-{ports[part + '_grpc']}.sock" for part in parts]  # noqa: S108 - README.md 1
