"""Adding a root keeper to a home, removing one, and opening one again with recovery shares.

The life of a keeper in the list:
1. ``add_keeper``: its folder is made and its device tried; it is written into the list; the root in force is copied to
   it and read back through a keeper built afresh; older roots that it held are destroyed.
2. ``remove_keeper``: it is written among the lost; its roots are destroyed; it leaves the list. One that is out of
   reach stays among the lost: no destruction is proven there until it is removed once more, when it answers.
3. ``recover_keeper``: its roots are sealed anew in another folder, under another secret. The list names the new folder
   among the lost while it is filled, and the old one while it is emptied.

Rule 1: SIGKILL between any two steps leaves a home that opens; doing the same again completes it.
Rule 2: the last keeper, and the only one that has the root in force, is never removed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from storage.keeper.configured import UnreadyKeeper, build_keeper, folder_of
from storage.keeper.file import FileKeeper
from storage.keeper.listing import KeeperKind, KeeperList, KeeperSpec, held_home, read_list, write_list
from storage.keeper.sealed import SealedKeeper
from storage.keeper.settings import KeeperSettings
from storage.keeper.several import KeeperGroup
from storage.keeper.shares import combine_shares, split_unlock_secret
from vault.errors import (
    AlreadyExists,
    Broken,
    Conflict,
    InvalidInput,
    KeeperUnavailable,
    NotFound,
    SealBroken,
    SettingsWrong,
    StrongroomError,
    Unavailable,
)
from vault.ports import Randomness, RootKeeper
from vault.seal.rootfile import RootId

InForce = Callable[[], RootId]
"""Gives the root in force by the catalogue. It is asked while the home is held: then no other one comes in force."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removal:
    """What became of a keeper; ``destroyed_roots`` is None where it could not be reached: then it is lost."""

    name: str
    destroyed_roots: int | None


def add_keeper(
    settings: KeeperSettings, randomness: Randomness, spec: KeeperSpec, in_force: InForce, *, dry_run: bool = False
) -> None:
    """Adds a keeper that has the root in force when this returns. The same again changes nothing.

    Raises ``AlreadyExists``, ``Conflict``, ``SettingsWrong``, ``KeeperUnavailable``: then it is not added, unless the
    message says so.
    """
    home = Path(settings.home)
    with held_home(home, alone=True):
        listed = read_list(home)
        _require_addable(settings, listed, spec)
        keeper = build_keeper(spec, settings, randomness)
        others = _group(settings, randomness, [each for each in listed.keepers if each != spec])
        now = in_force()
        root = others.root(now.tree_id, now.generation, now.attempt) if others is not None else None
        if dry_run:
            return
        keeper.set_up()
        held_before = keeper.held(now.tree_id)
        for each in held_before:
            same = each.attempt == now.attempt
            if each.promoted and each.generation >= now.generation and not (same and each.generation == now.generation):
                raise Conflict(
                    f"the keeper {spec.name} has generation {each.generation} of another copy of this vault in force; "
                    "give this vault a folder of its own"
                )
        is_new = spec not in listed.keepers
        if is_new:
            write_list(home, replace(listed, keepers=(*listed.keepers, spec)))
        try:
            if root is not None:
                keeper.stage(now.tree_id, now.generation, now.attempt, root)
                keeper.promote(now.tree_id, now.generation, now.attempt)
            again = build_keeper(spec, settings, randomness)
            got = again.root(now.tree_id, now.generation, now.attempt)
            if root is not None and got != root:
                raise SealBroken(f"the keeper {spec.name} gives back another root than it was given; do not rely on it")
            keeper.destroy_others(now.tree_id, now.generation, now.attempt)
        except StrongroomError:
            # Taken back only where nothing of this vault was in it before; else the list keeps it, and it catches up.
            if is_new and not held_before:
                keeper.forget(now.tree_id)
                write_list(home, listed)
            raise


def remove_keeper(
    settings: KeeperSettings,
    randomness: Randomness,
    name: str,
    in_force: InForce,
    *,
    lost: bool = False,
    dry_run: bool = False,
) -> Removal:
    """Destroys all roots of this vault on a keeper and strikes it off the list; ``lost`` where it is out of reach.

    Raises ``NotFound``, ``Conflict`` for the last one, ``KeeperUnavailable`` where it does not answer and is not said
    to be lost, or where the others do not have the root in force: nothing was changed then.
    """
    home = Path(settings.home)
    with held_home(home, alone=True):
        listed = read_list(home)
        spec = _named(listed, name)
        others = _group(settings, randomness, [each for each in listed.keepers if each != spec])
        if others is None:
            raise Conflict(f"{name} is the only keeper; add another one before it is removed")
        now = in_force()
        try:
            others.root(now.tree_id, now.generation, now.attempt)
        except (NotFound, Unavailable, Broken) as exc:
            raise Conflict(
                f"no other keeper gives the root in force ({exc.message}); bring one up to date, then remove {name}"
            ) from exc
        reached: SealedKeeper | None = None
        try:
            reached = build_keeper(spec, settings, randomness)
            count = len(reached.held(now.tree_id))
        except (Unavailable, Broken) as exc:
            if not lost:
                raise KeeperUnavailable(
                    f"the keeper {name} does not answer: {exc.message}. Nothing was changed. Remove it when it does, "
                    "or say --lost: then no destruction is proven there, until it is found and removed once more"
                ) from exc
            reached, count = None, 0
        if dry_run:
            return Removal(name=name, destroyed_roots=None if reached is None else count)
        if spec in listed.keepers:
            struck = listed.without(name)
            listed = replace(struck, lost=(*struck.lost, spec))
            write_list(home, listed)
        if reached is None:
            return Removal(name=name, destroyed_roots=None)
        destroyed = reached.forget(now.tree_id)
        write_list(home, listed.without(name))
        return Removal(name=name, destroyed_roots=destroyed)


def make_shares(settings: KeeperSettings, randomness: Randomness, name: str, *, needed: int, made: int) -> list[str]:
    """Recovery shares of a file keeper's unlock secret, to be printed. Raises ``InvalidInput``, ``NotFound``."""
    keeper = build_keeper(_named(read_list(Path(settings.home)), name), settings, randomness)
    if not isinstance(keeper, FileKeeper):
        raise InvalidInput(f"{name} is unlocked by its device, of which nothing can be shared; add a file keeper")
    return split_unlock_secret(keeper.unlock_secret(), needed=needed, made=made, keeper=name)


def recover_keeper(
    settings: KeeperSettings, randomness: Randomness, name: str, shares: Sequence[str], into: KeeperSpec
) -> int:
    """Opens a file keeper with recovery shares and seals its roots anew, as ``into`` says; gives how many.

    Raises ``InvalidInput`` for wrong shares, ``NotFound``, ``Conflict``, ``SettingsWrong``, ``KeeperUnavailable``.
    """
    home = Path(settings.home)
    with held_home(home, alone=True):
        listed = read_list(home)
        spec = _named(listed, name)
        if spec not in listed.keepers:
            raise Conflict(f"{name} was removed; add a keeper instead")
        old_name = f"{name[:30]}-before"
        if listed.find(old_name) is not None:
            raise Conflict(f"an earlier recovery is not finished; run `strongroom keeper remove {old_name}` first")
        if spec.kind not in (KeeperKind.SETTINGS, KeeperKind.FILE):
            raise InvalidInput(f"{name} is unlocked by its device; recovery shares are of file keepers")
        filling = replace(into, name=f"{name[:30]}-new")
        found = listed.find(filling.name)
        if found is not None and found != filling:
            raise Conflict(f"another recovery was begun; run `strongroom keeper remove {filling.name}` first")
        listed = listed.without(filling.name)
        _require_free_folder(settings, listed, into)
        old = FileKeeper(folder_of(spec, settings), randomness, name=name, recovered=combine_shares(shares))
        old.unlock_secret()
        new = build_keeper(into, settings, randomness)
        new.set_up()
        write_list(home, replace(listed, lost=(*listed.lost, filling)))
        roots = 0
        for tree_id in old.trees():
            for held in old.held(tree_id):
                root = old.root(tree_id, held.generation, held.attempt)
                new.stage(tree_id, held.generation, held.attempt, root)
                if held.promoted:
                    new.promote(tree_id, held.generation, held.attempt)
                roots += 1
        kept = replace(spec, name=old_name, kind=KeeperKind.FILE, folder=str(folder_of(spec, settings)), secret=None)
        others = tuple(into if each == spec else each for each in listed.keepers)
        write_list(home, KeeperList(keepers=others, lost=(*listed.lost, kept)))
        for tree_id in old.trees():
            old.forget(tree_id)
        write_list(home, KeeperList(keepers=others, lost=listed.lost))
        return roots


def _named(listed: KeeperList, name: str) -> KeeperSpec:
    spec = listed.find(name)
    if spec is None:
        names = ", ".join(each.name for each in (*listed.keepers, *listed.lost))
        raise NotFound(f"there is no keeper {name}; there are: {names}")
    return spec


def _require_addable(settings: KeeperSettings, listed: KeeperList, spec: KeeperSpec) -> None:
    found = listed.find(spec.name)
    if found is not None and found not in listed.keepers:
        raise Conflict(
            f"a keeper {spec.name} was removed while out of reach; run `strongroom keeper remove {spec.name}` when it "
            "answers, or choose another name"
        )
    if found is not None and found != spec:
        raise AlreadyExists(f"there is a keeper {spec.name} already, set up otherwise; choose another name")
    if found is None:
        _require_free_folder(settings, listed, spec)


def _require_free_folder(settings: KeeperSettings, listed: KeeperList, spec: KeeperSpec) -> None:
    folder = folder_of(spec, settings).resolve()
    if folder.is_relative_to(Path(settings.home).resolve()):
        raise SettingsWrong(f"the folder {folder} is in the home, and so in every copy of it; name one elsewhere")
    if any(folder_of(each, settings).resolve() == folder for each in (*listed.keepers, *listed.lost)):
        raise AlreadyExists(f"another keeper has the folder {folder}; name one of its own")


def _group(settings: KeeperSettings, randomness: Randomness, specs: Sequence[KeeperSpec]) -> KeeperGroup | None:
    keepers: list[RootKeeper] = []
    for spec in specs:
        try:
            keepers.append(build_keeper(spec, settings, randomness))
        except (Unavailable, Broken) as exc:
            keepers.append(UnreadyKeeper(spec.name, exc))
    return KeeperGroup(keepers) if keepers else None
