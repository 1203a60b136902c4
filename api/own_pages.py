"""Own pages: a browser's cookie counts only for what a page of this server asks with it.

Browsers send cookies along with whatever any page asks. They also say which page it was (Fetch
Metadata and the Origin header, which no page can forge), and old ones, which do not, are told.
"""

from __future__ import annotations

from typing import Final

from starlette.types import Scope

from api.refusals import CrossSite
from api.site import Site, header

_SAFE: Final = ("GET", "HEAD", "OPTIONS")


def check_page(scope: Scope, site: Site) -> None:
    """Lets a request through that a cookie came with.

    Raises:
        CrossSite: another site's page made it, or one that changes something does not say.
    """
    origin = header(scope, b"origin")
    fetched_from = header(scope, b"sec-fetch-site")
    is_safe = scope["method"] in _SAFE
    if origin is not None and not site.is_own(origin, scope):
        raise CrossSite
    if is_safe and fetched_from == "cross-site" and header(scope, b"sec-fetch-mode") != "navigate":
        raise CrossSite
    if not is_safe and fetched_from not in (None, "same-origin"):
        raise CrossSite
    if not is_safe and origin is None and fetched_from is None:
        raise CrossSite
