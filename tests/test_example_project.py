"""The models of the example project, asked in plain R: what they answer and what they refuse."""

import csv
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parent.parent / "examples" / "scoring"

# A source is loaded as Larder loads it: with the project as working directory, into an environment
# that sees base and the search path only.
PREAMBLE = """
grDevices::pdf(NULL)
package <- new.env(parent = .BaseNamespaceEnv)
sys.source(file.path("models", commandArgs(TRUE)), package)
refusal <- function(call) tryCatch({ force(call); "" }, error = conditionMessage)
head_of_diamonds <- function(n) utils::read.csv("data/diamonds.csv", nrows = n)
answer <- with(package, {
"""
CLOSING = """
})
cat(jsonlite::toJSON(answer, digits = NA, na = "null", auto_unbox = TRUE))
"""


def ask_r(model: str, code: str) -> Any:
    """Runs R code that sees one file of models/ and returns its value, read back from JSON."""
    finished = subprocess.run(
        ["Rscript", "--vanilla", "-e", f"{PREAMBLE}{code}{CLOSING}", model],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


def test_gain_answers_one_row_with_an_interval_around_the_gain() -> None:
    [row] = ask_r("weight_gain.R", 'gain("CBT", 80)')
    assert list(row) == ["treatment", "prewt", "gain", "lower", "upper"]
    assert (row["treatment"], row["prewt"]) == ("CBT", 80)
    assert row["lower"] < row["gain"] < row["upper"]


def test_gain_at_the_mean_weight_is_the_mean_gain_of_the_treatment() -> None:
    pairs = ask_r(
        "weight_gain.R",
        """
        patients <- split(MASS::anorexia, MASS::anorexia$Treat)
        lapply(names(patients), function(name) {
          group <- patients[[name]]
          c(gain(name, mean(group$Prewt))$gain, mean(group$Postwt - group$Prewt))
        })
    """,
    )
    assert len(pairs) == 3
    for predicted, observed in pairs:
        assert predicted == pytest.approx(observed)


def test_every_cell_of_the_grid_is_answered_with_plausible_gains() -> None:
    rows = ask_r(
        "weight_gain.R",
        """
        cells <- expand.grid(treatment = c("CBT", "FT", "Cont"), prewt = 70:95)
        do.call(rbind, Map(gain, as.character(cells$treatment), cells$prewt))
    """,
    )
    assert len(rows) == 78
    assert all(-40 < row["lower"] < row["gain"] < row["upper"] < 40 for row in rows)
    assert all(-16 < row["gain"] < 16 for row in rows)


def test_a_higher_level_gives_a_wider_interval() -> None:
    narrow, usual, wide = ask_r(
        "weight_gain.R",
        """
        sapply(c(0.8, 0.95, 0.99), function(level) {
          row <- gain("FT", 85, level)
          row$upper - row$lower
        })
    """,
    )
    assert narrow < usual < wide


def test_gain_draws_one_plot(tmp_path: Path) -> None:
    plots = str(tmp_path / "plot-%d.svg")
    ask_r(
        "weight_gain.R",
        f"""
        grDevices::svg({json.dumps(plots)})
        gain("Cont", 75)
        grDevices::dev.off()
    """,
    )
    [plot] = tmp_path.glob("plot-*.svg")
    assert plot.stat().st_size > 5000


def test_gain_says_what_is_wrong_with_its_arguments() -> None:
    messages = ask_r(
        "weight_gain.R",
        """
        c(
          refusal(gain("placebo", 80)), refusal(gain(c("CBT", "FT"), 80)),
          refusal(gain("CBT", "80")), refusal(gain("CBT", 200)), refusal(gain("CBT", NA)),
          refusal(gain("CBT", 80, 1)), refusal(gain("CBT", NULL))
        )
    """,
    )
    assert messages == [
        'treatment must be one of "CBT", "FT", "Cont", not "placebo"',
        'treatment must be one of "CBT", "FT", "Cont", not c("CBT", "FT")',
        'prewt must be one number from 60 to 110, not "80"',
        "prewt must be one number from 60 to 110, not 200",
        "prewt must be one number from 60 to 110, not NA",
        "level must be one number from 0.5 to 0.999, not 1",
        "prewt must be one number from 60 to 110, not NULL",
    ]


def test_the_kept_diamonds_have_an_id_each_and_are_those_of_ggplot2() -> None:
    with (PROJECT / "data" / "diamonds.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["id"]) for row in rows] == list(range(1, 53_941))
    total, carats = ask_r("diamond_price.R", "with(ggplot2::diamonds, c(sum(price), sum(carat)))")
    assert sum(int(row["price"]) for row in rows) == total
    assert sum(float(row["carat"]) for row in rows) == pytest.approx(carats)


def test_predicted_prices_are_close_to_the_prices_paid() -> None:
    rows, typical_error, covered = ask_r(
        "diamond_price.R",
        """
        diamonds <- utils::read.csv("data/diamonds.csv")
        scored <- diamond_price(diamonds)
        c(
          nrow(scored),
          stats::median(abs(scored$predicted_price / diamonds$price - 1)),
          mean(diamonds$price >= scored$lower & diamonds$price <= scored$upper)
        )
    """,
    )
    assert rows == 53_940
    assert typical_error < 0.08
    assert covered == pytest.approx(0.95, abs=0.01)


def test_rows_keep_their_order_and_do_not_depend_on_each_other() -> None:
    together, reversed_again, one_by_one = ask_r(
        "diamond_price.R",
        """
        diamonds <- head_of_diamonds(40)
        list(
          diamond_price(diamonds),
          diamond_price(diamonds[40:1, ])[40:1, ],
          do.call(rbind, lapply(1:40, function(i) diamond_price(diamonds[i, ])))
        )
    """,
    )
    assert len(together) == 40
    for row, turned, alone in zip(together, reversed_again, one_by_one, strict=True):
        assert list(row) == ["predicted_price", "lower", "upper"]
        assert 0 < row["lower"] < row["predicted_price"] < row["upper"]
        assert {name: turned[name] for name in row} == row
        assert {name: alone[name] for name in row} == row


def test_a_diamond_with_something_missing_is_missing_in_its_place() -> None:
    rows = ask_r(
        "diamond_price.R",
        """
        diamonds <- head_of_diamonds(5)
        diamonds$carat[2] <- NA
        diamonds$cut[3] <- NA
        diamonds$carat[4] <- 0
        diamond_price(diamonds)$predicted_price
    """,
    )
    assert [price is None for price in rows] == [False, True, True, True, False]


def test_no_diamonds_have_no_prices() -> None:
    assert ask_r("diamond_price.R", "dim(diamond_price(head_of_diamonds(5)[0, ]))") == [0, 3]


def test_diamond_price_says_what_is_wrong_with_its_rows() -> None:
    messages = ask_r(
        "diamond_price.R",
        """
        diamonds <- head_of_diamonds(3)
        c(
          refusal(diamond_price(3)),
          refusal(diamond_price(diamonds[c("carat", "cut", "color")])),
          refusal(diamond_price(transform(diamonds, cut = "Superb"))),
          refusal(diamond_price(transform(diamonds, carat = "heavy")))
        )
    """,
    )
    assert messages == [
        "newdata must be a data frame with one diamond per row",
        "newdata lacks the column(s) depth, table, clarity",
        "newdata$cut may be Fair, Good, Very Good, Premium, Ideal, not Superb",
        "newdata$carat must be numeric",
    ]


def test_the_kept_price_model_is_small() -> None:
    assert (PROJECT / "data" / "price_model.rds").stat().st_size < 200_000
