"""A session's page: what a call left, object by object."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import orjson

from api.services import Services
from api.web.cell import Answer, answer_of
from cache.sessions import Session
from engine.errors import EngineError

VALUE = ".val"
PRINTED_CHARACTERS = 100_000


@dataclass(frozen=True)
class SessionPage:
    """Everything about one session.

    Attributes:
        key: Its key.
        function: What was called.
        created_at: When.
        error: R's whole message, if the call failed.
        objects: The names of its objects.
        chosen: The one that is shown; empty where there is none.
        printed: As R prints it.
        table: As a table, if it is one.
        plots: How many there are.
        texts: Console, source, messages and warnings, those that are there.
        files: Their names.
    """

    key: str
    function: str | None
    created_at: datetime
    error: str | None
    objects: tuple[str, ...]
    chosen: str
    printed: str
    table: Answer | None
    plots: int
    texts: tuple[tuple[str, str], ...]
    files: tuple[str, ...]


def session_page(services: Services, session: Session, chosen: str) -> SessionPage:
    """Looks at a session; R prints the object that is chosen, by default the value.

    Raises:
        EngineError: R cannot be asked.
    """
    manifest = session.manifest
    objects = manifest.objects
    if chosen not in objects:
        chosen = VALUE if VALUE in objects else next(iter(objects), "")
    texts = (
        (name, "\n".join(piece.rstrip("\n") for piece in manifest.texts.get(name, [])))
        for name in ("console", "messages", "warnings", "source")
    )
    return SessionPage(
        key=session.session_key,
        function=manifest.function,
        created_at=manifest.created_at,
        error=manifest.error,
        objects=objects,
        chosen=chosen,
        printed=_rendered(services, session, chosen, "print") if chosen else "",
        table=_table(_rendered(services, session, chosen, "json")) if chosen else None,
        plots=manifest.graphics,
        texts=tuple((name, text) for name, text in texts if text.strip()),
        files=manifest.files,
    )


def _rendered(services: Services, session: Session, name: str, form: str) -> str:
    """An object in a format; empty where it has no such form."""
    fields = {"session_key": session.session_key, "name": name, "format": form, "options": {}}
    try:
        content = services.pool.render("render_session_object", fields).content
    except EngineError:
        return ""
    return content[:PRINTED_CHARACTERS].decode("utf-8", "replace")


def _table(text: str) -> Answer | None:
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    is_table = isinstance(value, list) and bool(value) and isinstance(value[0], dict)
    answer = answer_of(value) if is_table else None
    return answer if answer is not None and answer.columns else None
