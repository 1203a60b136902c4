"""Settings: where they come from, which one wins, and what is said about mistakes."""

from pathlib import Path
from typing import Any

import pytest

from api.access_config import TokenConfig
from api.claim_rules import ClaimRules
from api.hosts import Hosts
from api.ocpu_config import OcpuConfig
from engine.install_policy import InstallPolicy
from engine.limits import Limits
from jobs.role import Role
from larder.environment import Environment
from larder.errors import SettingsInvalid
from larder.handover import from_text, to_text
from larder.roles import engine_environment
from larder.settings import Settings, load_settings, settings_schema, settings_table
from larder.wiring import access_config, install_policy, limits_of, ocpu_config

EXAMPLE = Path(__file__).parent.parent / "examples" / "scoring"

PATTERNS = "for example: github::owner/repository, github::owner/*, cran::dplyr, cran::*"


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
        ("engine: {processes: 0}", "larder.yaml:1:21: 0 is too small; it must be at least 1"),
        ("engine: {file_size: 1}", "larder.yaml:1:21: expected text, found the number 1 (for"),
        ("ocpu: {apis: tmp}", "larder.yaml:1:14: expected a list, found the text 'tmp'"),
        ("ocpu: {code: maybe}", "larder.yaml:1:14: expected true or false, found the text 'may"),
        ("ocpu: {cache: {post: 5}}", "larder.yaml:1:22: expected text, found the number 5 (for"),
        ("ocpu: {cash: 1}", "larder.yaml:1:8: unknown key 'cash' (did you mean 'cache'?)"),
        ("upload_limit: 1 GB", "larder.yaml:1:1: unknown key 'upload_limit' (it belongs under 'oc"),
        ("install: {timeout: 0 s}", "larder.yaml:1:20: the time must be longer than nothing"),
        ("install: {cran_url: ftp://x}", "larder.yaml:1:21: this is no address (an http or"),
        ("install: {github_url: x/y}", "larder.yaml:1:23: this is no address (an http or"),
        (
            "access: {jwt: {issuer: ftp://x}}",
            "larder.yaml:1:24: this is no address of an issuer (for",
        ),
        ("access: {jwt: {issuer: http://x.y}}", "larder.yaml:1:24: an issuer is asked over https"),
        ("access: {jwt: {issuer: https://x}}", "larder.yaml:1:15: with an issuer, 'audience' has"),
        (
            "access: {oidc: {issuer: https://x, client_id: a}}",
            "larder.yaml:1:16: with an issuer, 'roles' has to be set (for example: roles: {larder",
        ),
        (
            "access: {jwt: {algorithms: [HS256]}}",
            "larder.yaml:1:29: expected one of RS256, RS384, RS512, PS256",
        ),
        ("access: {jwt: {roles: {a: boss}}}", "larder.yaml:1:27: expected one of viewer, caller"),
        (
            "access: {oidc: {client_secret: x}}",
            "larder.yaml:1:32: 'client_secret' is a secret, and",
        ),
        ("access: {oidc: {audience: x}}", "larder.yaml:1:17: unknown key 'audience' (valid keys"),
        ("access: {keys: never}", "larder.yaml:1:16: expected auto or always, found th"),
        ("access: {hosts: [a.b/c]}", "larder.yaml:1:18: 'a.b/c' is no name of a host (write a.b)"),
        ("access: {proxies: [nginx]}", "larder.yaml:1:20: 'nginx' is no address and no network"),
        ("access: {origins: [a.example]}", "larder.yaml:1:20: 'a.example' is no origin: scheme, n"),
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


def test_what_access_names_becomes_what_the_gate_is_told(tmp_path: Path) -> None:
    text = (
        "url: https://Stats.example.com:443/x\naccess:\n  hosts: ['*.Lab.example.com', '::1']\n"
        "  proxies: [10.1.2.3/8, '::1']\n  origins: ['https://App.example.com/', '*']\n"
    )
    config = access_config(load(tmp_path, text))
    names = frozenset({"*.lab.example.com", "[::1]", "stats.example.com"})
    assert config.hosts == Hosts(names)
    assert config.hosts_while_open == Hosts(names, of_browsers=True)
    assert [str(network) for network in config.proxies.networks] == ["10.0.0.0/8", "::1/128"]
    assert config.pages.origins == {"https://app.example.com", "*"}
    assert config.pages.own == "https://stats.example.com"
    assert (config.is_open, config.is_alone) == (True, True)


@pytest.mark.parametrize(
    ("text", "is_open", "is_alone", "any_name"),
    [
        ("", True, True, False),
        ("access: {keys: always}", False, True, False),
        ("host: 192.0.2.1", False, False, True),
        ("host: 192.0.2.1\ninsecure: true", True, False, True),
        ("insecure: true", True, False, True),
    ],
)
def test_gate_is_open_on_loopback_or_where_that_is_meant(
    tmp_path: Path, text: str, *, is_open: bool, is_alone: bool, any_name: bool
) -> None:
    config = access_config(load(tmp_path, text))
    assert (config.is_open, config.is_alone) == (is_open, is_alone)
    assert (config.hosts_while_open.names is None) == any_name
    assert config.hosts.names is None


def test_a_password_in_the_catalog_address_is_not_repeated(tmp_path: Path) -> None:
    [text] = said(tmp_path, CATALOG="postgresql+psycopg://user:hunter2@db/larder")
    assert text.startswith("LARDER_CATALOG: only SQLite is supported yet")
    assert "hunter2" not in text


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("dplyr", "write cran::dplyr"),
        ("owner/repo", "write github::owner/repo"),
        ("https://github.com/owner/repo", "write github::owner/repo"),
        ("cran:dplyr", "write cran::dplyr"),
        ("github::owner", "write github::owner/*"),
        ("git::owner/repo", "write gist::owner/repo"),
        ("GitHub::owner/*", "write github::owner/*"),
        ("cran::", "write cran::*"),
        (
            "cran::a/b",
            "for example: github::owner/repository, github::owner/*, cran::dplyr, cran::*",
        ),
        ("*", "for example: github::owner/repository, github::owner/*, cran::dplyr, cran::*"),
    ],
)
def test_a_wrong_pattern_is_told_with_the_right_form(
    tmp_path: Path, pattern: str, hint: str
) -> None:
    [text] = said(tmp_path, f"install:\n  allow:\n    - cran::MASS\n    - '{pattern}'")
    assert text.startswith(f"larder.yaml:4:7: '{pattern}' ")
    assert text.endswith(f"({hint})")


def test_every_unknown_section_is_told_with_those_that_there_are(tmp_path: Path) -> None:
    found = said(tmp_path, "ocpu: {apis: [libary, tmp, github, pages]}")
    there_are = "there are apps, bioc, cran, doc, gist, info, library, test, tmp, user, webhook"
    assert found == [
        f"larder.yaml:1:15: /ocpu has no section 'libary' (did you mean 'library'? {there_are})",
        f"larder.yaml:1:28: /ocpu has no section 'github' (did you mean 'apps'? {there_are})",
        f"larder.yaml:1:36: /ocpu has no section 'pages' ({there_are})",
    ]


def test_a_secret_in_the_file_is_refused_and_not_repeated(tmp_path: Path) -> None:
    text = "install:\n  webhook_secret: hunter2\n  cran_url: https://me:hunter2@example.org"
    found = said(tmp_path, text)
    file = "must not stand in a file (set it as LARDER_INSTALL__"
    rest = "in the server's environment)"
    assert found == [
        f"larder.yaml:2:19: 'webhook_secret' is a secret, and {file}WEBHOOK_SECRET {rest}",
        f"larder.yaml:3:13: 'cran_url' holds a password or token, which {file}CRAN_URL {rest}",
    ]


def test_secrets_of_the_environment_are_not_printed(tmp_path: Path) -> None:
    settings = load(
        tmp_path,
        INSTALL__WEBHOOK_SECRET="hunter2",
        INSTALL__GITHUB_URL="https://me:hunter3@example.org",
    )
    assert install_policy(settings).webhook_secret == "hunter2"
    assert install_policy(settings).github_url == "https://me:hunter3@example.org"
    assert "hunter" not in repr(settings)


def test_the_schema_for_editors_has_no_secrets() -> None:
    keys = settings_schema()["$defs"]["InstallSettings"]["properties"]
    assert "allow" in keys
    assert "webhook_secret" not in keys


def test_without_settings_ocpu_is_as_opencpu_is_and_installs_nothing(tmp_path: Path) -> None:
    assert ocpu_config(load(tmp_path)) == OcpuConfig()
    assert limits_of(load(tmp_path)) == Limits()


def test_settings_of_ocpu_reach_those_who_go_by_them(tmp_path: Path) -> None:
    text = """
ocpu:
  apis: [library, tmp]
  code: false
  cors: false
  upload_limit: 5 MB
  cache: {post: 1 s, library: 2 s, apps: 3 s, tmp: 4 s, static: 5 s}
install:
  allow: ["cran::*", github::owner/*]
  github_url: /srv/git
  gist_url: https://gists.example.org/
  github_api_url: https://api.example.org
  cran_url: file:///srv/cran
  bioc_url: http://bioc.example.org
  timeout: 10 minutes
  refresh: 2 hours
"""
    assert ocpu_config(load(tmp_path, text)) == OcpuConfig(
        apis=frozenset({"library", "tmp"}),
        code=False,
        cors=False,
        upload_limit_bytes=5 * 2**20,
        call_cache_s=1,
        library_cache_s=2,
        apps_cache_s=3,
        tmp_cache_s=4,
        static_cache_s=5,
        install=InstallPolicy(
            allow=("cran::*", "github::owner/*"),
            github_url="/srv/git",
            gist_url="https://gists.example.org",
            github_api_url="https://api.example.org",
            cran_url="file:///srv/cran",
            bioc_url="http://bioc.example.org",
            timeout_s=600,
            refresh_s=7200,
        ),
    )


def test_groups_within_groups_survive_their_way_to_another_process(tmp_path: Path) -> None:
    text = "ocpu: {apis: [tmp], cache: {post: 1 s}}\ninstall: {allow: [cran::MASS]}"
    settings = load(tmp_path, text, INSTALL__WEBHOOK_SECRET="hunter2")
    received = from_text(to_text(settings))
    assert received == settings
    assert ocpu_config(received) == ocpu_config(settings)


def test_settings_of_issuers_reach_those_who_go_by_them(tmp_path: Path) -> None:
    text = """
access:
  login_keep: 1 hour
  jwt:
    issuer: https://login.example.com
    audience: larder
    role_claim: groups
    name_claim: email
    roles: {staff: caller, "*": viewer}
    functions_claim: fns
    algorithms: [ES256]
    leeway: 5 s
  oidc: {issuer: "http://127.0.0.1:8081", client_id: pages, roles: {staff: caller}}
"""
    settings = load(tmp_path, text, ACCESS__OIDC__CLIENT_SECRET="hunter2", URL="https://l.example")
    assert "hunter2" not in repr(settings)
    access = access_config(from_text(to_text(settings)))
    assert (access.is_open, access.login_keep_s, access.url) == (False, 3600, "https://l.example")
    roles = {"staff": Role.CALLER, "*": Role.VIEWER}
    rules = ClaimRules("groups", "email", roles, functions_claim="fns")
    issuer = "https://login.example.com"
    assert access.jwt == TokenConfig(issuer, "larder", ("ES256",), rules, leeway_s=5)
    assert access.oidc is not None
    assert access.oidc.client_secret == "hunter2"
    assert access.oidc.scopes == ("openid", "profile")


def test_roles_of_an_issuer_may_come_from_the_environment(tmp_path: Path) -> None:
    assert load(tmp_path, ACCESS__JWT__ROLES="{staff: admin}").access.jwt.roles == {
        "staff": "admin"
    }


def test_limits_of_a_call_are_those_of_the_settings(tmp_path: Path) -> None:
    text = """engine:
  {memory: 1 GB, file_size: 10 MB, processes: 20, timeout_post: 5 s, cpu_time: 3 s, disk: 1 GB,
   output: 1 MB, plots: 7}"""
    limits = limits_of(load(tmp_path, text))
    assert limits == Limits(
        wall_s=5,
        cpu_s=3,
        memory_bytes=2**30,
        file_bytes=10 * 2**20,
        disk_bytes=2**30,
        processes=20,
        output_bytes=2**20,
        plots=7,
    )


def test_the_engine_sees_no_variable_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LARDER_INSTALL__WEBHOOK_SECRET", "hunter2")
    monkeypatch.setenv("LARDER_CATALOG", "sqlite:////hunter2.db")
    assert "hunter2" not in str(engine_environment())


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
    spoken = {"name", "catalog", "preload", "engine.spares", "engine.max_running", "ocpu.apis"}
    spoken |= {"install.cran_url", "install.bioc_url", "install.webhook_secret", "engine.cpu_time"}
    claims = ("issuer", "roles", "functions_claim", "jobs_claim")
    spoken |= {f"access.{group}.{name}" for group in ("jwt", "oidc") for name in claims}
    spoken |= {"access.jwt.audience", "access.jwt.jwks", "access.oidc.client_id"}
    spoken |= {"access.oidc.client_secret"}
    spoken |= {f"access.{name}" for name in ("rate", "failures", "concurrent", "r_seconds_per_day")}
    spoken |= {
        "url",
        "mail.server",
        "mail.port",
        "mail.ca_file",
        "mail.user",
        "mail.password",
        "mail.from",
        "call",
    }
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
