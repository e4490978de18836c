"""One run of the command: its settings, its speech, the vault it opens, and who acts.

Rule 1: settings are read once, here, when the first thing needs them.
Rule 2: who acts is the person of the stored session, else the machine's operator; a session that is over is said, not
passed over.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from vault.cli import session
from vault.cli.asking import ask_secret
from vault.cli.speech import Speech
from vault.errors import NotSignedIn, SettingsWrong

if TYPE_CHECKING:
    from storage.settings import Settings
    from vault.permissions import Actor
    from vault.workflows.sessions import Introduced
    from vault.workflows.vault import Vault

Command = TypeVar("Command", bound=Callable[..., Any])


class Invocation:
    """What the commands of one run share."""

    def __init__(self) -> None:
        self.speech = Speech()
        self.debug = False
        self.settings_given: dict[str, Any] = {}

    @cached_property
    def settings(self) -> Settings:
        """The installation's settings, with what the command line said in front. Raises ``SettingsWrong``."""
        from storage.settings import load_settings

        return load_settings(**self.settings_given)

    @cached_property
    def unlocked(self) -> Settings:
        """The settings, with the keepers' secrets that only a person at the terminal can give. Asks once."""
        return unlock(self.settings)

    def of(self, settings: Settings, speech: Speech) -> Invocation:
        """The same run for another fonds of the vault."""
        another = Invocation()
        another.speech, another.debug, another.settings = speech, self.debug, settings
        return another

    @property
    def home(self) -> Path:
        """Where the vault's files are."""
        return self.settings.home

    @property
    def address(self) -> str:
        """The address by which people reach the pages of this fonds: what the settings say people use, else where it is
        served now, or would be."""
        from storage.serving import served_at

        settings = self.settings
        if settings.public_url is None:
            # A fonds that was added a moment ago is opened by whoever serves the first.
            for home, prefix in ((settings.home, ""), (settings.vault_home, settings.path_prefix)):
                running = served_at(home)
                if running is not None:
                    return running.address + prefix
        return settings.address

    def link_url(self, token: str) -> str:
        """The address under which a link's holder finds its page."""
        return self._address("link", token)

    def invitation_url(self, token: str) -> str:
        """The address under which an invitation is accepted."""
        return self._address("welcome", token)

    def reset_url(self, token: str) -> str:
        """The address under which somebody chooses a new password."""
        return self._address("reset", token)

    def _address(self, name: str, token: str) -> str:
        from web.routes import OUTSIDE

        path = next(row.path for row in OUTSIDE if row.name == name)
        return self.address + path.replace("{token}", token)

    @contextmanager
    def vault(self, *, create: bool = False) -> Iterator[Vault]:
        """The vault, open for the duration; the embedded store is started or joined.

        Raises ``SettingsWrong`` where there is none, unless it is to be made, and as ``open_vault``.
        """
        from storage.fondshomes import require_home

        if self.settings.fonds is None and not create and not self.home.is_dir():
            raise SettingsWrong(f"there is no vault in {self.home} yet; make it with `strongroom init`, or say --home")
        from storage.assembly import open_vault

        require_home(self.settings)
        told = self.speech.talk if create or self.speech.lively else _untold
        with open_vault(self.unlocked, progress=told, create=create) as vault:
            yield vault

    @contextmanager
    def acting(self, *, tends: bool = False, fresh: bool = False) -> Iterator[tuple[Vault, Actor]]:
        """The vault and who acts in it; what ``tends`` the machine is the operator's where nobody is signed in, and
        ``fresh`` lets people prove themselves first, where their last proof is old.

        Raises ``NotSignedIn``.
        """
        token = session.kept(self.home)
        with self.vault() as vault:
            yield vault, self._actor(vault, token, tends=tends, fresh=fresh)

    @contextmanager
    def signed_in(self, *, fresh: bool = False) -> Iterator[tuple[Vault, Introduced]]:
        """The same for what only a person has: an account. Raises ``NotSignedIn``."""
        token = session.kept(self.home)
        with self.vault() as vault:
            if token is None:
                raise NotSignedIn("nobody is signed in; sign in with `strongroom login`")
            yield vault, self._who(vault, token, fresh=fresh)

    def _actor(self, vault: Vault, token: str | None, *, tends: bool, fresh: bool) -> Actor:
        from vault.workflows import people

        if token is None:
            return people.machine_operator() if tends else people.operator(vault)
        return self._who(vault, token, fresh=fresh).actor

    def _who(self, vault: Vault, token: str, *, fresh: bool) -> Introduced:
        from vault.cli.proving import prove
        from vault.sessions import FRESH
        from vault.workflows import sessions

        try:
            who = sessions.introduced(vault, token)
        except NotSignedIn as error:
            raise NotSignedIn(
                "your session is over; sign in again with `strongroom login`, or end it with `strongroom logout`"
            ) from error
        if not fresh or who.actor.proved_within(FRESH, now=vault.now()):
            return who
        renewed, who = prove(vault, who, token)
        session.keep(self.home, renewed)
        return who


def unlock(settings: Settings) -> Settings:
    """Settings with the keepers' secrets that only a person at the terminal can give."""
    from pydantic import SecretStr

    from storage.keeper.configured import secrets_to_ask

    answers = {}
    whose = f" of the fonds {settings.fonds}" if settings.fonds is not None else ""
    if sys.stdin is not None and sys.stdin.isatty():
        for source in secrets_to_ask(settings.keepers()):
            answers[source.at] = SecretStr(ask_secret(f"Passphrase or PIN of the keeper {source.at}{whose}"))
    return settings.model_copy(update={"keeper_answers": answers}) if answers else settings


def _untold(step: str) -> None:
    """A start that nobody watches is not told step by step."""


pass_invocation = click.make_pass_decorator(Invocation)


def speaking(command: Command) -> Command:
    """Adds the options that every command takes: ``--json`` and ``--quiet``."""
    said = click.option(
        "--json", is_flag=True, expose_value=False, callback=_say_json, help="Write one JSON document to stdout."
    )
    silent = click.option(
        "--quiet",
        "-q",
        is_flag=True,
        expose_value=False,
        callback=_say_less,
        help="Say nothing but errors and warnings.",
    )
    return said(silent(command))


def _say_json(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    invocation = ctx.find_object(Invocation)
    if value and invocation is not None:
        invocation.speech.json = True


def _say_less(ctx: click.Context, parameter: click.Parameter, value: bool) -> None:
    invocation = ctx.find_object(Invocation)
    if value and invocation is not None:
        invocation.speech.quiet = True
