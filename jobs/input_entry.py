"""RefreshWhenEntry: the input of a job, as its entry names it."""

from pydantic import ConfigDict, Field, model_validator

from jobs.entry import Entry, RCode, own_error
from jobs.errors import ValueInvalid


class RefreshWhenEntry(Entry):
    """The input whose change makes answers anew: a file, or the value of an R expression."""

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

    @model_validator(mode="after")
    def _is_one_input(self) -> "RefreshWhenEntry":
        if (self.file is None) == (self.r is None):
            hint = "for example: {file: data/visits.csv}"
            raise own_error(ValueInvalid("an input is either a 'file' or 'r'", hint))
        return self
