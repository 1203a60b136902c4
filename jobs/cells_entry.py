"""What may be written about the cells of a job: its arguments, grid or rows."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, ConfigDict, Discriminator, Field, Tag

from jobs.dates import check_step, parse_date
from jobs.entry import Entry, own_error, text_as, text_schema
from jobs.errors import ValueInvalid
from jobs.shown import shown
from jobs.source_entry import AxisFromEntry, RowsFromEntry

ArgumentType = Literal["string", "number", "integer", "boolean", "any"]


class ArgumentEntry(Entry):
    """One argument of the function: what it may be and what it is when left out."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"type": "number", "default": 0.95}]})

    type: ArgumentType | None = Field(
        None, description="Left out: told from values, min, max or default."
    )
    values: list[Any] | None = Field(
        None, description="The only values allowed.", examples=[["CBT", "FT"]]
    )
    min: float | None = Field(None, description="Smallest number allowed.", examples=[60])
    max: float | None = Field(None, description="Largest number allowed.", examples=[110])
    unit: str | None = Field(None, description="Unit of the number.", examples=["lb"])
    default: Any = Field(None, description="Value when the call leaves the argument out.")
    required: bool | None = Field(
        None, description="false: may be left out, and R's own default counts.", examples=[False]
    )
    description: str | None = Field(
        None, description="What it means.", examples=["Starting weight"]
    )


class RangeEntry(Entry):
    """Numbers from one to another, as R's seq()."""

    from_: float = Field(alias="from", description="First number.", examples=[70])
    to: float = Field(description="Last number, if the steps meet it.", examples=[95])
    by: float = Field(1, description="Step. Default: 1.", examples=[5])


def _date(value: object) -> date:
    try:
        return parse_date(value if isinstance(value, str) else shown(value))
    except ValueInvalid as error:
        raise own_error(error) from None


DateText = Annotated[date, BeforeValidator(_date), text_schema("2026-01-01", format="date")]


class DatesEntry(Entry):
    """Dates from one to another, as R's seq() of dates."""

    from_: DateText = Field(alias="from", description="First date.", examples=["2026-01-01"])
    to: DateText = Field(description="Last date, if the steps meet it.", examples=["2026-12-31"])
    by: Annotated[str, text_as(check_step)] = Field(
        "day",
        description="day, week, month, quarter or year, or some of them. Default: day.",
        examples=["month", "2 weeks"],
    )


def _axis_branch(value: object) -> str | None:
    if isinstance(value, dict):
        if not value.keys().isdisjoint(AxisFromEntry.model_fields):
            return "<source>"
        has_date = any("-" in str(value.get(end)).lstrip("-") for end in ("from", "to"))
        return "<dates>" if has_date or isinstance(value.get("by"), str) else "<range>"
    kinds: dict[type, str] = {list: "<list>", str: "<all>"}
    return kinds.get(type(value))


AxisEntry = Literal["all"] | RangeEntry | DatesEntry | AxisFromEntry | list[Any]
Axis = Annotated[
    Annotated[Literal["all"], Tag("<all>")]
    | Annotated[RangeEntry, Tag("<range>")]
    | Annotated[DatesEntry, Tag("<dates>")]
    | Annotated[AxisFromEntry, Tag("<source>")]
    | Annotated[list[Any], Tag("<list>")],
    Discriminator(_axis_branch),
    Field(examples=[["CBT", "FT"]]),
]


class GridEntry(Entry):
    """Values per argument; every combination is a cell."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Axis]

    exclude: list[dict[str, Any]] = Field(
        default=[],
        description="Combinations to leave out.",
        examples=[[{"treatment": "Cont", "prewt": 95}]],
    )
    include: list[dict[str, Any]] = Field(
        default=[],
        description="Further cells outside the combinations.",
        examples=[[{"treatment": "CBT", "prewt": 100}]],
    )

    def axes(self) -> dict[str, AxisEntry]:
        """The axes in the order written."""
        return self.__pydantic_extra__


class RowsEntry(Entry):
    """A table of which every row is a cell; R is called once per batch of rows."""

    from_: RowsFromEntry = Field(
        alias="from",
        description="Where the rows come from.",
        examples=[{"csv": "data/customers.csv"}],
    )
    key: str = Field(description="Column that names each row.", examples=["customer_id"])
    pass_as: str = Field(
        description="Argument that gets the rows as a data frame.", examples=["newdata"]
    )
    batch: Annotated[int, Field(ge=1, le=1_000_000)] = Field(
        5000, description="Rows per call of R. Default: 5000.", examples=[5000]
    )
