"""The tree of errors."""

from __future__ import annotations

import inspect
import re

import pytest

from vault import errors
from vault.errors import InvalidInput, StrongroomError, Unavailable


def the_tree(root: type[StrongroomError]) -> list[type[StrongroomError]]:
    """The vault's own errors; another room that is loaded beside may have refusals of its own."""
    own = [child for child in root.__subclasses__() if child.__module__ == errors.__name__]
    return [root] + [each for child in own for each in the_tree(child)]


def as_drawn() -> dict[str, str]:
    """Each class drawn in the module's docstring, with the class that it hangs from."""
    parents: list[tuple[int, str]] = []
    found = {}
    for line in inspect.cleandoc(errors.__doc__ or "").splitlines():
        drawn = re.match(r"^( {4,}[│├└─ ]*)([A-Z]\w+)( {2,}.*)?$", line) or re.match(r"^([│├└─ ]+)([A-Z]\w+)", line)
        if drawn is None or ("─" not in line and drawn[2] != "StrongroomError"):
            continue
        depth = len(drawn[1])
        parents = [each for each in parents if each[0] < depth]
        found[drawn[2]] = parents[-1][1] if parents else ""
        parents.append((depth, drawn[2]))
    return found


def test_the_tree_in_the_docstring_is_the_tree_of_the_classes() -> None:
    classes = {each.__name__: (each.__mro__[1].__name__ if each is not StrongroomError else "") for each in TREE}
    assert as_drawn() == classes


TREE = the_tree(StrongroomError)


def test_every_error_stands_in_the_module_and_has_a_code_of_its_own() -> None:
    codes = [each.code for each in TREE]
    assert len(set(codes)) == len(codes)
    for each in TREE:
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", each.code)
        assert "code" in vars(each)
        assert getattr(errors, each.__name__) is each


@pytest.mark.parametrize("each", TREE, ids=lambda each: each.__name__)
def test_every_error_says_what_it_means(each: type[StrongroomError]) -> None:
    assert each.__doc__
    assert "__doc__" in vars(each)
    raised = each("what is wrong; the way out")
    assert (str(raised), raised.message) == ("what is wrong; the way out", "what is wrong; the way out")


def test_what_is_away_says_when_to_come_back() -> None:
    assert all(each("away").retry_after_s for each in the_tree(Unavailable))
    assert Unavailable("away", retry_after_s=60).retry_after_s == 60


def test_invalid_input_names_the_field() -> None:
    assert InvalidInput("wrong", field="title").field == "title"
    assert InvalidInput("wrong").field is None
