"""A provider of OpenID Connect on loopback that lies on demand: what attackers, and broken providers, would say.

Told nothing, it is honest: codes count once, for the redirect address and the verifier that they were made with. What
it says is bent by its fields. How a good provider behaves is judged by somebody else's, in the journeys.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from joserfc import jwt
from joserfc.jwk import Key, RSAKey

CLIENT, SECRET = "strongroom", "a secret, of & that = it needs encoding"


@dataclass(slots=True, kw_only=True)
class Code:
    """What a code stands for until it is given back."""

    subject: str
    redirect_uri: str
    challenge: str
    nonce: str


@dataclass(slots=True, kw_only=True)
class BentProvider:
    """``bend`` changes the claims of the next tokens, ``sign`` replaces how they are signed, ``document`` is added to
    the discovery document, ``answers`` are whole answers (status, type, body, location) by path. It hangs while
    ``answering`` is not set, and says a byte now and then while it ``drips``."""

    issuer: str
    key: Key
    published: list[Key]
    groups: dict[str, list[str]] = field(default_factory=dict)
    in_token: bool = True
    bend: Callable[[dict[str, Any]], None] = lambda claims: None
    sign: Callable[[dict[str, Any]], str] | None = None
    document: dict[str, Any] = field(default_factory=dict)
    answers: dict[str, tuple[int, str, bytes, str]] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    access: dict[str, str] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    answering: threading.Event = field(default_factory=threading.Event)
    drips: bool = False

    def authorize(self, address: str, subject: str) -> dict[str, str]:
        """Signs a subject in, as a person at a browser would; gives what the browser brings back."""
        said = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        assert said["response_type"] == "code"
        assert said["code_challenge_method"] == "S256"
        assert said["client_id"] == CLIENT
        code = secrets.token_urlsafe(16)
        self.codes[code] = Code(
            subject=subject,
            redirect_uri=said["redirect_uri"],
            challenge=said["code_challenge"],
            nonce=said["nonce"],
        )
        return {"code": code, "state": said["state"], "iss": self.issuer}

    def token_for(self, code: Code) -> str:
        """The ID token of a code that was given back."""
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": code.subject,
            "aud": CLIENT,
            "nonce": code.nonce,
            "iat": now,
            "exp": now + 300,
            "auth_time": now,
        }
        if self.in_token:
            claims |= self.claims_of(code.subject)
        self.bend(claims)
        if self.sign is not None:
            return self.sign(claims)
        return jwt.encode({"alg": "RS256", "kid": self.key.kid}, claims, self.key)

    def claims_of(self, subject: str) -> dict[str, Any]:
        """What it knows of somebody beside the subject."""
        return {"name": subject.title(), "preferred_username": subject, "groups": self.groups.get(subject, [])}

    def exchange(self, fields: dict[str, str], authorization: str) -> tuple[int, dict[str, Any]]:
        """The token endpoint."""
        # Of CLIENT and SECRET, form-encoded by hand (RFC 6749 section 2.3.1).
        pair = b"strongroom:a+secret%2C+of+%26+that+%3D+it+needs+encoding"
        if authorization != f"Basic {base64.b64encode(pair).decode()}":
            return 401, {"error": "invalid_client"}
        code = self.codes.pop(fields.get("code", ""), None)
        digest = hashlib.sha256(fields.get("code_verifier", "").encode()).digest()
        proved = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if code is None or code.redirect_uri != fields.get("redirect_uri") or code.challenge != proved:
            return 400, {"error": "invalid_grant"}
        access = secrets.token_urlsafe(16)
        self.access[access] = code.subject
        return 200, {"token_type": "Bearer", "access_token": access, "id_token": self.token_for(code)}


def new_key(name: str) -> Key:
    """A key pair of that name."""
    return RSAKey.generate_key(2048, {"kid": name, "use": "sig"})


@contextmanager
def bent_provider() -> Iterator[BentProvider]:
    """A provider, for the duration of the block."""
    key = new_key("first")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer({}, 200)

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            self._answer({name: values[0] for name, values in parse_qs(body).items()}, 200)

        def _answer(self, fields: dict[str, str], status: int) -> None:
            path = urlsplit(self.path).path
            provider.asked.append(path)
            provider.answering.wait(10)
            if path in provider.answers:
                code, media_type, body, location = provider.answers[path]
                self._send(code, body, media_type, location)
                return
            said: dict[str, Any] = {}
            if path == "/.well-known/openid-configuration":
                said = _document(provider)
            elif path == "/jwks":
                said = {"keys": [each.as_dict(private=False) for each in provider.published]}
            elif path == "/token":
                status, said = provider.exchange(fields, self.headers.get("Authorization", ""))
            elif path == "/me":
                subject = provider.access.get(self.headers.get("Authorization", "").removeprefix("Bearer "))
                said = {"sub": subject, **provider.claims_of(subject)} if subject else {}
                status = 200 if subject else 401
            else:
                status = 404
            self._send(status, json.dumps(said).encode(), "application/json", "")

        def _send(self, status: int, body: bytes, media_type: str, location: str) -> None:
            self.send_response(status)
            self.send_header("Content-Type", media_type)
            self.send_header("Content-Length", str(len(body)))
            if location:
                self.send_header("Location", location)
            self.end_headers()
            for piece in (body[at : at + 1] for at in range(len(body))) if provider.drips else (body,):
                try:
                    self.wfile.write(piece)
                except OSError:
                    return  # whoever asked waits no more
                if provider.drips:
                    time.sleep(0.05)

        def log_message(self, format: str, *args: object) -> None:
            """Says nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    provider = BentProvider(issuer=f"http://127.0.0.1:{server.server_port}", key=key, published=[key])
    provider.answering.set()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield provider
    finally:
        provider.answering.set()
        server.shutdown()
        thread.join()
        server.server_close()


def _document(provider: BentProvider) -> dict[str, Any]:
    at = provider.issuer
    return {
        "issuer": at,
        "authorization_endpoint": f"{at}/authorize",
        "token_endpoint": f"{at}/token",
        "jwks_uri": f"{at}/jwks",
        "userinfo_endpoint": f"{at}/me",
        "end_session_endpoint": f"{at}/leave",
        "id_token_signing_alg_values_supported": ["RS256", "HS256", "none"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        **provider.document,
    }
