"""Readiness: waits until the server can answer, then tells what to try first."""

import http.client
import json
import logging
import time
from collections.abc import Callable

log = logging.getLogger(__name__)

ASK_AGAIN_S = 0.1
ANSWER_WITHIN_S = 0.3  # asked again then; meanwhile the supervisor has to watch its roles
SILENT_FOR_S = 5.0


class Readiness:
    """Asks /readyz until it says 200; a chore for the supervisor.

    Args:
        host: As a URL has it.
        port: Where the API listens.
        when_ready: Called once, with the seconds it took.
    """

    def __init__(self, host: str, port: int, when_ready: Callable[[float], None]) -> None:
        self._host = host
        self._port = port
        self._when_ready = when_ready
        self._began = time.monotonic()
        self._told = ""

    def __call__(self) -> float | None:
        """Asks once; returns after how many seconds to ask again."""
        status, text = self._ask()
        took_s = time.monotonic() - self._began
        if status == http.HTTPStatus.OK:
            self._when_ready(took_s)
            return None
        if took_s > SILENT_FOR_S and text and text != self._told:
            log.warning("not ready yet: %s", text)
            self._told = text
        return ASK_AGAIN_S

    def _ask(self) -> tuple[int, str]:
        connection = http.client.HTTPConnection(
            self._host.strip("[]"), self._port, timeout=ANSWER_WITHIN_S
        )
        try:
            connection.request("GET", "/readyz")
            answer = connection.getresponse()
            return answer.status, _reason(answer.read())
        except (OSError, http.client.HTTPException):
            return 0, ""
        finally:
            connection.close()


def _reason(body: bytes) -> str:
    try:
        facts = json.loads(body)
    except ValueError:
        return ""
    return str(facts.get("reason", "")).partition(";")[0] if isinstance(facts, dict) else ""
