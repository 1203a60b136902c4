"""Which packages get a template of their own."""

from engine.demand import WINDOW_S, Demand


class Clock:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        self.now += 1
        return self.now


def asked(demand: Demand, *packages: str) -> None:
    for package in packages:
        demand.note(package)


def test_one_call_is_not_enough() -> None:
    demand = Demand(Clock())
    asked(demand, "MASS")
    assert demand.wanted(()) is None
    asked(demand, "MASS")
    assert demand.wanted(()) == "MASS"


def test_most_recent_demand_comes_first_and_what_is_there_does_not_count() -> None:
    demand = Demand(Clock())
    asked(demand, "MASS", "MASS", "nlme", "nlme")
    assert demand.wanted(()) == "nlme"
    assert demand.wanted({"nlme"}) == "MASS"


def test_package_that_does_not_load_is_left_alone_for_a_while() -> None:
    clock = Clock()
    demand = Demand(clock)
    asked(demand, "nosuch", "nosuch")
    demand.give_up("nosuch")
    asked(demand, "nosuch", "nosuch")
    assert demand.wanted(()) is None
    clock.now += WINDOW_S + 10
    asked(demand, "nosuch", "nosuch")
    assert demand.wanted(()) == "nosuch"


def test_template_that_nobody_asks_for_goes() -> None:
    clock = Clock()
    demand = Demand(clock)
    asked(demand, "MASS", "MASS")
    assert not list(demand.dispensable({"MASS": 10}, budget_bytes=100))
    clock.now += WINDOW_S + 10
    assert list(demand.dispensable({"MASS": 10}, budget_bytes=100)) == ["MASS"]


def test_least_recent_templates_go_when_memory_is_short() -> None:
    demand = Demand(Clock())
    asked(demand, "MASS", "nlme", "dplyr")
    sizes = {"dplyr": 60, "MASS": 60, "nlme": 60}
    assert list(demand.dispensable(sizes, budget_bytes=120)) == ["MASS"]
    assert list(demand.dispensable(sizes, budget_bytes=50)) == ["MASS", "nlme", "dplyr"]


def test_what_was_too_large_does_not_come_back_at_once() -> None:
    demand = Demand(Clock())
    asked(demand, "MASS", "MASS")
    assert list(demand.dispensable({"MASS": 60}, budget_bytes=50)) == ["MASS"]
    asked(demand, "MASS", "MASS")
    assert demand.wanted(()) is None
