"""The homes of further fonds: ``<home>/fonds/<code>``, each as whole as the first's, which is the vault's own.

Rule 1: a fonds is one of the vault once its folder is there. What is missing in it is made by ``fonds add``
alone: what is found empty may wait for its backup.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from storage.settings import FONDS, Settings
from vault.errors import InvalidInput, NotFound, SettingsWrong
from vault.fonds import checked_code
from vault.ids import FondsCode


def codes_of(first: Settings) -> Sequence[FondsCode]:
    """The codes of the further fonds of the vault whose first fonds has these settings."""
    return codes_in(first.home / FONDS)


def codes_in(folder: Path) -> Sequence[FondsCode]:
    """The codes that have a folder there. Raises ``SettingsWrong``."""
    try:
        names = sorted(each.name for each in folder.iterdir() if each.is_dir())
    except FileNotFoundError:
        return ()
    except OSError as exc:
        raise SettingsWrong(f"{folder} cannot be read: {exc.strerror}; run as its owner") from exc
    return [code for name in names if (code := _code_or_none(name)) is not None]


def every_fonds(settings: Settings) -> Sequence[Settings]:
    """The settings of the fonds that is meant, and of all where these are the first's."""
    if settings.fonds is not None:
        return [settings]
    return [settings, *(settings.of_fonds(code) for code in codes_of(settings))]


def every_lost(first: Settings) -> Sequence[Settings]:
    """The same, with those whose home is lost: keepers' and backup folders tell of them."""
    if first.fonds is not None:
        return [first]
    folders = [first.home, first.keeper, *([first.backup_folder] if first.backup_folder is not None else [])]
    codes = {code for folder in folders for code in codes_in(folder / FONDS)}
    return [first, *(first.of_fonds(code) for code in sorted(codes))]


def require_home(settings: Settings) -> None:
    """Raises ``NotFound`` where the fonds that is meant was not added."""
    if settings.fonds is not None and not settings.home.is_dir():
        raise NotFound(
            f"there is no fonds {settings.fonds} here; `strongroom fonds list` shows those there are, "
            f"`strongroom fonds add {settings.fonds}` adds it"
        )


def make_home(first: Settings, code: FondsCode) -> Settings:
    """Makes the folder of a further fonds, private; gives its settings. One that is there stays as it is."""
    settings = first.of_fonds(code)
    try:
        for folder in (first.home / FONDS, settings.home):
            folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as exc:
        raise SettingsWrong(f"{settings.home} cannot be made: {exc.strerror}; run as the home's owner") from exc
    return settings


def _code_or_none(name: str) -> FondsCode | None:
    try:
        return checked_code(name)
    except InvalidInput:
        return None
