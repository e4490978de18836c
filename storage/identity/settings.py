"""What has to be known to ask a provider of OpenID Connect."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderSettings:
    """One provider. ``secret`` is None for a client that has none and stands on PKCE alone.

    ``hosts`` are where its endpoints may be beside the issuer's own host: nothing else is ever asked.
    """

    issuer: str
    client_id: str
    secret: str | None = field(default=None, repr=False)
    name: str
    scopes: str = "openid profile"
    groups_claim: str = "groups"
    hosts: frozenset[str] = frozenset()
    ca_bundle: Path | None = None
    timeout_s: float = 5.0

    @property
    def origin_hosts(self) -> frozenset[str]:
        """Host, with its port where it has one, of every address that may be asked."""
        return self.hosts | {urlsplit(self.issuer).netloc.lower()}

    @property
    def secure(self) -> bool:
        """Whether it is asked over TLS; only a provider on this machine may be without."""
        return self.issuer.startswith("https://")
