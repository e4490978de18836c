"""Authenticators, recovery codes and passkeys: secrets and keys sealed, codes as keyed digests."""

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
    delete,
    func,
    insert,
    select,
    update,
)

from storage.catalogue.metadata import Counted, UtcDateTime, metadata
from storage.catalogue.rows import Rows
from vault.credentials import Authenticator, Passkey
from vault.ids import PasskeyId, PersonId

authenticators = Table(
    "authenticators",
    metadata,
    Column("person_id", Text, ForeignKey("people.id"), primary_key=True),
    Column("sealed_secret", LargeBinary, nullable=False),
    Column("last_step", Counted, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("confirmed_at", UtcDateTime),
)

recovery_codes = Table(
    "recovery_codes",
    metadata,
    Column("person_id", Text, ForeignKey("people.id"), primary_key=True),
    Column("digest", LargeBinary, primary_key=True),
    Column("used_at", UtcDateTime),
    CheckConstraint("length(digest) = 32", name="digest"),
)

passkeys = Table(
    "passkeys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("person_id", Text, ForeignKey("people.id"), nullable=False, index=True),
    Column("credential_index", LargeBinary, nullable=False, unique=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("sign_count", Counted, nullable=False),
    Column("created_at", UtcDateTime, nullable=False),
    Column("last_used_at", UtcDateTime),
    CheckConstraint("length(credential_index) = 32", name="credential_index"),
    CheckConstraint("sign_count >= 0", name="sign_count"),
)

_its_person: BindParameter[str] = bindparam("its_person")
_AUTHENTICATOR = select(authenticators).where(authenticators.c.person_id == _its_person)
_ADD_AUTHENTICATOR = insert(authenticators)
_DROP_UNCONFIRMED = delete(authenticators).where(
    authenticators.c.person_id == _its_person, authenticators.c.confirmed_at.is_(None)
)
_CONFIRM = (
    update(authenticators)
    .where(authenticators.c.person_id == _its_person, authenticators.c.confirmed_at.is_(None))
    .values(confirmed_at=bindparam("now"))
)
_TAKE_STEP = (
    update(authenticators)
    .where(authenticators.c.person_id == _its_person, authenticators.c.last_step < bindparam("step"))
    .values(last_step=bindparam("step"))
)
_REMOVE_AUTHENTICATOR = delete(authenticators).where(authenticators.c.person_id == _its_person)

_DROP_CODES = delete(recovery_codes).where(recovery_codes.c.person_id == _its_person)
_ADD_CODE = insert(recovery_codes)
_TAKE_CODE = (
    update(recovery_codes)
    .where(
        recovery_codes.c.person_id == _its_person,
        recovery_codes.c.digest == bindparam("its_digest"),
        recovery_codes.c.used_at.is_(None),
    )
    .values(used_at=bindparam("now"))
)
_CODES_LEFT = (
    select(func.count())
    .select_from(recovery_codes)
    .where(recovery_codes.c.person_id == _its_person, recovery_codes.c.used_at.is_(None))
)

_ADD_PASSKEY = insert(passkeys)
_PASSKEY = select(passkeys).where(passkeys.c.id == bindparam("its_id"))
_PASSKEY_BY_INDEX = select(passkeys).where(passkeys.c.credential_index == bindparam("its_index"))
_PASSKEYS = select(passkeys).where(passkeys.c.person_id == _its_person).order_by(passkeys.c.created_at, passkeys.c.id)
_RESEAL = update(passkeys).where(passkeys.c.id == bindparam("its_id")).values(sealed=bindparam("sealed"))
_USED = (
    update(passkeys)
    .where(passkeys.c.id == bindparam("its_id"), passkeys.c.sign_count == bindparam("old_count"))
    .values(sign_count=bindparam("sign_count"), last_used_at=bindparam("now"))
)
_REMOVE_PASSKEY = delete(passkeys).where(passkeys.c.id == bindparam("its_id"), passkeys.c.person_id == _its_person)
_HAS_AUTHENTICATOR = select(authenticators.c.person_id).where(
    authenticators.c.person_id == _its_person, authenticators.c.confirmed_at.is_not(None)
)
_HAS_PASSKEY = select(passkeys.c.id).where(passkeys.c.person_id == _its_person).limit(1)


def _passkey_of(row: Row[Any] | None) -> Passkey | None:
    if row is None:
        return None
    return Passkey(
        id=PasskeyId(row.id),
        person_id=PersonId(row.person_id),
        credential_index=row.credential_index,
        sealed=row.sealed,
        sign_count=row.sign_count,
        created_at=row.created_at,
        last_used_at=row.last_used_at,
    )


class SqlCredentialShelf:
    """``vault.shelves.CredentialShelf`` in SQL."""

    __slots__ = ("_rows",)

    def __init__(self, rows: Rows) -> None:
        self._rows = rows

    def authenticator(self, person_id: PersonId) -> Authenticator | None:
        row = self._rows.first(_AUTHENTICATOR, {"its_person": person_id})
        if row is None:
            return None
        return Authenticator(
            person_id=PersonId(row.person_id),
            sealed_secret=row.sealed_secret,
            last_step=row.last_step,
            created_at=row.created_at,
            confirmed_at=row.confirmed_at,
        )

    def put_authenticator(self, authenticator: Authenticator) -> None:
        self._rows.run(_DROP_UNCONFIRMED, {"its_person": authenticator.person_id})
        self._rows.run(
            _ADD_AUTHENTICATOR,
            {
                "person_id": authenticator.person_id,
                "sealed_secret": authenticator.sealed_secret,
                "last_step": authenticator.last_step,
                "created_at": authenticator.created_at,
                "confirmed_at": authenticator.confirmed_at,
            },
        )

    def confirm_authenticator(self, person_id: PersonId, *, at: datetime) -> bool:
        return self._rows.run(_CONFIRM, {"its_person": person_id, "now": at}) == 1

    def take_step(self, person_id: PersonId, step: int) -> bool:
        return self._rows.run(_TAKE_STEP, {"its_person": person_id, "step": step}) == 1

    def remove_authenticator(self, person_id: PersonId) -> bool:
        return self._rows.run(_REMOVE_AUTHENTICATOR, {"its_person": person_id}) == 1

    def replace_recovery_codes(self, person_id: PersonId, digests: Sequence[bytes]) -> None:
        self._rows.run(_DROP_CODES, {"its_person": person_id})
        self._rows.run_many(
            _ADD_CODE, [{"person_id": person_id, "digest": digest, "used_at": None} for digest in digests]
        )

    def take_recovery_code(self, person_id: PersonId, digest: bytes, *, now: datetime) -> bool:
        return self._rows.run(_TAKE_CODE, {"its_person": person_id, "its_digest": digest, "now": now}) == 1

    def recovery_codes_left(self, person_id: PersonId) -> int:
        row = self._rows.first(_CODES_LEFT, {"its_person": person_id})
        return 0 if row is None else int(row[0])

    def add_passkey(self, passkey: Passkey) -> None:
        self._rows.run(
            _ADD_PASSKEY,
            {
                "id": passkey.id,
                "person_id": passkey.person_id,
                "credential_index": passkey.credential_index,
                "sealed": passkey.sealed,
                "sign_count": passkey.sign_count,
                "created_at": passkey.created_at,
                "last_used_at": passkey.last_used_at,
            },
        )

    def passkey(self, passkey_id: PasskeyId) -> Passkey | None:
        return _passkey_of(self._rows.first(_PASSKEY, {"its_id": passkey_id}))

    def passkey_by_index(self, credential_index: bytes) -> Passkey | None:
        return _passkey_of(self._rows.first(_PASSKEY_BY_INDEX, {"its_index": credential_index}))

    def passkeys(self, person_id: PersonId) -> Sequence[Passkey]:
        found = (_passkey_of(row) for row in self._rows.all(_PASSKEYS, {"its_person": person_id}))
        return [passkey for passkey in found if passkey is not None]

    def reseal_passkey(self, passkey_id: PasskeyId, sealed: bytes) -> None:
        self._rows.run(_RESEAL, {"its_id": passkey_id, "sealed": sealed})

    def passkey_used(self, passkey: Passkey, *, sign_count: int, at: datetime) -> bool:
        values = {"its_id": passkey.id, "old_count": passkey.sign_count, "sign_count": sign_count, "now": at}
        return self._rows.run(_USED, values) == 1

    def remove_passkey(self, passkey_id: PasskeyId, *, person_id: PersonId) -> bool:
        return self._rows.run(_REMOVE_PASSKEY, {"its_id": passkey_id, "its_person": person_id}) == 1

    def has_second_factor(self, person_id: PersonId) -> bool:
        values = {"its_person": person_id}
        return any(self._rows.first(statement, values) is not None for statement in (_HAS_AUTHENTICATOR, _HAS_PASSKEY))
