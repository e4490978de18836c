"""Where messages may go: private networks, other spellings, names that change, redirects, certificates."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import ip_address, ip_network
from pathlib import Path

import pytest

from storage.settings import load_settings
from storage.webhooks.addresses import address_of, is_public, place_of
from storage.webhooks.sending import Sender
from tests.support.receiver import certificate_for, receiver
from vault.errors import InvalidInput, ReceiverUnavailable, SettingsWrong

LOOPBACK = [ip_network("127.0.0.0/8"), ip_network("::1/128")]
HEADERS = {"Content-Type": "application/json"}


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.9.9.9", "0.0.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1",
        "169.254.169.254", "192.88.99.1", "100::1", "64:ff9b:1::1", "2001:2::1",
        "100.64.0.1", "192.0.0.8", "192.0.2.1", "198.18.0.1", "198.51.100.1", "203.0.113.1", "224.0.0.1", "240.0.0.1",
        "255.255.255.255", "::", "::1", "fe80::1", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:8.8.8.8", "2002:7f00:1::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
        "64:ff9b::7f00:1", "64:ff9b::808:808",
    ],
)  # fmt: skip
def test_an_address_that_is_not_the_internets_is_none_of_it(address: str) -> None:
    assert not is_public(ip_address(address))


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "1.1.1.1", "93.184.216.34", "2606:4700:4700::1111", "2a00:1450:4001::1"]
)
def test_an_address_of_the_internet_may_be_reached(address: str) -> None:
    assert is_public(ip_address(address))
    assert address_of(place_of("https://a.example/x"), [], lambda host, port: [address]) == address


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.1", "0x7f000001", "2130706433", "017700000001", "localhost", "[::1]", "[::ffff:127.0.0.1]",
     "[::]", "0"],
)  # fmt: skip
def test_loopback_is_not_reached_however_it_is_spelt(host: str) -> None:
    with receiver() as it:
        url = f"http://{host}:{it.port}/told"
        for secure in (url, url.replace("http:", "https:")):
            with pytest.raises((InvalidInput, ReceiverUnavailable)):
                Sender([]).send(secure, HEADERS, b"{}")
        with pytest.raises(InvalidInput):
            Sender([]).check(f"http://127.0.0.1:{it.port}/told")
        assert it.messages == []


@pytest.mark.parametrize(
    "url",
    ["", "x", "ftp://a.example", "file:///etc/passwd", "https://", "https:///x", "https://a.example:0/",
     "https://a.example:99999/", "https://u@a.example/", "https://u:p@a.example/", "https://a.example/#x",
     "https://a.example/\r\nHost: b", "https://a.example/ x", "https://\u4f8b.example/", "https://a.example\\@b/",
     "https://[::1/", "https://a.example/" + "x" * 1000, "gopher://a.example"],
)  # fmt: skip
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Sender(LOOPBACK).check(url)
    assert refused.value.field == "url"


def test_one_private_address_among_others_condemns_a_name() -> None:
    place = place_of("https://two.example/")
    with pytest.raises(InvalidInput):
        address_of(place, [], lambda host, port: ["8.8.8.8", "10.0.0.1"])
    with pytest.raises(InvalidInput):
        address_of(place, [ip_network("10.1.0.0/16")], lambda host, port: ["10.2.0.1"])
    assert address_of(place, [ip_network("10.1.0.0/16")], lambda host, port: ["10.1.0.1"]) == "10.1.0.1"


def test_on_the_internet_only_https_is_spoken() -> None:
    with pytest.raises(InvalidInput, match="https"):
        address_of(place_of("http://a.example/"), [], lambda host, port: ["8.8.8.8"])


def test_a_name_that_changes_between_the_check_and_the_call_gains_nothing() -> None:
    """DNS rebinding: the address that was judged is the one that is called; nobody asks for the name a second time."""
    asked: list[str] = []

    def rebinding(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        return ["127.0.0.2"] if len(asked) == 1 else ["127.0.0.1"]

    with receiver() as it:
        sender = Sender([ip_network("127.0.0.2/32")], look_up=rebinding)
        url = it.url.replace("127.0.0.1", "receiver.example")
        with pytest.raises(ReceiverUnavailable):
            sender.send(url, HEADERS, b"{}")  # judged and called at 127.0.0.2, where nobody listens
        assert asked == ["receiver.example"]
        with pytest.raises(InvalidInput):
            sender.send(url, HEADERS, b"{}")  # and the address it has now may not be reached
        assert it.messages == []


def test_redirects_are_not_followed() -> None:
    with receiver() as it, receiver() as inside:
        it.redirect_to, it.status = inside.url, 302
        assert Sender(LOOPBACK).send(it.url, HEADERS, b"{}") == 302
        assert (len(it.messages), inside.messages) == (1, [])


def test_proxies_of_the_environment_are_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiver() as it, receiver() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert Sender(LOOPBACK).send(it.url, HEADERS, b"{}") == 204
        assert (len(it.messages), proxy.messages) == (1, [])


def test_a_message_names_its_receiver_and_arrives_whole() -> None:
    with receiver() as it:
        sender = Sender(LOOPBACK, look_up=lambda host, port: ["127.0.0.1"])
        it.status, it.body = 200, b"x" * 5_000_000
        assert sender.send(f"http://receiver.example:{it.port}/a?b=c", HEADERS, b'{"n":1}') == 200, (
            "read up to a few bytes"
        )
        ((headers, body),) = it.messages
        assert headers["host"] == f"receiver.example:{it.port}"
        assert body == b'{"n":1}'


def test_the_certificate_has_to_be_the_names_whatever_address_is_called(tmp_path: Path) -> None:
    both, root = certificate_for("receiver.example", tmp_path)
    trusted = ssl.create_default_context(cafile=str(root))
    with receiver(certificate=both) as it:
        sender = Sender(LOOPBACK, look_up=lambda host, port: ["127.0.0.1"], trusted=trusted)
        assert sender.send(f"https://receiver.example:{it.port}/", HEADERS, b"{}") == 204
        for sender_, host in (
            (sender, "another.example"),
            (sender, "127.0.0.1"),
            (Sender(LOOPBACK, look_up=lambda host, port: ["127.0.0.1"]), "receiver.example"),
        ):
            with pytest.raises(ReceiverUnavailable):
                sender_.send(f"https://{host}:{it.port}/", HEADERS, b"{}")
        assert len(it.messages) == 1


@pytest.mark.parametrize(("scheme", "said"), [("http", b"H" * 500), ("https", b"\x16\x03\x03\x3f\x00" + bytes(500))])
def test_a_receiver_that_never_comes_to_an_end_is_left(scheme: str, said: bytes) -> None:
    """One byte now and then, of the answer or of TLS before it: each read succeeds, and the whole would never end."""
    ended = threading.Event()

    def drip(listening: socket.socket) -> None:
        line, _ = listening.accept()
        with line, suppress(OSError):
            for byte in said:
                if ended.wait(0.1):
                    break
                line.send(bytes([byte]))

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,))
        thread.start()
        url = f"{scheme}://127.0.0.1:{listening.getsockname()[1]}/"
        try:
            with pytest.raises(ReceiverUnavailable):
                Sender(LOOPBACK, within_s=1.0).send(url, HEADERS, b"{}")
        finally:
            ended.set()
            thread.join()


def test_who_is_not_there_is_away() -> None:
    with receiver() as it:
        url = it.url
    with pytest.raises(ReceiverUnavailable):
        Sender(LOOPBACK).send(url, HEADERS, b"{}")
    assert Sender([]).check("https://no-such-name.invalid/x") == "https://no-such-name.invalid/x", (
        "it may be there later"
    )


def test_networks_come_from_the_settings(tmp_path: Path) -> None:
    assert load_settings(home=tmp_path, webhook_networks="10.1.0.0/16, fd00:7::/32").webhook_reach == [
        ip_network("10.1.0.0/16"),
        ip_network("fd00:7::/32"),
    ]
    assert load_settings(home=tmp_path).webhook_reach == []
    with pytest.raises(SettingsWrong, match="WEBHOOK_NETWORKS"):
        load_settings(home=tmp_path, webhook_networks="everything")
