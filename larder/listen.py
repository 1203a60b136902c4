"""The listening socket: opened once, before anything else is started, and inherited."""

import errno
import os
import socket

from larder.errors import CannotListen, ListeningRefused
from larder.settings import Settings
from larder.walls import missing_walls
from larder.wiring import has_valid_key

BACKLOG = 2048
"""Connections that may wait while the API's processes start or are busy."""


def check_address(settings: Settings) -> None:
    """Does nothing if the server may listen where the settings say.

    Raises:
        ListeningRefused: It could be reached from elsewhere, and nobody has a key or an issuer's
            word, or R is not wholly confined, and nobody said that this is meant.
        CatalogError: The catalog, where the keys are, cannot be used.
    """
    if settings.is_loopback or settings.insecure:
        return
    access = settings.access
    issuer = access.jwt.config() or access.oidc.config()  # whoever has its word needs no key
    keys, missing = issuer is not None or has_valid_key(settings), missing_walls(settings)
    if missing or not keys:
        raise ListeningRefused(settings.host, missing, keys=keys)


def open_socket(settings: Settings) -> socket.socket:
    """A socket that listens where the settings say, not yet inheritable.

    Raises:
        CannotListen: The address is taken, or not this machine's.
    """
    host = settings.host.strip("[]")
    try:
        found = socket.getaddrinfo(
            host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
        family, _, _, _, address = found[0]
        return socket.create_server(address, family=family, backlog=BACKLOG)
    except socket.gaierror:
        raise CannotListen(host, settings.port, "no such host") from None
    except OSError as error:
        raise CannotListen(host, settings.port, _reason(error, settings.port)) from error


def address_of(listening: socket.socket) -> tuple[str, int]:
    """Host and port to reach the socket at from this machine; "[::1]" for IPv6."""
    host, port = listening.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - recognised, not used
    return (f"[{host}]" if ":" in host else host), port


def _reason(error: OSError, port: int) -> str:
    text = os.strerror(error.errno) if error.errno else str(error)
    if error.errno == errno.EADDRINUSE:
        return f"another program listens there; stop it or take another port (--port {port + 1})"
    if error.errno == errno.EACCES:
        return f"{text.lower()}; ports below 1024 are for root, take another (--port 8080)"
    return text.lower()
