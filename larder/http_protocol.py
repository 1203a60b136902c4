"""HTTP as uvicorn speaks it; what is no request never comes to the application, and is audited too.

That is an unknown method, a path with bytes that no path has, a broken header.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from api.audit_layer import AuditLayer
from larder.connection import Connection


def audited_protocol(audit: AuditLayer, connection: type[Connection]) -> type[Connection]:
    """Returns the class of connections whose refusals are put on record."""

    class AuditedConnection(connection):  # type: ignore[valid-type,misc]
        """One connection."""

        url: bytes = b""

        def send_400_response(self, msg: str) -> None:
            """Answers what cannot be read, and closes the connection."""
            self._note(HTTPStatus.BAD_REQUEST)
            super().send_400_response(msg)

        def _end(self, status: HTTPStatus, reason: str) -> None:
            if not self._has_headers():  # the application never hears of it
                self._note(status)
            super()._end(status, reason)

        def _note(self, status: HTTPStatus) -> None:
            address: Any = self.client
            audit.note_unreadable(address[0] if address else "", self.url, status)

    return AuditedConnection
