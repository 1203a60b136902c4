"""Rules about changed answers, as R sees them: many at once, or one after the other."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from engines import Engine
from kitchen import Kitchen, gain_job, price_job
from postroom import web_server

from engine.limits import Limits
from jobs.changed_rule import ChangedRules
from jobs.check import check
from jobs.errors import RuleFailed
from jobs.notices import Notices
from jobs.notify_spec import NotifySpec, Webhook
from jobs.project import load_project
from jobs.rows_source import Rows
from jobs.status import Cause
from jobs.table_source import CsvFile
from larder.notifier import Notifier
from larder.settings_file import MailSettings

pytestmark = pytest.mark.r

MODELS = """
offset <- function() as.numeric(readLines("OFFSET"))
matters <- function(new, old) abs(new - old) > 0.1
gain <- function(treatment, prewt, level = 0.95) {
  data.frame(gain = prewt / 10 + if (treatment == "CBT") offset() else 0)
}
price <- function(newdata) data.frame(price = newdata$carat + offset() * (newdata$id %% 100 == 0))
"""


TWO = [{"a": 1}] * 2


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    (folder / "models").mkdir()
    (folder / "data").mkdir()
    models = MODELS.replace("OFFSET", str(folder / "data" / "offset"))
    (folder / "models" / "models.R").write_text(models)
    (folder / "data" / "offset").write_text("0\n")
    return folder


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory, project: Path) -> Iterator[Engine]:
    engine = Engine(tmp_path_factory.mktemp("engine"), project, name="scoring")
    yield engine
    engine.close()


@pytest.mark.parametrize(
    ("rule", "pairs", "said"),
    [
        ("abs(new - old) > 0.1", [(1, 1.05), (1, 2), (3, None)], [False, True, False]),
        ("abs(new - old) > 0.1", [([1], [2]), ([1], [1])], [True, False]),
        ("new$gain < 0", [([{"gain": 1}], [{"gain": -1}]), ([{"gain": 1}], [{"gain": 2}])], [1, 0]),
        ("abs(new - old) > 1", [({"a": 1, "b": 1}, {"a": 1, "b": 9})] * 2, [True, True]),
        ("new != old", [("low", "high"), ("low", "low")], [True, False]),
        ("abs(new - old) > 0.1", [([1, 2], [1, 3]), ([1, 2, 3], [1, 2, 3])], [True, False]),
        (
            "max(new$fit) > 3",
            [({"fit": [1]}, {"fit": [1, 5]}), ({"fit": [1]}, {"fit": [2]})],
            [1, 0],
        ),
        (
            "nrow(new) > nrow(old)",
            [([{"a": 1}] * 2, [{"a": 1}] * 3), ([{"a": 1}] * 2,) * 2],
            [1, 0],
        ),
        ("matters(new, old)", [(1, 2), (1, 1)], [True, False]),
        ("TRUE", [(1, 2)], [True]),
        (
            "abs(new - old) > 0.1",
            [(float(one), one + one % 2) for one in range(4000)],
            [0, 1] * 2000,
        ),
    ],
)
def test_rule_is_asked_of_all_changes(engine: Engine, rule: str, pairs: Any, said: Any) -> None:
    rules = ChangedRules(engine.pool, engine.sessions, Limits())
    assert rules.which(rule, "scoring", pairs) == [bool(one) for one in said]


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        ("nonesuch(new)", "could not find function"),
        ("new + old", "gave no TRUE or FALSE"),
    ],
)
def test_rule_that_says_nothing_is_an_error(engine: Engine, rule: str, reason: str) -> None:
    rules = ChangedRules(engine.pool, engine.sessions, Limits())
    with pytest.raises(RuleFailed, match=reason):
        rules.which(rule, "scoring", [(1, 2), (3, 4)])


def test_check_reads_the_rules(engine: Engine, project: Path) -> None:
    (project / "jobs").mkdir(exist_ok=True)
    (project / "jobs" / "jobs.yaml").write_text(
        "version: 1\n"
        "jobs:\n"
        "  gain:\n"
        "    function: scoring::offset\n"
        '    notify: {on: [failed, changed: "new >"], email: a@example.com}\n'
    )
    found = load_project(project, name="scoring", timezone="UTC")
    pool = engine.pool
    (problem,) = check(found, pool.contract, code_problems=pool.code_problems)
    assert str(problem).startswith("jobs/jobs.yaml:5:27: 'new >' is no R expression: ")


def test_run_that_changed_answers_is_told_in_one_message(engine: Engine, project: Path) -> None:
    csv = project / "data" / "stones.csv"
    csv.write_text("id,carat\n" + "".join(f"{one},1\n" for one in range(1, 1001)))
    with web_server() as web:
        rules = NotifySpec(changed=("abs(new - old) > 0.1",), webhook=Webhook(web.url))
        rows = Rows(CsvFile(csv), "id", "newdata", batch=1000)
        jobs = (gain_job(notify=rules), price_job(csv, notify=rules, rows=rows))
        kitchen = Kitchen(engine.state, *jobs, pool=engine.pool)
        notices = Notices(kitchen.pantry, kitchen.catalog, "scoring", "http://larder")
        notifier = Notifier(notices, MailSettings(), lambda: True)
        for offset in ("0", "0.05", "2"):
            (project / "data" / "offset").write_text(f"{offset}\n")
            for job in jobs:
                kitchen.runner.run(job, Cause.MANUAL)
            kitchen.clock.advance(hours=2)
            notifier.notice()
            notifier.deliver()
        told = {str(message["job"]): message for message in web.messages}
        kitchen.close()
    assert len(web.messages) == 2
    gains: Any = told["weight_gain"]
    assert (gains["events"], gains["changed"], gains["rules"]) == (
        ["changed"],
        3,
        ["abs(new - old) > 0.1"],
    )
    assert gains["summary"] == "weight_gain: run 5 changed 3 answers"
    assert gains["changes"][0]["parts"][0]["change"] == pytest.approx(1.95)
    prices: Any = told["prices"]
    assert (prices["changed"], len(prices["changes"])) == (10, 10)
    assert prices["changes"][0]["new"] == {"price": 3}
