"""HTTP's own errors, and the only table from the errors of all packages to a status.

ApiError
├── BadRequest        the request cannot be read
│   └── UploadInvalid a multipart body is broken
├── ClientGone        the client closed the connection
├── BodyTooLarge      the body has more bytes than the server takes
│   ├── UploadTooLarge than the operator allows
│   └── FormTooLarge  a form, which has to be held in memory
├── Disabled          the operator has switched this section off
├── OnlyIfCached      nothing is stored and the request allows no computing
├── EncodedBody       the body is compressed
├── NotAllowed        the method is not for this resource
├── NotFound          there is no such resource
│   ├── NotInstalled  nothing is installed under this name, nor may be
│   ├── NotPrepared   no answer is prepared, and the key reads only what is
│   └── CallNotFound  no call has this key, or no more
├── CallEnded         a call that is to be cancelled has ended already
├── CallInterrupted   the server stopped while a call was under way
├── Refused           the gate does not let this request through
│   ├── KeyMissing    it shows no key
│   ├── KeyWrong      it shows a key that opens nothing
│   │   ├── TokenWrong  or a token that does not
│   │   └── LoginOver   or a cookie of nobody who is signed in
│   ├── SignInFailed  somebody could not be signed in
│   ├── IssuerUnreachable  whose tokens cannot be checked
│   ├── CrossSite     another site's page asks with a cookie
│   ├── RateExceeded  there were too many
│   ├── StreamsTaken  too many streams of events are open
│   ├── Forbidden     its key is not for this
│   ├── KeyInAddress  it shows a key in the address, where that is off
│   ├── OriginForeign it comes from a web page of elsewhere
│   ├── HostUnknown   it is for another name
│   └── ProxyUnknown  it comes through a proxy, and nobody is asked for a key
├── NotAudited        the request cannot be put on record
├── InstallForbidden  the operator does not let this be installed
├── SignatureMissing  a webhook's delivery is not signed
├── SignatureWrong    a webhook's delivery is signed with another secret
├── OriginFailed      a server that this one asks did not answer as it should
└── OriginTimeout     a server that this one asks did not answer in time
"""

from __future__ import annotations

import cache.errors as cache_errors
import engine.errors as engine_errors
import jobs.errors as job_errors
from api.api_error import ApiError, NotFound
from api.install_refusals import InstallForbidden, NotInstalled, SignatureMissing, SignatureWrong
from api.refusals import (
    CrossSite,
    Forbidden,
    HostUnknown,
    IssuerUnreachable,
    KeyInAddress,
    KeyMissing,
    KeyWrong,
    LoginOver,
    NotAudited,
    NotPrepared,
    OriginForeign,
    ProxyUnknown,
    RateExceeded,
    Refused,
    SignInFailed,
    StreamsTaken,
    TokenWrong,
)
from cache.errors import CacheError
from engine import asker_errors
from engine.errors import EngineError
from jobs import key_errors
from jobs.errors import JobError
from scheduler.errors import SchedulerError


class BadRequest(ApiError):
    """The request cannot be read; the message says what is wrong with it."""


class UploadInvalid(BadRequest):
    """The multipart body is broken."""


class ClientGone(ApiError):
    """The client closed the connection before its request was complete."""


class BodyTooLarge(ApiError):
    """The body has more bytes than the server takes."""

    def __init__(
        self, limit_bytes: int, *, what: str = "the request body", advice: str = ""
    ) -> None:
        super().__init__(f"{what} is larger than {limit_bytes / 2**20:,.10g} MB{advice}")
        self.limit_bytes = limit_bytes


class UploadTooLarge(BodyTooLarge):
    """The body has more bytes than the operator allows."""

    def __init__(self, limit_bytes: int) -> None:
        setting = "ocpu.upload_limit in larder.yaml"
        super().__init__(limit_bytes, advice=f", the limit of this server ({setting})")


class FormTooLarge(BodyTooLarge):
    """A form of this size would have to be held in memory."""

    def __init__(self, limit_bytes: int) -> None:
        advice = ": send what is as large as multipart/form-data"
        super().__init__(limit_bytes, what="the form", advice=advice)


class EncodedBody(ApiError):
    """The body is compressed: a small one could be a large one."""

    def __init__(self, encoding: str) -> None:
        super().__init__(f"bodies are taken as they are, not with Content-Encoding: {encoding}")


class NotAllowed(ApiError):
    """The method is not for this resource."""

    def __init__(self, method: str, path: str) -> None:
        super().__init__(f"Method: {method} invalid on {path}")


class Disabled(ApiError):
    """The operator has switched this section of the API off."""

    def __init__(self, section: str) -> None:
        super().__init__(
            f"/ocpu/{section} is switched off on this server (ocpu.apis in larder.yaml)"
        )
        self.section = section


class KeysNotListed(ApiError):
    """The keys of sessions are shown on loopback only: whoever knows one may read it."""

    def __init__(self) -> None:
        super().__init__(
            "session keys are listed only where the server listens on loopback: "
            "whoever knows a key may read that session"
        )


class OnlyIfCached(ApiError):
    """The request says only-if-cached, or the caller may have nothing computed, and nothing is."""

    def __init__(self, why: str = "only-if-cached allows no computing") -> None:
        super().__init__(f"nothing is stored for this call, and {why}")


class CallNotFound(NotFound):
    """No call has this key, or none any more."""

    def __init__(self, key: str) -> None:
        super().__init__(f"there is no call {key}: neither one that waits or runs, nor its answer")
        self.key = key


class CallEnded(ApiError):
    """The call has ended, so that it cannot be cancelled."""

    def __init__(self, key: str, status: str) -> None:
        super().__init__(f"call {key} has ended: it is {status}")
        self.key = key


class CallInterrupted(ApiError):
    """The server stopped while the call was under way."""

    def __init__(self, reason: str = "") -> None:
        super().__init__(reason or "the server stopped while this call was under way; try again")


class OriginFailed(ApiError):
    """A server that this one asks did not answer as it should; the message says which."""


class OriginTimeout(ApiError):
    """A server that this one asks did not answer in time; the message says which."""


OURS = (ApiError, CacheError, EngineError, JobError, SchedulerError)
"""The roots of all errors that this server knows."""

STATUS: dict[type[Exception], int] = {
    ApiError: 400,
    BadRequest: 400,
    UploadInvalid: 400,
    ClientGone: 499,
    BodyTooLarge: 413,
    NotAllowed: 405,
    Disabled: 403,
    KeysNotListed: 403,
    NotFound: 404,
    NotInstalled: 404,
    NotPrepared: 404,
    CallNotFound: 404,
    CallEnded: 409,
    CallInterrupted: 503,
    Refused: 403,
    KeyMissing: 401,
    KeyWrong: 401,
    TokenWrong: 401,
    LoginOver: 401,
    SignInFailed: 400,
    IssuerUnreachable: 503,
    CrossSite: 403,
    Forbidden: 403,
    KeyInAddress: 400,
    OriginForeign: 403,
    HostUnknown: 421,
    ProxyUnknown: 403,
    RateExceeded: 429,
    StreamsTaken: 429,
    EncodedBody: 415,
    NotAudited: 503,
    InstallForbidden: 403,
    SignatureMissing: 401,
    SignatureWrong: 403,
    OriginFailed: 502,
    OriginTimeout: 504,
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
    asker_errors.AskerBusy: 503,
    asker_errors.AllowanceSpent: 429,
    engine_errors.TemplateFailed: 503,
    engine_errors.LimitReached: 400,
    engine_errors.EvaluationTimeout: 504,
    engine_errors.CallCancelled: 409,
    engine_errors.CpuLimit: 400,
    engine_errors.MemoryLimit: 400,
    engine_errors.FileLimit: 400,
    engine_errors.DiskLimit: 400,
    engine_errors.ProcessLimit: 400,
    engine_errors.OutputLimit: 400,
    engine_errors.PlotLimit: 400,
    engine_errors.WorkerDied: 500,
    engine_errors.EndedByCall: 400,
    engine_errors.ParentEnded: 503,
    engine_errors.CallRefused: 400,
    engine_errors.RError: 400,
    engine_errors.RowCountMismatch: 500,
    engine_errors.InstallFailed: 400,
    engine_errors.InstallRefused: 400,
    engine_errors.OriginNotFound: 404,
    engine_errors.InstallTimeout: 504,
    engine_errors.InstallBusy: 503,
    job_errors.JobError: 500,
    job_errors.JobNotFound: 404,
    key_errors.KeyNotFound: 404,
    key_errors.KeyNameTaken: 409,
    job_errors.ArgumentInvalid: 400,
    job_errors.ValueInvalid: 400,
    job_errors.RowNotFound: 404,
    job_errors.NoAnswerThen: 404,
    job_errors.RefusedMiss: 404,
    job_errors.RunNotFound: 404,
    job_errors.SecretMissing: 503,
    job_errors.ScheduleNotFound: 404,
    job_errors.CallFailed: 422,
    job_errors.CatalogUnavailable: 503,
    job_errors.RunInProgress: 409,
    job_errors.RunEnded: 409,
    job_errors.RunFinished: 409,
    job_errors.RunQueueFull: 503,
    job_errors.SessionPinned: 409,
    SchedulerError: 500,
}


def status_of(error: Exception) -> int:
    """Returns the status of the nearest class in the table."""
    for kind in type(error).__mro__:
        if kind in STATUS:
            return STATUS[kind]
    return 500


def status_named(name: str) -> int:
    """Returns the status of the error class of this name, as a record has it."""
    kinds: list[type[Exception]] = list(OURS)
    while kinds:
        kind = kinds.pop()
        if kind.__name__ == name:
            return status_of(kind.__new__(kind))
        kinds.extend(kind.__subclasses__())
    return 500
