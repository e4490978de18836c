"""What a saved view may be called and hold."""

from __future__ import annotations

import pytest

from vault.errors import InvalidInput
from vault.savedviews import ViewWords


def test_a_name_is_tidied_and_empty_fields_are_left_out() -> None:
    view = ViewWords.checked(name="  due \n soon ", words="合同", filter={"class": "contract", "state": ""})
    assert (view.name, view.words, dict(view.filter)) == ("due soon", "合同", {"class": "contract"})


@pytest.mark.parametrize("name", ["", "   ", "x" * 61, "a\u202eb", "a\x00b"])
def test_a_name_that_nobody_could_read_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        ViewWords.checked(name=name, words="", filter={})


def test_a_filter_without_end_is_refused() -> None:
    with pytest.raises(InvalidInput):
        ViewWords.checked(name="long", words="x" * 201, filter={})
    with pytest.raises(InvalidInput):
        ViewWords.checked(name="many", words="", filter={str(number): "x" for number in range(13)})
