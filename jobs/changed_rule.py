"""Rules about answers that changed: R expressions with `new` and `old`, about many at once."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import pyarrow as pa

from cache.border import disk_border
from cache.sessions import SessionFolder
from engine.call import Argument, FunctionCall, Output, Priority
from engine.limits import Limits
from jobs.errors import RuleFailed
from jobs.evaluator import Evaluator

AT_ONCE: Final = 5000
"""Changes that one call of R looks at."""
_FORMAT: Final = "arrowipc"
_CODE: Final = """local({
  code <- str2lang(%(text)s)
  ask <- function(old, new) {
    eval(code, list2env(list(old = old, new = new), parent = asNamespace(%(package)s)))
  }
  pairs <- jsonlite::fromJSON(larder_pairs)
  whole <- tryCatch(ask(pairs$old, pairs$new), error = function(e) e)
  if (is.logical(whole) && length(dim(whole)) == 2L && nrow(whole) == larder_count) {
    said <- rowSums(whole, na.rm = TRUE) > 0
  } else if (is.logical(whole) && length(whole) == larder_count) {
    said <- whole %%in%% TRUE
  } else {
    pairs <- lapply(jsonlite::fromJSON(larder_pairs, simplifyVector = FALSE), function(side) {
      lapply(side, function(value) {
        jsonlite::fromJSON(jsonlite::toJSON(value, auto_unbox = TRUE, null = "null", digits = NA))
      })
    })
    said <- mapply(function(old, new) {
      one <- ask(old, new)
      if (!is.logical(one)) stop("the rule gave no TRUE or FALSE", call. = FALSE)
      any(one, na.rm = TRUE)
    }, pairs$old, pairs$new)
  }
  data.frame(said = as.logical(unname(said)))
})"""


@dataclass(frozen=True)
class ChangedRules:
    """Asks R which changes the rules of a job are about; for several threads.

    `new` and `old` are the values of all the changes at once: vectors of numbers or texts, or data
    frames of their records with a row for each change. Where that gives no answer for each change,
    or values are not alike, R is asked about one after the other.

    Attributes:
        pool: Runs R.
        sessions: Lends the folder in which R works.
        limits: Of one call.
    """

    pool: Evaluator
    sessions: SessionFolder
    limits: Limits

    def which(self, rule: str, package: str, pairs: Sequence[tuple[Any, Any]]) -> list[bool]:
        """Whether the rule is TRUE of each of these pairs of old and new values.

        Raises:
            RuleFailed: R cannot evaluate it, or it gives something else.
            EngineError: R cannot be asked, or a limit was reached.
        """
        old, new = ([_single(one) for one in side] for side in zip(*pairs, strict=True))
        data = {"larder_pairs": json.dumps({"old": old, "new": new}), "larder_count": len(pairs)}
        texts = {"text": json.dumps(rule), "package": json.dumps(package)}
        arguments = (
            Argument("data", "json", json.dumps(data)),
            Argument("expr", "code", _CODE % texts),
        )
        stage = self.sessions.stage()
        try:
            with disk_border(self.sessions.root):
                evaluation = self.pool.evaluate(
                    FunctionCall("base", "with", arguments),
                    stage=stage.path,
                    limits=self.limits,
                    priority=Priority.SCHEDULED,
                    outputs=(Output(_FORMAT, _FORMAT),),
                )
        finally:
            self.sessions.discard(stage)
        if not evaluation.ok or _FORMAT not in evaluation.bodies:
            said = evaluation.error_message or evaluation.error or "it gave no answer"
            raise RuleFailed(rule, " ".join(said.split()))
        table = pa.ipc.open_stream(evaluation.bodies[_FORMAT].content).read_all()
        return [bool(one) for one in table["said"].to_pylist()]


def _single(value: Any) -> Any:
    """A vector of one element, or a table of one row, as that: so many of them are one vector."""
    return value[0] if isinstance(value, list) and len(value) == 1 else value
