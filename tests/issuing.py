"""A real issuer on a port of its own: OpenID Connect as Keycloak and its like speak it.

It describes itself, publishes its keys, asks people who they are, and gives tokens for codes.
"""

import base64
import json
import secrets
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import parse_qs, urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc.jwk import ECKey, OKPKey, RSAKey
from joserfc.jws import JWSRegistry

AUDIENCE = "larder"
CLIENT = "larder-pages"
SECRET = "of the client alone"
REALM = "/realms/clinic"
Key = RSAKey | ECKey | OKPKey

PAGE = """<!DOCTYPE html><html lang=en><link rel=icon href="data:,"><title>Who are you?</title>
<h1>Who are you?</h1>
<form method=post action="{action}"><label>Name <input name=name></label><button>Go</button></form>
"""


@cache
def rsa_key(kid: str, bits: int = 2048) -> RSAKey:
    return RSAKey.generate_key(bits, {"kid": kid, "use": "sig"})


def sign(claims: dict[str, Any] | bytes, key: Any, algorithm: str = "RS256", **header: Any) -> str:
    """A token of these claims, or of any bytes; its header may be one that nobody should make."""
    named = {"alg": algorithm, "typ": "JWT", "kid": key.get("kid"), **header}
    named = {name: value for name, value in named.items() if value is not None}
    payload = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    signed = f"{encoded(json.dumps(named).encode())}.{encoded(payload)}"
    return f"{signed}.{encoded(JWSRegistry.algorithms[algorithm].sign(signed.encode(), key))}"


def encoded(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


@dataclass
class RealIssuer:
    """The issuer, and what a test can change about it.

    Attributes:
        keys: What it signs with: the last. All of them are published.
        people: What it tells of whoever it knows, by name.
        asked: How often each of its pages was asked for.
        nonce: What its tokens say instead of the nonce that it was given.
        answering: It waits with answers while this is not set.
        padding: Bytes that its list of keys has besides.
    """

    keys: list[Key] = field(default_factory=lambda: [rsa_key("first")])
    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    nonce: str | None = None
    answering: threading.Event = field(default_factory=threading.Event)
    padding: int = 0
    url: str = ""
    codes: dict[str, dict[str, str]] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def claims(self, **more: Any) -> dict[str, Any]:
        """What a token for the API says; a claim that is None is left out."""
        now = int(time.time())
        told = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "u-17",
            "iat": now,
            "nbf": now,
            "exp": now + 300,
            "realm_access": {"roles": ["offline_access", "larder-analyst"]},
            **more,
        }
        return {name: value for name, value in told.items() if value is not None}

    def token(self, **more: Any) -> str:
        """A token for the API."""
        return sign(self.claims(**more), self.keys[-1])

    def answer(self, method: str, path: str, given: dict[str, str], shown: str) -> "_Answer":
        self.answering.wait()
        self.asked[path.removeprefix(REALM)] += 1
        match method, path.removeprefix(REALM):
            case "GET", "/.well-known/openid-configuration":
                return _json(200, self._description())
            case "GET", "/jwks":
                keys = [key.as_dict(private=False) for key in self.keys]
                return _json(200, {"keys": keys, "padding": "x" * self.padding})
            case "GET", "/authorize":
                action = f"{REALM}/authorize?{urlencode(given)}"
                return _Answer(200, PAGE.format(action=action.replace("&", "&amp;")).encode())
            case "POST", "/authorize":
                return self._signed_in(given)
            case "POST", "/token":
                return self._token(given, shown)
            case "GET", "/userinfo":
                name = self.tokens.get(shown.removeprefix("Bearer "))
                if name is None:
                    return _json(401, {"error": "invalid_token"})
                return _json(200, {"sub": f"id-of-{name}", **self.people[name].get("besides", {})})
        return _Answer(404, b"")

    def _description(self) -> dict[str, Any]:
        places = {
            "authorization_endpoint": "/authorize",
            "token_endpoint": "/token",
            "userinfo_endpoint": "/userinfo",
            "jwks_uri": "/jwks",
        }
        return {"issuer": self.url, **{name: self.url + path for name, path in places.items()}}

    def _signed_in(self, given: dict[str, str]) -> "_Answer":
        back = given["redirect_uri"]
        if given["name"] not in self.people:
            told = {"error": "access_denied", "state": given["state"]}
        else:
            code = secrets.token_urlsafe()
            self.codes[code] = given
            told = {"code": code, "state": given["state"]}
        return _Answer(303, b"", {"Location": f"{back}?{urlencode(told)}"})

    def _token(self, given: dict[str, str], shown: str) -> "_Answer":
        proof = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        asked = self.codes.pop(given.get("code", ""), None)  # a code counts once
        if shown != f"Basic {proof}":
            return _json(401, {"error": "invalid_client"})
        if (
            asked is None
            or asked["redirect_uri"] != given["redirect_uri"]
            or asked["code_challenge"] != create_s256_code_challenge(given["code_verifier"])
        ):
            return _json(400, {"error": "invalid_grant"})
        name = asked["name"]
        access = secrets.token_urlsafe()
        self.tokens[access] = name
        told = {
            "aud": CLIENT,
            "sub": f"id-of-{name}",
            "nonce": self.nonce or asked["nonce"],
            "realm_access": None,
            **self.people[name].get("claims", {}),
        }
        token = sign(self.claims(**told), self.keys[-1])
        return _json(200, {"access_token": access, "token_type": "Bearer", "id_token": token})


@dataclass(frozen=True)
class _Answer:
    status: int
    content: bytes
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "text/html"})


def _json(status: int, members: dict[str, Any]) -> _Answer:
    return _Answer(status, json.dumps(members).encode(), {"Content-Type": "application/json"})


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    issuer: ClassVar[RealIssuer]

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # as it is there
        """Says nothing."""

    def _answer(self) -> None:
        parts = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        given = {name: values[0] for name, values in parse_qs(f"{parts.query}&{body}").items()}
        shown = self.headers.get("Authorization", "")
        answer = self.issuer.answer(self.command, parts.path, given, shown)
        try:
            self.send_response(answer.status)
            for name, value in answer.headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)
        except OSError:  # whoever asked waits no longer
            self.close_connection = True


@contextmanager
def open_issuer(**told: Any) -> Iterator[RealIssuer]:
    """A running issuer."""
    issuer = RealIssuer(**told)
    issuer.answering.set()
    with serving(issuer):
        yield issuer


@contextmanager
def serving(issuer: RealIssuer) -> Iterator[None]:
    """Has an issuer answer; one that did before does so at its old address."""
    handler = type("Handler", (_Handler,), {"issuer": issuer})
    port = urlsplit(issuer.url).port or 0
    with ThreadingHTTPServer(("127.0.0.1", port), handler) as server:
        issuer.url = f"http://127.0.0.1:{server.server_port}{REALM}"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield
        finally:
            issuer.answering.set()
            server.shutdown()
            thread.join()
