"""A served vault under attack: the real process, a client that is signed in, and a look at all that it keeps.

``Attacked.require_whole`` is the other half of every test: nothing acknowledged is lost, nothing is there by halves.
"""

from __future__ import annotations

import base64
import hashlib
import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from storage.catalogue.database import SqlCatalogue, open_catalogue
from storage.objects.s3 import S3Store
from storage.objects.settings import S3Settings
from tests.support.lines import Line
from tests.support.server import Server, free_port
from tests.support.store import start_embedded

SETTLED_WITHIN_S = 120.0  # upkeep comes round every 15 s


def said(**values: object) -> str:
    """The metadata header of a raw upload."""
    metadata = {"class": "contract", "file_name": "file.bin", **values}
    return base64.urlsafe_b64encode(json.dumps(metadata).encode()).decode().rstrip("=")


def outside(store: S3Settings, *, port: int | None = None) -> dict[str, str]:
    """The environment of a server whose store runs already, at another port where one is named."""
    endpoint = store.endpoint_url if port is None else f"http://127.0.0.1:{port}"
    return {
        "STRONGROOM_S3_ENDPOINT": endpoint,
        "STRONGROOM_S3_BUCKET": store.bucket,
        "STRONGROOM_S3_REGION": store.region,
        "STRONGROOM_S3_ACCESS_KEY": store.access_key,
        "STRONGROOM_S3_SECRET_KEY": store.secret_key,
    }


@dataclass(slots=True, kw_only=True)
class Attacked:
    """See the module. ``kept`` holds the digest of everything that was acknowledged, by record."""

    server: Server
    token: str
    client: httpx.Client
    store: S3Store
    catalogue: SqlCatalogue
    kept: dict[str, str] = field(default_factory=dict)

    @property
    def port(self) -> int:
        """Where the pages are."""
        return self.server.port

    def line(self, *, patience_s: float = 60.0) -> Line:
        """A connection of one's own."""
        return Line(self.port, patience_s=patience_s)

    def head(self, *lines: str, path: str = "/api/v1/records", **values: object) -> str:
        """The head of a raw upload, by somebody signed in, with more lines."""
        first = f"POST {path} HTTP/1.1\nHost: 127.0.0.1\nAuthorization: Bearer {self.token}\n"
        return first + f"Strongroom-Metadata: {said(**values)}\n" + "".join(f"{line}\n" for line in lines) + "\n"

    def send(self, content: Any, *, key: str | None = None, **values: object) -> httpx.Response:
        """Sends a file; what is acknowledged is remembered."""
        headers = {"Strongroom-Metadata": said(**values)}
        if key is not None:
            headers["Idempotency-Key"] = key
        answer = self.client.post("/api/v1/records", content=content, headers=headers)
        if answer.status_code in (200, 201):
            self.keep(answer.json())
        return answer

    def keep(self, receipt: dict[str, Any]) -> str:
        """Remembers an acknowledgement; gives the record's id."""
        self.kept[receipt["id"]] = receipt["sha256"]
        return str(receipt["id"])

    def open(self, record_id: str, **headers: str) -> httpx.Response:
        """A record's bytes."""
        return self.client.get(
            f"/api/v1/records/{record_id}/content", params={"purpose": "business"}, headers=dict(headers)
        )

    def link(self, record_id: str, **terms: object) -> tuple[str, str]:
        """A new link's path on this site, and its id."""
        answer = self.client.post(f"/api/v1/records/{record_id}/links", json=terms)
        assert answer.status_code == 201, answer.text
        return httpx.URL(answer.json()["url"]).path, str(answer.json()["id"])

    def uses_taken(self, link_id: str) -> int:
        """How many uses of a link are taken."""
        before, found = None, None
        while found is None:
            page = self.client.get("/api/v1/links", params={"limit": 200, **({"before": before} if before else {})})
            links, before = page.json()["links"], page.json()["next"]
            found = next((int(link["uses_taken"]) for link in links if link["id"] == link_id), None)
            assert found is not None or before is not None, "no such link"
        return found

    def records(self) -> int:
        """How many records there are."""
        with self.catalogue.read() as tx:
            return tx.records.count()

    def require_settled(self) -> None:
        """Nothing is under way or by halves, in the catalogue or in the store; waits for what is being given up."""
        give_up_at = time.monotonic() + SETTLED_WITHIN_S
        while True:
            with self.catalogue.read() as tx:
                unsettled = list(tx.intents.unsettled())
            pending = list(self.store.pending_uploads())
            if not unsettled and not pending:
                return
            assert time.monotonic() < give_up_at, (unsettled, pending)
            time.sleep(0.1)

    def require_whole(self) -> None:
        """Every acknowledged record opens to its bytes, there is no other, and nothing is left by halves."""
        self.require_settled()
        assert self.records() == len(self.kept)
        for record_id, digest in self.kept.items():
            answer = self.open(record_id)
            assert answer.status_code == 200, answer.text
            assert hashlib.sha256(answer.content).hexdigest() == digest

    def require_quiet_log(self) -> None:
        """Nothing that nobody expected was logged."""
        log = self.server.log.read_text(errors="replace")
        for sign in ("Traceback", '"event": "unexpected"', "never retrieved", '"status": 500'):
            assert sign not in log, log[max(0, log.index(sign) - 1500) : log.index(sign) + 1500]


@contextmanager
def attacked(home: Path, *, store: S3Settings | None = None, **environment: str) -> Iterator[Attacked]:
    """A served vault with its first administrator, over the embedded store, or over one that runs already.

    ``store`` is what the looking side sees; what the server sees is in the environment.
    """
    server = Server(home=home, port=free_port(), environment=environment)
    with ExitStack() as stack:
        stack.callback(server.stop, 15)
        server.start()
        token = server.sign_up()
        client = httpx.Client(
            base_url=server.url, headers={"Authorization": f"Bearer {token}"}, timeout=120, trust_env=False
        )
        stack.enter_context(client)
        if store is None:
            embedded, seen = start_embedded(home / "store")
            stack.callback(embedded.stop)
        else:
            seen = S3Store(store)
        stack.enter_context(closing(seen))
        url = environment.get("STRONGROOM_CATALOGUE_URL", f"sqlite:///{home / 'catalogue.sqlite'}")
        catalogue = stack.enter_context(closing(open_catalogue(url)))
        yield Attacked(server=server, token=token, client=client, store=seen, catalogue=catalogue)
