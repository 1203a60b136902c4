"""The headers of OpenCPU's answers: who may read them, how long they hold, and who made them."""

from __future__ import annotations

import datetime as dt

from api.ocpu_config import OcpuConfig, max_age
from api.ocpu_replies import SESSION_HEADER
from api.ocpu_request import OcpuRequest
from api.reply import Headers, Reply
from api.services import Services

KEPT_BELOW = {"tmp": 1, "user": 2, "apps": 2, "cran": 1, "bioc": 1}
"""Answers to paths of so many parts change from moment to moment: no client keeps them."""
CORS = (
    ("Access-Control-Allow-Credentials", "true"),
    (
        "Access-Control-Allow-Headers",
        "Origin, Content-Type, Accept, Accept-Encoding, Cache-Control, Authorization",
    ),
    (
        "Access-Control-Expose-Headers",
        "Location, X-ocpu-session, Content-Type, Cache-Control",
    ),
)


def cors_headers(origin: str) -> Headers:
    """Returns the headers that let the page of `origin` read an answer, where no key is asked for.

    The origin is echoed, as OpenCPU does: caches keep one answer for each.
    """
    return (("Access-Control-Allow-Origin", origin), ("Vary", "Origin"), *CORS)


def common_headers(services: Services) -> Headers:
    """Returns the headers that every answer has."""
    r = services.r_facts()
    now = dt.datetime.now(dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return (
        ("X-ocpu-version", services.ocpu_version),
        ("X-ocpu-r", r["version"]),
        ("X-ocpu-locale", r["locale"]),
        ("X-ocpu-time", now),
        ("X-ocpu-server", "larder"),
    )


def lifetime(request: OcpuRequest, reply: Reply, config: OcpuConfig) -> Headers:
    """Returns how long a client may keep the answer; errors of ours not at all."""
    if request.method == "POST" and reply.has(SESSION_HEADER):
        return (max_age(config.call_cache_s),)
    if reply.status >= 400 or len(request.parts) <= KEPT_BELOW.get(request.section, 0):
        return ()
    match request.section:
        case "library" | "lib" | "user" | "doc":
            return (max_age(config.library_cache_s),)
        case "apps" | "cran" | "bioc" | "gist":
            return (max_age(config.apps_cache_s),)
        case "tmp":
            return (max_age(config.tmp_cache_s),)
        case "test":
            return (max_age(config.static_cache_s),)
    return ()
