"""What is kept of what somebody searched for."""

from __future__ import annotations

from vault.recentsearches import RECENT_MAX, RecentSearches


def test_the_newest_stand_in_front_once_each_and_the_oldest_go() -> None:
    searches = RecentSearches()
    for number in range(RECENT_MAX + 2):
        searches = searches.with_search(f"word {number}")
    assert searches.with_search("word 5").words[:2] == ("word 5", f"word {RECENT_MAX + 1}")
    assert len(searches.with_search("word 5").words) == RECENT_MAX
    assert "word 1" not in searches.words


def test_whoever_keeps_none_has_none() -> None:
    assert RecentSearches(are_kept=False).with_search("words").words == ()
