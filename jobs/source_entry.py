"""Where the rows of a job, and the values of an argument, may come from, as a job file says it."""

from pydantic import ConfigDict, Field, model_validator

from jobs.entry import Entry, own_error
from jobs.errors import ValueInvalid


class RowsFromEntry(Entry):
    """The one source of the rows."""

    model_config = ConfigDict(
        json_schema_extra={
            "minProperties": 1,
            "maxProperties": 1,
            "examples": [{"csv": "data/customers.csv"}],
        }
    )

    csv: str | None = Field(
        None,
        description="A CSV file with a header, relative to the project.",
        examples=["data/customers.csv"],
    )
    parquet: str | None = Field(
        None,
        description="A Parquet file, relative to the project.",
        examples=["data/customers.parquet"],
    )

    @model_validator(mode="after")
    def _is_one_source(self) -> "RowsFromEntry":
        kinds = type(self).model_fields
        if len([kind for kind in kinds if getattr(self, kind) is not None]) != 1:
            reason = f"rows come from one source: {', '.join(kinds)}"
            raise own_error(ValueInvalid(reason, "for example: {csv: data/customers.csv}"))
        return self
