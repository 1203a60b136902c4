"""Attacks on tokens, cookies and sign-in: each is refused, and the server goes on for others."""

import hmac
import json
import re
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from issuing import AUDIENCE, CLIENT, SECRET, RealIssuer, encoded, open_issuer, rsa_key, sign
from joserfc.jwk import ECKey
from serving import Server

from api.key_ring import COUNTER
from cache.generations import Generations
from jobs.access_key import digest_of, new_secret
from jobs.repository import Catalog
from jobs.role import Role

pytestmark = pytest.mark.server

ASKED = "/v1/jobs"
CALL = "/ocpu/library/stats/R/sd"
OWN = {"Sec-Fetch-Site": "same-origin"}
ROLES = "{larder-analyst: analyst, larder-viewer: viewer}"
KEY = new_secret()
STRANGER = rsa_key("first-")
"""A key of whoever attacks."""


@dataclass
class Town:
    """Who there is.

    Attributes:
        server: The server that is attacked.
        issuer: Whom it trusts.
        evil: Whom it does not: what attackers point to.
    """

    server: Server
    issuer: RealIssuer
    evil: RealIssuer

    def ask(self, method: str = "GET", path: str = ASKED, **sent: Any) -> httpx.Response:
        with self.server.client() as client:
            return client.request(method, path, **sent)

    def show(self, token: str) -> httpx.Response:
        return self.ask(headers={"Authorization": f"Bearer {token}"})

    @contextmanager
    def signed_in(self) -> Iterator[httpx.Client]:
        """A browser in which somebody signed in by a key."""
        with self.server.client() as client:
            answer = client.post("/login", data={"key": KEY}, headers=OWN)
            assert answer.status_code == 303
            yield client

    def sent_back(self, client: httpx.Client, where: str = "/") -> str:
        """The path that the issuer sends a browser back to, once somebody said who they are."""
        sent = client.get("/login/issuer", params={"next": where}).headers["location"]
        with httpx.Client(trust_env=False) as elsewhere:
            asked = re.search(r'action="(.+?)"', elsewhere.get(sent).text)
            assert asked is not None
            there = sent.partition("/realms/")[0] + asked[1].replace("&amp;", "&")
            answer = elsewhere.post(there, data={"name": "ann"})
        return answer.headers["location"].removeprefix(self.server.url)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    project = tmp_path_factory.mktemp("tokens") / "town"
    project.mkdir()
    (project / "larder.yaml").write_text("name: town\nengine: {spares: 1}\n")
    people = {"ann": {"claims": {"realm_access": {"roles": ["larder-analyst"]}}}}
    with open_issuer(people=people) as issuer, open_issuer(keys=[STRANGER]) as evil:
        told = {"role_claim": "realm_access.roles", "roles": ROLES, "issuer": issuer.url}
        settings = {
            f"access__{kind}__{name}": said
            for kind in ("jwt", "oidc")
            for name, said in told.items()
        }
        settings |= {"access__jwt__audience": AUDIENCE, "access__oidc__client_id": CLIENT}
        settings["access__oidc__client_secret"] = SECRET
        with Server(project, **settings) as server:
            with closing(Catalog.in_file(project / ".larder" / "catalog.db")) as catalog:
                catalog.add_key(KEY, "shop", Role.ANALYST)
            with closing(Generations(project / ".larder" / "generations")) as generations:
                generations.bump(COUNTER)
            yield Town(server, issuer, evil)


def altered(town: Town, **more: Any) -> str:
    """The issuer's token with other claims between its header and signature."""
    header, _, signature = town.issuer.token().split(".")
    return f"{header}.{encoded(json.dumps(town.issuer.claims(**more)).encode())}.{signature}"


def unsigned(town: Town, algorithm: str) -> str:
    header = json.dumps({"alg": algorithm, "typ": "JWT", "kid": "first"}).encode()
    return f"{encoded(header)}.{encoded(json.dumps(town.issuer.claims()).encode())}."


def by_stranger(town: Town, **header: Any) -> str:
    """A token of the attacker's own key, with whatever its header says."""
    return sign(town.issuer.claims(), STRANGER, **{"kid": "first", **header})


def with_public_key(town: Town, form: Callable[[Any], bytes]) -> str:
    """A token signed as if the issuer's public key were a secret that both know."""
    header = encoded(b'{"alg":"HS256","typ":"JWT","kid":"first"}')
    signed = f"{header}.{encoded(json.dumps(town.issuer.claims()).encode())}"
    secret = form(town.issuer.keys[-1])
    return f"{signed}.{encoded(hmac.digest(secret, signed.encode(), 'sha256'))}"


def by_issuer(town: Town, payload: bytes = b"", **header: Any) -> str:
    content = payload or json.dumps(town.issuer.claims()).encode()
    return sign(content, town.issuer.keys[-1], **header)


def deep_header(town: Town) -> str:
    header = b'{"alg":"RS256","kid":"first","x":' + b"[" * 4000 + b"]" * 4000 + b"}"
    return f"{encoded(header)}.{'.'.join(town.issuer.token().split('.')[1:])}"


def twice(town: Town, name: str, value: object) -> bytes:
    """Claims of which one comes twice, the second as an attacker likes it."""
    return json.dumps(town.issuer.claims())[:-1].encode() + (
        f", {json.dumps(name)}: {json.dumps(value)}}}".encode()
    )


NOW = int(time.time())
TOKENS: dict[str, Callable[[Town], str]] = {
    "no algorithm": lambda town: unsigned(town, "none"),
    "no algorithm, spelled otherwise": lambda town: unsigned(town, "nOnE"),
    "the public key as a secret": lambda town: with_public_key(
        town, lambda key: key.as_pem(private=False)
    ),
    "the published key as a secret": lambda town: with_public_key(
        town, lambda key: json.dumps(key.as_dict(private=False)).encode()
    ),
    "a key of the attacker's, under the issuer's name of one": by_stranger,
    "a key that the issuer does not have": lambda town: by_stranger(town, kid="second"),
    "a path as the key's name": lambda town: by_stranger(town, kid="../../../../dev/null"),
    "a query as the key's name": lambda town: by_stranger(town, kid="x' UNION SELECT 'k"),
    "a key's name of another type": lambda town: by_stranger(town, kid={"first": 1}),
    "a key in the header": lambda town: by_stranger(town, jwk=STRANGER.as_dict(private=False)),
    "an address of keys in the header": lambda town: by_stranger(town, jku=f"{town.evil.url}/jwks"),
    "an address of certificates in the header": lambda town: by_stranger(
        town, x5u=f"{town.evil.url}/jwks"
    ),
    "certificates in the header": lambda town: by_stranger(town, x5c=["MIIB"]),
    "another curve's signature": lambda town: sign(
        town.issuer.claims(), ECKey.generate_key("P-256", {"kid": "first"}), "ES256"
    ),
    "expired": lambda town: town.issuer.token(exp=NOW - 3600),
    "without an end": lambda town: town.issuer.token(exp=None),
    "an end that is no number": lambda town: town.issuer.token(exp="2099"),
    "an end that compares with nothing": lambda town: town.issuer.token(exp=float("nan")),
    "not valid yet": lambda town: town.issuer.token(nbf=NOW + 3600),
    "made in the future": lambda town: town.issuer.token(iat=NOW + 3600),
    "for another audience": lambda town: town.issuer.token(aud="payroll"),
    "for other audiences": lambda town: town.issuer.token(aud=["payroll", "larder2", "lard"]),
    "for nobody": lambda town: town.issuer.token(aud=None),
    "for the pages' client": lambda town: town.issuer.token(aud=CLIENT),
    "of another issuer": lambda town: town.evil.token(),
    "of another issuer's name": lambda town: town.issuer.token(iss=town.evil.url),
    "of an issuer whose name begins alike": lambda town: town.issuer.token(
        iss=town.issuer.url + "/"
    ),
    "of no issuer": lambda town: town.issuer.token(iss=None),
    "other claims under the signature": lambda town: altered(town, sub="root"),
    "no signature": lambda town: town.issuer.token().rpartition(".")[0] + ".",
    "half a signature": lambda town: town.issuer.token()[:-40],
    "another token's signature": lambda town: (
        town.issuer.token(sub="root").rpartition(".")[0]
        + "."
        + town.issuer.token().rpartition(".")[2]
    ),
    "a critical extension": lambda town: by_issuer(town, crit=["exp"], exp=1),
    "a kind for other things": lambda town: by_issuer(town, typ="logout+jwt"),
    "claims that come twice": lambda town: by_issuer(town, twice(town, "sub", "root")),
    "a list of claims": lambda town: by_issuer(town, b"[1]"),
    "no JSON": lambda town: by_issuer(town, b"\xff\xfe{}"),
    "claims nested without end": lambda town: by_issuer(
        town, b'{"a":' + b"[" * 5000 + b"]" * 5000 + b"}"
    ),
    "a header nested without end": deep_header,
    "more than anybody's token": lambda town: town.issuer.token(padding="x" * 30_000),
    "a form of five parts": lambda town: town.issuer.token() + ".e30.e30",
    "bytes that are no text": lambda town: town.issuer.token() + "\xe9",
    "a key's beginning before it": lambda town: "larder_" + town.issuer.token(),
}


@pytest.mark.parametrize("attack", TOKENS)
def test_token_is_refused(town: Town, attack: str) -> None:
    made = TOKENS[attack](town)
    answer = town.ask(headers={"Authorization": f"Bearer {made}".encode("latin-1")})
    assert answer.status_code == 401, answer.text
    assert answer.headers["www-authenticate"].startswith('Bearer realm="larder"')
    assert not town.evil.asked  # nobody follows what a token says of its keys
    assert town.show(town.issuer.token()).status_code == 200


def test_token_that_gives_a_role_of_ours_by_its_name_has_none(town: Town) -> None:
    told = {"realm_access": {"roles": ["admin", "operator"]}, "role": "admin", "roles": ["admin"]}
    assert town.show(town.issuer.token(**told)).status_code == 403


# Cookies


def test_cookie_opens_what_its_key_opens(town: Town) -> None:
    with town.signed_in() as client:
        assert client.get(ASKED).status_code == 200
        answer = client.post(f"{CALL}/json", data={"x": "c(1,2)"}, headers=OWN)
        assert answer.status_code == 201, answer.text


COOKIES: dict[str, Callable[[Town], str]] = {
    "made up": lambda _: "A" * 40,
    "empty": lambda _: "",
    "a token": lambda town: town.issuer.token(),
    "a key": lambda _: KEY,
    "a key's digest": lambda _: digest_of(KEY),
    "all there are": lambda _: "%",
}


@pytest.mark.parametrize("attack", COOKIES)
def test_forged_cookie_opens_nothing(town: Town, attack: str) -> None:
    name = f"larder-{town.server.url.rpartition(':')[2]}"
    cookie = f"{name}={COOKIES[attack](town)}; __Host-larder={COOKIES[attack](town)}"
    assert town.ask(headers={"Cookie": cookie}).status_code == 401
    assert town.ask(path="/healthz", headers={"Cookie": cookie}).status_code == 200


def test_cookie_that_was_copied_opens_nothing_once_its_owner_signed_out(town: Town) -> None:
    with town.signed_in() as client:
        kept = {"Cookie": "; ".join(map("=".join, client.cookies.items()))}
        assert town.ask(headers=kept).status_code == 200
        assert client.post("/logout", headers=OWN).status_code == 303
        assert town.ask(headers=kept).status_code == 401


def test_cookie_that_somebody_planted_is_nobodys_after_signing_in(town: Town) -> None:
    name = f"larder-{town.server.url.rpartition(':')[2]}"
    with town.server.client() as client:
        sent = {**OWN, "Cookie": f"{name}=planted"}
        answer = client.post("/login", data={"key": KEY}, headers=sent)
        assert (answer.status_code, "planted" in answer.headers["set-cookie"]) == (303, False)
    assert town.ask(headers={"Cookie": f"{name}=planted"}).status_code == 401


PAGES: dict[str, tuple[str, str, dict[str, str]]] = {
    "call from another site": ("POST", CALL, {"Origin": "https://evil.test"}),
    "call that says it is from another site": ("POST", CALL, {"Sec-Fetch-Site": "cross-site"}),
    "call from a neighbour's host": ("POST", CALL, {"Sec-Fetch-Site": "same-site"}),
    "call from a page without an origin": ("POST", CALL, {"Origin": "null"}),
    "call from the same host's other port": ("POST", CALL, {"Origin": "http://127.0.0.1:9"}),
    "call from a host with ours in its name": (
        "POST",
        CALL,
        {"Origin": "http://HOST.evil.test"},
    ),
    "call that does not say where it is from": ("POST", CALL, {}),
    "call whose page is said by the path alone": ("POST", CALL, {"Referer": "http://HOST/docs"}),
    "call with two words about it": (
        "POST",
        CALL,
        {"Sec-Fetch-Site": "same-origin", "Origin": "https://evil.test"},
    ),
    "deletion": ("DELETE", "/ocpu/tmp/x0123456789abcd", {"Origin": "https://evil.test"}),
    "signing out": ("POST", "/logout", {"Origin": "https://evil.test"}),
    "reading from a script elsewhere": ("GET", ASKED, {"Origin": "https://evil.test"}),
    "reading as a script elsewhere": (
        "GET",
        ASKED,
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
    ),
}


@pytest.mark.parametrize("attack", PAGES)
def test_cookie_does_not_count_for_pages_of_others(town: Town, attack: str) -> None:
    method, path, headers = PAGES[attack]
    own = town.server.url.removeprefix("http://")
    sent = {name: value.replace("HOST", own) for name, value in headers.items()}
    with town.signed_in() as client:
        answer = client.request(method, path, headers=sent)
        assert answer.status_code == 403, answer.text
        assert client.get(ASKED).status_code == 200


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.test"}, {"Origin": "null"}])
def test_nobody_is_signed_in_by_anothers_page(town: Town, headers: dict[str, str]) -> None:
    answer = town.ask("POST", "/login", data={"key": KEY}, headers=headers)
    assert (answer.status_code, "set-cookie" in answer.headers) == (403, False)


@pytest.mark.parametrize(
    "where", ["//evil.test", "/\\evil.test", "https://evil.test", "/%09/evil.test", "\t//evil.test"]
)
def test_signing_in_leads_nowhere_else(town: Town, where: str) -> None:
    answer = town.ask("POST", "/login", data={"key": KEY, "next": where}, headers=OWN)
    assert answer.headers["location"] in ("/", "/%09/evil.test")
    with town.server.client() as client:
        back = town.sent_back(client, where)
        assert client.get(back).headers["location"] in ("/", "/%09/evil.test")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        ({"content": b"key=" + b"x" * 100_000, "headers": {**OWN}}, 400),
        ({"json": {"key": KEY}, "headers": {**OWN}}, 400),
        ({"data": {"key": "larder_" + "x" * 40}, "headers": {**OWN}}, 401),
        ({"data": {"key": ""}, "headers": {**OWN}}, 401),
        ({"data": {}, "headers": {**OWN}}, 400),
    ],
)
def test_form_that_is_none_signs_nobody_in(town: Town, sent: dict[str, Any], status: int) -> None:
    if "content" in sent:
        sent["headers"]["Content-Type"] = "application/x-www-form-urlencoded"
    answer = town.ask("POST", "/login", **sent)
    assert (answer.status_code, "set-cookie" in answer.headers) == (status, False)


# The issuer's way back


def refused(answer: httpx.Response, status: int = 400) -> None:
    assert answer.status_code == status, answer.text
    kept = [line for line in answer.headers.get_list("set-cookie") if "Max-Age=0" not in line]
    assert not kept


def test_way_back_counts_in_the_browser_alone_that_was_sent(town: Town) -> None:
    with town.server.client() as attacker, town.server.client() as victim:
        back = town.sent_back(attacker)
        refused(victim.get(back))
        victim.get("/login/issuer")  # the victim may be on the way as well
        refused(victim.get(back))


def test_way_back_counts_once(town: Town) -> None:
    with town.server.client() as client:
        back = town.sent_back(client)
        kept = {"Cookie": "; ".join(map("=".join, client.cookies.items()))}
        assert client.get(back).status_code == 303
        refused(client.get(back))  # the browser has forgotten the state
        refused(town.ask(path=back, headers=kept))  # and the issuer the code


@pytest.mark.parametrize(
    "change",
    [
        (r"state=[^&]+", "state="),
        (r"&state=[^&]+", ""),
        (r"state=([^&]{12})[^&]+", r"state=\1other"),
        (r"code=[^&]+", "code=made-up"),
        (r"code=[^&]+", "code="),
        (r"code=[^&]+", "error=<script>alert(1)</script>"),
    ],
)
def test_way_back_that_was_changed_signs_nobody_in(town: Town, change: tuple[str, str]) -> None:
    with town.server.client() as client:
        answer = client.get(re.sub(*change, town.sent_back(client)))
        refused(answer)
        assert "<script>" not in answer.text


def test_code_of_another_sign_in_is_not_taken(town: Town) -> None:
    with town.server.client() as attacker, town.server.client() as victim:
        code = re.search(r"code=[^&]+", town.sent_back(attacker))
        assert code is not None
        refused(victim.get(re.sub(r"code=[^&]+", code[0], town.sent_back(victim))))


def test_token_of_another_sign_in_is_not_taken(town: Town) -> None:
    with town.server.client() as client:
        back = town.sent_back(client)
        town.issuer.nonce = "of another"
        try:
            refused(client.get(back))
        finally:
            town.issuer.nonce = None


@pytest.mark.parametrize(
    "claims",
    [
        {"aud": "payroll"},
        {"aud": [CLIENT, "payroll"], "azp": "payroll"},
        {"exp": NOW - 3600},
        {"iss": "https://evil.test"},
        {"sub": None},
    ],
)
def test_token_for_another_is_not_taken_from_the_issuer_either(
    town: Town, claims: dict[str, Any]
) -> None:
    told = town.issuer.people["ann"]
    with town.server.client() as client:
        back = town.sent_back(client)
        town.issuer.people["ann"] = {"claims": {**told["claims"], **claims}}
        try:
            refused(client.get(back))
        finally:
            town.issuer.people["ann"] = told
    with town.server.client() as client:
        assert client.get(town.sent_back(client)).status_code == 303
