"""RefreshWhenEntry: the input of a job, as its entry names it."""

from pydantic import ConfigDict, Field, model_validator

from jobs.entry import Entry, RCode, own_error
from jobs.errors import ValueInvalid
from jobs.source_entry import SqlEntry


class RefreshWhenEntry(Entry):
    """The input whose change makes answers anew: a file, a query, or an R expression's value."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"file": "data/visits.csv"}]})

    file: str | None = Field(
        None,
        description="A file of the project, told by its content.",
        examples=["data/visits.csv"],
    )
    r: RCode | None = Field(
        None,
        description="An R expression, told by its value.",
        examples=["latest_visit()"],
    )

    sql: SqlEntry | None = Field(
        None,
        description="A query, told by all rows that it answers, in their order.",
        examples=[{"url": "sqlite:///data/visits.db", "query": "select max(day) from visits"}],
    )

    @model_validator(mode="after")
    def _is_one_input(self) -> "RefreshWhenEntry":
        if sum(value is not None for value in (self.file, self.r, self.sql)) != 1:
            hint = "for example: {file: data/visits.csv}"
            raise own_error(ValueInvalid("an input is either a 'file' or 'sql' or 'r'", hint))
        return self
