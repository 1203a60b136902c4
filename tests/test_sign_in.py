"""Signing in and out, by a key and by a real issuer, as a browser does it."""

import base64
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import anyio
import httpx
import pytest
from fakes import NoPool
from issuing import CLIENT, SECRET, RealIssuer, open_issuer
from prepared import application, example_jobs, keep

from api.access_config import AccessConfig, OidcConfig, TokenConfig
from api.claim_rules import ClaimRules
from api.sign_in import own_path
from jobs.access_key import new_secret
from jobs.pantry import Pantry
from jobs.repository import Catalog
from jobs.role import Role

SITE = "http://127.0.0.1:8080"
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
OWN = {"Sec-Fetch-Site": "same-origin"}
KEY = new_secret()
PEOPLE = {
    "ann": {"claims": {"realm_access": {"roles": ["larder-analyst"]}}},
    "bob": {"besides": {"realm_access": {"roles": ["larder-viewer"]}}},  # only where it is asked
    "eve": {},
}
ROLES = {"larder-analyst": Role.ANALYST, "larder-viewer": Role.VIEWER}

Steps = Callable[[httpx.AsyncClient], Awaitable[None]]


@pytest.fixture(scope="module")
def issuer() -> Iterator[RealIssuer]:
    with open_issuer(people=PEOPLE) as issuer:
        yield issuer


@pytest.fixture
def catalog(tmp_path: Path) -> Iterator[Catalog]:
    opened = Catalog.in_file(tmp_path / "catalog.db")
    opened.migrate()
    opened.add_key(KEY, "shop", Role.VIEWER)
    yield opened
    opened.close()


@pytest.fixture
def pantry(tmp_path: Path) -> Iterator[Pantry]:
    opened = Pantry(tmp_path, NoPool(), example_jobs())  # type: ignore[arg-type]
    yield opened
    opened.close()


@pytest.fixture
def access(issuer: RealIssuer) -> AccessConfig:
    rules = ClaimRules(role_claim="realm_access.roles", roles=ROLES)
    oidc = OidcConfig(issuer.url, CLIENT, SECRET, ("openid", "profile"), ("RS256",), rules)
    return AccessConfig(is_open=False, oidc=oidc)


@pytest.fixture
def browse(pantry: Pantry, tmp_path: Path, catalog: Catalog, access: AccessConfig) -> Any:
    """Has a browser take some steps."""

    def taken(steps: Steps, site: str = SITE) -> None:
        transport = httpx.ASGITransport(application(pantry, tmp_path, catalog, access))

        async def take() -> None:
            async with httpx.AsyncClient(transport=transport, base_url=site) as browser:
                await steps(browser)

        anyio.run(take)

    return taken


async def enter_key(browser: httpx.AsyncClient, key: str, where: str = "/") -> httpx.Response:
    form = {"key": key, "next": where}
    return await browser.post("/login", data=form, headers=OWN)


@asynccontextmanager
async def at_issuer() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(trust_env=False) as elsewhere:
        yield elsewhere


async def say_who(browser: httpx.AsyncClient, name: str, where: str = "/") -> str:
    """Goes to the issuer, says who it is, and returns where the issuer sends the browser back."""
    sent = await browser.get("/login/issuer", params={"next": where})
    assert sent.status_code == 303
    async with at_issuer() as elsewhere:
        asked = await elsewhere.get(sent.headers["location"])
        action = re.search(r'action="(.+?)"', asked.text)
        assert action is not None
        address = sent.headers["location"].partition("/realms/")[0]
        there = address + action[1].replace("&amp;", "&")
        return (await elsewhere.post(there, data={"name": name})).headers["location"]


def test_browser_that_asks_for_a_page_is_sent_to_sign_in_and_back(browse: Any) -> None:
    async def steps(browser: httpx.AsyncClient) -> None:
        sent = await browser.get("/v1/jobs?a=1&b=%2F", headers=PAGE)
        assert sent.status_code == 303
        assert sent.headers["location"] == "/login?next=/v1/jobs%3Fa%3D1%26b%3D%252F"
        form = await browser.get(sent.headers["location"], headers=PAGE)
        assert 'name="next" value="/v1/jobs?a=1&amp;b=%2F"' in form.text
        back = await enter_key(browser, f" {KEY}\n", "/v1/jobs?a=1&b=%2F")
        assert (back.status_code, back.headers["location"]) == (303, "/v1/jobs?a=1&b=%2F")
        assert (await browser.get(back.headers["location"], headers=PAGE)).status_code == 200

    browse(steps)


def test_program_that_asks_is_not_sent_anywhere(browse: Any) -> None:
    async def steps(browser: httpx.AsyncClient) -> None:
        asked = await browser.get("/v1/jobs", headers={"Accept": "application/json"})
        assert (asked.status_code, asked.json()["status"]) == (401, 401)
        posted = await browser.post("/ocpu/library/stats/R/sd", headers=PAGE)
        assert posted.status_code == 401

    browse(steps)


@pytest.mark.parametrize("path", ["/v1/jobs", "/ocpu/library/stats/R/sd"])
def test_token_that_cannot_be_checked_now_may_be_shown_again(
    pantry: Pantry, tmp_path: Path, catalog: Catalog, issuer: RealIssuer, path: str
) -> None:
    rules = ClaimRules(role_claim="realm_access.roles", roles=ROLES)
    nowhere = TokenConfig("http://127.0.0.1:9", "larder", ("RS256",), rules)
    access = AccessConfig(is_open=False, jwt=nowhere)
    transport = httpx.ASGITransport(application(pantry, tmp_path, catalog, access))

    async def ask(shown: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=transport, base_url=SITE) as client:
            return await client.get(path, headers={"Authorization": f"Bearer {shown}"})

    answer = anyio.run(ask, issuer.token())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert anyio.run(ask, KEY).status_code != 503


@pytest.mark.parametrize("way", ["key", "cookie"])
def test_what_somebody_was_let_in_to_see_stays_out_of_shared_caches(
    browse: Any, pantry: Pantry, way: str
) -> None:
    keep(pantry, exact=b'{"gain":1}\n')

    async def steps(browser: httpx.AsyncClient) -> None:
        if way == "key":
            browser.headers["Authorization"] = f"Bearer {KEY}"
        else:
            await enter_key(browser, KEY)
        for _ in range(2):  # the second from memory
            answer = await browser.get("/v1/results/weight_gain?treatment=CBT&prewt=80")
            assert answer.status_code == 200
            assert re.fullmatch(r"max-age=\d+, private", answer.headers["cache-control"])

    browse(steps)


def test_wrong_key_is_told_on_the_page_and_not_shown_again(browse: Any) -> None:
    async def steps(browser: httpx.AsyncClient) -> None:
        answer = await enter_key(browser, "larder_<nonsense>", "/docs")
        assert answer.status_code == 401
        assert 'role="alert">the key is not known here' in answer.text
        assert 'value="/docs"' in answer.text
        assert "nonsense" not in answer.text
        assert "set-cookie" not in answer.headers

    browse(steps)


@pytest.mark.parametrize(
    ("site", "cookie"),
    [
        (
            "http://127.0.0.1:8080",
            r"larder-8080=[\w-]{40}; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax",
        ),
        ("http://localhost", r"larder-80=[\w-]{40}; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax"),
        (
            "https://larder.example.com",
            r"__Host-larder=[\w-]{40}; Path=/; Max-Age=43200; HttpOnly; SameSite=Lax; Secure",
        ),
    ],
)
def test_cookie_is_for_this_server_alone(browse: Any, site: str, cookie: str) -> None:
    async def steps(browser: httpx.AsyncClient) -> None:
        answer = await enter_key(browser, KEY)
        assert re.fullmatch(cookie, answer.headers["set-cookie"])

    browse(steps, site)


@pytest.mark.parametrize("host", ["larder.example.com", "192.0.2.7:8080", "127.0.0.1.evil.test"])
def test_nobody_signs_in_where_everybody_on_the_way_could_read_it(browse: Any, host: str) -> None:
    async def steps(browser: httpx.AsyncClient) -> None:
        form = await browser.get("/login")
        assert "signing in needs https" in form.text
        for answer in (await enter_key(browser, KEY), await browser.get("/login/issuer")):
            assert (answer.status_code, "set-cookie" in answer.headers) == (400, False)

    browse(steps, f"http://{host}")


def test_whoever_signs_out_is_out(browse: Any, catalog: Catalog) -> None:
    async def steps(browser: httpx.AsyncClient) -> None:
        await enter_key(browser, KEY)
        assert "You are signed in as shop" in (await browser.get("/logout")).text
        assert (await browser.get("/v1/jobs")).status_code == 200  # a link signs nobody out
        out = await browser.post("/logout", headers=OWN)
        assert (out.status_code, out.headers["location"]) == (303, "/login?over=1")
        assert "Max-Age=0" in out.headers["set-cookie"]
        assert "You are signed out here" in (await browser.get(out.headers["location"])).text
        assert (await browser.get("/v1/jobs")).status_code == 401

    browse(steps)
    assert catalog.logins() == []


def test_signing_in_again_ends_the_login_before(browse: Any, catalog: Catalog) -> None:
    async def steps(browser: httpx.AsyncClient) -> None:
        await enter_key(browser, KEY)
        first = dict(browser.cookies)
        await enter_key(browser, KEY)
        assert dict(browser.cookies) != first

    browse(steps)
    assert len(catalog.logins()) == 1


def test_issuer_signs_somebody_in_with_the_role_that_it_tells(
    browse: Any, issuer: RealIssuer, catalog: Catalog
) -> None:
    async def steps(browser: httpx.AsyncClient) -> None:
        back = await say_who(browser, "ann", "/docs?x=1")
        assert back.startswith(f"{SITE}/login/callback?code=")
        answer = await browser.get(back)
        assert (answer.status_code, answer.headers["location"]) == (303, "/docs?x=1")
        assert list(browser.cookies) == ["larder-8080"]  # the state is forgotten
        assert "127.0.0.1/id-of-ann" in (await browser.get("/login")).text

    browse(steps)
    [login] = catalog.logins()
    assert (login.name, login.role) == ("127.0.0.1/id-of-ann", Role.ANALYST)


def test_roles_are_asked_for_where_the_token_has_none(browse: Any, catalog: Catalog) -> None:
    async def steps(browser: httpx.AsyncClient) -> None:
        assert (await browser.get(await say_who(browser, "bob"))).status_code == 303

    browse(steps)
    assert [login.role for login in catalog.logins()] == [Role.VIEWER]


@pytest.mark.parametrize(
    ("name", "status", "told"),
    [("eve", 403, "has no role here"), ("nobody", 400, "signed nobody in: access_denied")],
)
def test_whoever_has_no_role_here_is_not_signed_in(
    browse: Any, catalog: Catalog, name: str, status: int, told: str
) -> None:
    async def steps(browser: httpx.AsyncClient) -> None:
        answer = await browser.get(await say_who(browser, name))
        assert (answer.status_code, told in answer.text) == (status, True)

    browse(steps)
    assert catalog.logins() == []


def test_two_tabs_may_sign_in_at_a_time(browse: Any) -> None:
    async def steps(browser: httpx.AsyncClient) -> None:
        first, second = await say_who(browser, "ann", "/one"), await say_who(browser, "ann", "/two")
        answers = [await browser.get(back) for back in (first, second)]
        assert [answer.headers["location"] for answer in answers] == ["/one", "/two"]

    browse(steps)


def test_issuer_is_asked_with_a_challenge_a_state_and_a_nonce(
    browse: Any, issuer: RealIssuer
) -> None:
    async def steps(browser: httpx.AsyncClient) -> None:
        sent = await browser.get("/login/issuer")
        given = parse_qs(urlsplit(sent.headers["location"]).query)
        assert given["code_challenge_method"] == ["S256"]
        assert given["scope"] == ["openid profile"]
        assert given["redirect_uri"] == [f"{SITE}/login/callback"]
        [value] = browser.cookies.values()
        kept = base64.urlsafe_b64decode(value).decode()
        assert given["state"][0] in kept
        assert given["nonce"][0] in kept
        assert given["code_challenge"][0] not in kept

    browse(steps)


def test_issuer_that_does_not_answer_as_itself_is_told_on_the_page(
    browse: Any, issuer: RealIssuer, access: AccessConfig
) -> None:
    async def steps(browser: httpx.AsyncClient) -> None:
        answer = await browser.get("/login/issuer")
        assert (answer.status_code, "cannot be asked for now" in answer.text) == (503, True)

    known, issuer.url = issuer.url, "http://127.0.0.1:9/another"
    try:
        browse(steps)
    finally:
        issuer.url = known


@pytest.mark.parametrize("asked", ["/", "/docs", "/v1/jobs?a=1&b=%2Fx", "/ocpu/test/", "/loginx"])
def test_path_of_this_server_may_follow(asked: str) -> None:
    assert own_path(asked) == asked


@pytest.mark.parametrize(
    "asked",
    [
        *("//evil.test", "/\\evil.test", "https://evil.test/", "evil.test", "javascript:alert(1)"),
        *("/\t/evil.test", "/ok\r\nSet-Cookie: a=1", "/\u2028/evil.test", "\\\\evil.test", "///x"),
        *("", None, "/login", "/login?next=/login", "/logout", "/login/issuer", "/" + "a" * 3000),
    ],
)
def test_nothing_else_follows(asked: str | None) -> None:
    assert own_path(asked) == "/"
