"""What the requests of one process are audited with."""

from __future__ import annotations

from dataclasses import dataclass, field

from api.asked import RequestReader
from api.audit_config import AuditConfig
from jobs.audit_spool import AuditSpool


@dataclass(frozen=True)
class Auditing:
    """Made once per process.

    Attributes:
        spool: Where requests are written down.
        config: What the operator decided.
        requests: Reads them.
    """

    spool: AuditSpool
    config: AuditConfig
    requests: RequestReader = field(default_factory=RequestReader)
