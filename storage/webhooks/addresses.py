"""Which addresses outside may be reached: those of the internet, and the networks that the settings name.

Rule 1: a name is looked up once, and the connection goes to the address that was judged; whatever the name says a
moment later does not count (DNS rebinding).
Rule 2: one address of a name that may not be reached condemns all of them.
Rule 3: loopback, private, link-local and shared networks, multicast, what is reserved, and addresses that carry another
one inside (mapped, 6to4, Teredo, NAT64) are not the internet.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final
from urllib.parse import urlsplit

from vault.errors import InvalidInput, ReceiverUnavailable

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network
LookUp = Callable[[str, int], Sequence[str]]

URL_MAX_CHARACTERS: Final = 1000
_NOT_THE_INTERNET: Final = tuple(
    ip_network(each)
    for each in (
        "192.0.0.0/24",  # protocol assignments (RFC 6890)
        "192.88.99.0/24",  # 6to4 relays (RFC 7526)
        "64:ff9b::/96",  # NAT64 (RFC 6052, RFC 8215)
        "64:ff9b:1::/48",
        "100::/64",  # discard (RFC 6666)
        "2001::/23",  # protocol assignments, Teredo among them
        "2002::/16",  # 6to4
        "5f00::/16",  # segment routing (RFC 9602)
    )
)
"""What the IANA registries do not call globally reachable, and the library of Python 3.11 does not know of."""
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A URL taken apart. ``target`` is path and query."""

    url: str
    scheme: str
    host: str
    port: int
    target: str

    @property
    def is_default_port(self) -> bool:
        """Whether the port is its scheme's own."""
        return self.port == _PORTS[self.scheme]


def looked_up(host: str, port: int) -> Sequence[str]:
    """Every address of a name, as the system knows it. Raises ``OSError``."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(each[4][0]) for each in found))


def place_of(text: str) -> Place:
    """A receiver's URL. Raises ``InvalidInput``."""
    clean = text.strip()
    try:
        parts = urlsplit(clean)
        host, port = parts.hostname, parts.port
    except ValueError:
        raise InvalidInput("url reads like https://programs.example.org/strongroom", field="url") from None
    plain = clean.isascii() and clean.isprintable() and " " not in clean and "\\" not in clean
    if not host or parts.scheme not in _PORTS or not plain or port == 0:
        raise InvalidInput("url reads like https://programs.example.org/strongroom", field="url")
    if "@" in parts.netloc or "#" in clean:
        raise InvalidInput("url holds a name, a password or a fragment; leave them out", field="url")
    if len(clean) > URL_MAX_CHARACTERS:
        raise InvalidInput(f"url is longer than {URL_MAX_CHARACTERS} characters", field="url")
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return Place(url=clean, scheme=parts.scheme, host=host, port=port or _PORTS[parts.scheme], target=target)


def address_of(place: Place, networks: Sequence[Network], look_up: LookUp = looked_up) -> str:
    """The address to connect to. Raises ``InvalidInput`` where it may not be reached, ``ReceiverUnavailable`` where the
    name has none now."""
    try:
        found = [ip_address(each.partition("%")[0]) for each in look_up(place.host, place.port)]
    except (OSError, UnicodeError) as exc:
        raise ReceiverUnavailable("the receiver's name has no address; check it") from exc
    if not found:
        raise ReceiverUnavailable("the receiver's name has no address; check it")
    named = [any(each in network for network in networks) for each in found]
    if not all(known or is_public(each) for known, each in zip(named, found, strict=True)):
        raise InvalidInput(
            "the receiver is not on the internet but in a network of this machine's; the operator may name that "
            "network in STRONGROOM_WEBHOOK_NETWORKS",
            field="url",
        )
    if place.scheme == "http" and not all(named):
        raise InvalidInput("a receiver on the internet is told over https alone; give its https address", field="url")
    return str(found[0])


def is_public(address: Address) -> bool:
    """Whether an address is one of the internet's (rule 3)."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return False
    if any(address in network for network in _NOT_THE_INTERNET):
        return False
    return address.is_global and not address.is_multicast and not address.is_reserved and not address.is_unspecified
