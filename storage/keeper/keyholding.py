"""What the key process holds while somebody uses it: the catalogue, the keepers, the custody of the root.

Rule 1: everything is made with the first question and dropped when the last user leaves, the catalogue's connections
before that user is answered: then whoever closes the catalogue is alone with it.
Rule 2: every opening asks catalogue and keepers afresh, with keepers of its own: what was held from before must not let
somebody in whose key file, or whose copy of the catalogue, is not the right one any more.
Rule 3: a connection for reading has keepers that cannot be changed.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from threading import Lock
from typing import Any, Final, Self

from storage.catalogue.database import SqlCatalogue, open_catalogue
from storage.keeper.configured import ConfiguredKeepers, configured_keepers
from storage.keeper.custody import Custody, require_belonging
from storage.keeper.settings import KeeperSettings
from storage.machine import SystemRandomness
from vault.errors import CatalogueBroken, Conflict
from vault.fonds import Fonds
from vault.seal.secrets import SECRET_LENGTH, Secret
from vault.seal.tree import FIRST_GENERATION

RANDOMNESS: Final = SystemRandomness()


@dataclass(frozen=True, slots=True, kw_only=True)
class KeySettings:
    """What a key process has to know; it goes through a pipe, for the catalogue's address may have a password.

    The keepers' secrets that were given at the door are not in it: each connection brings those of its user, who gets
    no further with them than without the process.
    """

    folder: str
    """Where its socket and its log are."""
    database_url: str
    keepers: KeeperSettings
    environment: Mapping[str, str]
    """What the catalogue's driver reads from the environment."""

    def as_json(self) -> dict[str, object]:
        """Fit for JSON; without what was given."""
        keepers = replace(self.keepers, given={}).as_json()
        return {**asdict(self), "keepers": keepers, "environment": dict(self.environment)}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Self:
        """The reverse of ``as_json``."""
        return cls(**{**document, "keepers": KeeperSettings.from_json(document["keepers"])})


@dataclass(frozen=True, slots=True)
class Access:
    """What a connection may do, and the secrets of keepers that it brought."""

    read_only: bool
    given: frozenset[tuple[str, str]] = field(repr=False)


class Holding:
    """The root, in custody; one custody for each kind of access. Every method may be called from any thread."""

    def __init__(self, settings: KeySettings) -> None:
        self._settings = settings
        self._mutex = Lock()
        self._catalogue: SqlCatalogue | None = None
        self._custodies: dict[Access, Custody] = {}
        self._born: int | None = None

    def custody(self, access: Access, keepers: ConfiguredKeepers | None = None) -> Custody:
        """The custody, made where there is none. Raises ``CatalogueBroken``, ``SettingsWrong``."""
        with self._mutex:
            custody = self._custodies.get(access)
            if custody is None:
                if self._catalogue is None:
                    self._catalogue = open_catalogue(self._settings.database_url)
                fonds = _fonds(self._catalogue)
                keepers = keepers or self._keepers(access)
                custody = self._custodies[access] = Custody(self._catalogue, keepers, fonds, RANDOMNESS)
            return custody

    def open(self, access: Access) -> int:
        """Compares catalogue and keepers, lets a keeper that was away catch up, and reads the root; gives the
        generation. Raises as ``require_belonging`` does, and ``SettingsWrong`` for a wrong unlock secret."""
        with closing(open_catalogue(self._settings.database_url)) as catalogue:
            fonds = _fonds(catalogue)
            keepers = self._keepers(access)
            require_belonging(catalogue, keepers, fonds)
            if not access.read_only:
                keepers.catch_up(fonds.tree_id)
            Custody(catalogue, keepers, fonds, RANDOMNESS).renew()
        return self.custody(access, keepers).renew()

    def found(self, access: Access, tree_id: bytes, attempt: bytes) -> None:
        """Draws the first root of a new fonds and keeps it; once more with the same attempt changes nothing.

        Raises ``Conflict`` when there is a fonds already.
        """
        with closing(open_catalogue(self._settings.database_url)) as catalogue, catalogue.read() as tx:
            if tx.fonds.first() is not None:
                raise Conflict("this catalogue has a fonds, and a root, already")
        keepers = self._keepers(access)
        keepers.set_up()
        if not any((root.generation, root.attempt) == (FIRST_GENERATION, attempt) for root in keepers.held(tree_id)):
            keepers.stage(tree_id, FIRST_GENERATION, attempt, Secret(RANDOMNESS.token_bytes(SECRET_LENGTH)))
        keepers.promote(tree_id, FIRST_GENERATION, attempt)

    def served(self, access: Access) -> int:
        """The generation that is served, 0 where none is yet."""
        custody = self._custodies.get(access)
        return (custody.served or 0) if custody is not None else 0

    def is_outdated(self) -> bool:
        """Whether a newer generation is served than this process began with, and no plan would be lost with it."""
        custodies = list(self._custodies.values())
        newest = max((custody.served or 0 for custody in custodies), default=0)
        if not newest:
            return False
        if self._born is None:
            self._born = newest
        return newest > self._born and not any(custody.has_plans for custody in custodies)

    def drop(self) -> None:
        """Lets go of everything."""
        with self._mutex:
            catalogue, self._catalogue = self._catalogue, None
            self._custodies = {}
        if catalogue is not None:
            catalogue.close()

    def _keepers(self, access: Access) -> ConfiguredKeepers:
        settings = replace(self._settings.keepers, given=dict(access.given))
        return configured_keepers(settings, RANDOMNESS, read_only=access.read_only)


def _fonds(catalogue: SqlCatalogue) -> Fonds:
    with catalogue.read() as tx:
        fonds = tx.fonds.first()
    if fonds is None:
        raise CatalogueBroken("the catalogue has no fonds; run 'strongroom init' or 'strongroom serve'")
    return fonds
