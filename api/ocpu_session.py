"""/tmp: what calls left behind. Texts and listings come from the manifest, objects through R."""

from __future__ import annotations

import json

from api.api_error import NotFound
from api.archive import tar_of, zip_of
from api.errors import BadRequest, NotAllowed
from api.ocpu_call import call_function, run_script
from api.ocpu_files import path_below, serve_path
from api.ocpu_objects import (
    listing,
    only_reads,
    options_of,
    redirect,
    rendered,
    with_slash,
)
from api.ocpu_request import OcpuRequest
from api.reply import Reply, text
from api.services import Services
from cache.errors import SessionNotFound
from cache.sessions import Session
from engine.errors import EngineError

KEPT_FILES = (".RData", ".REval", ".RInfo", ".Rlibs")
"""Hidden files that make up a session, and are in its archives too."""
TEXTS = ("messages", "stdout", "warnings", "source", "console")


def sessions(request: OcpuRequest, parts: list[str], services: Services) -> Reply:
    """Answers /tmp and everything below; `parts` is what follows it."""
    if not parts:
        only_reads(request)
        # Keys are the only secret of a session: they are not listed.
        return text(200, "") if request.has_slash else with_slash(request)
    key, separator, name = parts[0].partition("::")
    if request.method == "DELETE" and len(parts) == 1 and not separator:
        return _remove(request, key, services)
    try:
        session = services.seen_by(request.caller).open(key)
        if separator:
            return _object(request, session, [name, *parts[1:]], services)
        if len(parts) > 1:
            return _section(request, session, parts[1], parts[2:], services)
    except SessionNotFound:
        raise _not_found(key) from None
    except (FileNotFoundError, EngineError):
        if services.sessions.exists(key):
            raise
        raise _not_found(key) from None  # it was removed meanwhile
    only_reads(request)
    return listing(outputs_of(session)) if request.has_slash else with_slash(request)


def _remove(request: OcpuRequest, key: str, services: Services) -> Reply:
    """Removes a session now; an answer that is made of it goes too, unless a job prepared it."""
    try:
        services.seen_by(request.caller).own(key)
        services.pantry.stored_sessions.remove(key)
    except SessionNotFound:
        raise _not_found(key) from None
    return text(200, f"Session {key} is removed\n", ("Cache-Control", "no-store"))


def _not_found(key: str) -> NotFound:
    return NotFound(f"File not found: /tmp/{key}")


def _section(
    request: OcpuRequest, session: Session, section: str, rest: list[str], services: Services
) -> Reply:
    if section == "R" and rest:
        return _object(request, session, rest, services)
    if section == "files" and rest and request.method == "POST":
        services.rights(request.caller).check_code("running a script")
        path = path_below(session.path, _shown(rest))
        return run_script(request, services, path, session.session_key)
    only_reads(request)
    match section:
        case "R":
            return _names(request, session)
        case "graphics":
            return _graphics(request, session, rest, services)
        case "info":
            return _info(request, session, rest, services)
        case "files":
            return _files(request, session, rest)
        case "zip":
            return _archive(zip_of(session.path), "application/zip", f"{session.session_key}.zip")
        case "tar":
            name = f"{session.session_key}.tar.gz"
            return _archive(tar_of(session.path), "application/x-gzip", name)
    if section in TEXTS:
        return _texts(request, session, section, rest, services)
    raise BadRequest(f"invalid session api: /session/{section}")


def outputs_of(session: Session) -> list[str]:
    """Returns what the session offers, as paths below it."""
    manifest = session.manifest
    return [
        *(f"R/{name}" for name in manifest.objects),
        *(f"graphics/{number}" for number in range(1, manifest.graphics + 1)),
        *(name for name in TEXTS if manifest.texts.get(name)),
        "info",
        *(f"files/{name}" for name in manifest.files),
    ]


def _names(request: OcpuRequest, session: Session) -> Reply:
    if not request.has_slash:
        return with_slash(request)
    objects = session.manifest.objects
    if objects == (".val",):
        return redirect(request, f"/tmp/{session.session_key}/R/.val")
    return listing(objects)


def _object(request: OcpuRequest, session: Session, rest: list[str], services: Services) -> Reply:
    key, name = session.session_key, rest[0]
    if request.method == "POST":
        return call_function(request, services, rest[1:], session_key=key, name=name)
    if not request.reads:
        raise NotAllowed(request.method, request.path)
    if name not in session.manifest.objects:
        raise BadRequest(
            f"object '{name}' not found\n\nIn call:\n"
            "get(reqobject, envir = sessionenv, inherits = FALSE)"
        )
    if len(rest) == 1:
        return redirect(request, f"{request.path.rstrip('/')}/print")
    fields = {"session_key": key, "name": name, "format": rest[1], "options": options_of(request)}
    return rendered(services.pool.render("render_session_object", fields))


def _texts(
    request: OcpuRequest, session: Session, section: str, rest: list[str], services: Services
) -> Reply:
    if not rest:
        return redirect(request, f"/tmp/{session.session_key}/{section}/text")
    pieces = session.manifest.texts.get(section, [])
    if rest[0] == "text":
        return text(200, "\n".join(pieces) + "\n")
    if rest[0] == "json" and not request.query:
        return Reply(200, _json(section, pieces).encode(), "application/json")
    fields = {"section": section, "pieces": pieces, "format": rest[0]}
    return rendered(
        services.pool.render("render_pieces", fields | {"options": options_of(request)})
    )


def _json(section: str, pieces: list[str]) -> str:
    """Returns the pieces as jsonlite writes them: the console a vector, the others a list."""
    quoted = [json.dumps(piece, ensure_ascii=False) for piece in pieces]
    if section == "console" or not quoted:
        return f"[{', '.join(quoted)}]\n"
    return "[\n" + ",\n".join(f"  [{item}]" for item in quoted) + "\n]\n"


def _graphics(request: OcpuRequest, session: Session, rest: list[str], services: Services) -> Reply:
    count = session.manifest.graphics
    if not rest:
        if not request.has_slash:
            return with_slash(request)
        if not count:
            return Reply(200, b"\n")
        return listing([*(str(number) for number in range(1, count + 1)), "last"])
    index = _plot_index(rest[0], count)
    if len(rest) == 1:
        return redirect(request, f"{request.path.rstrip('/')}/png")
    fields = {"session_key": session.session_key, "index": index, "format": rest[1]}
    options = options_of(request)
    return rendered(services.pool.render("render_session_plot", fields | {"options": options}))


def _plot_index(wanted: str, count: int) -> int:
    if wanted == "last":
        index = count
    elif wanted.isdecimal():
        index = int(wanted)
    else:
        raise BadRequest("Plot must either be numeric value or 'last'")
    if not 1 <= index <= count:
        raise NotFound(f"Graphic not found (trying to select {index} of {count} graphics)")
    return index


def _info(request: OcpuRequest, session: Session, rest: list[str], services: Services) -> Reply:
    if not rest:
        return redirect(request, f"/tmp/{session.session_key}/info/print")
    fields = {"session_key": session.session_key, "format": rest[0]}
    options = options_of(request)
    return rendered(services.pool.render("render_session_info", fields | {"options": options}))


def _files(request: OcpuRequest, session: Session, rest: list[str]) -> Reply:
    if not rest and request.has_slash and "index.html" not in session.manifest.files:
        return listing(name.partition("/")[0] for name in session.manifest.files)
    return serve_path(request, session.path, _shown(rest))


def _shown(rest: list[str]) -> list[str]:
    """Returns the path of a file, unless it is one that the session keeps to itself."""
    if rest and rest[0].startswith(".") and rest[0] not in KEPT_FILES:
        raise BadRequest(f"File not found: {'/'.join(rest)}")
    return rest


def _archive(content: bytes, media_type: str, name: str) -> Reply:
    return Reply(
        200, content, media_type, (("Content-Disposition", f'attachment; filename="{name}"'),)
    )
