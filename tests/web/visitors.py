"""What visitors do again and again: sign in, send a file, read a form's token."""

from __future__ import annotations

import base64
import html
import json
import re
import socket
from dataclasses import dataclass
from typing import Any

import httpx

LOGIN, PASSWORD = "zhang", "a sentence is easy to remember"


@dataclass(frozen=True, slots=True, kw_only=True)
class Staff:
    """Somebody signed in with a browser."""

    client: httpx.Client
    csrf_token: str
    password: str = PASSWORD

    def send(self, path: str, **fields: str) -> httpx.Response:
        """Sends a form of ours."""
        return self.client.post(path, data={"csrf_token": self.csrf_token, **fields})

    def post(self, path: str, **fields: str) -> httpx.Response:
        """Sends a form of ours; where a proof is asked for, because the last one is old, it is given and it goes on."""
        answer = self.send(path, **fields)
        if answer.status_code != 403 or 'name="step_up_password"' not in answer.text:
            return answer
        return self.client.post(path, data={**fields_of(answer, path), "step_up_password": self.password})


def form_token(page: httpx.Response) -> str:
    """The form token in a page."""
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def fields_of(page: httpx.Response, action: str) -> dict[str, str]:
    """What the form that leads to a path carries without anybody typing."""
    assert f'action="{action}"' in page.text, page.text
    form = page.text[page.text.index(f'action="{action}"') :]
    found = re.findall(r'<input type="hidden" name="([\w-]+)" value="([^"]*)"', form[: form.index("</form>")])
    return {name: html.unescape(value) for name, value in found}


def sign_in(client: httpx.Client, login: str = LOGIN, password: str = PASSWORD) -> Staff:
    """Signs the administrator in, or somebody else."""
    answer = client.post("/sign-in", data={"login": login, "password": password})
    assert answer.status_code == 303, answer.text
    return Staff(client=client, csrf_token=form_token(client.get("/permissions")), password=password)


def metadata(**values: object) -> str:
    """The metadata header of an upload."""
    said = {"class": "contract", "file_name": "file.bin", **values}
    return base64.urlsafe_b64encode(json.dumps(said).encode()).decode().rstrip("=")


def store(
    client: httpx.Client, content: Any, *, key: str | None = None, headers: dict[str, str] | None = None, **values: Any
) -> httpx.Response:
    """Sends a raw upload."""
    sent = {"Strongroom-Metadata": metadata(**values), **(headers or {})}
    if key is not None:
        sent["Idempotency-Key"] = key
    return client.post("/api/v1/records", content=content, headers=sent)


def stored_id(client: httpx.Client, content: bytes, **values: Any) -> str:
    """Stores bytes and gives the record's id."""
    answer = store(client, content, **values)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


def opened(client: httpx.Client, record_id: str, **headers: str) -> httpx.Response:
    """A record's bytes."""
    path = f"/api/v1/records/{record_id}/content"
    return client.get(
        path, params={"purpose": "business"}, headers={name.replace("_", "-"): v for name, v in headers.items()}
    )


def exchange(port: int, head: str, *bodies: bytes, patience_s: float = 10.0) -> bytes:
    """Says exactly these bytes to the server and gives all that it answers."""
    with socket.create_connection(("127.0.0.1", port), timeout=patience_s) as line:
        line.sendall(head.replace("\n", "\r\n").encode())
        for body in bodies:
            line.sendall(body)
        answer = b""
        while chunk := line.recv(65536):
            answer += chunk
        return answer
