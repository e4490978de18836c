"""Seals and opens what is personal about records, customers, people and links, each under the leaf it belongs to.

Field sets: ``description`` (subject: record, revision: the description's), ``content`` (subject: record, revision: the
version's ordinal), ``intake`` (subject: object; what the object itself carries so that the catalogue can be rebuilt),
``customer``, ``person``, ``link``, ``matter`` (subject: the id, revision from 1), ``hold-query`` (subject: its id),
``saved-view``, ``session``, ``passkey``, ``api-token`` (subject: its id), ``search``, ``recent-searches``,
``authenticator``, ``identity`` (subject: the person), ``fonds`` (subject: its id).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

from vault.credentials import Passkey, PasskeyFacts
from vault.customers import Profile
from vault.errors import SealBroken
from vault.holds import Matter, MatterProfile
from vault.identities import Identity
from vault.ids import RecordId
from vault.people import PersonProfile
from vault.records import ContentFacts, Description
from vault.seal.fields import open_fields, seal_fields
from vault.seal.keytree import LeafAddress
from vault.sessions import Client, Session
from vault.tokens import ApiToken
from vault.workflows.vault import Vault


def seal(
    vault: Vault, leaf: LeafAddress, values: Mapping[str, Any], *, subject: str, field_set: str, revision: int
) -> bytes:
    """Sealed fields under a leaf's metadata key."""
    return seal_fields(
        vault.leaf_keys(leaf).metadata_key,
        values,
        subject_id=subject,
        field_set=field_set,
        revision=revision,
        nonce=vault.randomness.token_bytes(12),
    )


def unseal(
    vault: Vault, leaf: LeafAddress, sealed: bytes, *, subject: str, field_set: str, revision: int
) -> dict[str, Any]:
    """The fields of ``seal``. Raises ``SealBroken``."""
    return open_fields(
        vault.leaf_keys(leaf).metadata_key, sealed, subject_id=subject, field_set=field_set, revision=revision
    )


def seal_description(
    vault: Vault, leaf: LeafAddress, description: Description, *, record_id: RecordId, revision: int
) -> bytes:
    """A description, sealed."""
    return seal(
        vault,
        leaf,
        description_values(description),
        subject=record_id,
        field_set="description",
        revision=revision,
    )


def open_description(
    vault: Vault, leaf: LeafAddress, sealed: bytes, *, record_id: RecordId, revision: int
) -> Description:
    """A description, opened. Raises ``SealBroken``."""
    values = unseal(vault, leaf, sealed, subject=record_id, field_set="description", revision=revision)
    return description_of(values)


def description_values(description: Description) -> dict[str, str | None]:
    """A description as JSON values."""
    return {
        "title": description.title,
        "dated_on": description.dated_on.isoformat() if description.dated_on else None,
        "place": description.place,
        "note": description.note,
        "reason": description.reason,
    }


def description_of(values: Mapping[str, Any]) -> Description:
    """The description of JSON values. Raises ``SealBroken`` when they are of another shape."""
    try:
        dated_on = values["dated_on"]
        return Description(
            title=values["title"],
            dated_on=date.fromisoformat(dated_on) if dated_on is not None else None,
            place=values["place"],
            note=values["note"],
            reason=values["reason"],
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise SealBroken("a sealed description has another shape than a description") from exc


def seal_content(vault: Vault, leaf: LeafAddress, content: ContentFacts, *, record_id: RecordId, ordinal: int) -> bytes:
    """A version's content facts, sealed."""
    values: dict[str, Any] = {
        "file_name": content.file_name,
        "media_type": content.media_type,
        "size_bytes": content.size_bytes,
        "sha256": content.sha256.hex(),
    }
    if content.declared:
        values["declared"] = True
    return seal(vault, leaf, values, subject=record_id, field_set="content", revision=ordinal)


def open_content(vault: Vault, leaf: LeafAddress, sealed: bytes, *, record_id: RecordId, ordinal: int) -> ContentFacts:
    """A version's content facts, opened. Raises ``SealBroken``."""
    values = unseal(vault, leaf, sealed, subject=record_id, field_set="content", revision=ordinal)
    try:
        return ContentFacts(
            file_name=values["file_name"],
            media_type=values["media_type"],
            size_bytes=values["size_bytes"],
            sha256=bytes.fromhex(values["sha256"]),
            declared=values.get("declared") is True,
        )
    except (KeyError, TypeError, ValueError) as exc:
        raise SealBroken("sealed content facts have another shape than content facts") from exc


def seal_profile(vault: Vault, leaf: LeafAddress, profile: Profile, *, customer_id: str, revision: int) -> bytes:
    """A customer's profile, sealed."""
    values = {"name": profile.name, "note": profile.note}
    return seal(vault, leaf, values, subject=customer_id, field_set="customer", revision=revision)


def open_profile(vault: Vault, leaf: LeafAddress, sealed: bytes, *, customer_id: str, revision: int) -> Profile:
    """A customer's profile, opened. Raises ``SealBroken``."""
    values = unseal(vault, leaf, sealed, subject=customer_id, field_set="customer", revision=revision)
    return Profile(name=str(values.get("name", "")), note=str(values.get("note", "")))


def seal_person(vault: Vault, leaf: LeafAddress, profile: PersonProfile, *, person_id: str) -> bytes:
    """A person's profile, sealed."""
    values = {"login": profile.login, "name": profile.name, "language": profile.language}
    return seal(vault, leaf, values, subject=person_id, field_set="person", revision=1)


def open_person(vault: Vault, leaf: LeafAddress, sealed: bytes, *, person_id: str) -> PersonProfile:
    """A person's profile, opened. Raises ``SealBroken``."""
    values = unseal(vault, leaf, sealed, subject=person_id, field_set="person", revision=1)
    return PersonProfile(**{name: str(values.get(name, "")) for name in ("login", "name", "language")})


def seal_client(vault: Vault, leaf: LeafAddress, client: Client, *, session_id: str) -> bytes:
    """From where a session was begun, sealed."""
    values = {"address": client.address, "agent": client.agent}
    return seal(vault, leaf, values, subject=session_id, field_set="session", revision=1)


def open_client(vault: Vault, leaf: LeafAddress, session: Session) -> Client:
    """From where a session was begun, opened. Raises ``SealBroken``."""
    values = unseal(vault, leaf, session.sealed_client, subject=session.id, field_set="session", revision=1)
    return Client(kind=session.kind, address=str(values.get("address", "")), agent=str(values.get("agent", "")))


def seal_authenticator(vault: Vault, leaf: LeafAddress, secret: bytes, *, person_id: str) -> bytes:
    """The secret that an authenticator app shares, sealed."""
    return seal(vault, leaf, {"secret": secret.hex()}, subject=person_id, field_set="authenticator", revision=1)


def open_authenticator(vault: Vault, leaf: LeafAddress, sealed: bytes, *, person_id: str) -> bytes:
    """The secret that an authenticator app shares, opened. Raises ``SealBroken``."""
    values = unseal(vault, leaf, sealed, subject=person_id, field_set="authenticator", revision=1)
    return bytes.fromhex(str(values.get("secret", "")))


def seal_passkey(vault: Vault, leaf: LeafAddress, facts: PasskeyFacts, *, passkey_id: str) -> bytes:
    """What is known of a passkey, sealed."""
    values = {
        "name": facts.name,
        "credential_id": facts.credential_id.hex(),
        "public_key": facts.public_key.hex(),
    }
    return seal(vault, leaf, values, subject=passkey_id, field_set="passkey", revision=1)


def open_passkey(vault: Vault, leaf: LeafAddress, passkey: Passkey) -> PasskeyFacts:
    """What is known of a passkey, opened. Raises ``SealBroken``."""
    values = unseal(vault, leaf, passkey.sealed, subject=passkey.id, field_set="passkey", revision=1)
    return PasskeyFacts(
        name=str(values.get("name", "")),
        credential_id=bytes.fromhex(str(values.get("credential_id", ""))),
        public_key=bytes.fromhex(str(values.get("public_key", ""))),
    )


def seal_subject(vault: Vault, leaf: LeafAddress, issuer: str, subject: str, *, person_id: str) -> bytes:
    """Whom a provider knows somebody as, sealed."""
    values = {"issuer": issuer, "subject": subject}
    return seal(vault, leaf, values, subject=person_id, field_set="identity", revision=1)


def open_subject(vault: Vault, leaf: LeafAddress, identity: Identity) -> tuple[str, str]:
    """The issuer and the subject of an identity, opened. Raises ``SealBroken``."""
    values = unseal(vault, leaf, identity.sealed, subject=identity.person_id, field_set="identity", revision=1)
    return str(values.get("issuer", "")), str(values.get("subject", ""))


def seal_token_name(vault: Vault, leaf: LeafAddress, name: str, *, token_id: str) -> bytes:
    """What an API token is for, sealed."""
    return seal(vault, leaf, {"name": name}, subject=token_id, field_set="api-token", revision=1)


def open_token_name(vault: Vault, leaf: LeafAddress, token: ApiToken) -> str:
    """What an API token is for, opened. Raises ``SealBroken``."""
    return str(unseal(vault, leaf, token.sealed, subject=token.id, field_set="api-token", revision=1).get("name", ""))


def seal_matter(vault: Vault, leaf: LeafAddress, profile: MatterProfile, *, matter_id: str, revision: int) -> bytes:
    """A matter's profile, sealed."""
    values = {
        "title": profile.title,
        "reason": profile.reason,
        "issuer": profile.issuer,
        "release_reason": profile.release_reason,
    }
    return seal(vault, leaf, values, subject=matter_id, field_set="matter", revision=revision)


def open_matter(vault: Vault, matter: Matter) -> MatterProfile:
    """A matter's profile, opened. Raises ``SealBroken``."""
    values = unseal(vault, matter.leaf, matter.sealed, subject=matter.id, field_set="matter", revision=matter.revision)
    return MatterProfile(
        **{name: str(values.get(name, "")) for name in ("title", "reason", "issuer", "release_reason")}
    )


def seal_query(vault: Vault, leaf: LeafAddress, words: str, *, query_id: str) -> bytes:
    """The words of a matter's query, sealed under the matter's leaf."""
    return seal(vault, leaf, {"words": words}, subject=query_id, field_set="hold-query", revision=1)


def open_query(vault: Vault, leaf: LeafAddress, sealed: bytes, *, query_id: str) -> str:
    """The words of a query, opened. Raises ``SealBroken``."""
    return str(unseal(vault, leaf, sealed, subject=query_id, field_set="hold-query", revision=1).get("words", ""))
