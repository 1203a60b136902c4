"""What request handlers work with: the pantry, and the facts of this server."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from api.access_config import AccessConfig
from api.audit_config import AuditConfig
from api.caching import Directives, read_directives
from api.call_book import CallBook
from api.caller import Caller
from api.deployments import Deployments
from api.desk import Desk
from api.event_stream import Seats
from api.gist_list import GistList
from api.home_libraries import HomeLibraries
from api.ocpu_config import OcpuConfig
from api.on_demand import OnDemand
from api.rights import Rights
from api.session_access import SessionAccess
from cache.sessions import SessionFolder
from engine.errors import EngineError
from engine.limits import Limits
from engine.pool import Pool
from engine.shelf import Shelf
from jobs.audit_spool import AuditSpool
from jobs.pantry import Pantry

R_FACTS_FOR_S = 60.0


@dataclass
class Services:
    """Made once per process and passed down.

    Attributes:
        pantry: Finds, computes and keeps answers.
        pool: R.
        sessions: What calls left behind.
        state_folder: Where uploads wait.
        shelf: What was installed.
        project: The project's name.
        call_limits: Of one POST call that no job declares.
        ocpu: What the operator decided about /ocpu.
        access: What the operator decided about who may ask.
        audit: What the operator decided about what is on record.
        lists_sessions: Whether callers may see the keys of all sessions.
        ocpu_version: The version of OpenCPU's API that is spoken.
        is_stopping: Whether this process is about to end.
        homes: The libraries of this machine's users.
        on_demand: Installs what is asked for, where the operator allows it.
        deployments: Installs what was pushed.
        gist_list: The gists that GitHub knows.
        desk: Works on requests, for clients who wait or come back.
        call_book: What is known of calls.
        seats: Streams of events that are followed.
        audit_spool: Where calls are written down.
    """

    pantry: Pantry
    pool: Pool
    sessions: SessionFolder
    state_folder: Path
    shelf: Shelf
    project: str = "larder"
    call_limits: Limits = field(default_factory=Limits)
    ocpu: OcpuConfig = field(default_factory=OcpuConfig)
    access: AccessConfig = field(default_factory=AccessConfig)
    audit: AuditConfig = field(default_factory=AuditConfig)
    lists_sessions: bool = True
    ocpu_version: str = "2.2.12"
    is_stopping: Callable[[], bool] = lambda: False
    homes: HomeLibraries = field(default_factory=HomeLibraries)
    on_demand: OnDemand = field(init=False)
    deployments: Deployments = field(init=False)
    gist_list: GistList = field(init=False)
    desk: Desk = field(init=False)
    call_book: CallBook = field(init=False)
    seats: Seats = field(default_factory=Seats)
    audit_spool: AuditSpool = field(init=False)
    _facts: tuple[float, dict[str, Any]] = (0.0, {})

    def __post_init__(self) -> None:
        """Wires what installs, and what calls R."""
        policy = self.ocpu.install
        self.on_demand = OnDemand(self.shelf, self.pool, policy)
        self.deployments = Deployments(self.pool, policy)
        self.gist_list = GistList(policy.github_api_url)
        self.audit_spool = AuditSpool(self.state_folder)
        pantry = self.pantry
        self.desk = Desk(self.pool, pantry.calls, self.sessions.new_key, pantry.clock)
        stored = pantry.stored_sessions
        self.call_book = CallBook(self.pool, self.sessions, stored, pantry.calls)

    def rights(self, caller: Caller) -> Rights:
        """Returns what a caller may do now."""
        return Rights(caller, self.pantry.jobs, self.access.call, self.ocpu.code)

    def directives(self, caller: Caller, headers: Mapping[str, str]) -> Directives:
        """Returns what a caller's request asks of the cache, as far as they may."""
        asked = read_directives(headers)
        return asked if caller.starts_r else asked.without_r(miss=self.access.miss)

    def seen_by(self, caller: Caller) -> SessionAccess:
        """Returns the sessions as a caller sees them."""
        return SessionAccess(self.pantry, caller)

    def r_facts(self) -> dict[str, Any]:
        """Returns R's version and locale, asked of the engine once a minute at most."""
        asked_at, facts = self._facts
        if not facts or time.monotonic() - asked_at > R_FACTS_FOR_S:
            try:
                facts = self.pool.info()["r"]
            except EngineError:
                facts = facts or {"version": "R unavailable", "locale": "C.UTF-8"}
            self._facts = (time.monotonic(), facts)
        return facts
