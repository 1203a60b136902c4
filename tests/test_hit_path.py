"""Prepared answers over HTTP, from an application whose R and catalog must not be touched."""

from pathlib import Path
from typing import Any

import pytest
from fakes import FakePool, NoPool
from prepared import ask, example_jobs, keep
from serving import wait_until

from cache.entry import Entry
from jobs.pantry import Pantry

QUERY = "/v1/results/weight_gain?treatment=CBT&prewt=80"
URL = "/ocpu/library/scoring/R/gain"


@pytest.fixture
def pantry(tmp_path: Path) -> Pantry:
    return Pantry(tmp_path, NoPool(), example_jobs())  # type: ignore[arg-type]


def test_result_is_answered_without_r_and_sql(pantry: Pantry, tmp_path: Path) -> None:
    keep(pantry, exact=b'{"gain":1}\n')
    answer = ask(pantry, tmp_path, "GET", QUERY)
    assert (answer.status_code, answer.json()) == (200, {"gain": 1})
    assert answer.headers["cache-status"].startswith("larder; hit; ttl=")
    assert answer.headers["larder-job"].startswith("weight_gain")
    assert int(answer.headers["age"]) < 5


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"treatment": '"CBT"', "prewt": "80"}},
        {"data": {"prewt": "80.0", "treatment": "'CBT'", "level": "0.95"}},
        {"json": {"treatment": "CBT", "prewt": 80}},
        {"json": {"level": 0.95, "prewt": 80.0, "treatment": "CBT"}},
    ],
)
def test_opencpu_call_of_the_same_arguments_is_the_same_hit(
    pantry: Pantry, tmp_path: Path, body: dict[str, Any]
) -> None:
    keep(pantry, json=b"[1]\n")
    answer = ask(pantry, tmp_path, "POST", f"{URL}/json", **body)
    assert (answer.status_code, answer.text) == (201, "[1]\n")
    assert answer.headers["x-ocpu-session"] == "x0123456789abcd"
    assert answer.headers["location"] == "http://test/ocpu/tmp/x0123456789abcd/"
    assert answer.headers["access-control-allow-origin"] == "*"


def test_opencpu_call_without_a_format_lists_the_prepared_session(
    pantry: Pantry, tmp_path: Path
) -> None:
    keep(pantry, json=b"[1]\n")
    answer = ask(pantry, tmp_path, "POST", URL, json={"treatment": "CBT", "prewt": 80})
    assert answer.status_code == 201
    assert answer.text == ("/ocpu/tmp/x0123456789abcd/R/.val\n/ocpu/tmp/x0123456789abcd/stdout\n")


def test_known_answer_is_not_sent_again(pantry: Pantry, tmp_path: Path) -> None:
    keep(pantry, exact=b'{"gain":1}\n', json=b"[1]\n")
    for method, url, body in (
        ("GET", QUERY, None),
        ("POST", f"{URL}/json", {"treatment": "CBT", "prewt": 80}),
    ):
        first = ask(pantry, tmp_path, method, url, json=body)
        again = ask(
            pantry,
            tmp_path,
            method,
            url,
            json=body,
            headers={"If-None-Match": first.headers["etag"]},
        )
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == first.headers["etag"]


def test_large_answer_comes_compressed_to_those_who_can_read_it(
    pantry: Pantry, tmp_path: Path
) -> None:
    keep(pantry, exact=b"[" + b"1," * 4000 + b"1]")
    plain = ask(pantry, tmp_path, "GET", QUERY, headers={"Accept-Encoding": "identity"})
    packed = ask(pantry, tmp_path, "GET", QUERY, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert packed.json() == plain.json()
    assert packed.headers["etag"] != plain.headers["etag"]


def test_head_has_the_headers_alone(pantry: Pantry, tmp_path: Path) -> None:
    keep(pantry, exact=b'{"gain":1}\n')
    answer = ask(pantry, tmp_path, "HEAD", QUERY)
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == "11"


def test_miss_with_only_if_cached_is_a_504(pantry: Pantry, tmp_path: Path) -> None:
    answer = ask(pantry, tmp_path, "GET", QUERY, headers={"Cache-Control": "only-if-cached"})
    assert answer.status_code == 504
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    ("url", "status", "says"),
    [
        ("/v1/results/weight_gian?treatment=CBT", 404, "weight_gain"),
        ("/v1/results/weight_gain?treatment=CTB&prewt=80", 400, "did you mean 'CBT'"),
        ("/v1/results/weight_gain?treatment=CBT&prewt=500", 400, "110"),
        ("/v1/results/weight_gain?treatment=CBT", 400, "prewt"),
        ("/v1/results/weight_gain.xlsx?treatment=CBT&prewt=80", 404, "csv"),
    ],
)
def test_wrong_request_says_what_to_do(
    pantry: Pantry, tmp_path: Path, url: str, status: int, says: str
) -> None:
    answer = ask(pantry, tmp_path, "GET", url)
    assert answer.status_code == status
    assert says in answer.text
    assert answer.json()["status"] == status
    assert answer.headers["cache-control"] == "no-store"


def wait_for_another(pantry: Pantry, entry: Entry) -> None:
    def replaced() -> bool:
        now = pantry.store.get(entry.cache_key)
        return now is not None and now.computed_at > entry.computed_at

    wait_until(replaced)


def test_stale_answer_is_served_and_replaced_behind_it(tmp_path: Path) -> None:
    pool = FakePool(gain=lambda **_: [{"gain": 2}])
    pantry = Pantry(tmp_path, pool, example_jobs())
    entry = keep(pantry, age_s=30 * 3600, exact=b'{"gain":1}\n')
    stale = ask(pantry, tmp_path, "GET", QUERY)
    assert stale.json() == {"gain": 1}
    assert stale.headers["cache-status"].endswith("detail=stale")
    assert stale.headers["cache-control"].startswith("max-age=0")
    wait_for_another(pantry, entry)
    fresh = ask(pantry, tmp_path, "GET", QUERY)
    assert fresh.json() == [{"gain": 2}]
    assert len(pool.calls) == 1
    pantry.close()


def test_no_cache_asks_for_a_new_answer(tmp_path: Path) -> None:
    pool = FakePool(gain=lambda **_: [{"gain": 2}])
    pantry = Pantry(tmp_path, pool, example_jobs())
    keep(pantry, age_s=60, exact=b'{"gain":1}\n')
    answer = ask(pantry, tmp_path, "GET", QUERY, headers={"Cache-Control": "no-cache"})
    assert answer.json() == [{"gain": 2}]
    assert answer.headers["cache-status"].startswith("larder; fwd=miss")
    assert ask(pantry, tmp_path, "GET", QUERY).json() == [{"gain": 2}]
    pantry.close()


def test_max_age_of_the_request_bounds_the_age(tmp_path: Path) -> None:
    pool = FakePool(gain=lambda **_: [{"gain": 2}])
    pantry = Pantry(tmp_path, pool, example_jobs())
    keep(pantry, age_s=60, exact=b'{"gain":1}\n')
    young = {"Cache-Control": "max-age=10"}
    old = {"Cache-Control": "max-age=600"}
    assert ask(pantry, tmp_path, "GET", QUERY, headers=old).json() == {"gain": 1}
    assert ask(pantry, tmp_path, "GET", QUERY, headers=young).json() == [{"gain": 2}]
    pantry.close()
