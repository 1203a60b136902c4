"""Settings: where they come from, which one wins, and what is said about mistakes."""

from pathlib import Path
from typing import Any

import pytest

from larder.environment import Environment
from larder.errors import SettingsInvalid
from larder.settings import Settings, load_settings, settings_schema, settings_table

EXAMPLE = Path(__file__).parent.parent / "examples" / "scoring"


def load(
    folder: Path, text: str | None = None, /, *args: dict[str, Any], **variables: str
) -> Settings:
    """Settings of a file with `text`, of LARDER_ variables, and of command line options."""
    if text is not None:
        (folder / "larder.yaml").write_text(text, encoding="utf-8")
    environment = Environment({f"LARDER_{name}": value for name, value in variables.items()})
    return load_settings(folder, environment=environment, overrides=args[0] if args else None)


def said(
    folder: Path, text: str | None = None, /, *args: dict[str, Any], **variables: str
) -> list[str]:
    with pytest.raises(SettingsInvalid) as caught:
        load(folder, text, *args, **variables)
    return [str(problem) for problem in caught.value.problems]


def test_a_project_without_settings_has_the_defaults(tmp_path: Path) -> None:
    settings = load(tmp_path)
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8080, 2)
    assert settings.sessions.keep_s == 86400
    assert settings.cache.json_digits == 4
    assert settings.cache.size_limit_bytes == 10 * 2**30
    assert settings.engine.memory_bytes == 4 * 2**30
    assert (settings.engine.timeout_post_s, settings.engine.timeout_get_s) == (90, 60)
    assert settings.schedule.misfire_grace_s == 86400
    assert settings.shutdown_grace_s == 30
    assert settings.state_folder == tmp_path / ".larder"
    assert settings.catalog_url == f"sqlite:///{tmp_path}/.larder/catalog.db"
    assert settings.max_running >= 2


def test_the_settings_of_the_example_project_are_valid() -> None:
    assert load(EXAMPLE).project_name == "scoring"


def test_an_empty_file_and_empty_groups_say_nothing(tmp_path: Path) -> None:
    assert load(tmp_path, "") == load(tmp_path, "cache:\nlog:\n")


def test_words_become_numbers(tmp_path: Path) -> None:
    text = "shutdown_grace: 5 s\nsessions: {keep: 10 minutes}\nengine: {memory: 512 MB}"
    settings = load(tmp_path, text)
    assert settings.shutdown_grace_s == 5
    assert settings.sessions.keep_s == 600
    assert settings.engine.memory_bytes == 512 * 2**20


def test_the_command_line_wins_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    text = "port: 1\nworkers: 1\nhost: a\nlog: {level: error}"
    options = {"port": 3, "workers": None}
    settings = load(tmp_path, text, options, PORT="2", WORKERS="2", LOG__LEVEL="debug")
    assert (settings.port, settings.workers, settings.host) == (3, 2, "a")
    assert settings.log.level == "debug"


def test_variables_are_read_as_their_settings_want_them(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        NAME="true",
        INSECURE="1",
        SCHEDULE__ENABLED="no",
        PRELOAD="[MASS, dplyr]",
        CACHE__JSON_DIGITS="7",
        SESSIONS__KEY_LENGTH="20",
        TIMEZONE="Europe/Vienna",
        WORKERS="",
    )
    assert settings.project_name == "true"
    assert settings.insecure
    assert not settings.schedule.enabled
    assert settings.preload == ["MASS", "dplyr"]
    assert (settings.cache.json_digits, settings.session_key_digits) == (7, 20)
    assert (settings.timezone, settings.workers) == ("Europe/Vienna", 2)


def test_the_environment_is_read_once() -> None:
    variables = {"LARDER_PORT": "1", "PATH": "/bin"}
    environment = Environment(variables)
    variables["LARDER_PORT"] = "2"
    assert environment.variables == {"LARDER_PORT": "1"}


def test_variables_that_kubernetes_adds_for_a_service_are_not_settings(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        PORT="tcp://10.0.0.1:8080",
        SERVICE_HOST="10.0.0.1",
        SERVICE_PORT="8080",
        PORT_8080_TCP_ADDR="10.0.0.1",
    )
    assert settings.port == 8080


@pytest.mark.parametrize(
    ("host", "loopback", "digits"),
    [
        ("127.0.0.1", True, 13),
        ("127.8.8.8", True, 13),
        ("::1", True, 13),
        ("localhost", True, 13),
        ("192.0.2.1", False, 26),
        ("::", False, 26),
        ("example.com", False, 26),
    ],
)
def test_session_keys_are_longer_beyond_loopback(
    tmp_path: Path, host: str, loopback: bool, digits: int
) -> None:
    settings = load(tmp_path, HOST=host)
    assert (settings.is_loopback, settings.session_key_digits) == (loopback, digits)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("prot: 1", "larder.yaml:1:1: unknown key 'prot' (did you mean 'port'?)"),
        ("level: debug", "larder.yaml:1:1: unknown key 'level' (it belongs under 'log')"),
        ("port: '1'", "larder.yaml:1:7: expected a whole number, found the text '1'"),
        ("port: 70000", "larder.yaml:1:7: 70000 is too large; it must be at most 65535"),
        ("name: a_b", "larder.yaml:1:7: 'a_b' cannot be the name of a project (letters, digits "),
        ("name: stats", "larder.yaml:1:7: 'stats' is the name of a package of R itself"),
        ("cache: {json_digits: 99}", "larder.yaml:1:22: 99 is too large; it must be at most 22"),
        ("sessions: {keep: of}", "larder.yaml:1:18: 'of' is no duration"),
        ("engine: {memory: 4}", "larder.yaml:1:18: expected text, found the number 4 (for exam"),
        ("engine: {memory: 4 XB}", "larder.yaml:1:18: '4 XB': 'XB' is no unit of size (did you "),
        ("sessions: {key_length: 12}", "larder.yaml:1:24: a session key has 13 to 64 digits"),
        ("log: {level: verbose}", "larder.yaml:1:14: expected one of debug, info, warning, err"),
        ("timezone: Vienna", "larder.yaml:1:11: 'Vienna' is no time zone (did you mean 'Euro"),
        ("executor: dask", "larder.yaml:1:1: 'executor' is not supported yet"),
        ("catalog: mysql://h/d", "larder.yaml:1:10: this is no address of a catalog"),
        ("[1]", "larder.yaml:1:1: expected a mapping, found the list [1]"),
        ("port: 1\nport: 2", "larder.yaml:2:1: the key 'port' stands here twice; first at 1:1"),
        ("port: [", "larder.yaml:1:8: a value is missing here"),
    ],
)
def test_a_mistake_has_its_place_and_a_hint(tmp_path: Path, text: str, problem: str) -> None:
    found = said(tmp_path, text)
    assert len(found) == 1
    assert found[0].startswith(problem)


def test_mistakes_of_all_sources_are_told_at_once_and_name_their_source(tmp_path: Path) -> None:
    options = {"engine.memory": "4 XB"}
    found = said(tmp_path, "workers: 0\nport: x", options, PORT="many", PROT="1", LOG="x")
    assert [text.split(" (")[0] for text in found] == [
        "--engine.memory: '4 XB': 'XB' is no unit of size",
        "LARDER_LOG: there is no such setting",
        "LARDER_PORT: expected a whole number, found the text 'many'",
        "LARDER_PROT: there is no such setting",
        "larder.yaml:1:10: 0 is too small; it must be at least 1",
    ]


def test_a_password_in_the_catalog_address_is_not_repeated(tmp_path: Path) -> None:
    [text] = said(tmp_path, CATALOG="postgresql+psycopg://user:hunter2@db/larder")
    assert text.startswith("LARDER_CATALOG: only SQLite is supported yet")
    assert "hunter2" not in text


def test_a_missing_folder_is_said_to_be_missing(tmp_path: Path) -> None:
    assert "there is no such folder" in said(tmp_path / "nowhere")[0]


def test_every_setting_has_a_default_and_a_sentence() -> None:
    rows = settings_table()
    assert {row.name for row in rows} >= {"port", "cache.json_digits", "log.format"}
    assert all(row.default and row.text.endswith(".") for row in rows)
    by_name = {row.name: row for row in rows}
    assert by_name["cache.json_digits"].variable == "LARDER_CACHE__JSON_DIGITS"
    assert by_name["engine.memory"].default == "4 GB"
    assert by_name["sessions.keep"].default == "24 hours"


def test_the_defaults_in_the_table_are_the_defaults(tmp_path: Path) -> None:
    spoken = {"name", "catalog", "preload", "engine.spares", "engine.max_running"}
    variables = {
        row.variable.removeprefix("LARDER_"): row.default
        for row in settings_table()
        if row.name not in spoken
    }
    assert load(tmp_path, **variables) == load(tmp_path)


def test_the_schema_of_the_settings_is_for_editors() -> None:
    schema = settings_schema()
    assert schema["properties"]["port"]["default"] == 8080
    assert schema["$defs"]["SessionSettings"]["properties"]["keep"]["default"] == "24 hours"
