"""Recovery shares: any m of n open the keeper again; wrong, mixed and too few are told apart."""

from __future__ import annotations

from itertools import combinations
from pathlib import Path

import pytest

from storage.keeper.file import FileKeeper
from storage.keeper.shares import combine_shares, split_unlock_secret
from storage.machine import SystemRandomness
from tests.support.keepers import CHEAP, PASSPHRASE
from vault.errors import InvalidInput, SettingsWrong
from vault.seal.secrets import Secret

SECRET = Secret(bytes(range(7, 39)))


@pytest.fixture(scope="module")
def shares() -> list[str]:
    return split_unlock_secret(SECRET, needed=3, made=5, keeper="off-site")


def test_any_three_of_five_give_the_secret(shares: list[str]) -> None:
    assert all(combine_shares(chosen) == SECRET for chosen in combinations(shares, 3))
    assert combine_shares(shares) == SECRET
    assert combine_shares([shares[4].upper(), shares[0], shares[2]]) == SECRET


def test_the_words_alone_are_enough(shares: list[str]) -> None:
    words = [" ".join(share.splitlines()[3:]) for share in shares[:3]]
    assert len(words[0].split()) == 33
    assert combine_shares(words) == SECRET


def test_a_share_says_what_it_is(shares: list[str]) -> None:
    assert shares[1].startswith("STRONGROOM RECOVERY SHARE 2 of 5; ANY 3 OPEN\nKEEPER: off-site. SET: ")


def test_too_few_shares_say_how_many_are_needed(shares: list[str]) -> None:
    with pytest.raises(InvalidInput, match="3 different shares are needed, and 2 were given"):
        combine_shares(shares[:2])
    with pytest.raises(InvalidInput, match="3 different shares are needed, and 2 were given"):
        combine_shares([shares[0], shares[1], shares[1]])
    with pytest.raises(InvalidInput, match="no share"):
        combine_shares([])


def test_a_misread_word_is_told_with_the_share(shares: list[str]) -> None:
    lines = shares[1].splitlines()
    words = lines[4].split()
    words[2] = "academic" if words[2] != "academic" else "acid"
    lines[4] = " ".join(words)
    with pytest.raises(InvalidInput, match="share 2 is misread"):
        combine_shares([shares[0], "\n".join(lines), shares[2]])
    with pytest.raises(InvalidInput, match="share 1 is misread"):
        combine_shares(["strongroom", *shares[1:]])


def test_shares_of_two_sets_are_not_mixed(shares: list[str]) -> None:
    others = split_unlock_secret(SECRET, needed=3, made=5, keeper="off-site")
    with pytest.raises(InvalidInput, match="another set"):
        combine_shares([shares[0], others[1], shares[2]])


@pytest.mark.parametrize(("needed", "made"), [(1, 3), (4, 3), (2, 17), (0, 0)])
def test_numbers_that_protect_nothing_are_refused(needed: int, made: int) -> None:
    with pytest.raises(InvalidInput):
        split_unlock_secret(SECRET, needed=needed, made=made, keeper="off-site")


@pytest.mark.parametrize("given", ["passphrase", "key"])
def test_shares_open_an_off_site_keeper_and_only_that_one(tmp_path: Path, given: str) -> None:
    def opened(name: str) -> FileKeeper:
        if given == "key":
            return FileKeeper(tmp_path / name, SystemRandomness(), key=name.encode().ljust(64, b"."))
        return FileKeeper(tmp_path / name, SystemRandomness(), passphrase=PASSPHRASE, cost=CHEAP)

    for name in ("off-site", "another"):
        opened(name).set_up()
        opened(name).stage(bytes(16), 1, bytes(range(16)), SECRET)
    texts = split_unlock_secret(opened("off-site").unlock_secret(), needed=2, made=3, keeper="off-site")
    recovered = combine_shares(texts[1:])

    keeper = FileKeeper(tmp_path / "off-site", SystemRandomness(), recovered=recovered)
    assert keeper.root(bytes(16), 1, bytes(range(16))) == SECRET
    assert "recovery shares" in keeper.describe().text
    keeper.stage(bytes(16), 2, bytes(range(16)), SECRET)
    assert opened("off-site").root(bytes(16), 2, bytes(range(16))) == SECRET
    other = FileKeeper(tmp_path / "another", SystemRandomness(), recovered=recovered)
    with pytest.raises(SettingsWrong, match="recovery shares are not the right one"):
        other.stage(bytes(16), 2, bytes(range(16)), SECRET)
    with pytest.raises(SettingsWrong, match="a keeper that exists"):
        FileKeeper(tmp_path / "new", SystemRandomness(), recovered=recovered).set_up()
