"""Exit codes."""

from __future__ import annotations

import pytest

from vault import errors
from vault.cli import exits
from vault.errors import StrongroomError


def every_error(root: type[StrongroomError] = StrongroomError) -> list[type[StrongroomError]]:
    here = [each for each in root.__subclasses__() if each.__module__ == errors.__name__]
    return here + [below for each in here for below in every_error(each)]


@pytest.mark.parametrize("kind", every_error())
def test_every_error_has_an_exit_code_of_the_table(kind: type[StrongroomError]) -> None:
    code = exits.code_of(kind("what is wrong and the way out"))
    assert code in dict(exits.TABLE)
    assert code != exits.OK


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        (errors.SealBroken, exits.BROKEN),
        (errors.SettingsWrong, exits.BROKEN),
        (errors.InvalidInput, exits.REFUSED),
        (errors.NotFound, exits.REFUSED),
        (errors.StoreFull, exits.UNAVAILABLE),
        (errors.NotSignedIn, exits.NOT_ALLOWED),
        (errors.NotAllowed, exits.NOT_ALLOWED),
    ],
)
def test_an_error_ends_the_command_with_its_branch_of_the_tree(kind: type[StrongroomError], code: int) -> None:
    assert exits.code_of(kind("what is wrong and the way out")) == code


def test_the_gravest_of_several_failures_decides() -> None:
    assert exits.gravest([]) == exits.OK
    assert exits.gravest([exits.OK, exits.REFUSED, exits.OK]) == exits.REFUSED
    assert exits.gravest([exits.REFUSED, exits.UNAVAILABLE]) == exits.UNAVAILABLE
    assert exits.gravest([exits.REFUSED, exits.BROKEN, exits.UNAVAILABLE]) == exits.BROKEN
