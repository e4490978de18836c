"""API tokens, known by their SHA-256 only."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BindParameter,
    CheckConstraint,
    Column,
    ForeignKey,
    LargeBinary,
    Row,
    Table,
    Text,
    bindparam,
    insert,
    select,
    update,
)

from storage.catalogue.metadata import UtcDateTime, metadata
from storage.catalogue.rows import Rows
from vault.ids import PersonId, TokenId
from vault.permissions import Action
from vault.tokens import ApiToken

api_tokens = Table(
    "api_tokens",
    metadata,
    Column("id", Text, primary_key=True),
    Column("token_sha256", LargeBinary, nullable=False, unique=True),
    Column("person_id", Text, ForeignKey("people.id"), nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("scopes", Text, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("expires_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime),
    Column("revoked_at", UtcDateTime),
    CheckConstraint("length(token_sha256) = 32", name="token_sha256"),
    CheckConstraint("length(scopes) > 0", name="scopes"),
    CheckConstraint("expires_at > created_at", name="expires_at"),
)

_its_person: BindParameter[str] = bindparam("its_person")
_ADD = insert(api_tokens)
_BY_DIGEST = select(api_tokens).where(api_tokens.c.token_sha256 == bindparam("its_token"))
_OF_PERSON = (
    select(api_tokens)
    .where(api_tokens.c.person_id == _its_person)
    .order_by(api_tokens.c.created_at.desc(), api_tokens.c.id)
)
_USED = update(api_tokens).where(api_tokens.c.id == bindparam("its_id")).values(last_used_at=bindparam("now"))
_REVOKE_ALL = (
    update(api_tokens)
    .where(api_tokens.c.person_id == _its_person, api_tokens.c.revoked_at.is_(None))
    .values(revoked_at=bindparam("now"))
)
_REVOKE = _REVOKE_ALL.where(api_tokens.c.id == bindparam("its_id"))

_ACTIONS = {action.value: action for action in Action}


def _token_of(row: Row[Any]) -> ApiToken:
    return ApiToken(
        id=TokenId(row.id),
        token_sha256=row.token_sha256,
        person_id=PersonId(row.person_id),
        sealed=row.sealed,
        # An action that this version does not have is one that nobody may do.
        scopes=frozenset(_ACTIONS[name] for name in row.scopes.split(",") if name in _ACTIONS),
        created_at=row.created_at,
        expires_at=row.expires_at,
        last_used_at=row.last_used_at,
        revoked_at=row.revoked_at,
    )


class SqlTokenShelf:
    """``vault.shelves.TokenShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def add(self, token: ApiToken) -> None:
        self._rows.run(
            _ADD,
            {
                "id": token.id,
                "token_sha256": token.token_sha256,
                "person_id": token.person_id,
                "sealed": token.sealed,
                "scopes": ",".join(sorted(action.value for action in token.scopes)),
                "created_at": token.created_at,
                "expires_at": token.expires_at,
                "last_used_at": token.last_used_at,
                "revoked_at": token.revoked_at,
            },
        )

    def by_digest(self, token_sha256: bytes) -> ApiToken | None:
        row = self._rows.first(_BY_DIGEST, {"its_token": token_sha256})
        return None if row is None else _token_of(row)

    def of_person(self, person_id: PersonId) -> Sequence[ApiToken]:
        return [_token_of(row) for row in self._rows.all(_OF_PERSON, {"its_person": person_id})]

    def used(self, token_id: TokenId, *, at: datetime) -> None:
        self._rows.run(_USED, {"its_id": token_id, "now": at})

    def revoke(self, token_id: TokenId, *, person_id: PersonId, at: datetime) -> bool:
        return self._rows.run(_REVOKE, {"its_id": token_id, "its_person": person_id, "now": at}) == 1

    def revoke_all(self, person_id: PersonId, *, at: datetime) -> int:
        return self._rows.run(_REVOKE_ALL, {"its_person": person_id, "now": at})
