"""Pages of elsewhere: which may call, which may read the answer, and what is forged by one."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from doors import Answer, House, ask, house

from api.access_config import AccessConfig
from api.cross_origin import Pages
from jobs.errors import ValueInvalid
from jobs.page_origin import parse_origin
from jobs.role import Role

APP, EVIL = "https://app.example.com", "https://evil.example"
NAMED = AccessConfig(pages=Pages(frozenset({APP}), own="https://stats.example.com"))
EVERY = AccessConfig(pages=Pages(frozenset({"*"})))
ALLOW, CREDENTIALS = "access-control-allow-origin", "access-control-allow-credentials"
PREFLIGHT = ("Access-Control-Request-Method", "POST")


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with house(tmp_path_factory.mktemp("house")) as opened:
        yield opened


@pytest.fixture(scope="module")
def key(home: House) -> str:
    return home.key(Role.ADMIN)


def asked(home: House, config: AccessConfig, door: str, origin: str, key: str) -> Answer:
    method, path = door.split()
    return ask(home.application(config), method, path, ("Origin", origin), key=key)


@pytest.mark.parametrize("path", ["/v1/jobs", "/ocpu/test/", "/healthz"])
def test_named_page_reads_answers_and_others_do_not(home: House, key: str, path: str) -> None:
    named = asked(home, NAMED, f"GET {path}", APP, key)
    assert (named.headers[ALLOW], named.headers[CREDENTIALS]) == (APP, "true")
    assert "Origin" in named.headers["vary"]
    for origin in (EVIL, "null", "http://app.example.com", f"{APP}:444", f"{APP}.evil.example"):
        other = asked(home, NAMED, f"GET {path}", origin, key)
        assert (other.status, ALLOW in other.headers) == (named.status, False)
        assert other.headers["vary"] == "Origin"
    assert ALLOW not in asked(home, AccessConfig(), f"GET {path}", APP, key).headers


def test_page_of_elsewhere_changes_nothing(home: House, key: str) -> None:
    for config in (AccessConfig(), NAMED):
        for origin in (EVIL, "null", "", "https://evil.example, " + APP):
            for path in ("/v1/jobs/weight_gain/runs", "/ocpu/library/stats/R/sd", "/v1/keys"):
                refused = asked(home, config, f"POST {path}", origin, key)
                assert (path, refused.status) == (path, 403)
                assert "access: {origins:" in refused.body
            assert asked(home, config, "DELETE /v1/runs/1", origin, key).status == 403


def test_two_origins_are_no_origin(home: House, key: str) -> None:
    both = [("Origin", APP), ("Origin", EVIL)]
    assert ask(home.gate(NAMED), "POST", "/v1/keys", *both, key=key).status == 403


@pytest.mark.parametrize(
    ("origin", "host", "proto"),
    [
        ("http://127.0.0.1:8080", "127.0.0.1:8080", "http"),
        ("https://stats.example.com", "10.0.0.5:8080", "http"),  # the address that is set
        ("https://other.example.com", "other.example.com", "http"),  # TLS ends before it
        ("http://other.example.com", "other.example.com:80", "http"),
    ],
)
def test_page_of_this_server_is_no_stranger(
    home: House, key: str, origin: str, host: str, proto: str
) -> None:
    answer = ask(home.gate(NAMED), "POST", "/v1/keys", ("Origin", origin), key=key, host=host)
    assert answer.status == 200


def test_star_lets_every_page_call_but_not_with_what_the_browser_adds(
    home: House, key: str
) -> None:
    answer = asked(home, EVERY, "GET /v1/jobs", EVIL, key)
    assert (answer.headers[ALLOW], CREDENTIALS in answer.headers) == ("*", False)
    assert ask(home.gate(EVERY), "POST", "/v1/keys", ("Origin", EVIL), key=key).status == 200
    basic = ("Authorization", f"Basic {base64.b64encode(f'x:{key}'.encode()).decode()}")
    assert ask(home.gate(EVERY), "POST", "/v1/keys", ("Origin", EVIL), basic).status == 403


def test_preflight_is_answered_without_a_key_and_only_for_named_pages(
    home: House, key: str
) -> None:
    for path in ("/v1/keys", "/ocpu/library/stats/R/sd"):
        allowed = ask(home.gate(NAMED), "OPTIONS", path, ("Origin", APP), PREFLIGHT)
        assert (allowed.status, allowed.headers[ALLOW]) == (204, APP)
        assert "Authorization" in allowed.headers["access-control-allow-headers"]
        assert "DELETE" in allowed.headers["access-control-allow-methods"]
        refused = ask(home.gate(NAMED), "OPTIONS", path, ("Origin", EVIL), PREFLIGHT)
        assert (refused.status, ALLOW in refused.headers) == (403, False)


def test_refusal_can_be_read_by_a_page_that_may_call(home: House, key: str) -> None:
    refused = ask(home.gate(NAMED), "GET", "/v1/jobs", ("Origin", APP))
    assert (refused.status, refused.headers[ALLOW]) == (401, APP)


def test_key_for_some_pages_is_not_for_others(home: House, key: str) -> None:
    narrow = home.key(Role.ADMIN, origins=["https://other.example.com"])
    assert asked(home, NAMED, "GET /v1/jobs", APP, narrow).status == 403
    assert ask(home.gate(NAMED), "GET", "/v1/jobs", key=narrow).status == 200


def test_cors_of_ocpu_can_be_off_where_keys_are_asked_for(home: House, key: str) -> None:
    config = AccessConfig(pages=Pages(frozenset({APP}), ocpu=False))
    answer = asked(home, config, "GET /ocpu/test/", APP, key)
    assert not [name for name in answer.headers if name.startswith("access-control")]
    assert asked(home, config, "POST /ocpu/library/stats/R/sd", APP, key).status == 403
    assert asked(home, config, "GET /v1/jobs", APP, key).headers[ALLOW] == APP


def test_cors_of_ocpu_can_be_off_where_nobody_is_asked(tmp_path: Path) -> None:
    config = AccessConfig(pages=Pages(ocpu=False))
    with house(tmp_path) as home:
        for path in ("/ocpu/library/stats/R/sd", "/ocpu/tmp/x0123456789abcd/R/f"):
            assert ask(home.gate(config), "POST", path, ("Origin", EVIL)).status == 403
        page = ask(home.gate(config), "GET", "/ocpu/test/", ("Origin", EVIL))
        assert (page.status, ALLOW in page.headers) == (200, False)


def test_no_answer_with_keys_lets_every_page_in_with_credentials(home: House, key: str) -> None:
    for config in (AccessConfig(), NAMED, EVERY):
        for path in ("/ocpu/test/", "/v1/jobs", "/ocpu/library"):
            for headers in ((), (("Origin", EVIL),)):
                answer = ask(home.application(config), "GET", path, *headers, key=key)
                star = answer.headers.get(ALLOW) == "*"
                assert not (star and CREDENTIALS in answer.headers)


def test_without_keys_ocpu_answers_every_page_and_v1_changes_nothing_for_them(
    tmp_path: Path,
) -> None:
    with house(tmp_path) as home:
        application = home.application()
        page = ask(application, "GET", "/ocpu/test/", ("Origin", EVIL))
        assert (page.headers[ALLOW], page.headers[CREDENTIALS]) == (EVIL, "true")
        for path in ("/v1/keys", "/v1/jobs/weight_gain/runs"):
            assert ask(application, "POST", path, ("Origin", EVIL)).status == 403
        assert home.catalog.access_keys() == []


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("app.example.com", "write https://app.example.com"),
        ("https://app.example.com/shop", "write https://app.example.com"),
        ("https://u:p@app.example.com", "for example"),
        ("ftp://app.example.com", "for example"),
        ("https://*.example.com", "for example"),
        ("null", "write https://null"),
        ("", "for example"),
    ],
)
def test_what_is_no_origin_is_told_with_what_was_meant(text: str, hint: str) -> None:
    with pytest.raises(ValueInvalid) as caught:
        parse_origin(text)
    assert caught.value.hint.startswith(hint)


def test_origins_are_kept_as_browsers_write_them() -> None:
    assert parse_origin("HTTPS://App.Example.com:443/") == APP
    assert parse_origin("http://[::1]:3000") == "http://[::1]:3000"
    assert json.dumps(parse_origin("http://localhost:80")) == '"http://localhost"'
