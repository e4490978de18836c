"""A program that holds the API to its word: every answer is one that the description names, in the shape it gives."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import httpx

from tests.web.visitors import LOGIN, PASSWORD

KINDS = {"string": str, "integer": int, "boolean": bool, "array": list, "object": dict, "null": type(None)}


def fits(value: Any, schema: dict[str, Any], schemas: dict[str, Any]) -> bool:
    """Whether a value has the shape: types, choices, required names, and no name beyond those described."""
    if "$ref" in schema:
        return fits(value, schemas[schema["$ref"].rpartition("/")[2]], schemas)
    if "anyOf" in schema:
        return any(fits(value, each, schemas) for each in schema["anyOf"])
    named = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    if not isinstance(value, tuple(KINDS[name] for name in named)) or value not in schema.get("enum", [value]):
        return False
    if isinstance(value, list):
        return all(fits(each, schema["items"], schemas) for each in value)
    if isinstance(value, dict) and "properties" in schema:
        described = schema["properties"]
        return set(schema.get("required", [])) <= set(value) <= set(described) and all(
            fits(each, described[name], schemas) for name, each in value.items()
        )
    return True


def operation_of(description: dict[str, Any], answer: httpx.Response) -> dict[str, Any]:
    """What the description says of the request that was answered."""
    path, method = answer.request.url.path, answer.request.method.lower()
    found = [
        (each.count("{"), operations[method])
        for each, operations in description["paths"].items()
        if method in operations and re.fullmatch(re.sub(r"{\w+}", "[^/]+", each), path)
    ]
    assert found, path
    operation: dict[str, Any] = min(found, key=lambda each: each[0])[1]
    return operation


def require_described(description: dict[str, Any], answer: httpx.Response) -> None:
    """Fails unless the answer is one that the description names."""
    told = operation_of(description, answer)["responses"]
    status = str(answer.status_code)
    assert status in told, (answer.request.method, answer.request.url.path, status, answer.text)
    if "content" in told[status]:
        kind = answer.headers["content-type"]
        assert kind in told[status]["content"], (answer.request.url.path, kind)
        schema = told[status]["content"][kind]["schema"]
        if kind.endswith("json"):
            assert fits(answer.json(), schema, description["components"]["schemas"]), answer.text
    else:
        assert answer.content == b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """Somebody's program, signed in by a session, or with whatever token the client carries."""

    client: httpx.Client
    description: dict[str, Any]

    def ask(self, method: str, path: str, status: int, **options: Any) -> Any:
        """Asks below ``/api/v1``; gives what was answered, as JSON where it is JSON."""
        answer = self.client.request(method, f"/api/v1{path}", **options)
        assert answer.status_code == status, (method, path, answer.status_code, answer.text)
        require_described(self.description, answer)
        return answer.json() if answer.headers.get("content-type", "").endswith("json") else answer

    def get(self, path: str, status: int = 200, /, **params: Any) -> Any:
        return self.ask("GET", path, status, params=params)

    def post(self, path: str, status: int = 201, /, **body: Any) -> Any:
        return self.ask("POST", path, status, json=body)

    def step(self, path: str, status: int = 200, /, **headers: str) -> Any:
        """A POST without a body."""
        return self.ask("POST", path, status, headers=headers)

    def delete(self, path: str, status: int = 204) -> Any:
        return self.ask("DELETE", path, status)


def program_of(client: httpx.Client, login: str = LOGIN, password: str = PASSWORD) -> Program:
    """The program of somebody who signs in."""
    description = client.get("/api/v1/openapi.json").json()
    program = Program(client=client, description=description)
    client.headers["Authorization"] = f"Bearer {program.post('/sessions', login=login, password=password)['token']}"
    return program
