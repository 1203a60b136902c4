"""Webhooks: a message about a job, posted as JSON to the address that its entry names."""

import hashlib
import hmac
import http.client
import ssl
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

import orjson

from jobs.errors import SecretMissing
from jobs.notify_spec import Webhook
from jobs.records import OutboxMessage
from jobs.secret import text_of
from larder.errors import NotDelivered

TIMEOUT_S: Final = 15.0
SIGNATURE: Final = "Larder-Signature"
DELIVERY: Final = "Larder-Delivery"
_HTTPS: Final = 443


@dataclass(frozen=True)
class _Address:
    """Where a message goes; it may be a secret as a whole, so only the host is ever told."""

    is_https: bool
    host: str
    port: int | None
    path: str


def post(webhook: Webhook, message: OutboxMessage) -> str:
    """Sends the message; returns what is told of that in the log.

    It is not sent on where the server redirects to: that could be anybody's.

    Raises:
        NotDelivered: The server did not take it, with the reason; never with the address.
    """
    try:
        address = _address(text_of(webhook.url))
        key = text_of(webhook.secret) if webhook.secret is not None else None
    except SecretMissing as error:
        raise NotDelivered(str(error)) from error
    content = orjson.dumps({"id": message.id, **message.message})
    headers = {
        "Content-Type": "application/json",
        "User-Agent": "larder",
        DELIVERY: str(message.id),
    }
    if key is not None:
        digest = hmac.new(key.encode(), content, hashlib.sha256).hexdigest()
        headers[SIGNATURE] = f"sha256={digest}"
    connection = _connection(address)
    try:
        connection.request("POST", address.path, content, headers)
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        raise NotDelivered(f"{address.host}: {reason or type(error).__name__}") from error
    finally:
        connection.close()
    if not 200 <= status < 300:
        more = ", and redirects are not followed" if 300 <= status < 400 else ""
        raise NotDelivered(f"{address.host} answered {status}{more}")
    return f"host={address.host} status={status}"


def _address(url: str) -> _Address:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise NotDelivered("the webhook's address is none") from None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise NotDelivered("the webhook's address is none: http or https is needed")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    return _Address(parts.scheme == "https", parts.hostname, port, path)


def _connection(address: _Address) -> http.client.HTTPConnection:
    if not address.is_https:
        return http.client.HTTPConnection(address.host, address.port, timeout=TIMEOUT_S)
    return http.client.HTTPSConnection(
        address.host,
        address.port or _HTTPS,
        timeout=TIMEOUT_S,
        context=ssl.create_default_context(),
    )
