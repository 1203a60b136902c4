"""HTTP's own errors, and the only table from the errors of all packages to a status.

ApiError
├── BadRequest        the request cannot be read
│   └── UploadInvalid a multipart body is broken
├── ClientGone        the client closed the connection
├── BodyTooLarge      the body has more bytes than allowed
├── OnlyIfCached      nothing is stored and the request allows no computing
├── NotAllowed        the method is not for this resource
└── NotFound          there is no such resource
"""

from __future__ import annotations

import cache.errors as cache_errors
import engine.errors as engine_errors
import jobs.errors as job_errors
from scheduler.errors import SchedulerError


class ApiError(Exception):
    """A request that cannot be answered as it is."""


class BadRequest(ApiError):
    """The request cannot be read; the message says what is wrong with it."""


class UploadInvalid(BadRequest):
    """The multipart body is broken."""


class ClientGone(ApiError):
    """The client closed the connection before its request was complete."""


class BodyTooLarge(ApiError):
    """The body has more bytes than the server takes."""

    def __init__(self, limit_bytes: int) -> None:
        super().__init__(f"the request body is larger than {limit_bytes // 2**20} MiB")
        self.limit_bytes = limit_bytes


class NotAllowed(ApiError):
    """The method is not for this resource."""

    def __init__(self, method: str, path: str) -> None:
        super().__init__(f"Method: {method} invalid on {path}")


class OnlyIfCached(ApiError):
    """The request says only-if-cached, and nothing is."""

    def __init__(self) -> None:
        super().__init__("nothing is stored for this call, and only-if-cached allows no computing")


class NotFound(ApiError):
    """There is no such resource; the message says which."""


STATUS: dict[type[Exception], int] = {
    ApiError: 400,
    BadRequest: 400,
    UploadInvalid: 400,
    ClientGone: 499,
    BodyTooLarge: 413,
    NotAllowed: 405,
    NotFound: 404,
    OnlyIfCached: 504,
    cache_errors.CacheError: 500,
    cache_errors.SessionNotFound: 404,
    cache_errors.StoreFull: 507,
    cache_errors.StoreUnavailable: 503,
    cache_errors.ArgumentUnsupported: 400,
    cache_errors.ColumnUnknown: 400,
    engine_errors.EngineError: 500,
    engine_errors.EngineUnavailable: 503,
    engine_errors.EngineBusy: 503,
    engine_errors.TemplateFailed: 503,
    engine_errors.EvaluationTimeout: 504,
    engine_errors.WorkerDied: 500,
    engine_errors.CallRefused: 400,
    engine_errors.RError: 400,
    engine_errors.RowCountMismatch: 500,
    job_errors.JobError: 500,
    job_errors.JobNotFound: 404,
    job_errors.ArgumentInvalid: 400,
    job_errors.ValueInvalid: 400,
    job_errors.RowNotFound: 404,
    job_errors.RefusedMiss: 404,
    job_errors.RunNotFound: 404,
    job_errors.ScheduleNotFound: 404,
    job_errors.CallFailed: 422,
    job_errors.CatalogUnavailable: 503,
    job_errors.RunInProgress: 409,
    job_errors.RunEnded: 409,
    SchedulerError: 500,
}


def status_of(error: Exception) -> int:
    """Returns the status of the nearest class in the table."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return 500
