"""Which functions and packages are whose: the key's list, the server's, and the jobs."""

import pytest
from kitchen import gain_job

from api.caller import Caller
from api.package_address import PackageAddress
from api.refusals import Forbidden
from api.rights import Rights
from jobs.errors import JobNotFound
from jobs.job_set import JobSet
from jobs.role import Role

JOBS = JobSet([gain_job(), gain_job(name="churn", function="churn")])
GAIN, SD, RNORM, SYSTEM = "scoring::gain", "stats::sd", "stats::rnorm", "base::system"
ALL = (GAIN, SD, RNORM, SYSTEM)


def rights(
    role: Role, *functions: str, call: tuple[str, ...] | None = None, jobs: tuple[str, ...] = ()
) -> Rights:
    return Rights(Caller("shop", role, functions=functions, jobs=jobs), JOBS, call)


@pytest.mark.parametrize(
    ("one", "may"),
    [
        (rights(Role.VIEWER), (GAIN,)),
        (rights(Role.CALLER), (GAIN,)),
        (rights(Role.ANALYST), ALL),
        (rights(Role.ADMIN), ALL),
        (rights(Role.CALLER, "stats::*"), (SD, RNORM)),
        (rights(Role.ADMIN, "stats::*"), (SD, RNORM)),
        (rights(Role.CALLER, jobs=("churn",)), ()),
        (rights(Role.CALLER, "scoring::*", jobs=("churn",)), (GAIN,)),
        (rights(Role.CALLER, call=("stats::sd",)), (GAIN, SD)),
        (rights(Role.ADMIN, call=("stats::sd",)), (GAIN, SD)),
        (rights(Role.CALLER, "stats::*", call=("stats::sd",)), (SD,)),
        (rights(Role.CALLER, "scoring::*", call=("stats::sd",)), (GAIN,)),
        (rights(Role.CALLER, call=()), (GAIN,)),
        (rights(Role.ADMIN, call=()), (GAIN,)),
        (rights(Role.ADMIN, call=(), jobs=("churn",)), ()),
    ],
)
def test_functions_are_those_of_the_key_the_server_and_the_jobs(
    one: Rights, may: tuple[str, ...]
) -> None:
    assert tuple(function for function in ALL if one.may_call(function)) == may


@pytest.mark.parametrize(
    ("one", "may"),
    [
        (rights(Role.CALLER), ("datasets", "scoring")),
        (rights(Role.CALLER, jobs=("nothing",)), ("datasets",)),
        (rights(Role.CALLER, "MASS::lda"), ("datasets", "MASS")),
        (rights(Role.CALLER, call=("MASS::*",)), ("datasets", "scoring", "MASS")),
        (rights(Role.ANALYST), ("datasets", "scoring", "MASS", "stats", "apps/ann/MASS")),
        (rights(Role.ANALYST, call=("MASS::*",)), ("datasets", "scoring", "MASS")),
        (rights(Role.CALLER, "apps/ann/*::*"), ("datasets", "apps/ann/MASS")),
    ],
)
def test_packages_are_looked_at_where_a_function_of_theirs_may_be_called(
    one: Rights, may: tuple[str, ...]
) -> None:
    every = ("datasets", "scoring", "MASS", "stats", "apps/ann/MASS")
    assert tuple(package for package in every if one.may_look(package)) == may


def test_package_of_another_library_goes_by_its_place() -> None:
    address = PackageAddress("stats", "/user/ann/library/stats", "/home/ann/R")
    assert address.place == "user/ann/library/stats"
    with pytest.raises(Forbidden, match="user/ann/library/stats"):
        rights(Role.CALLER, "stats::*").check_look(address)


def test_refusal_says_what_would_allow_it() -> None:
    for one, hint in (
        (rights(Role.CALLER), "--functions 'base::system'"),
        (rights(Role.CALLER, "stats::*"), "but for stats::"),
        (rights(Role.ADMIN, call=("stats::*",)), 'call: ["base::system"]'),
    ):
        with pytest.raises(Forbidden) as refused:
            one.check_call(SYSTEM)
        assert hint in str(refused.value)


def test_scripts_and_functions_of_sessions_are_for_who_sends_code() -> None:
    rights(Role.ANALYST, "stats::*").check_code("running a script")
    for one in (
        rights(Role.CALLER, "*::*"),
        Rights(Caller(), JOBS, call=("stats::*",), code=False),
    ):
        with pytest.raises(Forbidden, match="running a script"):
            one.check_code("running a script")
    Rights(Caller(), JOBS, code=False).check_code("running a script")  # as OpenCPU has it


def test_job_that_is_not_theirs_is_never_named() -> None:
    with pytest.raises(JobNotFound, match="did you mean 'churn'"):
        rights(Role.CALLER).job("churm")
    with pytest.raises(Forbidden):
        rights(Role.CALLER, jobs=("weight_gain",)).job("churn")
    with pytest.raises(JobNotFound) as missing:
        rights(Role.CALLER, jobs=("churm", "weight_gain")).job("churm")
    assert missing.value.nearest == ""
