"""The confidentiality agreement at work: published, read, signed, and who signed what.

Rule 1: people sign, for themselves, the text that they were shown; nobody signs for another.
Rule 2: the text that ships is kept as version 1 when the first person signs it, or the first version is published.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from vault.agreements import SHIPPED, AgreementSignature, AgreementText, AgreementVersion
from vault.audit import Detail, Event
from vault.errors import AlreadyExists, Conflict, NotAllowed, SealBroken
from vault.ids import PersonId
from vault.permissions import Action, Actor
from vault.schedule import SHIPPED_BY
from vault.shelves import Transaction
from vault.workflows import descriptions
from vault.workflows.freshness import require_oneself
from vault.workflows.vault import Vault

SUBJECT: Final = "confidentiality"
FIELD_SET: Final = "agreement"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreementView:
    """The current version, and the asker's signature under it. ``published`` is None for the text that ships."""

    version: int
    text: AgreementText
    published: AgreementVersion | None
    signature: AgreementSignature | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureView:
    """Who signed which version; ``is_current`` says whether that counts now."""

    signature: AgreementSignature
    name: str
    is_current: bool


def current_agreement(vault: Vault, actor: Actor) -> AgreementView:
    """What is to be signed now. Raises ``SealBroken``."""
    with vault.catalogue.read() as tx:
        newest = tx.agreements.newest()
        version = newest.version if newest is not None else 1
        signature = tx.agreements.signature(version, actor.person_id)
    return AgreementView(
        version=version,
        text=SHIPPED if newest is None else _text(vault, newest),
        published=newest,
        signature=signature,
    )


def has_signed(tx: Transaction, person_id: PersonId) -> bool:
    """Whether somebody signed the current version."""
    newest = tx.agreements.newest()
    return newest is not None and tx.agreements.signature(newest.version, person_id) is not None


def sign_agreement(vault: Vault, actor: Actor, text_sha256: bytes) -> AgreementSignature:
    """Signs the current version, which has to be the text whose digest is given. Doing it again changes nothing.

    Raises ``NotAllowed`` (neither the machine's operator nor an API token is somebody who signs), ``Conflict`` (a newer
    text is in force).
    """
    require_oneself(actor)
    now = vault.now()
    with vault.catalogue.write() as tx:
        if tx.people.get(actor.person_id) is None:
            raise NotAllowed("people sign agreements; sign in as yourself first")
        newest = tx.agreements.newest() or _keep(vault, tx, SHIPPED, 1, SHIPPED_BY)
        if not hmac.compare_digest(newest.text_sha256, text_sha256):
            raise Conflict("the agreement has changed since you were shown it; read it again")
        earlier = tx.agreements.signature(newest.version, actor.person_id)
        if earlier is not None:
            return earlier
        signature = AgreementSignature(
            version=newest.version, person_id=actor.person_id, text_sha256=newest.text_sha256, signed_at=now
        )
        tx.agreements.sign(signature)
        detail: Detail = {"version": newest.version, "sha256": newest.text_sha256.hex()}
        tx.audit.append(vault.entry(actor.person_id, Event.AGREEMENT_SIGNED, SUBJECT, detail))
    return signature


def publish_agreement(vault: Vault, actor: Actor, text: AgreementText) -> AgreementVersion:
    """Puts a new version in force: everybody is asked again. Raises ``NotAllowed``, ``AlreadyExists`` (it says so)."""
    actor.require(Action.SET_GATES)
    with vault.catalogue.write() as tx:
        newest = tx.agreements.newest() or _keep(vault, tx, SHIPPED, 1, SHIPPED_BY)
        if newest.text_sha256 == text.sha256:
            raise AlreadyExists(f"version {newest.version} says exactly that already; change something")
        version = _keep(vault, tx, text, newest.version + 1, actor.person_id)
        detail: Detail = {"version": version.version, "sha256": version.text_sha256.hex()}
        tx.audit.append(vault.entry(actor.person_id, Event.AGREEMENT_PUBLISHED, SUBJECT, detail))
    return version


def list_signatures(vault: Vault, actor: Actor) -> Sequence[SignatureView]:
    """Who signed what, the newest version first. Raises ``NotAllowed``."""
    actor.require(Action.SET_GATES)
    with vault.catalogue.read() as tx:
        newest = tx.agreements.newest()
        signatures, names = tx.agreements.signatures(), names_of(vault, tx)
    return [
        SignatureView(
            signature=each,
            name=names.get(each.person_id, ""),
            is_current=newest is not None and each.version == newest.version,
        )
        for each in signatures
    ]


def names_of(vault: Vault, tx: Transaction) -> Mapping[PersonId, str]:
    """Everybody's name by id. The caller has authorised."""
    return {
        person.id: descriptions.open_person(vault, person.profile_leaf, person.sealed_profile, person_id=person.id).name
        for person in tx.people.all()
    }


def _keep(vault: Vault, tx: Transaction, text: AgreementText, number: int, by: PersonId) -> AgreementVersion:
    version = AgreementVersion(
        version=number,
        sealed=descriptions.seal(
            vault, vault.house, asdict(text), subject=SUBJECT, field_set=FIELD_SET, revision=number
        ),
        text_sha256=text.sha256,
        published_by=by,
        published_at=vault.now(),
    )
    tx.agreements.add(version)
    return version


def _text(vault: Vault, version: AgreementVersion) -> AgreementText:
    values = descriptions.unseal(
        vault, vault.house, version.sealed, subject=SUBJECT, field_set=FIELD_SET, revision=version.version
    )
    text = AgreementText(zh=str(values.get("zh", "")), en=str(values.get("en", "")))
    if text.sha256 != version.text_sha256:
        raise SealBroken(f"version {version.version} of the agreement is not the text that was published")
    return text
