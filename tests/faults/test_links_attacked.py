"""Links attacked over HTTP, at the real server: nobody gets a byte, a use or a name that the link does not give."""

from __future__ import annotations

import hashlib
import json
import os
import string
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import httpx
import pytest
from sqlalchemy import create_engine, update

from storage.catalogue.links import links
from tests.support.attacked import Attacked, attacked
from tests.support.many import last_use
from tests.support.vault import add_bytes, staff
from vault.links import PASS_CODE_TRIES_MAX, byte_allowance
from vault.workflows import sharing
from vault.workflows.sharing import LINK_TRIES_MAX
from vault.workflows.vault import Vault

pytestmark = pytest.mark.faults

MIB = 1024 * 1024
SIZE = 5 * MIB
CODE = "open sesame"
TITLE, NAME = "Strictly personal title", "机密 personal name.pdf"
BLOCKS_AHEAD = 12 * MIB  # what may be on its way when a download is ended: blocks taken, and the systems' buffers


@pytest.fixture(scope="module")
def vault(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Attacked]:
    """One server for the module; at its end all that was acknowledged opens, and the log holds no surprise."""
    home: Path = tmp_path_factory.mktemp("links") / "home"
    with attacked(home) as running:
        yield running
        running.require_whole()
        running.require_quiet_log()


@pytest.fixture(scope="module")
def content() -> bytes:
    """What the record holds."""
    return os.urandom(SIZE)


@pytest.fixture(scope="module")
def record(vault: Attacked, content: bytes) -> str:
    """A record that links lead to."""
    return str(vault.send(content, file_name=NAME, title=TITLE).json()["id"])


@pytest.fixture
def visitor(vault: Attacked) -> Iterator[httpx.Client]:
    """Somebody whom the site does not know."""
    with httpx.Client(base_url=vault.server.url, timeout=60, trust_env=False) as client:
        yield client


def taken(visitor: httpx.Client, path: str, **fields: str) -> str:
    """Takes a use; gives the download's path."""
    answer = visitor.post(path, data=fields)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["location"])


def require_unknown(answer: httpx.Response) -> None:
    """What a stranger is told of everything that is not theirs: one page, the same for all."""
    assert answer.status_code == 404
    for told in (TITLE, NAME, "personal", "expired", "withdrawn"):
        assert told not in answer.text


def age(vault: Attacked, link_id: str) -> None:
    """Lets a link's time be over."""
    engine = create_engine(f"sqlite:///{vault.server.home / 'catalogue.sqlite'}")
    over = datetime.now(UTC) - timedelta(seconds=1)
    with engine.begin() as connection:
        assert connection.execute(update(links).where(links.c.id == link_id).values(expires_at=over)).rowcount == 1
    engine.dispose()


# -- what is no link ---------------------------------------------------------------------------------------------------


def test_a_token_that_is_altered_in_any_character_is_nothing(
    vault: Attacked, visitor: httpx.Client, record: str
) -> None:
    path, link_id = vault.link(record, uses_max=1000)
    token = path.removeprefix("/l/")
    alphabet = string.ascii_letters + string.digits + "-_"
    altered = [
        token[:place] + alphabet[(alphabet.index(token[place]) + step) % 64] + token[place + 1 :]
        for place in range(len(token))
        for step in (1, 17, 63)
    ]
    swapped = [token[1] + token[0] + token[2:], token[::-1], token.swapcase(), token.lower(), token.upper()]
    for wrong in [*altered, *swapped]:
        require_unknown(visitor.get(f"/l/{wrong}"))
    for wrong in altered[::16]:
        require_unknown(visitor.post(f"/l/{wrong}"))
    assert vault.uses_taken(link_id) == 0


def test_a_token_that_is_forged_cut_or_spelled_otherwise_is_nothing(
    vault: Attacked, visitor: httpx.Client, record: str
) -> None:
    path, link_id = vault.link(record)
    token = path.removeprefix("/l/")
    forged = ["A" * 44, "-" * 44, os.urandom(22).hex(), link_id, token[:-1], token + "A", token * 2, "0", "%00"]
    spelled = [token + "=", token + "%3D%3D", token.replace(token[0], "%C3%A9", 1), token + "%0A", "%20" + token]
    plus_and_slash = token.replace("-", "%2B").replace("_", "%2F") if set("-_") & set(token) else "%2B" * 44
    for wrong in [*forged, *spelled, plus_and_slash]:
        require_unknown(visitor.get(f"/l/{wrong}"))
        require_unknown(visitor.post(f"/l/{wrong}"))
        require_unknown(visitor.get(f"/l/{wrong}/{'A' * 32}"))
    assert vault.uses_taken(link_id) == 0


def test_another_vaults_token_is_nothing(vault: Attacked, visitor: httpx.Client, fresh_vault: Vault) -> None:
    actor = staff(fresh_vault)
    record_id = add_bytes(fresh_vault, actor, b"another's").record_id
    _, token = sharing.make_link(fresh_vault, actor, record_id, lifetime=timedelta(days=1), uses_max=1, pass_code=None)
    sharing.landing(fresh_vault, token)
    require_unknown(visitor.get(f"/l/{token}"))
    require_unknown(visitor.post(f"/l/{token}"))


# -- what is over ------------------------------------------------------------------------------------------------------


def test_a_link_that_has_expired_gives_nothing_any_more(vault: Attacked, visitor: httpx.Client, record: str) -> None:
    path, link_id = vault.link(record, uses_max=5)
    download = taken(visitor, path)
    assert visitor.get(download, headers={"Range": "bytes=0-9"}).status_code == 206
    age(vault, link_id)
    for answer in (visitor.get(path), visitor.post(path), visitor.get(download), visitor.head(download)):
        assert answer.status_code == 410
        assert NAME not in answer.text
    assert vault.uses_taken(link_id) == 1


def test_a_link_that_is_withdrawn_ends_what_is_running(vault: Attacked, visitor: httpx.Client) -> None:
    size = 64 * MIB
    path, link_id = vault.link(vault.send(bytes(size)).json()["id"], uses_max=2)
    download = taken(visitor, path)
    got = 0
    with visitor.stream("GET", download) as answer:
        pieces = answer.iter_raw(65536)
        got += len(next(pieces))
        assert vault.client.delete(f"/api/v1/links/{link_id}").status_code == 204
        time.sleep(2.5)  # the link is looked at every two seconds, between blocks
        with suppress(httpx.RemoteProtocolError):
            for piece in pieces:
                got += len(piece)
            pytest.fail("the download went on to its end")
    assert got <= BLOCKS_AHEAD < size
    for answer in (visitor.get(download), visitor.get(path), visitor.post(path)):
        assert answer.status_code == 410
        assert "withdrawn" in answer.text


def test_a_use_opens_its_own_link_only_and_its_letters_are_exact(
    vault: Attacked, visitor: httpx.Client, record: str
) -> None:
    (one, _), (other, _) = vault.link(record), vault.link(record)
    download = taken(visitor, one)
    use = download.rpartition("/")[2]
    for wrong in (use.swapcase(), use[:-1], use + "=", use + "A", "A" * len(use), "%00", use[::-1]):
        require_unknown(visitor.get(f"{one}/{wrong}"))
    require_unknown(visitor.get(f"{other}/{use}"))
    require_unknown(visitor.head(f"{other}/{use}"))
    assert visitor.get(download).status_code == 200


def test_a_use_that_is_replayed_gives_no_second_file(vault: Attacked, visitor: httpx.Client) -> None:
    content = os.urandom(SIZE)
    path, link_id = vault.link(vault.send(content).json()["id"])
    download = taken(visitor, path)
    assert visitor.get(download).content == content
    again = visitor.get(download)
    assert (again.status_code, "as many bytes as it may" in again.text) == (410, True)
    assert visitor.post(path).status_code == 410
    assert vault.uses_taken(link_id) == 1


# -- uses --------------------------------------------------------------------------------------------------------------


def test_of_fifty_at_once_on_the_last_use_exactly_one_wins(vault: Attacked, record: str) -> None:
    for _ in range(2):
        assert last_use(vault, record) == {303: 1, 410: 49}


def test_scanners_take_nothing(vault: Attacked, visitor: httpx.Client, record: str) -> None:
    path, link_id = vault.link(record)
    looks = [
        {"User-Agent": "Mozilla/5.0 (compatible; LinkScanner/1.0)"},
        {"Purpose": "prefetch", "Sec-Purpose": "prefetch;prerender"},
        {"X-Moz": "prefetch"},
        {"Range": "bytes=0-0"},
        {"If-None-Match": "*"},
        {"X-HTTP-Method-Override": "POST", "X-Method-Override": "POST"},
        {"Content-Length": "0", "Content-Type": "application/x-www-form-urlencoded"},
    ]
    for headers in looks:
        for method in ("GET", "HEAD"):
            assert visitor.request(method, path, headers=headers).status_code == 200
            assert visitor.request(method, path + "?_method=POST&pass_code=x", headers=headers).status_code == 200
    for method in ("OPTIONS", "PUT", "PATCH", "DELETE", "PROPFIND", "TRACE"):
        assert visitor.request(method, path).status_code in (404, 405)
    foreign = visitor.post(path, headers={"Origin": "https://mail.example", "Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code in (303, 403)
    assert vault.uses_taken(link_id) == (1 if foreign.status_code == 303 else 0)


# -- ranges ------------------------------------------------------------------------------------------------------------


def asked(visitor: httpx.Client, download: str, span: str) -> httpx.Response:
    """A range of a download."""
    return visitor.get(download, headers={"Range": f"bytes={span}"})


@pytest.mark.parametrize("game", ["overlapping", "repeated", "from the end", "tiny", "several in one", "broken off"])
def test_no_game_with_ranges_gives_more_than_the_allowance(
    vault: Attacked, visitor: httpx.Client, record: str, content: bytes, game: str
) -> None:
    path, link_id = vault.link(record)
    download = taken(visitor, path)
    allowance, got, last = byte_allowance(SIZE), 0, 0
    assert allowance == SIZE + SIZE // 2
    spans = {
        "overlapping": [f"{start}-{start + MIB - 1}" for start in range(0, SIZE - MIB, MIB // 4)] * 4,
        "repeated": ["0-"] * 20,
        "from the end": [f"-{MIB // 2}"] * 40,
        "tiny": [f"{place}-{place}" for place in range(120)] + ["0-"] * 3,
        "several in one": ["0-99,200-299", "0-,0-,0-", "0-0,-1", "99-0", "x"] * 3,
        "broken off": [],
    }[game]
    for span in spans:
        answer = asked(visitor, download, span)
        last = answer.status_code
        if last in (200, 206):
            got += len(answer.content)
            sent = answer.headers.get("content-range", f"bytes 0-{SIZE - 1}/{SIZE}").split(" ")[1].split("/")[0]
            start, _, end = sent.partition("-")
            assert answer.content == content[int(start) : int(end) + 1]
        assert visitor.head(download).headers["content-length"] == str(SIZE)  # free, and takes nothing
    if game == "broken off":
        for _ in range(40):
            with vault.line() as line:
                line.say(f"GET {download} HTTP/1.1\nHost: 127.0.0.1\nRange: bytes=0-{2 * MIB - 1}\n\n")
                last, _ = line.head()
                if last == 206:
                    got += line.take(MIB // 2)
                line.close(reset=True)
    assert got <= allowance
    assert last == 410
    assert vault.uses_taken(link_id) == 1


def test_what_is_refused_takes_nothing_of_the_allowance(vault: Attacked, visitor: httpx.Client, record: str) -> None:
    path, _ = vault.link(record)
    download = taken(visitor, path)
    for _ in range(50):
        beyond = asked(visitor, download, f"{SIZE}-")
        assert (beyond.status_code, beyond.headers["content-range"]) == (416, f"bytes */{SIZE}")
        assert visitor.head(download).status_code == 200
    assert visitor.get(download).status_code == 200
    assert asked(visitor, download, f"0-{SIZE // 2 - 1}").status_code == 206


def test_small_files_have_a_mebibyte_for_retries_and_no_more(vault: Attacked, visitor: httpx.Client) -> None:
    size = 200_000
    path, _ = vault.link(vault.send(os.urandom(size)).json()["id"])
    download = taken(visitor, path)
    got = 0
    while (answer := visitor.get(download)).status_code == 200:
        got += len(answer.content)
    assert answer.status_code == 410
    assert got <= byte_allowance(size) == size + MIB


# -- pass codes --------------------------------------------------------------------------------------------------------


def guess(vault: Attacked, path: str, code: str, *, source: str = "127.0.0.1", **headers: str) -> int:
    """Tries a pass code from an address; gives the status."""
    transport = httpx.HTTPTransport(local_address=source)
    with httpx.Client(base_url=vault.server.url, transport=transport, timeout=60, trust_env=False) as visitor:
        return visitor.post(path, data={"pass_code": code}, headers=headers).status_code


def test_a_pass_code_is_guessed_a_few_times_from_an_address_and_the_right_one_waits_too(
    vault: Attacked, record: str
) -> None:
    path, link_id = vault.link(record, pass_code=CODE, uses_max=10)
    with ThreadPoolExecutor(12) as pool:  # at once, so that none sees the others' failure
        at_once = list(pool.map(lambda number: guess(vault, path, f"guess {number}"), range(12)))
    assert at_once.count(403) <= PASS_CODE_TRIES_MAX
    assert set(at_once) <= {403, 429, 503}
    # One after another until the address has used up its tries, if a busy server left it some.
    for number in range(PASS_CODE_TRIES_MAX):
        guess(vault, path, f"again {number}")
    assert guess(vault, path, CODE) == 429
    assert vault.uses_taken(link_id) == 0
    assert guess(vault, path, CODE, source="127.0.0.2") == 303
    assert guess(vault, path, CODE) == 429


def test_no_header_makes_another_address_of_a_guesser(vault: Attacked, record: str) -> None:
    path, link_id = vault.link(record, pass_code=CODE)
    statuses = [
        guess(
            vault,
            path,
            f"guess {number}",
            **{
                "X-Forwarded-For": f"203.0.113.{number}",
                "Forwarded": f"for=203.0.113.{number}",
                "X-Real-IP": f"203.0.113.{number}",
                "X-Client-IP": f"203.0.113.{number}",
                "True-Client-IP": f"203.0.113.{number}",
            },
        )
        for number in range(PASS_CODE_TRIES_MAX + 2)
    ]
    assert statuses == [403] * PASS_CODE_TRIES_MAX + [429] * 2
    assert vault.uses_taken(link_id) == 0


def test_many_addresses_together_have_a_limit_for_the_link_and_whoever_knows_the_code_uses_none_of_it(
    vault: Attacked, record: str
) -> None:
    path, link_id = vault.link(record, pass_code=CODE, uses_max=20)
    knowing = [guess(vault, path, CODE, source=f"127.0.3.{number % 3 + 1}") for number in range(10)]
    assert knowing == [303] * 10
    guesses = [
        (f"127.0.1.{address + 1}", f"guess {number}")
        for address in range(LINK_TRIES_MAX // PASS_CODE_TRIES_MAX + 1)
        for number in range(PASS_CODE_TRIES_MAX)
    ]
    statuses = [guess(vault, path, code, source=source) for source, code in guesses]
    assert statuses == [403] * LINK_TRIES_MAX + [429] * PASS_CODE_TRIES_MAX
    assert guess(vault, path, CODE, source="127.0.2.1") == 429
    assert vault.uses_taken(link_id) == 10


def test_odd_pass_codes_are_wrong_ones(vault: Attacked, record: str) -> None:
    path, link_id = vault.link(record, pass_code=CODE)
    for code in ("", CODE + " ", CODE.upper(), "x" * 60_000):
        assert guess(vault, path, code) == 403
    # What is no text in any form is no code either, and counts as nothing.
    assert guess(vault, path, "\0") == 404
    assert vault.uses_taken(link_id) == 0


# -- what is told ------------------------------------------------------------------------------------------------------


def test_nothing_personal_is_told_before_the_pass_code(vault: Attacked, visitor: httpx.Client, record: str) -> None:
    path, _ = vault.link(record, pass_code=CODE, note="for the personal buyer")
    answers = [visitor.get(path), visitor.post(path), visitor.post(path, data={"pass_code": "wrong one"})]
    answers.append(visitor.get(f"{path}/{'A' * 32}"))
    for answer in answers:
        seen = answer.text + json.dumps(dict(answer.headers))
        for told in ("personal", "机密", NAME, TITLE, record, hashlib.sha256(record.encode()).hexdigest()):
            assert told not in seen
    after = visitor.get(taken(visitor, path, pass_code=CODE))
    assert NAME.rpartition(" ")[2] in after.headers["content-disposition"]
    assert TITLE not in json.dumps(dict(after.headers))


def test_no_page_of_a_link_is_kept_indexed_or_told_to_other_sites(
    vault: Attacked, visitor: httpx.Client, record: str
) -> None:
    path, link_id = vault.link(record, uses_max=2)
    answers = {"landing": visitor.get(path), "use": visitor.post(path)}
    answers["download"] = visitor.get(answers["use"].headers["location"], headers={"Range": "bytes=0-0"})
    answers["head"] = visitor.head(answers["use"].headers["location"])
    answers["nothing"] = visitor.get(path + "x")
    vault.client.delete(f"/api/v1/links/{link_id}")
    answers["withdrawn"] = visitor.get(path)
    for name, answer in answers.items():
        assert answer.headers["cache-control"] == "no-store", name
        assert answer.headers["referrer-policy"] == "no-referrer", name
        assert "noindex" in answer.headers["x-robots-tag"], name
        assert answer.headers["x-content-type-options"] == "nosniff", name
        assert "set-cookie" not in answer.headers, name
        assert "default-src 'none'" in answer.headers["content-security-policy"], name


def test_no_token_of_a_link_is_in_the_log(vault: Attacked, visitor: httpx.Client, record: str) -> None:
    path, _ = vault.link(record)
    download = taken(visitor, path)
    visitor.get(download)
    log = vault.server.log.read_text(errors="replace")
    for secret in (path.removeprefix("/l/"), download.rpartition("/")[2], NAME, TITLE):
        assert secret not in log


def test_a_forged_token_is_answered_about_as_fast_as_one_that_is_over(
    vault: Attacked, visitor: httpx.Client, record: str, record_property: Callable[[str, object], None]
) -> None:
    path, link_id = vault.link(record)
    vault.client.delete(f"/api/v1/links/{link_id}")
    times: dict[str, list[float]] = {"forged": [], "genuine": []}
    for number in range(30):
        for kind, address in (("forged", f"/l/{number:044d}"), ("genuine", path)):
            began = time.perf_counter()
            visitor.get(address)
            times[kind].append(time.perf_counter() - began)
    for kind, seconds in times.items():  # told, not asserted: a genuine one is looked up, which a forger cannot reach
        record_property(f"{kind}_ms", round(median(seconds) * 1000, 2))
