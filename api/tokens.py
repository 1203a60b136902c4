"""Tokens: whom an issuer's tokens describe, each checked once as long as it is good."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from api.access_config import TokenConfig
from api.caller import Caller
from api.issuer import Issuer
from api.token_check import LONGEST_CHARACTERS, TokenCheck
from cache.clock import Clock

REMEMBERED: Final = 2000
CHECKED_AGAIN_S: Final = 300.0
"""So long a key that the issuer took back may go on opening, at most twice."""


class Tokens:
    """Finds callers by their tokens.

    Args:
        config: Whose tokens count.
        clock: Gives the moment.
        monotonic: Gives seconds that only grow.
    """

    def __init__(
        self, config: TokenConfig, clock: Clock, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        issuer = Issuer(config.issuer, config.jwks, monotonic)
        self._check = TokenCheck(issuer, config.audience, config.algorithms, config.leeway_s)
        self._rules = config.rules
        self._leeway_s = config.leeway_s
        self._clock = clock
        self._monotonic = monotonic
        self._known: OrderedDict[str, tuple[float, Caller]] = OrderedDict()

    async def caller(self, token: str) -> Caller:
        """Returns whom a token describes.

        Raises:
            TokenWrong: it is not valid here.
            Forbidden: it gives nobody, or no role.
            IssuerUnreachable: it cannot be checked.
        """
        if len(token) <= LONGEST_CHARACTERS:
            known = self._known.get(token)
            if known is not None and self._monotonic() < known[0]:
                return known[1]
        now = self._clock()
        claims = await self._check.claims(token, now)
        caller = self._rules.caller(claims)
        until = now.timestamp() + CHECKED_AGAIN_S
        left_s = min(claims["exp"] + int(self._leeway_s), until) - now.timestamp()
        self._remember(token, left_s, caller)
        return caller

    def _remember(self, token: str, for_s: float, caller: Caller) -> None:
        self._known[token] = (self._monotonic() + for_s, caller)
        self._known.move_to_end(token)
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
