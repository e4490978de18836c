"""Several root keepers as one: every root in each of them, and a plain account of the one that is away.

Rule 1: a root is staged on every keeper that answers, and on two at least where two are configured.
Rule 2: a keeper that is behind (its newest promoted root is older than another's) serves nothing until it caught up.
Rule 3: catching up only adds; older roots go by ``destroy_others``, which is called again until all have done it.
Rule 4: a destruction has taken effect when every keeper is known to have the root in force and no older one. A keeper
that is away, or that was removed while it could not be reached, is not known to.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeVar

from vault.errors import (
    AlreadyExists,
    Broken,
    Conflict,
    KeeperUnavailable,
    NotFound,
    SettingsWrong,
    StrongroomError,
    Unavailable,
)
from vault.keepers import LOST
from vault.ports import HeldRoot, KeeperStanding, KeeperState, RootKeeper
from vault.seal.secrets import Secret

STAGED_MIN: Final = 2

_T = TypeVar("_T")


class KeeperGroup:
    """Keeps the ``RootKeeper`` promise over one or more keepers. ``lost`` names those removed while out of reach.

    Raises ``SettingsWrong`` when there is none, or two have one name.
    """

    def __init__(self, keepers: Sequence[RootKeeper], *, lost: Sequence[str] = ()) -> None:
        names = [keeper.name for keeper in keepers]
        if not keepers or len(set(names)) < len(names):
            raise SettingsWrong(f"root keepers need names of their own, and one at least: {', '.join(names) or 'none'}")
        self.keepers = tuple(keepers)
        self.lost = tuple(lost)

    @property
    def name(self) -> str:
        """The names of all."""
        return "+".join(keeper.name for keeper in self.keepers)

    def held(self, tree_id: bytes) -> Sequence[HeldRoot]:
        """What is held anywhere, by those that answer; promoted where one has promoted it."""
        found: dict[tuple[int, bytes], bool] = {}
        for roots in self._of_all(lambda keeper: keeper.held(tree_id)).values():
            for root in roots:
                key = (root.generation, root.attempt)
                found[key] = root.promoted or found.get(key, False)
        return [
            HeldRoot(generation=generation, attempt=attempt, promoted=promoted)
            for (generation, attempt), promoted in sorted(found.items())
        ]

    def root(self, tree_id: bytes, generation: int, attempt: bytes) -> Secret:
        """One root, from the first keeper that is not behind and gives it."""
        roots = self._of_all(lambda keeper: keeper.held(tree_id))
        newest = max((_newest(held) for held in roots.values()), default=0)
        failures: list[StrongroomError] = []
        for keeper, held in roots.items():
            if _newest(held) == newest and any((r.generation, r.attempt) == (generation, attempt) for r in held):
                try:
                    return keeper.root(tree_id, generation, attempt)
                except (Unavailable, Broken, NotFound) as exc:
                    failures.append(exc)
        if failures:
            raise failures[0]
        raise NotFound(
            f"no keeper that is up to date has generation {generation} of this vault; restore a keeper from its copy"
        )

    def stage(self, tree_id: bytes, generation: int, attempt: bytes, root: Secret) -> None:
        """Stages on all that answer. Raises ``KeeperUnavailable`` when too few do; what was staged then is harmless."""
        self._on_enough(lambda keeper: keeper.stage(tree_id, generation, attempt, root), "keep a new root")

    def promote(self, tree_id: bytes, generation: int, attempt: bytes) -> None:
        """Promotes on all that answer, one of which is enough; one that missed the stage catches up later."""

        def promote(keeper: RootKeeper) -> None:
            keeper.promote(tree_id, generation, attempt)

        self._of_all(promote)
        self.catch_up(tree_id)

    def destroy_others(self, tree_id: bytes, generation: int, attempt: bytes) -> int:
        """Destroys on all that answer and have the root in force; the others stay to be done, see ``standing``."""
        self.catch_up(tree_id)

        def destroy(keeper: RootKeeper) -> int | None:
            try:
                return keeper.destroy_others(tree_id, generation, attempt)
            except Conflict:
                return None

        counts = [count for count in self._of_all(destroy).values() if count is not None]
        if not counts:
            raise Conflict(f"no keeper has promoted generation {generation} of this vault; nothing was destroyed")
        return sum(counts)

    def trees(self) -> Iterable[bytes]:
        """The trees of all that answer."""
        return sorted({tree for trees in self._of_all(lambda keeper: list(keeper.trees())).values() for tree in trees})

    def describe(self) -> KeeperState:
        """All states in one; a single keeper is warned of."""
        states = [(keeper.name, keeper.describe()) for keeper in self.keepers]
        warnings = [f"{name}: {warning}" for name, state in states for warning in state.warnings]
        warnings += [f"{name} is away: {state.text}" for name, state in states if not state.answers]
        warnings += [
            f"{name} was removed while out of reach: what it held is not proven destroyed" for name in self.lost
        ]
        if len(self.keepers) == 1:
            warnings.insert(0, "one keeper: lose it, lose everything; add a second one")
        return KeeperState(
            answers=any(state.answers for _, state in states),
            text="; ".join(f"{name}: {state.text}" for name, state in states),
            warnings=tuple(warnings),
        )

    def standing(self, tree_id: bytes, generation: int, attempt: bytes) -> list[KeeperStanding]:
        """How each keeper stands to the root in force, the lost ones last."""
        return [self._standing(keeper, tree_id, generation, attempt) for keeper in self.keepers] + [
            KeeperStanding(name=name, answers=False, has_root=False, still_held=(), text=LOST) for name in self.lost
        ]

    def is_effective(self, tree_id: bytes, generation: int, attempt: bytes) -> tuple[bool, list[str]]:
        """Whether everything before this root is known to be destroyed everywhere; else the keepers not proven."""
        unproven = [keeper.name for keeper in self.standing(tree_id, generation, attempt) if not keeper.is_proven]
        return not unproven, unproven

    def catch_up(self, tree_id: bytes) -> list[str]:
        """Copies the root in force to each keeper that answers and lacks it; gives the names of those that it helped.

        Raises ``KeeperUnavailable`` when none answers, ``SettingsWrong`` when two disagree about the root in force.
        """
        roots = self._of_all(lambda keeper: keeper.held(tree_id))
        newest = max((_newest(held) for held in roots.values()), default=0)
        attempts = {r.attempt for held in roots.values() for r in held if r.promoted and r.generation == newest}
        if not attempts:
            return []
        if len(attempts) > 1:
            raise SettingsWrong(
                f"the keepers disagree about generation {newest} of this vault: one of them is of another copy of it. "
                "Nothing was changed; remove the one that does not belong here"
            )
        attempt = attempts.pop()
        behind = [keeper for keeper, held in roots.items() if _newest(held) < newest]
        if not behind:
            return []
        root = self.root(tree_id, newest, attempt)

        def copy(keeper: RootKeeper) -> None:
            keeper.stage(tree_id, newest, attempt, root)
            keeper.promote(tree_id, newest, attempt)

        return [keeper.name for keeper in self._of(behind, copy)[0]]

    def _standing(self, keeper: RootKeeper, tree_id: bytes, generation: int, attempt: bytes) -> KeeperStanding:
        try:
            held = keeper.held(tree_id)
        except (Unavailable, Broken) as exc:
            return KeeperStanding(name=keeper.name, answers=False, has_root=False, still_held=(), text=exc.message)
        older = tuple(
            r for r in held if r.generation <= generation and (r.generation, r.attempt) != (generation, attempt)
        )
        has_root = any(
            r.promoted and (r.generation > generation or (r.generation, r.attempt) == (generation, attempt))
            for r in held
        )
        text = "up to date" if has_root and not older else "behind" if not has_root else "older roots not yet destroyed"
        return KeeperStanding(name=keeper.name, answers=True, has_root=has_root, still_held=older, text=text)

    def _on_enough(self, do: Callable[[RootKeeper], _T], what: str) -> None:
        done, away = self._of(self.keepers, do)
        needed = min(STAGED_MIN, len(self.keepers))
        if len(done) < needed:
            raise KeeperUnavailable(
                f"{needed} keepers have to {what}, and {len(done)} did. Nothing is in force that was not before; "
                + "; ".join(f"{keeper.name}: {exc.message}" for keeper, exc in away.items())
            )

    def _of_all(self, do: Callable[[RootKeeper], _T]) -> dict[RootKeeper, _T]:
        done, away = self._of(self.keepers, do)
        if not done:
            raise next(iter(away.values()))
        return done

    def _of(
        self, keepers: Sequence[RootKeeper], do: Callable[[RootKeeper], _T]
    ) -> tuple[dict[RootKeeper, _T], dict[RootKeeper, StrongroomError]]:
        """Does something on each; what one cannot do now does not stop the others."""
        done: dict[RootKeeper, _T] = {}
        away: dict[RootKeeper, StrongroomError] = {}
        for keeper in keepers:
            try:
                done[keeper] = do(keeper)
            except AlreadyExists:
                raise
            except (Unavailable, Broken, NotFound) as exc:
                away[keeper] = exc
        return done, away


def _newest(held: Sequence[HeldRoot]) -> int:
    return max((root.generation for root in held if root.promoted), default=0)
