"""OpenCPU's settings, Larder's counterpart of each, and why some have none."""

from collections.abc import Callable, Mapping
from typing import Any

from jobs.duration import format_duration
from jobs.errors import ValueInvalid
from jobs.shown import described
from jobs.size import format_size


def flag(value: Any) -> bool:
    """The value if it is true or false.

    Raises:
        ValueInvalid: It is not.
    """
    if not isinstance(value, bool):
        raise ValueInvalid(f"expected true or false, found {described(value)}")
    return value


def _seconds(value: Any) -> str:
    return format_duration(_number(value, "a number of seconds"))


def _bytes(value: Any) -> str:
    number = int(_number(value, "a number of bytes"))
    size = format_size(number)
    return f"{number} B" if size.endswith("KB") else size


def _count(value: Any) -> int:
    number = _number(value, "a whole number")
    if number != int(number):
        raise ValueInvalid(f"expected a whole number, found {described(value)}")
    return int(number)


def _number(value: Any, wanted: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueInvalid(f"expected {wanted}, found {described(value)}")
    if not 0 <= value < 1e18:
        raise ValueInvalid(f"{described(value)} is no {wanted.partition(' ')[2]}")
    return value


def _names(value: Any) -> list[str]:
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise ValueInvalid(f"expected a list of packages, found {described(value)}")
    return names


def _repository(value: Any) -> str:
    """The one address that Larder takes; R may be given several, by name."""
    if isinstance(value, Mapping) and value:
        value = value.get("CRAN", next(iter(value.values())))
    if isinstance(value, list) and value:
        value = value[0]
    if not isinstance(value, str):
        raise ValueInvalid(f"expected an address, found {described(value)}")
    return value


Convert = Callable[[Any], Any]

COUNTERPARTS: dict[str, tuple[str, Convert]] = {
    "preload": ("preload", _names),
    "key.length": ("sessions.key_length", _count),
    "timelimit.get": ("engine.timeout_get", _seconds),
    "timelimit.post": ("engine.timeout_post", _seconds),
    "rlimit.as": ("engine.memory", _bytes),
    "rlimit.fsize": ("engine.file_size", _bytes),
    "rlimit.nproc": ("engine.processes", _count),
    "enable.post.code": ("ocpu.code", flag),
    "enable.cors": ("ocpu.cors", flag),
    "httpcache.post": ("ocpu.cache.post", _seconds),
    "httpcache.lib": ("ocpu.cache.library", _seconds),
    "httpcache.apps": ("ocpu.cache.apps", _seconds),
    "httpcache.git": ("ocpu.cache.apps", _seconds),
    "httpcache.github": ("ocpu.cache.apps", _seconds),
    "httpcache.gist": ("ocpu.cache.apps", _seconds),
    "httpcache.cran": ("ocpu.cache.apps", _seconds),
    "httpcache.bioc": ("ocpu.cache.apps", _seconds),
    "httpcache.tmp": ("ocpu.cache.tmp", _seconds),
    "httpcache.static": ("ocpu.cache.static", _seconds),
    "repos": ("install.cran_url", _repository),
    "timelimit.webhook": ("install.timeout", _seconds),
    "github.cache": ("install.refresh", _seconds),
    "gist.cache": ("install.refresh", _seconds),
    "cran.cache": ("install.refresh", _seconds),
    "bioc.cache": ("install.refresh", _seconds),
}
"""OpenCPU's settings with Larder's; where several have one counterpart, the first that is set
counts."""

_NO_MAIL = "no mail is sent; what is installed, and what fails, is in the log"
_ALWAYS = "an error always shows its call and backtrace"
_STATE = "all state is in .larder/ in the project"
WITHOUT = {
    "error.showcall": _ALWAYS,
    "error.backtrace": _ALWAYS,
    "smtp.server": _NO_MAIL,
    "smtp.use.ssl": _NO_MAIL,
    "proxy": "set http_proxy and https_proxy in the server's environment",
    "public.url": "links begin with the address that was called",
    "appspaths": "apps are installed with `larder install`",
    "libpaths": "set R_LIBS in the server's environment",
    "tempdir": _STATE,
    "tmpdir": _STATE,
    "storedir": _STATE,
    "max.storesize": "cache.size_limit bounds what is kept",
    "session.prefix": "keys begin with x0",
    "client_id": "gists and repositories are fetched without a GitHub application",
    "client_secret": "gists and repositories are fetched without a GitHub application",
}
"""OpenCPU's settings that have no counterpart, and why."""
