"""Allow-lists: patterns of the functions that may be called.

A pattern is `package::function`, where `*` stands for anything: `stats::*`, `scoring::gain_*`.
Functions of other libraries than the server's own are named by their place below /ocpu:
`apps/owner/repo::*`, `cran/forecast::auto.arima`, `user/ana/library/models::*`. So `stats::*` is
never a package of that name that somebody else has.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

SEPARATOR: Final = "::"
_PACKAGE = re.compile(r"[A-Za-z*][A-Za-z0-9.*]*|(?:apps|cran|bioc|user)/[^\s:]+")
TAKES_FUNCTIONS: Final = (
    *("base::apply", "base::by", "base::do.call", "base::eval", "base::evalq", "base::Filter"),
    *("base::Find", "base::get", "base::lapply", "base::local", "base::Map", "base::mapply"),
    *("base::match.fun", "base::mget", "base::outer", "base::parse", "base::Position"),
    *("base::rapply", "base::readRDS", "base::Reduce", "base::sapply", "base::source"),
    *("base::str2expression", "base::sweep", "base::system", "base::system2", "base::tapply"),
    *("base::tryCatch", "base::unserialize", "base::vapply", "base::Vectorize", "base::with"),
    *("base::load", "base::sys.source", "base::str2lang", "base::dyn.load", "base::library"),
    *("methods::getFunction", "methods::getMethod", "methods::new", "methods::slot"),
    *("parallel::mclapply", "parallel::mcmapply", "parallel::pvec", "stats::aggregate"),
    *("stats::ave", "stats::dendrapply", "stats::formula", "stats::integrate", "stats::lm"),
    *("stats::glm", "stats::nls", "stats::optim", "stats::optimize", "stats::uniroot"),
    *("stats::as.formula", "stats::model.frame", "stats::getS3method", "stats::reformulate"),
    *("utils::getAnywhere", "utils::getFromNamespace", "utils::getS3method", "utils::example"),
    *("purrr::map", "purrr::reduce", "purrr::exec", "rlang::exec", "rlang::parse_expr"),
)
"""Functions that run what a plain text names or says: R's own, and of packages that many have."""


def allows(patterns: Iterable[str], function: str) -> bool:
    """Whether one of the patterns is of the function `package::name`."""
    package, _, name = function.partition(SEPARATOR)
    for pattern in patterns:
        of_package, of_name = _compiled(pattern)
        if of_package.fullmatch(package) and of_name.fullmatch(name):
            return True
    return False


def allows_package(patterns: Iterable[str], package: str) -> bool:
    """Whether one of the patterns is of some function of the package."""
    return any(_compiled(pattern)[0].fullmatch(package) for pattern in patterns)


def pattern_problem(pattern: str) -> str | None:
    """Returns what is wrong with a pattern; None if nothing is."""
    package, separator, name = pattern.partition(SEPARATOR)
    if not separator or not name or name.startswith(":"):
        return f"'{pattern}' is no package::function, as stats::rnorm or stats::*"
    if _PACKAGE.fullmatch(package) is None:
        return f"'{pattern}' names no package before '::', as stats::* or apps/owner/repo::* do"
    return None


def opened_by(patterns: Iterable[str]) -> Iterator[tuple[str, list[str]]]:
    """Yields each pattern that lets call what a text can make run any function, and which."""
    for pattern in patterns:
        found = [function for function in TAKES_FUNCTIONS if allows((pattern,), function)]
        if found:
            yield pattern, found


def matches(pattern: str, name: str) -> bool:
    """Whether a pattern with `*` is of the name."""
    return _part(pattern).fullmatch(name) is not None


@lru_cache(maxsize=4096)
def _compiled(pattern: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    package, _, name = pattern.partition(SEPARATOR)
    return _part(package), _part(name)


@lru_cache(maxsize=4096)
def _part(text: str) -> re.Pattern[str]:
    return re.compile(".*".join(map(re.escape, text.split("*"))), re.DOTALL)
