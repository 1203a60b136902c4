"""`larder import-opencpu`: the settings of an OpenCPU server as larder.yaml."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from jobs.problem import Problem
from larder.console import counted, err, note, print_problems
from larder.errors import FileExists, SettingsInvalid
from larder.opencpu_import import Translation, translate
from larder.opencpu_yaml import render
from larder.server_conf import MORE, ConfValue, conf_files, read_conf


def import_opencpu(
    files: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="server.conf, or the folder that holds it and server.conf.d; later files win.",
            show_default=False,
        ),
    ],
    *,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output", "-o", metavar="FILE", help="Write it there.", show_default="stdout"
        ),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the file that --output names.")
    ] = False,
) -> None:
    """Print the larder.yaml that says what OpenCPU's server.conf says, line by line.

    What has no counterpart is named, with the reason, in comments at its end.

    Examples:
        larder import-opencpu /etc/opencpu
        larder import-opencpu server.conf more.conf --output larder.yaml
    """
    if output is not None and output.exists() and not force:
        raise FileExists(output)
    read = [path for given in files for path in _read_files(given)]
    made = _translation(read)
    text = render(made, [str(path) for path in read])
    if output is None:
        sys.stdout.write(text)
        return
    output.write_text(text, encoding="utf-8")
    note(f"wrote {output}: {_summary(made)}")


def _read_files(given: Path) -> list[Path]:
    found = conf_files(given)
    if not found:
        raise SettingsInvalid([Problem(str(given), 0, 0, "holds neither server.conf nor others")])
    beside = sorted((given.parent / MORE).glob("*.conf")) if given.is_file() else []
    if beside and given.parent.name != MORE:
        told = f"{given.parent / MORE} lies beside it and is not read"
        note(f"{told}: name {given.parent} to have both")
    return found


def _translation(paths: list[Path]) -> Translation:
    """What all files mean together, each key as the last file that has it says.

    Raises:
        SettingsInvalid: With every problem of every file.
    """
    values: dict[str, ConfValue] = {}
    problems = []
    for path in paths:
        found, wrong = read_conf(path)
        values.update({value.key: value for value in found})
        problems += wrong
    made = translate(list(values.values()))
    problems += made.problems
    if any(problem.severity == "error" for problem in problems):
        raise SettingsInvalid(sorted(problems))
    print_problems(problems, err)
    return made


def _summary(made: Translation) -> str:
    return (
        f"{counted(len(made.lines), 'setting')}, {len(made.same)} left out for they say what "
        f"Larder does anyway, {len(made.without)} without a counterpart"
    )
