"""The root keepers of a home, as its list and the settings say.

    keepers = configured_keepers(settings.keepers(), randomness)

Rule 1: the list is looked at with every question, so a keeper that another process added counts at once here as well.
Rule 2: a keeper whose secret or library is missing is a keeper that is away; the message says what is missing.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from storage.keeper.file import FileKeeper
from storage.keeper.folder import CHECK_NAME, KeeperFolder
from storage.keeper.listing import (
    LIST_NAME,
    KeeperKind,
    KeeperSpec,
    SecretFrom,
    SecretSource,
    held_home,
    read_list,
)
from storage.keeper.readonly import ReadOnlyKeeper
from storage.keeper.sealed import SealedKeeper
from storage.keeper.settings import KeeperSettings, secret_in
from storage.keeper.several import KeeperGroup
from vault.errors import Broken, KeeperUnavailable, SettingsWrong, StrongroomError, Unavailable
from vault.ports import HeldRoot, KeeperState, Randomness, RootKeeper
from vault.seal.secrets import Secret
from vault.seal.unlock import UnlockKind, unlock_of_check


class ConfiguredKeepers(KeeperGroup):
    """The keepers of a home, as one."""

    def __init__(self, settings: KeeperSettings, randomness: Randomness, *, read_only: bool) -> None:
        self._settings = settings
        self._randomness = randomness
        self._read_only = read_only
        self._home = Path(settings.home)
        self._built: dict[KeeperSpec, RootKeeper] = {}
        self._listed: _Listed = self._look()
        super().__init__(self._listed.keepers, lost=self._listed.lost)

    @property
    def keepers(self) -> tuple[RootKeeper, ...]:
        """Those of the list as it is now."""
        return self._now().keepers

    @keepers.setter
    def keepers(self, keepers: tuple[RootKeeper, ...]) -> None:
        """They are the list's."""

    @property
    def lost(self) -> tuple[str, ...]:
        """Those of the list as it is now."""
        return self._now().lost

    @lost.setter
    def lost(self, lost: tuple[str, ...]) -> None:
        """They are the list's."""

    def set_up(self) -> None:
        """Makes all of them keepers, before the first root; again, it changes nothing. Raises as a keeper's does."""
        for spec in read_list(self._home).keepers:
            build_keeper(spec, self._settings, self._randomness).set_up()

    def stage(self, tree_id: bytes, generation: int, attempt: bytes, root: Secret) -> None:
        """As of one."""
        with held_home(self._home, alone=False):
            super().stage(tree_id, generation, attempt, root)

    def promote(self, tree_id: bytes, generation: int, attempt: bytes) -> None:
        """As of one."""
        with held_home(self._home, alone=False):
            super().promote(tree_id, generation, attempt)

    def destroy_others(self, tree_id: bytes, generation: int, attempt: bytes) -> int:
        """As of one."""
        with held_home(self._home, alone=False):
            return super().destroy_others(tree_id, generation, attempt)

    def catch_up(self, tree_id: bytes) -> list[str]:
        """As of one."""
        with held_home(self._home, alone=False):
            return super().catch_up(tree_id)

    def _now(self) -> _Listed:
        if _mark(self._home) != self._listed.mark:
            self._listed = self._look()
        return self._listed

    def _look(self) -> _Listed:
        # The mark is taken first: a list that is replaced meanwhile is looked at once more.
        mark = _mark(self._home)
        listed = read_list(self._home)
        self._built = {spec: self._built.get(spec) or self._build(spec) for spec in listed.keepers}
        return _Listed(mark, tuple(self._built.values()), tuple(spec.name for spec in listed.lost))

    def _build(self, spec: KeeperSpec) -> RootKeeper:
        keeper: RootKeeper
        try:
            keeper = build_keeper(spec, self._settings, self._randomness)
        except (Unavailable, Broken) as exc:
            keeper = UnreadyKeeper(spec.name, exc)
        return ReadOnlyKeeper(keeper) if self._read_only else keeper


@dataclass(frozen=True, slots=True)
class _Listed:
    mark: tuple[int, ...]
    keepers: tuple[RootKeeper, ...]
    lost: tuple[str, ...]


class UnreadyKeeper:
    """A keeper that cannot be asked, for a reason that every question is answered with."""

    def __init__(self, name: str, reason: StrongroomError) -> None:
        self.name = name
        self._reason = reason

    def held(self, tree_id: bytes) -> Sequence[HeldRoot]:
        """Raises the reason."""
        self._refuse()

    def root(self, tree_id: bytes, generation: int, attempt: bytes) -> Secret:
        """Raises the reason."""
        self._refuse()

    def stage(self, tree_id: bytes, generation: int, attempt: bytes, root: Secret) -> None:
        """Raises the reason."""
        self._refuse()

    def promote(self, tree_id: bytes, generation: int, attempt: bytes) -> None:
        """Raises the reason."""
        self._refuse()

    def destroy_others(self, tree_id: bytes, generation: int, attempt: bytes) -> int:
        """Raises the reason."""
        self._refuse()

    def trees(self) -> Iterable[bytes]:
        """Raises the reason."""
        self._refuse()

    def describe(self) -> KeeperState:
        """The reason."""
        return KeeperState(answers=False, text=self._reason.message)

    def _refuse(self) -> NoReturn:
        raise type(self._reason)(self._reason.message)


def configured_keepers(
    settings: KeeperSettings, randomness: Randomness, *, read_only: bool = False
) -> ConfiguredKeepers:
    """The keepers of a home. Raises ``SettingsWrong`` when their list cannot be read."""
    return ConfiguredKeepers(settings, randomness, read_only=read_only)


def build_keeper(spec: KeeperSpec, settings: KeeperSettings, randomness: Randomness) -> SealedKeeper:
    """One keeper of the list. Raises ``SettingsWrong``, ``KeeperUnavailable`` when something of it is not here."""
    folder = folder_of(spec, settings)
    secret = _secret_of(spec, settings)
    if spec.kind in (KeeperKind.SETTINGS, KeeperKind.FILE):
        path = settings.key_file if spec.kind is KeeperKind.SETTINGS else spec.key_file
        key_file = Path(path) if path is not None else None
        return FileKeeper(folder, randomness, name=spec.name, key_file=key_file, passphrase=secret)
    if spec.kind is KeeperKind.PKCS11 and spec.module is not None and spec.token is not None and secret is not None:
        # Only whoever has a token needs the library for tokens.
        from storage.keeper.pkcs11 import Pkcs11Keeper

        return Pkcs11Keeper(folder, randomness, module=Path(spec.module), token=spec.token, pin=secret, name=spec.name)
    from storage.keeper.tpm import DEFAULT_TCTI, TpmKeeper

    return TpmKeeper(folder, randomness, tcti=spec.tcti or DEFAULT_TCTI, pin=secret or "", name=spec.name)


def folder_of(spec: KeeperSpec, settings: KeeperSettings) -> Path:
    """Where its files are."""
    return Path(spec.folder or settings.folder)


def secrets_to_ask(settings: KeeperSettings) -> list[SecretSource]:
    """What a person at a terminal would have to give, because nothing else does; ``at`` is the keeper's name."""
    wanted = []
    for spec in read_list(Path(settings.home)).keepers:
        source = spec.secret
        if spec.kind is KeeperKind.SETTINGS and _needs_passphrase(settings):
            source = settings_source(spec)
        if source is not None and source.come_from is SecretFrom.TERMINAL and source.key not in settings.given:
            wanted.append(source)
    return wanted


def settings_source(spec: KeeperSpec) -> SecretSource:
    """Under which the passphrase of the settings' keeper is given."""
    return SecretSource(come_from=SecretFrom.TERMINAL, at=spec.name)


def _needs_passphrase(settings: KeeperSettings) -> bool:
    if settings.key_file is not None or settings.passphrase_file is not None:
        return False
    try:
        check = KeeperFolder(Path(settings.folder)).read_file(CHECK_NAME)
        return check is not None and unlock_of_check(check).kind is UnlockKind.PASSPHRASE
    except (Unavailable, Broken):
        # The keeper itself says so when it is opened.
        return False


def _secret_of(spec: KeeperSpec, settings: KeeperSettings) -> str | None:
    if spec.kind is KeeperKind.SETTINGS:
        if settings.passphrase_file is not None:
            return secret_in(Path(settings.passphrase_file), "the passphrase of the keeper in the settings")
        given = settings.given.get(settings_source(spec).key)
        if given is None and _needs_passphrase(settings):
            raise SettingsWrong(
                f"the keeper in {settings.folder} is unlocked by a passphrase, and none was given: set "
                "STRONGROOM_KEEPER_PASSPHRASE_FILE or STRONGROOM_KEEPER_PASSPHRASE_FD, or start this in a terminal"
            )
        return given
    source = spec.secret
    if source is None:
        return None
    if source.come_from is SecretFrom.FILE:
        return secret_in(Path(source.at), f"the secret of the keeper {spec.name}")
    given = settings.given.get(source.key)
    if given is None:
        ways = {
            SecretFrom.DESCRIPTOR: f"start this with it on descriptor {source.at}",
            SecretFrom.VARIABLE: f"start this with it in the variable {source.at}",
        }
        raise KeeperUnavailable(
            f"the passphrase or PIN of the keeper {spec.name} was not given; "
            + ways.get(source.come_from, "start this in a terminal, which asks for it")
        )
    return given


def _mark(home: Path) -> tuple[int, ...]:
    try:
        facts = os.stat(home / LIST_NAME)
    except OSError:
        return ()
    return (facts.st_dev, facts.st_ino, facts.st_mtime_ns, facts.st_size)
