"""Where a request comes from, if a proxy passed it on: X-Forwarded-… and Forwarded (RFC 7239).

Anybody can write these headers, so they count only from addresses that the operator named. Each
proxy adds on the right whom it was asked by: the first from there that is no proxy is the client.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from starlette.types import Scope

from api.errors import BadRequest
from api.hosts import HOST

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

FORWARDED: Final = b"forwarded"
_FOR, _HOST, _PROTO = b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto"
FORWARDING: Final = frozenset({FORWARDED, _FOR, _HOST, _PROTO, b"x-real-ip", b"x-forwarded-port"})
_MOST: Final = 50
"""Longest chain of proxies that is looked at."""
_PAIR: Final = re.compile(r'\s*([\w-]+)=(?:"((?:[^"\\]|\\.)*)"|([^\s",;]*))\s*([;,]|$)')
_ADDRESS: Final = re.compile(r"\[([^\]]+)\](?::\w+)?|([^:]+)(?::\w+)?")


def address_of(scope: Scope) -> str:
    """Returns where a request comes from; empty where that is a socket of Unix."""
    client = scope.get("client")
    return str(client[0]) if client else ""


@dataclass(frozen=True)
class Hop:
    """What one proxy says of the request that it passed on; an empty text is nothing."""

    address: str
    host: str = ""
    scheme: str = ""


@dataclass(frozen=True)
class Proxies:
    """The proxies whose word counts, by address."""

    networks: tuple[Network, ...] = ()

    def take(self, scope: Scope) -> bool:
        """Has the scope say whom the first proxy was asked by, how, and by which name.

        Returns whether somebody whose word does not count says that they passed the request on.

        Raises:
            BadRequest: the proxies' headers contradict each other.
        """
        found = [pair for pair in scope["headers"] if pair[0] in FORWARDING]
        if not found:
            return False
        peer = scope["client"][0] if scope.get("client") else ""
        if not self.trusts(peer):
            return True
        scope["headers"] = [pair for pair in scope["headers"] if pair[0] not in FORWARDING]
        client = self._client(found, peer)
        if client.address != peer:
            scope["client"] = (client.address, 0)
        if client.scheme.lower() in ("http", "https"):
            scope["scheme"] = client.scheme.lower()
        if HOST.fullmatch(client.host):
            others = [pair for pair in scope["headers"] if pair[0] != b"host"]
            scope["headers"] = [*others, (b"host", client.host.encode("latin-1"))]
        return False

    def trusts(self, address: str) -> bool:
        """Whether the word of this address counts."""
        return bool(self.networks) and _is_within(address, self.networks)

    def _client(self, headers: Sequence[tuple[bytes, bytes]], peer: str) -> Hop:
        """Who asked the first proxy, and what for.

        A proxy that writes one of the two kinds of headers may pass on the other as the client
        wrote it. So both count only if they name the same client.
        """
        addresses, hosts, schemes = (_listed(headers, name) for name in (_FOR, _HOST, _PROTO))
        said = Hop("", hosts[-1] if hosts else "", schemes[-1] if schemes else "")
        chain = [Hop(text, said.host, said.scheme) for text in addresses]
        named = _elements(headers)
        client = self._first(chain, Hop(peer, said.host, said.scheme))
        if not named:
            return client
        other = self._first(named, Hop(peer))
        if (addresses or hosts or schemes) and other.address != client.address:
            raise BadRequest(
                "Forwarded and X-Forwarded-For name different clients: have the proxy remove the"
                " one that it does not write"
            )
        return client if addresses else other

    def _first(self, chain: Sequence[Hop], peer: Hop) -> Hop:
        """The first of a chain, from the right, that is no proxy; the last that is known."""
        client = peer
        for hop in reversed(chain[-_MOST:]):
            address = read_address(hop.address)
            if address is None:
                break
            client = Hop(address, hop.host, hop.scheme)
            if not self.trusts(address):
                break
        return client


@lru_cache(maxsize=4096)
def _is_within(address: str, networks: tuple[Network, ...]) -> bool:
    read = read_address(address)
    if read is None:
        return False
    parsed = ipaddress.ip_address(read)
    return any(parsed in network for network in networks if network.version == parsed.version)


@lru_cache(maxsize=4096)
def read_address(text: str) -> str | None:
    """Returns the address in `192.0.2.1:80`, `[2001:db8::1]:80`, `::ffff:192.0.2.1`; else None."""
    written = text.strip()
    found = _ADDRESS.fullmatch(written)
    inner = (found[1] or found[2]) if found else written
    try:
        address = ipaddress.ip_address(inner.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def _listed(headers: Sequence[tuple[bytes, bytes]], wanted: bytes) -> list[str]:
    """The values of a header that may come in several lines, each with several."""
    lines = [value.decode("latin-1") for name, value in headers if name == wanted]
    return [part.strip() for line in lines for part in line.split(",")]


def _elements(headers: Sequence[tuple[bytes, bytes]]) -> list[Hop]:
    """What `Forwarded` says; what cannot be read is a hop of nobody, which ends the chain."""
    hops: list[Hop] = []
    for line in (value.decode("latin-1") for name, value in headers if name == FORWARDED):
        place, pairs = 0, dict[str, str]()
        while place < len(line):
            found = _PAIR.match(line, place)
            if found is None:
                hops.append(Hop(""))
                pairs = {}
                break
            value = found[3] if found[2] is None else re.sub(r"\\(.)", r"\1", found[2])
            pairs[found[1].lower()] = value
            place = found.end()
            if found[4] == ",":
                hops.append(_hop(pairs))
                pairs = {}
        if pairs:
            hops.append(_hop(pairs))
    return hops


def _hop(pairs: dict[str, str]) -> Hop:
    return Hop(pairs.get("for", ""), pairs.get("host", ""), pairs.get("proto", ""))
