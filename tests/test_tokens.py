"""Tokens of a real issuer: whom they describe, also while its keys change or it fails."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import anyio
import pytest
from issuing import AUDIENCE, RealIssuer, open_issuer, rsa_key, serving, sign
from joserfc.jwk import ECKey, OKPKey
from serving import wait_until

from api import fetch
from api.access_config import TokenConfig
from api.caller import Caller
from api.claim_rules import ClaimRules
from api.issuer import ASKED_AGAIN_S, CURRENT_FOR_S
from api.refusals import Forbidden, IssuerUnreachable, TokenWrong
from api.tokens import CHECKED_AGAIN_S, Tokens
from jobs.role import Role

ROLES = {"larder-analyst": Role.ANALYST, "larder-viewer": Role.VIEWER}
RULES = ClaimRules(role_claim="realm_access.roles", roles=ROLES)
ALGORITHMS = ("RS256", "PS256", "ES256", "EdDSA", "Ed25519")


class Ticks:
    """Seconds that pass when a test says so, for the clock as well."""

    def __init__(self) -> None:
        self.passed = 0.0
        self._begin = datetime.now(UTC)

    def __call__(self) -> float:
        return 1000 + self.passed

    def clock(self) -> datetime:
        return self._begin + timedelta(seconds=self.passed)


@pytest.fixture
def issuer() -> Iterator[RealIssuer]:
    with open_issuer() as issuer:
        yield issuer


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


def reader_of(issuer: RealIssuer, ticks: Ticks, rules: ClaimRules = RULES, **told: Any) -> Tokens:
    config = TokenConfig(issuer.url, AUDIENCE, ALGORITHMS, rules, **told)
    return Tokens(config, ticks.clock, ticks)


def read(reader: Tokens, token: str) -> Caller:
    return anyio.run(reader.caller, token)


def test_token_makes_a_caller_with_the_highest_role_it_gives(
    issuer: RealIssuer, ticks: Ticks
) -> None:
    held = {"roles": ["larder-viewer", "larder-analyst", "uma_authorization"]}
    caller = read(reader_of(issuer, ticks), issuer.token(realm_access=held))
    assert caller == Caller(name="127.0.0.1/u-17", role=Role.ANALYST)
    assert issuer.asked == {"/.well-known/openid-configuration": 1, "/jwks": 1}


@pytest.mark.parametrize(
    ("told", "role"),
    [
        ({"role": "larder-viewer"}, Role.VIEWER),
        ({"role": "openid larder-analyst"}, Role.ANALYST),  # as scopes are written
        ({"role": ["nothing"]}, Role.CALLER),
        ({}, Role.CALLER),
    ],
)
def test_star_is_the_role_of_everybody(
    issuer: RealIssuer, ticks: Ticks, told: dict[str, Any], role: Role
) -> None:
    everybody = ROLES | ({} if told.get("role") == "larder-viewer" else {"*": Role.CALLER})
    rules = ClaimRules(role_claim="role", roles=everybody)
    assert read(reader_of(issuer, ticks, rules), issuer.token(**told)).role is role


def test_claims_name_the_caller_and_what_they_may_ask_for(issuer: RealIssuer, ticks: Ticks) -> None:
    rules = ClaimRules(
        role_claim="https://example.com/roles",
        name_claim="email",
        roles=ROLES,
        functions_claim="fns",
        jobs_claim="jobs",
    )
    reader = reader_of(issuer, ticks, rules)
    told = {"https://example.com/roles": ["larder-analyst"], "email": "ann@example.com"}
    caller = read(reader, issuer.token(**told, fns=["stats::*"], jobs="churn weight_*"))
    assert caller.name == "127.0.0.1/ann@example.com"
    assert caller.may_call("stats::sd")
    assert not caller.may_call("base::system")
    assert caller.may_read("weight_gain")
    without = read(reader, issuer.token(**told, fns=[]))
    assert not without.may_call("stats::sd")
    assert not without.may_read("churn")


@pytest.mark.parametrize(
    "told", [{"sub": ["u"]}, {"sub": " "}, {"sub": "a\nb"}, {"sub": "u" * 151}]
)
def test_token_that_names_nobody_well_opens_nothing(
    issuer: RealIssuer, ticks: Ticks, told: dict[str, Any]
) -> None:
    with pytest.raises((Forbidden, TokenWrong)):
        read(reader_of(issuer, ticks), issuer.token(**told))


@pytest.mark.parametrize(
    ("key", "algorithm"),
    [
        (rsa_key("rsa"), "PS256"),
        (ECKey.generate_key("P-256", {"kid": "ec"}), "ES256"),
        (OKPKey.generate_key("Ed25519", {"kid": "ed"}), "EdDSA"),
        (OKPKey.generate_key("Ed25519", {"kid": "ed"}), "Ed25519"),
    ],
)
@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")  # EdDSA has a newer name
def test_keys_of_every_usual_kind_are_gone_by(
    issuer: RealIssuer, ticks: Ticks, key: Any, algorithm: str
) -> None:
    issuer.keys.append(key)
    token = sign(issuer.claims(), key, algorithm)
    assert read(reader_of(issuer, ticks), token).role is Role.ANALYST


def test_certificates_that_a_token_brings_do_not_keep_it_out(
    issuer: RealIssuer, ticks: Ticks
) -> None:
    token = sign(issuer.claims(), issuer.keys[0], x5c=["MIIB" * 400], x5t="thumb")
    assert read(reader_of(issuer, ticks), token).role is Role.ANALYST


def test_token_without_a_name_of_its_key_counts_where_there_is_one_key_alone(
    issuer: RealIssuer, ticks: Ticks
) -> None:
    token = sign(issuer.claims(), issuer.keys[0], kid=None)
    assert read(reader_of(issuer, ticks), token).role is Role.ANALYST
    issuer.keys.append(rsa_key("second"))
    with pytest.raises(TokenWrong, match="no such key"):
        read(reader_of(issuer, ticks), token)


def test_known_token_is_not_checked_again_until_it_is_over(
    issuer: RealIssuer, ticks: Ticks
) -> None:
    reader, token = reader_of(issuer, ticks), issuer.token(exp=int(ticks.clock().timestamp()) + 60)
    first = read(reader, token)
    issuer.answering.clear()  # it could not be asked
    assert read(reader, token) is first
    issuer.answering.set()
    ticks.passed = 91  # leeway included
    with pytest.raises(TokenWrong, match="expired"):
        read(reader, token)


def test_new_key_is_found_when_a_token_names_it(issuer: RealIssuer, ticks: Ticks) -> None:
    reader = reader_of(issuer, ticks)
    read(reader, issuer.token())
    issuer.keys.append(rsa_key("second"))
    ticks.passed = ASKED_AGAIN_S + 1
    assert read(reader, issuer.token(sub="other")).name == "127.0.0.1/other"
    assert issuer.asked["/jwks"] == 2


def test_made_up_names_of_keys_do_not_have_the_issuer_asked_each_time(
    issuer: RealIssuer, ticks: Ticks
) -> None:
    reader = reader_of(issuer, ticks)
    read(reader, issuer.token())
    stranger = rsa_key("made up")
    for number in range(20):
        token = sign(issuer.claims(), stranger, kid=f"made up {number}")
        with pytest.raises(TokenWrong, match="no such key"):
            read(reader, token)
    assert issuer.asked["/jwks"] == 1


def test_key_that_the_issuer_took_back_opens_nothing_after_a_while(
    issuer: RealIssuer, ticks: Ticks
) -> None:
    long = int(ticks.clock().timestamp()) + 9999
    reader, token = reader_of(issuer, ticks), issuer.token(exp=long)

    async def later() -> None:
        await reader.caller(token)
        issuer.keys[:] = [rsa_key("second")]
        ticks.passed = max(CHECKED_AGAIN_S, CURRENT_FOR_S) + 1
        await reader.caller(token)  # checked with what is known, while the keys are asked for
        await anyio.to_thread.run_sync(wait_until, lambda: issuer.asked["/jwks"] == 2)
        ticks.passed *= 2
        await reader.caller(issuer.token(sub="of the second key", exp=long))
        with pytest.raises(TokenWrong, match="no such key"):
            await reader.caller(token)

    anyio.run(later)


def test_issuer_that_is_gone_keeps_nobody_out_whose_key_is_known(ticks: Ticks) -> None:
    issuer = RealIssuer()
    issuer.answering.set()
    with serving(issuer):
        reader = reader_of(issuer, ticks)
        read(reader, issuer.token())
    ticks.passed = CURRENT_FOR_S + 1
    assert read(reader, issuer.token(sub="other")).name == "127.0.0.1/other"
    unknown = sign(issuer.claims(), rsa_key("second"))
    with pytest.raises(IssuerUnreachable):
        read(reader, unknown)
    with serving(issuer):  # it is back, with a new key
        issuer.keys.append(rsa_key("third"))
        ticks.passed += ASKED_AGAIN_S + 1
        assert read(reader, issuer.token(sub="third")).name == "127.0.0.1/third"


def test_issuer_that_never_answered_is_asked_only_now_and_then(ticks: Ticks) -> None:
    issuer = RealIssuer()
    issuer.answering.set()
    with serving(issuer):
        pass
    reader = reader_of(issuer, ticks)
    for _ in range(3):
        with pytest.raises(IssuerUnreachable, match="cannot be asked"):
            read(reader, issuer.token())
    with serving(issuer):
        with pytest.raises(IssuerUnreachable):
            read(reader, issuer.token())
        assert not issuer.asked
        ticks.passed = ASKED_AGAIN_S + 1
        assert read(reader, issuer.token()).role is Role.ANALYST


def test_slow_issuer_holds_up_nobody_else(
    issuer: RealIssuer, ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "WITHIN_S", 0.3)
    issuer.answering.clear()
    reader, turns = reader_of(issuer, ticks), 0

    async def others() -> None:
        nonlocal turns
        while True:
            await anyio.sleep(0.01)
            turns += 1

    async def ask() -> None:
        async with anyio.create_task_group() as group:
            group.start_soon(others)
            with pytest.raises(IssuerUnreachable):
                await reader.caller(issuer.token())
            group.cancel_scope.cancel()

    anyio.run(ask)
    assert turns > 1


def test_many_tokens_at_once_have_the_keys_fetched_once(issuer: RealIssuer, ticks: Ticks) -> None:
    reader = reader_of(issuer, ticks)

    async def ask() -> None:
        async with anyio.create_task_group() as group:
            for number in range(10):
                group.start_soon(reader.caller, issuer.token(sub=f"u-{number}"))

    anyio.run(ask)
    assert issuer.asked["/jwks"] == 1


def test_keys_are_taken_from_where_the_operator_says(issuer: RealIssuer, ticks: Ticks) -> None:
    reader = reader_of(issuer, ticks, jwks=f"{issuer.url}/jwks")
    assert read(reader, issuer.token()).role is Role.ANALYST
    assert issuer.asked == {"/jwks": 1}


def test_description_of_another_issuer_is_not_gone_by(issuer: RealIssuer, ticks: Ticks) -> None:
    issuer.url = issuer.url.replace("127.0.0.1", "localhost")
    reader = reader_of(issuer, ticks)
    issuer.url = issuer.url.replace("localhost", "127.0.0.1")
    with pytest.raises(IssuerUnreachable):
        read(reader, issuer.token())


def test_list_of_keys_that_is_too_long_is_not_read(issuer: RealIssuer, ticks: Ticks) -> None:
    issuer.padding = fetch.LARGEST_BYTES
    with pytest.raises(IssuerUnreachable):
        read(reader_of(issuer, ticks), issuer.token())


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")  # that it is short
def test_key_that_is_too_short_opens_nothing(issuer: RealIssuer, ticks: Ticks) -> None:
    issuer.keys.append(rsa_key("short", 1024))
    with pytest.raises(TokenWrong, match="no such key"):
        read(reader_of(issuer, ticks), issuer.token())


def test_threads_of_everything_else_are_not_taken_by_a_slow_issuer(
    issuer: RealIssuer, ticks: Ticks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "WITHIN_S", 0.3)
    issuer.answering.clear()
    readers = [reader_of(issuer, ticks) for _ in range(60)]

    async def refused(reader: Tokens) -> None:
        with pytest.raises(IssuerUnreachable):
            await reader.caller(issuer.token())

    async def ask() -> None:
        async with anyio.create_task_group() as group:
            for reader in readers:
                group.start_soon(refused, reader)
            await anyio.to_thread.run_sync(threading.get_ident)

    anyio.run(ask)
