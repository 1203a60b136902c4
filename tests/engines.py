"""A real engine for tests: a broker on a project, and a client of it."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
from compiled import furnish, keep
from serving import ROOT, wait_until

from cache.sessions import SessionFolder
from engine.asker import Asker, asked_by
from engine.broker import BrokerConfig
from engine.call import Argument, FunctionCall, Output
from engine.errors import EngineUnavailable
from engine.evaluation import Evaluation
from engine.limits import Limits
from engine.pool import Pool

TRAITS = ROOT / "tests" / "projects" / "traits"


class Engine:
    """A broker on a project, and a client of it."""

    def __init__(
        self, state: Path, project: Path | None = TRAITS, *, name: str = "traits", **config: Any
    ) -> None:
        self._config = BrokerConfig(
            socket=str(state / "engine.sock"),
            state=str(state),
            sessions_root=str(state / "sessions"),
            project=name if project else None,
            folder=str(project) if project else None,
            **{"spares": 2, **config},
        )
        self.state = state
        self.sessions = SessionFolder(state / "sessions")
        self.pool = Pool(state / "engine.sock")
        self.start()

    def start(self) -> None:
        furnish(self.state)
        self.process = subprocess.Popen(
            [sys.executable, "-m", "engine.broker", self._config.to_json()], cwd=ROOT
        )
        wait_until(self.is_ready)
        keep(self.state)

    def is_ready(self) -> bool:
        try:
            self.pool.info()
        except EngineUnavailable:
            return False
        return True

    def call(
        self,
        function: str,
        *,
        package: str = "traits",
        outputs: tuple[str, ...] = ("json",),
        limits: Limits | None = None,
        seed: int | None = None,
        owner: str = "",
        asker: Asker | None = None,
        library: str | None = None,
        **arguments: str,
    ) -> Evaluation:
        stage = self.sessions.stage()
        given = tuple(Argument(name, "code", value) for name, value in arguments.items())
        call = FunctionCall(package, function, given, seed=seed, library=library)
        rendered = [Output(name, name) for name in outputs]
        with asked_by(asker or Asker(owner)):
            evaluation = self.pool.evaluate(
                call, stage=stage.path, limits=limits or Limits(), outputs=rendered
            )
        self.sessions.publish(stage)
        self.last = stage.session_key
        return evaluation

    def json(self, function: str, **arguments: str) -> object:
        return orjson.loads(self.call(function, **arguments).bodies["json"].content)

    def close(self) -> None:
        self.pool.close()
        self.process.terminate()
        self.process.wait(20)
