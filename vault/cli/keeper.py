"""``strongroom keeper``: the keepers of the root key.

Exit codes, beside those of every command: 3 when there is no such keeper, it is the last one, or shares do not fit;
4 when a keeper does not answer, or is not proven to hold the root in force alone (``status``).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from vault.audit import Event
from vault.cli import exits
from vault.cli.asking import ask_secret
from vault.cli.invocation import Invocation, pass_invocation, speaking
from vault.cli.plain import plain, table
from vault.cli.speech import JSON
from vault.errors import InvalidInput
from vault.permissions import Action

if TYPE_CHECKING:
    from storage.keeper.listing import KeeperSpec
    from storage.keeper.settings import KeeperSettings
    from vault.permissions import Actor
    from vault.ports import RootKeeper
    from vault.seal.rootfile import RootId
    from vault.workflows.vault import Vault

Command = TypeVar("Command", bound=Callable[..., Any])

_WAYS: Final = (
    click.option(
        "--secret-file", type=click.Path(path_type=Path), help="A file whose first line is passphrase or PIN."
    ),
    click.option(
        "--secret-fd", type=click.IntRange(min=3), help="An inherited descriptor that gives it at each start."
    ),
    click.option("--secret-variable", metavar="NAME", help="A variable that has it: STRONGROOM_KEEPER_SECRET_..."),
    click.option("--ask", is_flag=True, help="A person gives it, at a terminal, at each start."),
    click.option("--key-file", type=click.Path(path_type=Path), help="A file whose content unlocks a file keeper."),
)


def _unlocking(command: Command) -> Command:
    for option in reversed(_WAYS):
        command = option(command)
    return command


@click.command()
@speaking
@pass_invocation
def status(invocation: Invocation) -> int:
    """Show how each keeper stands to the root in force; the exit code is 4 when one is away or behind."""
    from storage.keeper.configured import configured_keepers, folder_of
    from storage.keeper.listing import read_list
    from storage.machine import SystemRandomness

    with invocation.acting(tends=True) as (vault, actor):
        actor.require(Action.SEE_STATE)
        generation = vault.keys.generation()
        standing = vault.keys.standing()
        tree_id = vault.fonds.tree_id
    settings = invocation.unlocked.keepers()
    specs = {spec.name: spec for spec in read_list(invocation.home).keepers}
    keepers = {each.name: each for each in configured_keepers(settings, SystemRandomness(), read_only=True).keepers}
    documents: list[JSON] = []
    rows = []
    for each in standing:
        spec, keeper = specs.get(each.name), keepers.get(each.name)
        state = keeper.describe() if keeper is not None else None
        read_only = spec is not None and each.answers and not os.access(folder_of(spec, settings), os.W_OK)
        newest = _newest(keeper, tree_id) if keeper is not None and each.answers else None
        documents.append(
            {
                "name": each.name,
                "kind": spec.kind.value if spec is not None else "lost",
                "answers": each.answers,
                "has_root": each.has_root,
                "proven": each.is_proven,
                "generation": newest,
                "read_only": read_only,
                "still_held": [{"generation": root.generation, "promoted": root.promoted} for root in each.still_held],
                "text": each.text,
                "description": state.text if state is not None else None,
                "warnings": list(state.warnings) if state is not None else [],
            }
        )
        older = ", ".join(sorted({str(root.generation) for root in each.still_held}))
        said = each.text + (f": {older}" if older else "") + ("; cannot be written" if read_only else "")
        rows.append((each.name, "yes" if each.is_proven else "no", str(newest or "-"), said))
        for warning in state.warnings if state is not None else ():
            invocation.speech.warn(f"{each.name}: {warning}")
    document: dict[str, JSON] = {"generation": generation, "keepers": documents}
    lines = [f"generation {generation}", *table(("KEEPER", "PROVEN", "GENERATION", "STATE"), rows)]
    invocation.speech.data(document, lines)
    if len(standing) == 1:
        invocation.speech.warn("one keeper: lose it, lose everything; add a second one with `strongroom keeper add`")
    return exits.OK if all(each.is_proven for each in standing) else exits.UNAVAILABLE


@click.command()
@click.argument("name")
@click.option("--kind", type=click.Choice(["file", "pkcs11", "tpm"]), required=True, help="What keeps the root.")
@click.option("--folder", type=click.Path(path_type=Path), help="Its folder; otherwise <home>-keeper-NAME.")
@click.option("--module", type=click.Path(path_type=Path), help="The PKCS#11 library of the token's vendor.")
@click.option("--token", metavar="LABEL", help="The PKCS#11 token's label.")
@click.option("--tcti", metavar="TCTI", help="How the TPM is reached; otherwise device:/dev/tpmrm0.")
@_unlocking
@click.option("--dry-run", is_flag=True, help="Look whether it could be added, and change nothing.")
@speaking
@pass_invocation
def add(invocation: Invocation, /, name: str, dry_run: bool, **given: Any) -> None:
    """Add a keeper, and copy the root in force to it. Doing it again completes what was cut off."""
    from storage.keeper.changing import add_keeper
    from storage.machine import SystemRandomness

    spec = _spec(invocation, name, **given)
    with _changing(invocation, spec) as (vault, actor, settings, in_force):
        if not dry_run:
            _log(vault, actor, Event.KEEPER_ADDED, spec.name)
        add_keeper(settings, SystemRandomness(), spec, in_force, dry_run=dry_run)
        generation = in_force().generation
    document: dict[str, JSON] = {"name": name, "kind": spec.kind.value, "generation": generation, "dry_run": dry_run}
    said = "could be added" if dry_run else f"has the root in force, of generation {generation}"
    invocation.speech.data(document, [f"{name} {said}"])


@click.command()
@click.argument("name")
@click.option("--lost", is_flag=True, help="It is out of reach: no destruction is proven there from now on.")
@click.option("--dry-run", is_flag=True, help="Look what would be destroyed, and change nothing.")
@speaking
@pass_invocation
def remove(invocation: Invocation, name: str, lost: bool, dry_run: bool) -> None:
    """Destroy every root that a keeper holds, and remove it. The last one stays."""
    from storage.keeper.changing import remove_keeper
    from storage.machine import SystemRandomness

    with _changing(invocation) as (vault, actor, settings, in_force):
        randomness = SystemRandomness()
        removal = remove_keeper(settings, randomness, name, in_force, lost=lost, dry_run=True)
        if not dry_run:
            _log(vault, actor, Event.KEEPER_REMOVED, name, lost=removal.destroyed_roots is None)
            removal = remove_keeper(settings, randomness, name, in_force, lost=lost)
    document: dict[str, JSON] = {"name": name, "destroyed_roots": removal.destroyed_roots, "dry_run": dry_run}
    would = "would be " if dry_run else ""
    if removal.destroyed_roots is None:
        line = f"{name} {would}removed; what it holds is not proven destroyed"
    else:
        line = f"{name} {would}removed; {removal.destroyed_roots} roots {would}destroyed there"
    invocation.speech.data(document, [line])


@click.command()
@click.option("--dry-run", is_flag=True, help="Change nothing.")
@speaking
@pass_invocation
def rotate(invocation: Invocation, dry_run: bool) -> None:
    """Replace the root key, and destroy the one before on every keeper. No record changes."""
    from vault.workflows.batches import view_of
    from vault.workflows.destruction import rotate_root

    with invocation.acting(tends=True, fresh=not dry_run) as (vault, actor):
        actor.require(Action.CHANGE_KEEPERS)
        before = vault.keys.generation()
        if dry_run:
            document: dict[str, JSON] = {"generation": before + 1, "dry_run": True}
            invocation.speech.data(document, [f"generation {before} would be replaced by {before + 1}"])
            return
        view = view_of(vault, rotate_root(vault, actor))
    waiting = [plain(each) for each in view.waiting]
    document = {
        "generation": view.batch.generation,
        "state": view.batch.state.value,
        "waiting": list(waiting),
        "dry_run": False,
    }
    lines = [f"generation {view.batch.generation} is in force ({view.batch.state.value})"]
    invocation.speech.data(document, [*lines, *(f"  waits for: {each}" for each in waiting)])


@click.command()
@click.argument("name")
@click.option("--needed", type=int, required=True, metavar="M", help="How many shares open the keeper.")
@click.option("--made", type=int, required=True, metavar="N", help="How many shares are printed.")
@speaking
@pass_invocation
def share(invocation: Invocation, name: str, needed: int, made: int) -> None:
    """Print recovery shares of a file keeper's unlock secret, once; any M of the N open it, with its folder."""
    from storage.keeper.changing import make_shares
    from storage.machine import SystemRandomness

    with _changing(invocation) as (vault, actor, settings, _):
        shares = make_shares(settings, SystemRandomness(), name, needed=needed, made=made)
        _log(vault, actor, Event.KEEPER_SHARED, name)
    invocation.speech.warn(
        "these are shown once, here: print them, give each to another person, and leave none in a file or a terminal"
    )
    invocation.speech.data({"name": name, "needed": needed, "shares": list(shares)}, "\n".join(shares).splitlines())


@click.command()
@click.argument("name")
@click.option(
    "--share-file", "files", type=click.Path(path_type=Path), multiple=True, help="A file with one share; repeat it."
)
@click.option("--folder", type=click.Path(path_type=Path), required=True, help="The keeper's new folder.")
@_unlocking
@speaking
@pass_invocation
def recover(invocation: Invocation, /, name: str, files: tuple[Path, ...], **given: Any) -> None:
    """Open a file keeper with recovery shares, and move its roots to a new folder with a new secret.

    Without --share-file the shares are read from stdin, each ended by an empty line.
    """
    from storage.keeper.changing import recover_keeper
    from storage.machine import SystemRandomness

    spec = _spec(invocation, name, kind="file", module=None, token=None, tcti=None, **given)
    shares = [_read_share(path) for path in files] if files else _typed_shares()
    # The vault may open with nothing else, so whoever has the shares and the folder is let in, and logged after.
    roots = recover_keeper(_settings(invocation, spec), SystemRandomness(), name, shares, spec)
    fresh = Invocation()
    fresh.settings_given.update(invocation.settings_given)
    with fresh.acting(tends=True) as (vault, actor):
        _log(vault, actor, Event.KEEPER_RECOVERED, name)
    document: dict[str, JSON] = {"name": name, "roots": roots, "folder": spec.folder}
    invocation.speech.data(document, [f"{name} is in {plain(str(spec.folder))} now, with {roots} roots"])
    invocation.speech.talk("the old shares open nothing any more; make new ones with `strongroom keeper share`")


@contextmanager
def _changing(
    invocation: Invocation, spec: KeeperSpec | None = None
) -> Iterator[tuple[Vault, Actor, KeeperSettings, Callable[[], RootId]]]:
    """The vault, who acts, what keepers are built from, and the root in force by the catalogue."""
    from storage.keeper.configured import configured_keepers
    from storage.keeper.custody import attempt_of, state_of
    from storage.machine import SystemRandomness
    from vault.seal.rootfile import RootId
    from vault.workflows.freshness import require_fresh

    with invocation.acting(tends=True, fresh=True) as (vault, actor):
        actor.require(Action.CHANGE_KEEPERS)
        require_fresh(vault, actor)
        keepers = configured_keepers(invocation.unlocked.keepers(), SystemRandomness(), read_only=True)

        def in_force() -> RootId:
            with vault.catalogue.read() as tx:
                state = state_of(tx, vault.fonds)
            return RootId(tree_id=state.tree_id, generation=state.generation, attempt=attempt_of(state, keepers))

        yield vault, actor, _settings(invocation, spec), in_force


def _settings(invocation: Invocation, spec: KeeperSpec | None) -> KeeperSettings:
    """What keepers are built from, with the secret of one that is not in the list yet. Raises ``InvalidInput``."""
    from pydantic import SecretStr

    from storage.keeper.listing import SecretFrom

    settings = invocation.unlocked
    if spec is None or spec.secret is None:
        return settings.keepers()
    if spec.secret.come_from is SecretFrom.TERMINAL and spec.name not in settings.keeper_answers:
        answer = ask_secret(f"Passphrase or PIN of the keeper {spec.name}", twice=spec.kind.value == "file")
        answers = {**settings.keeper_answers, spec.name: SecretStr(answer)}
        settings = settings.model_copy(update={"keeper_answers": answers})
    return settings.keepers(spec.secret)


def _spec(
    invocation: Invocation,
    name: str,
    *,
    kind: str,
    folder: Path | None,
    module: Path | None,
    token: str | None,
    tcti: str | None,
    key_file: Path | None,
    secret_file: Path | None,
    secret_fd: int | None,
    secret_variable: str | None,
    ask: bool,
) -> KeeperSpec:
    from storage.keeper.listing import KeeperKind, KeeperSpec, SecretFrom, SecretSource
    from storage.settings import KEEPER_VARIABLE

    sources = []
    if secret_file is not None:
        sources.append(SecretSource(come_from=SecretFrom.FILE, at=str(secret_file.absolute())))
    if secret_fd is not None:
        sources.append(SecretSource(come_from=SecretFrom.DESCRIPTOR, at=str(secret_fd)))
    if secret_variable is not None:
        if not secret_variable.startswith(KEEPER_VARIABLE):
            raise click.UsageError(f"--secret-variable: the name has to begin with {KEEPER_VARIABLE}")
        sources.append(SecretSource(come_from=SecretFrom.VARIABLE, at=secret_variable))
    if ask:
        sources.append(SecretSource(come_from=SecretFrom.TERMINAL, at=name))
    if len(sources) + (key_file is not None) > 1:
        raise click.UsageError("give one way to unlock the keeper")
    if kind != "file" and key_file is not None:
        raise click.UsageError("--key-file is for file keepers")
    if kind == "pkcs11" and (module is None or token is None or not sources):
        raise click.UsageError("a PKCS#11 keeper needs --module, --token, and where its PIN comes from")
    home = invocation.home.absolute()
    return KeeperSpec(
        name=name,
        kind=KeeperKind(kind),
        folder=str((folder or home.with_name(f"{home.name}-keeper-{name}")).absolute()),
        key_file=str(key_file.absolute()) if key_file is not None else None,
        module=str(module.absolute()) if module is not None else None,
        token=token,
        tcti=tcti,
        secret=sources[0] if sources else None,
    )


def _log(vault: Vault, actor: Actor, event: Event, name: str, *, lost: bool = False) -> None:
    with vault.catalogue.write() as tx:
        tx.audit.append(vault.entry(actor.person_id, event, vault.vault_id, {"keeper": name, "lost": lost}))


def _newest(keeper: RootKeeper, tree_id: bytes) -> int:
    return max((root.generation for root in keeper.held(tree_id) if root.promoted), default=0)


def _read_share(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path} cannot be read as a share; name the file with its words") from error


def _typed_shares() -> list[str]:
    text = sys.stdin.read()
    return [each for each in text.split("\n\n") if each.strip()]
