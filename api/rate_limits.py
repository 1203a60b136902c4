"""Request rates: of each key, and of each address that shows none.

Buckets of tokens, shared by the workers of a machine: `100/minute` may come all at once, and then
one each 0.6 seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from math import ceil

from api.access_config import AccessConfig
from api.caller import Caller
from api.refusals import RateExceeded
from api.reply import Headers
from cache.buckets import Buckets, Taken
from jobs.rate import Rate, parse_rate

SITE_BITS = 64
"""Of an address of IPv6: who has one has all that begin like it."""


@dataclass(frozen=True)
class RateLimits:
    """Counts requests.

    Attributes:
        buckets: Where they are counted.
        config: What the operator decided.
    """

    buckets: Buckets
    config: AccessConfig

    def admit(self, caller: Caller) -> Headers:
        """Counts a request; the header fields that tell its caller how many more may come.

        Raises:
            RateExceeded: it is one too many.
        """
        if caller.name:
            if caller.rate is None:
                return ()
            return self._take("key", caller.name, parse_rate(caller.rate))
        if self.config.rate is None:
            return ()
        return self._take("address", site_of(caller.address), self.config.rate)

    def count_failure(self, address: str) -> None:
        """Counts a request that shows no valid key and is refused for that.

        A valid key is never refused because others of its address failed: behind a proxy that is
        not configured all callers have one address.

        Raises:
            RateExceeded: there were too many of that address.
        """
        site = site_of(address)
        if self.config.rate is not None:
            self._take("address", site, self.config.rate)
        if self.config.failures is not None:
            self._take("failures", site, self.config.failures)

    def _take(self, policy: str, name: str, rate: Rate) -> Headers:
        bucket = f"{policy} {rate.count} {rate.per_s} {name}"
        taken = self.buckets.take(bucket, rate.count, rate.per_s)
        headers = _headers(policy, rate, taken)
        if taken.wait_s:
            raise RateExceeded(policy, str(rate), taken.wait_s, headers)
        return headers


def site_of(address: str) -> str:
    """What one client has of addresses: one of IPv4, a /64 of IPv6."""
    if ":" not in address:
        return address
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if found.version == 6 and found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(int(found) >> SITE_BITS)


def _headers(policy: str, rate: Rate, taken: Taken) -> Headers:
    """The fields of the IETF draft (draft-ietf-httpapi-ratelimit-headers-10)."""
    return (
        ("RateLimit-Policy", f'"{policy}";q={rate.count};w={ceil(rate.per_s)}'),
        ("RateLimit", f'"{policy}";r={taken.left};t={ceil(taken.wait_s or taken.full_s)}'),
    )
