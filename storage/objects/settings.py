"""Where an S3 endpoint is and as whom it is spoken to."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

from vault.errors import SettingsWrong


@dataclass(frozen=True, slots=True, kw_only=True)
class S3Settings:
    """One bucket of an S3 server, seen with one identity's credentials."""

    endpoint_url: str
    bucket: str
    access_key: str
    secret_key: str = field(repr=False)
    region: str = "us-east-1"
    path_style: bool = True
    ca_bundle: Path | None = None
    data_folder: Path | None = None  # where the server keeps its bytes, if that is on this machine
    connections: int = 32
    connect_timeout_s: float = 5.0
    read_timeout_s: float = 60.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.endpoint_url)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path not in ("", "/") or parts.query:
            raise SettingsWrong(f"{self.endpoint_url} is not an S3 endpoint; write it like https://s3.example.org")

    @property
    def secure(self) -> bool:
        """Whether the endpoint is spoken to by TLS."""
        return self.endpoint_url.startswith("https:")

    @property
    def host(self) -> str:
        """Host and, where it is not the scheme's own, port."""
        return urlsplit(self.endpoint_url).netloc

    @property
    def bucket_host(self) -> str:
        """The host that requests for the bucket go to."""
        return self.host if self.path_style else f"{self.bucket}.{self.host}"
