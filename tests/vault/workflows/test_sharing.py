"""Links: what they open, to whom, how often, and how much of it."""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta

import pytest

from storage.objects.s3 import READ_BYTES
from tests.support.vault import add_bytes, random_content
from tests.vault.workflows.faults import ON_SQLITE, HandClock, faulty, with_clock
from vault.audit import Event
from vault.errors import (
    InvalidInput,
    LinkExpired,
    LinkRevoked,
    LinkUsedUp,
    NotAllowed,
    NotFound,
    PassCodeWrong,
    StoreUnavailable,
    StrongroomError,
    TooManyAttempts,
)
from vault.ids import LinkId, PersonId, RecordId
from vault.links import LIFETIME_MAX, PASS_CODE_WINDOW, USE_LIFETIME, USES_MAX, byte_allowance
from vault.permissions import Actor, Role
from vault.records import Description
from vault.workflows import intake, sharing
from vault.workflows.sharing import LinkView
from vault.workflows.vault import Turnstile, Vault

CONTENT = random_content(4 * READ_BYTES + 5)
CODE = "暗号-2026"
HERE, THERE = "192.0.2.1", "192.0.2.2"
DAY = timedelta(days=1)

_RECORDS: dict[str, RecordId] = {}


def the_record(vault: Vault, actor: Actor) -> RecordId:
    if vault.vault_id not in _RECORDS:
        _RECORDS[vault.vault_id] = add_bytes(vault, actor, CONTENT, file_name="合同.pdf").record_id
    return _RECORDS[vault.vault_id]


def link_to(
    vault: Vault,
    actor: Actor,
    *,
    lifetime: timedelta = DAY,
    uses_max: int = 1,
    pass_code: str | None = None,
    note: str = "",
    record_id: RecordId | None = None,
) -> tuple[LinkView, str]:
    return sharing.make_link(
        vault,
        actor,
        record_id or the_record(vault, actor),
        lifetime=lifetime,
        uses_max=uses_max,
        pass_code=pass_code,
        note=note,
    )


def uses_taken(vault: Vault, link: LinkView) -> int:
    with vault.catalogue.read() as tx:
        found = tx.links.get(link.link.id)
    assert found is not None
    return found.uses_taken


def events_of(vault: Vault, link: LinkView) -> list[Event]:
    with vault.catalogue.read() as tx:
        return [each.entry.event for each in tx.audit.page(subject=link.link.id, limit=500)][::-1]


@pytest.fixture
def timed(vault: Vault) -> tuple[Vault, HandClock]:
    return with_clock(vault)


# -- making, looking, using --------------------------------------------------------------------------------------------


def test_a_link_opens_its_record_to_whoever_has_it(vault: Vault, actor: Actor) -> None:
    link, token = link_to(vault, actor, note="for the buyer")
    landing = sharing.landing(vault, token)
    assert (landing.file_name, landing.size_bytes, landing.needs_pass_code) == ("合同.pdf", len(CONTENT), False)
    use = sharing.take_use(vault, token, pass_code=None, origin=HERE)
    assert b"".join(sharing.open_use(vault, token, use).stream()) == CONTENT
    assert events_of(vault, link) == [Event.LINK_MADE, Event.LINK_USED, Event.LINK_READ]
    assert [view.note for view in sharing.list_links(vault, actor) if view.link.id == link.link.id] == ["for the buyer"]
    assert sharing.token_of(vault, link.link.id) == token


def test_looking_takes_no_use_however_often(vault: Vault, actor: Actor) -> None:
    link, token = link_to(vault, actor)
    for _ in range(20):
        sharing.landing(vault, token)
    assert uses_taken(vault, link) == 0


def test_a_link_keeps_to_the_version_that_it_was_made_for(vault: Vault, actor: Actor) -> None:
    record_id = add_bytes(vault, actor, b"original").record_id
    _, token = link_to(vault, actor, record_id=record_id)
    said = Description.checked(title="A record", reason="better")
    with intake.begin_correction(vault, actor, record_id, said, "f") as receiving:
        intake.receive_from(vault, receiving, io.BytesIO(b"better").readinto)
    use = sharing.take_use(vault, token, pass_code=None, origin=HERE)
    assert b"".join(sharing.open_use(vault, token, use).stream()) == b"original"


def test_of_fifty_at_once_on_the_last_use_exactly_one_wins(vault: Vault, actor: Actor) -> None:
    link, token = link_to(vault, actor)

    def take(_: int) -> str:
        try:
            return sharing.take_use(vault, token, pass_code=None, origin=HERE)
        except LinkUsedUp:
            return ""

    with ThreadPoolExecutor(50) as pool:
        taken = [use for use in pool.map(take, range(50)) if use]
    assert len(taken) == 1
    assert uses_taken(vault, link) == 1
    assert events_of(vault, link).count(Event.LINK_USED) == 1
    with pytest.raises(LinkUsedUp):
        sharing.landing(vault, token)


@pytest.mark.parametrize(
    ("field", "values"),
    [
        ("lifetime", {"lifetime": timedelta(seconds=59)}),
        ("lifetime", {"lifetime": LIFETIME_MAX + timedelta(seconds=1)}),
        ("uses_max", {"uses_max": 0}),
        ("uses_max", {"uses_max": USES_MAX + 1}),
        ("note", {"note": "x" * 4001}),
        (None, {"note": "\ud800"}),
        ("pass_code", {"pass_code": "12345"}),
        ("pass_code", {"pass_code": ""}),
    ],
    ids=range(8),
)
def test_a_link_that_breaks_a_rule_is_not_made(
    vault: Vault, actor: Actor, field: str | None, values: dict[str, object]
) -> None:
    with pytest.raises(InvalidInput) as refused:
        link_to(vault, actor, **values)  # type: ignore[arg-type]  # names are link_to's
    assert refused.value.field == field


def test_who_may_not_share_is_refused(vault: Vault, actor: Actor) -> None:
    reader = Actor(person_id=PersonId("reader"), roles=frozenset({Role.READER}))
    link, _ = link_to(vault, actor)
    for call in (
        lambda: link_to(vault, reader, record_id=the_record(vault, actor)),
        lambda: sharing.list_links(vault, reader),
        lambda: sharing.revoke_link(vault, reader, link.link.id),
    ):
        with pytest.raises(NotAllowed):
            call()
    with pytest.raises(NotFound):
        link_to(vault, actor, record_id=RecordId("a" * 26))
    with pytest.raises(NotFound):
        sharing.revoke_link(vault, actor, LinkId("a" * 26))


# -- what is no link, or is over ---------------------------------------------------------------------------------------


def test_whatever_is_not_validly_signed_is_not_found(vault: Vault, actor: Actor) -> None:
    link, token = link_to(vault, actor)
    altered = [token[:place] + ("A" if token[place] != "A" else "B") + token[place + 1 :] for place in range(44)]
    unknown = sharing.token_of(vault, LinkId("a" * 26))
    for wrong in [
        *altered,
        "",
        token[:-1],
        token + "A",
        token + "=",
        token.lower(),
        "\ud800" * 44,
        link.link.id,
        unknown,
    ]:
        for call in (
            lambda wrong=wrong: sharing.landing(vault, wrong),
            lambda wrong=wrong: sharing.take_use(vault, wrong, pass_code=None, origin=HERE),
            lambda wrong=wrong: sharing.open_use(vault, wrong, "x"),
            lambda wrong=wrong: sharing.peek_use(vault, wrong, "x"),
        ):
            with pytest.raises(NotFound):
                call()
    assert uses_taken(vault, link) == 0


def test_a_use_opens_its_own_link_only(vault: Vault, actor: Actor) -> None:
    (_, one), (_, other) = link_to(vault, actor), link_to(vault, actor)
    use = sharing.take_use(vault, one, pass_code=None, origin=HERE)
    for wrong in ("", "x", use + "=", use.swapcase(), "\ud800"):
        with pytest.raises(NotFound):
            sharing.open_use(vault, one, wrong)
    with pytest.raises(NotFound):
        sharing.open_use(vault, other, use)


def test_a_link_that_is_over_says_why(timed: tuple[Vault, HandClock], actor: Actor) -> None:
    vault, clock = timed
    revoked, used, expired = (link_to(vault, actor, lifetime=DAY) for _ in range(3))
    sharing.take_use(vault, used[1], pass_code=None, origin=HERE)
    sharing.revoke_link(vault, actor, revoked[0].link.id)
    sharing.revoke_link(vault, actor, revoked[0].link.id)
    assert events_of(vault, revoked[0]).count(Event.LINK_REVOKED) == 1
    for (_, token), error in ((revoked, LinkRevoked), (used, LinkUsedUp)):
        with pytest.raises(error):
            sharing.landing(vault, token)
        with pytest.raises(error):
            sharing.take_use(vault, token, pass_code=None, origin=HERE)
    clock.advance(DAY)
    with pytest.raises(LinkExpired):
        sharing.landing(vault, expired[1])
    with pytest.raises(LinkExpired):
        sharing.take_use(vault, expired[1], pass_code=None, origin=HERE)
    states = {view.link.id: view.state for view in sharing.list_links(vault, actor)}
    assert [states[link.link.id] for link, _ in (revoked, used, expired)] == ["revoked", "expired", "expired"]


def test_a_use_ends_after_a_day_and_with_its_link(timed: tuple[Vault, HandClock], actor: Actor) -> None:
    vault, clock = timed
    _, token = link_to(vault, actor, lifetime=timedelta(days=3))
    _, short = link_to(vault, actor, lifetime=timedelta(hours=2))
    use, short_use = (sharing.take_use(vault, each, pass_code=None, origin=HERE) for each in (token, short))
    clock.advance(timedelta(hours=2))
    with pytest.raises(LinkExpired):
        sharing.open_use(vault, short, short_use)
    clock.advance(USE_LIFETIME - timedelta(hours=2, seconds=1))
    sharing.open_use(vault, token, use, length=1).close()
    use = sharing.take_use(vault, token, pass_code=None, origin=HERE)
    clock.advance(USE_LIFETIME)
    for call in (sharing.open_use, sharing.peek_use):
        with pytest.raises(LinkExpired):
            call(vault, token, use)


# -- pass codes --------------------------------------------------------------------------------------------------------


@ON_SQLITE
def test_a_pass_code_is_asked_for_and_hides_the_files_name(vault: Vault, actor: Actor) -> None:
    link, token = link_to(vault, actor, pass_code=CODE, uses_max=3)
    landing = sharing.landing(vault, token)
    assert (landing.needs_pass_code, landing.file_name) == (True, None)
    for wrong in (None, "", "123456", "\ud800", CODE + " "):
        with pytest.raises(PassCodeWrong):
            sharing.take_use(vault, token, pass_code=wrong, origin=f"10.0.0.{len(wrong or 'none')}")
    assert uses_taken(vault, link) == 0
    assert sharing.take_use(vault, token, pass_code=CODE, origin=HERE)
    assert sharing.take_use(vault, token, pass_code="暗号－２０２６", origin=HERE)
    assert Event.LINK_REFUSED in events_of(vault, link)


def test_a_pass_code_is_guessed_five_times_by_an_address_and_then_waits(
    timed: tuple[Vault, HandClock], actor: Actor
) -> None:
    vault, clock = timed
    _, token = link_to(vault, actor, pass_code=CODE, uses_max=9)
    for _ in range(5):
        with pytest.raises(PassCodeWrong):
            sharing.take_use(vault, token, pass_code="wrong-code", origin=HERE)
    with pytest.raises(TooManyAttempts):
        sharing.take_use(vault, token, pass_code=CODE, origin=HERE)
    sharing.take_use(vault, token, pass_code=CODE, origin=THERE)
    clock.advance(PASS_CODE_WINDOW + timedelta(seconds=1))
    sharing.take_use(vault, token, pass_code=CODE, origin=HERE)


def test_many_addresses_together_guess_no_more_than_the_link_allows(
    vault: Vault, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sharing, "LINK_TRIES_MAX", 6)
    patient = replace(vault, hashing=Turnstile(50))
    _, token = link_to(vault, actor, pass_code=CODE, uses_max=9)

    def guess(number: int) -> str:
        try:
            sharing.take_use(patient, token, pass_code="wrong-code", origin=f"10.1.0.{number}")
        except StrongroomError as refused:
            return refused.code
        return "taken"

    with ThreadPoolExecutor(12) as pool:
        outcomes = list(pool.map(guess, range(12)))
    assert outcomes.count("pass-code-wrong") <= 6
    assert outcomes.count("pass-code-wrong") + outcomes.count("too-many-attempts") == 12
    with pytest.raises(TooManyAttempts):
        sharing.take_use(vault, token, pass_code=CODE, origin=THERE)


# -- bytes -------------------------------------------------------------------------------------------------------------


@ON_SQLITE
def test_games_with_ranges_get_no_byte_beyond_the_allowance(vault: Vault, actor: Actor) -> None:
    _, token = link_to(vault, actor)
    use = sharing.take_use(vault, token, pass_code=None, origin=HERE)
    got, refused, step = 0, 0, 700_001
    for start in [0, 1, 2, 3, 5, 8, 13] * 3:
        try:
            got += len(b"".join(sharing.open_use(vault, token, use, start=start, length=step).stream()))
        except LinkUsedUp:
            refused += 1
    assert refused
    assert byte_allowance(len(CONTENT)) - step < got <= byte_allowance(len(CONTENT))


def test_ranges_asked_for_at_once_share_one_allowance(vault: Vault, actor: Actor) -> None:
    _, token = link_to(vault, actor)
    use = sharing.take_use(vault, token, pass_code=None, origin=HERE)

    def read(_: int) -> int:
        try:
            return len(b"".join(sharing.open_use(vault, token, use).stream()))
        except LinkUsedUp:
            return 0

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(read, range(8))) == [0] * 7 + [len(CONTENT)]


@ON_SQLITE
@pytest.mark.parametrize(
    ("start", "length"), [(-1, 1), (0, -1), (len(CONTENT), 1), (0, len(CONTENT) + 1), (1 << 70, 1)]
)
def test_a_range_outside_the_file_is_refused_and_costs_nothing(
    vault: Vault, actor: Actor, start: int, length: int
) -> None:
    link, token = link_to(vault, actor)
    use = sharing.take_use(vault, token, pass_code=None, origin=HERE)
    with pytest.raises(InvalidInput):
        sharing.open_use(vault, token, use, start=start, length=length)
    assert b"".join(sharing.open_use(vault, token, use).stream()) == CONTENT
    assert uses_taken(vault, link) == 1


def test_a_use_of_which_nothing_left_returns_to_its_link(vault: Vault, actor: Actor) -> None:
    link, token = link_to(vault, actor)
    use = sharing.take_use(vault, token, pass_code=None, origin=HERE)
    away = faulty(vault, "before:read", lambda: StoreUnavailable("away"))
    with pytest.raises(StoreUnavailable):
        b"".join(sharing.open_use(away, token, use).stream())
    assert uses_taken(vault, link) == 0
    assert events_of(vault, link)[-1] is Event.LINK_USE_RETURNED
    with pytest.raises(NotFound):
        sharing.open_use(vault, token, use)
    assert sharing.take_use(vault, token, pass_code=None, origin=HERE)


def test_an_opening_that_is_closed_before_it_began_returns_its_use(vault: Vault, actor: Actor) -> None:
    link, token = link_to(vault, actor)
    use = sharing.take_use(vault, token, pass_code=None, origin=HERE)
    opening = sharing.open_use(vault, token, use)
    opening.close()
    opening.close()
    assert uses_taken(vault, link) == 0


def test_of_a_download_that_broke_off_only_what_left_counts(vault: Vault, actor: Actor) -> None:
    link, token = link_to(vault, actor)
    use = sharing.take_use(vault, token, pass_code=None, origin=HERE)
    stream = sharing.open_use(vault, token, use).stream()
    first = next(stream)
    stream.close()  # type: ignore[attr-defined]  # it is a generator
    assert uses_taken(vault, link) == 1
    rest = sharing.open_use(vault, token, use, start=len(first))
    assert first + b"".join(rest.stream()) == CONTENT


def test_an_opening_is_streamed_once(vault: Vault, actor: Actor) -> None:
    _, token = link_to(vault, actor)
    opening = sharing.open_use(vault, token, sharing.take_use(vault, token, pass_code=None, origin=HERE))
    assert b"".join(opening.stream()) == CONTENT
    with pytest.raises(LinkUsedUp):
        b"".join(opening.stream())


def test_a_link_that_is_withdrawn_stops_the_download_under_way(timed: tuple[Vault, HandClock], actor: Actor) -> None:
    vault, clock = timed
    link, token = link_to(vault, actor)
    stream = sharing.open_use(vault, token, sharing.take_use(vault, token, pass_code=None, origin=HERE)).stream()
    next(stream)
    sharing.revoke_link(vault, actor, link.link.id)
    clock.advance(timedelta(seconds=3))
    with pytest.raises(LinkRevoked):
        next(stream)


def test_neither_note_nor_pass_code_nor_address_is_in_the_log(vault: Vault, actor: Actor) -> None:
    marked = "markedmarked"
    link, token = link_to(vault, actor, note=marked, pass_code=marked)
    sharing.take_use(vault, token, pass_code=marked, origin="203.0.113.5")
    with vault.catalogue.read() as tx:
        told = repr(tx.audit.page(subject=link.link.id, limit=500)) + repr(tx.links.get(link.link.id))
    assert not [word for word in (marked, "203.0.113.5", token) if word in told]
