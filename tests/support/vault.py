"""Real vaults for tests: a catalogue of their own, over the one object store of the run."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pydantic import SecretStr

from storage.assembly import open_vault
from storage.objects.settings import S3Settings
from storage.settings import Settings, load_settings
from tests.support.catalogues import lay_catalogue
from vault.ids import CustomerId, RecordId
from vault.permissions import Actor
from vault.records import Description
from vault.workflows import intake, people
from vault.workflows.intake import Receipt
from vault.workflows.vault import Vault


def settings_over(store: S3Settings, home: Path, *, catalogue_url: str | None = None) -> Settings:
    """Settings of a home whose objects go to a store that runs already."""
    return load_settings(
        home=home,
        catalogue_url=catalogue_url,
        s3_endpoint=store.endpoint_url,
        s3_bucket=store.bucket,
        s3_region=store.region,
        s3_access_key=SecretStr(store.access_key),
        s3_secret_key=SecretStr(store.secret_key),
        listen="127.0.0.1:0",
    )


@contextmanager
def running_vault(store: S3Settings, home: Path, *, catalogue_url: str | None = None) -> Iterator[Vault]:
    """A new vault (or the one of that home) over a store that runs already."""
    if catalogue_url is None:
        lay_catalogue(home)
    with open_vault(settings_over(store, home, catalogue_url=catalogue_url), create=True) as vault:
        yield vault


def staff(vault: Vault) -> Actor:
    """Somebody who may do what staff do, before the first person exists."""
    return people.operator(vault)


def add_bytes(
    vault: Vault,
    actor: Actor,
    content: bytes,
    *,
    title: str = "A record",
    file_name: str = "file.bin",
    class_code: str = "contract",
    customer_id: CustomerId | None = None,
    idempotency_key: str | None = None,
) -> Receipt:
    """Stores bytes as a new record."""
    filing = intake.Filing(
        class_code=class_code,
        customer_id=customer_id,
        description=Description.checked(title=title),
        file_name=file_name,
    )
    with intake.begin(vault, actor, filing, idempotency_key=idempotency_key) as receiving:
        return intake.receive_from(vault, receiving, io.BytesIO(content).readinto)


def read_bytes(vault: Vault, actor: Actor, record_id: RecordId, *, ordinal: int | None = None) -> bytes:
    """Opens a record and gives its bytes."""
    from vault.workflows.retrieval import open_version

    return b"".join(open_version(vault, actor, record_id, ordinal=ordinal, purpose="business").stream())


def random_content(size: int) -> bytes:
    """Bytes that nothing compresses or guesses."""
    return os.urandom(size)
