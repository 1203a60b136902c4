"""Coming from OpenCPU: what its server.conf says, said by larder.yaml."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from larder.cli import app
from larder.opencpu_settings import COUNTERPARTS, WITHOUT
from larder.settings import Settings, load_settings, settings_table

DEFAULTS = {
    "enable.api.library": True,
    "enable.api.apps": True,
    "enable.api.user": True,
    "enable.api.tmp": True,
    "enable.cors": True,
    "enable.post.code": True,
    "enable.rlimits": True,
    "error.showcall": True,
    "error.backtrace": True,
    "smtp.server": "localhost",
    "smtp.use.ssl": "no",
    "httpcache.post": 300,
    "httpcache.lib": 86400,
    "httpcache.apps": 900,
    "httpcache.tmp": 86400,
    "httpcache.static": 31536000,
    "key.length": 13,
    "repos": "https://cran.example.org",
    "rlimit.as": 4e9,
    "rlimit.fsize": 1e9,
    "rlimit.nproc": 500,
    "timelimit.get": 60,
    "timelimit.post": 90,
    "timelimit.webhook": 900,
    "preload": ["lattice"],
}
"""What OpenCPU 2.2 comes with, but for the address."""
OLDER = {
    "enable.api.gist": True,
    "enable.api.github": True,
    "enable.api.cran": False,
    "enable.api.bitbucket": True,
    "httpcache.git": 600,
    "httpcache.cran": 700,
    "gist.cache": 7200,
    "public.url": "https://public.example.org/ocpu",
    "tempdir": "/mnt",
}
"""Settings of OpenCPU 1.x that 2.x has not."""


def ran(*words: object, status: int = 0) -> tuple[str, str]:
    """What the command prints on stdout and stderr."""
    result = CliRunner().invoke(app, ["import-opencpu", *map(str, words)])
    assert result.exit_code == status, result.output
    return result.stdout, result.stderr


def conf(folder: Path, text: str | dict[str, Any], name: str = "server.conf") -> Path:
    file = folder / name
    file.parent.mkdir(exist_ok=True)
    file.write_text(text if isinstance(text, str) else json.dumps(text))
    return file


def imported(folder: Path, text: str | dict[str, Any]) -> Settings:
    """The settings that the result is read as."""
    written, _ = ran(conf(folder, text))
    (folder / "larder.yaml").write_text(written)
    return load_settings(folder)


def problems(folder: Path, text: str | dict[str, Any]) -> list[str]:
    """What is said of each mistake, without the file's name."""
    file = conf(folder, text)
    out, err = ran(file, status=1)
    assert out == ""
    return [line.removeprefix(f"{file}:") for line in err.splitlines()]


def test_the_defaults_of_opencpu_become_a_short_file(tmp_path: Path) -> None:
    file = conf(tmp_path, DEFAULTS)
    written, _ = ran(file)
    assert written.startswith(
        f"""\
# Made of {file} by `larder import-opencpu`.

preload: [lattice]                    # preload: ["lattice"]
engine:
  memory: 4000000000 B                # rlimit.as: 4000000000.0
  file_size: 1000000000 B             # rlimit.fsize: 1000000000.0
install:
  cran_url: https://cran.example.org  # repos: "https://cran.example.org"

# As Larder has it anyway, so left out: """
    )


def test_the_defaults_of_opencpu_are_valid_settings(tmp_path: Path) -> None:
    settings = imported(tmp_path, DEFAULTS)
    assert settings.preload == ["lattice"]
    assert settings.engine.memory_bytes == 4_000_000_000
    assert settings.engine.file_bytes == 1_000_000_000
    assert settings.install.cran_url == "https://cran.example.org"
    assert settings.install.allow == []


def test_every_setting_has_its_counterpart(tmp_path: Path) -> None:
    settings = imported(
        tmp_path,
        {
            "timelimit.get": 61,
            "timelimit.post": 18000,
            "timelimit.webhook": 60,
            "rlimit.as": 2**33,
            "rlimit.fsize": 2**20,
            "rlimit.nproc": 7,
            "key.length": 50,
            "preload": ["stats", "MASS"],
            "repos": ["https://one.example.org", "https://two.example.org"],
            "enable.cors": False,
            "enable.post.code": False,
            "enable.api.user": False,
            "httpcache.post": 0,
            "httpcache.lib": 1,
            "httpcache.apps": 2,
            "httpcache.tmp": 3,
            "httpcache.static": 4,
        },
    )
    engine, ocpu = settings.engine, settings.ocpu
    assert (engine.timeout_get_s, engine.timeout_post_s) == (61, 18000)
    assert (engine.memory_bytes, engine.file_bytes, engine.processes) == (2**33, 2**20, 7)
    assert settings.session_key_digits == 50
    assert settings.preload == ["stats", "MASS"]
    assert settings.install.cran_url == "https://one.example.org"
    assert settings.install.timeout_s == 60
    assert (ocpu.cors, ocpu.code) == (False, False)
    assert ocpu.apis is not None
    assert "library" in ocpu.apis
    assert "user" not in ocpu.apis
    assert list(dict(ocpu.cache).values()) == [0, 1, 2, 3, 4]


def test_settings_of_opencpu_1_are_understood(tmp_path: Path) -> None:
    settings = imported(tmp_path, OLDER)
    assert settings.ocpu.apis is not None
    assert "cran" not in settings.ocpu.apis
    assert {"gist", "apps", "bioc"} < set(settings.ocpu.apis)
    assert settings.ocpu.cache.apps_s == 600
    assert settings.install.refresh_s == 7200


def test_each_line_names_what_it_was(tmp_path: Path) -> None:
    written, _ = ran(conf(tmp_path, {**DEFAULTS, **OLDER}))
    lines = dict(line.split(":", 1) for line in written.splitlines() if " # " in line)
    assert lines["  refresh"].endswith("# gist.cache: 7200")
    assert lines["  apis"].endswith("# enable.api.cran: false")


def test_all_that_was_read_is_accounted_for(tmp_path: Path) -> None:
    written, _ = ran(conf(tmp_path, {**DEFAULTS, **OLDER}))
    assert not {key for key in {**DEFAULTS, **OLDER} if key not in written}


def test_what_has_no_counterpart_is_named_with_the_reason(tmp_path: Path) -> None:
    written, _ = ran(conf(tmp_path, {**DEFAULTS, "timelimit.gett": 5, "my.own": 1}))
    assert "#   smtp.server:     no mail is sent; " in written
    assert (
        "#   timelimit.gett:  OpenCPU has no such setting; did you mean 'timelimit.get'?" in written
    )
    assert "#   my.own:          OpenCPU has no such setting; nothing here depends on it" in written


def test_secrets_are_not_repeated(tmp_path: Path) -> None:
    written, said = ran(conf(tmp_path, {"client_id": "hunter2", "client_secret": "hunter3"}))
    assert "hunter" not in written + said


def test_limits_that_were_off_are_not_taken_over(tmp_path: Path) -> None:
    settings = imported(tmp_path, {"enable.rlimits": False, "rlimit.as": 1})
    assert settings.engine.memory_bytes == 4 * 2**30
    assert "enable.rlimits is false" in (tmp_path / "larder.yaml").read_text()


@pytest.mark.parametrize(("length", "digits"), [(13, 13), (6, 13), (100, 64)])
def test_keys_have_as_many_digits_as_possible(tmp_path: Path, length: int, digits: int) -> None:
    assert imported(tmp_path, {"key.length": length}).session_key_digits == digits


def test_apps_and_github_are_one_section(tmp_path: Path) -> None:
    assert (
        imported(tmp_path, {"enable.api.apps": False, "enable.api.github": True}).ocpu.apis is None
    )
    assert "apps and github are one section here" in (tmp_path / "larder.yaml").read_text()


def test_null_says_nothing(tmp_path: Path) -> None:
    settings = imported(tmp_path, {"rlimit.as": None, "enable.cors": None, "preload": []})
    assert settings.engine.memory_bytes == 4 * 2**30
    assert settings.ocpu.cors


def test_comments_are_allowed_as_opencpu_allows_them(tmp_path: Path) -> None:
    text = """{
    // "timelimit.get": 1,
    "timelimit.get": 2, /* seconds,
    "timelimit.get": 3, */
    "repos": "https://cran.example.org//x" // not: "y"
}"""
    settings = imported(tmp_path, text)
    assert settings.engine.timeout_get_s == 2
    assert settings.install.cran_url == "https://cran.example.org//x"


def test_the_first_of_two_counts_and_that_is_said(tmp_path: Path) -> None:
    file = conf(tmp_path, '{"timelimit.get": 1,\n "timelimit.get": 2}')
    written, said = ran(file)
    assert "timeout_get: 1 second " in written
    told = "warning: 'timelimit.get' stands here twice; the first counts, in line 1"
    assert said == f"{file}:2:19: {told}\n"


def test_a_folder_is_read_as_opencpu_reads_it(tmp_path: Path) -> None:
    conf(tmp_path, {"timelimit.get": 1, "timelimit.post": 1})
    conf(tmp_path, {"timelimit.get": 3}, "server.conf.d/b.conf")
    conf(tmp_path, {"timelimit.get": 2, "key.length": 20}, "server.conf.d/a.conf")
    conf(tmp_path, {"timelimit.get": 4}, "server.conf.d/c.conf.disabled")
    written, said = ran(tmp_path)
    assert said == ""
    assert "timeout_get: 3 seconds" in written
    assert "timeout_post: 1 second" in written
    assert "key_length: 20" in written


def test_of_several_files_the_last_wins(tmp_path: Path) -> None:
    one = conf(tmp_path, {"timelimit.get": 1, "timelimit.post": 1}, "one.conf")
    two = conf(tmp_path, {"timelimit.get": 2}, "two.conf")
    written, _ = ran(one, two)
    assert "timeout_get: 2 seconds" in written
    assert "timeout_post: 1 second" in written


def test_files_beside_one_that_is_read_alone_are_mentioned(tmp_path: Path) -> None:
    conf(tmp_path, {"timelimit.get": 3}, "server.conf.d/a.conf")
    _, said = ran(conf(tmp_path, {}))
    told = f"{tmp_path / 'server.conf.d'} lies beside it and is not read"
    assert said == f"{told}: name {tmp_path} to have both\n"


def test_the_result_is_written_but_over_nothing(tmp_path: Path) -> None:
    file = conf(tmp_path, DEFAULTS)
    written, _ = ran(file)
    output = tmp_path / "larder.yaml"
    output.write_text("name: mine\n")
    _, said = ran(file, "--output", output, status=1)
    assert "give --force to replace it" in said
    assert output.read_text() == "name: mine\n"
    out, said = ran(file, "--output", output, "--force")
    assert (out, output.read_text()) == ("", written)
    assert "4 settings, " in said


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1: settings stand between { and }"),
        ("[1]", "1:1: settings stand between { and }"),
        ("# no\n{}", "1:1: settings stand between { and } (comments begin with //)"),
        ('{"a": 1,\n}', "1:8: nothing follows this comma"),
        ('{"a": 1\n "b": 2}', "2:2: a comma is missing before this"),
        ('{"a" 1}', "1:6: a colon is missing before this"),
        ('{"a": TRUE}', "1:7: 'TRUE' is no value of JSON (write true)"),
        ("{'a': 1}", "1:2: a key in double quotes is missing here (texts stand in double quotes)"),
        ('{"a": 1', "1:8: the } that ends the settings is missing"),
        ('{"a": "x', "1:7: the text that begins here does not end"),
        ('{"a": "x\n"}', "1:9: the text breaks off at the end of the line"),
        ('{"a": 1}\n}', "2:1: nothing may follow the last }"),
        ('{"a": NaN}', "1:7: this value cannot be read"),
        ('{"a": ' + 100_000 * "[", "1:7: this value cannot be read"),
        ('{"a": }', "1:7: a value is missing here"),
    ],
)
def test_malformed_json_is_told_with_its_place(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(tmp_path, text) == [problem]


def test_every_wrong_value_is_told_with_its_place(tmp_path: Path) -> None:
    text = """{
"timelimit.post": "90",
"timelimit.get": 0,
"rlimit.as": -1,
"rlimit.nproc": 2.5,
"key.length": true,
"enable.api.user": "no",
"enable.cors": 1,
"repos": "ftp:x",
"preload": {"a": 1}
}"""
    assert problems(tmp_path, text) == [
        "2:19: timelimit.post: expected a number of seconds, found the text '90'",
        "3:18: timelimit.get: the time must be longer than nothing",
        "4:14: rlimit.as: the number -1 is no number of bytes",
        "5:17: rlimit.nproc: expected a whole number, found the number 2.5",
        "6:15: key.length: expected a whole number, found true",
        "7:20: enable.api.user: expected true or false, found the text 'no'",
        "8:16: enable.cors: expected true or false, found the number 1",
        "9:10: repos: this is no address",
        "10:12: preload: expected a list of packages, found the mapping {a: 1}",
    ]


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    _, said = ran(tmp_path / "nowhere.conf", status=1)
    assert said == f"{tmp_path / 'nowhere.conf'}: cannot be read: No such file or directory\n"
    _, said = ran(tmp_path, status=1)
    assert said == f"{tmp_path}: holds neither server.conf nor others\n"


def test_counterparts_are_settings_and_none_has_two_answers() -> None:
    names = {row.name for row in settings_table()}
    assert {name for name, _ in COUNTERPARTS.values()} <= names
    assert not COUNTERPARTS.keys() & WITHOUT.keys()
