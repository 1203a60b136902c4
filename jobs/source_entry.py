"""Where the rows of a job, and the values of an argument, may come from, as a job file says it."""

from pydantic import ConfigDict, Field, field_validator, model_validator

from jobs.entry import Entry, own_error
from jobs.errors import ValueInvalid
from jobs.secret import EnvEntry, SecretText
from jobs.sql_query import is_url


class SqlEntry(Entry):
    """A query and the database that answers it."""

    url: SecretText = Field(
        description="The database as SQLAlchemy writes it, or {env: NAME}; a relative path of "
        "SQLite begins at the project.",
        examples=[{"env": "WAREHOUSE_URL"}],
    )
    query: str = Field(
        description="One SELECT in the database's own SQL.",
        examples=["SELECT customer_id, age FROM customers"],
    )

    @field_validator("url")
    @classmethod
    def _is_address(cls, url: str | EnvEntry) -> str | EnvEntry:
        if isinstance(url, str) and not is_url(url):
            reason = "this is no address of a database"  # not repeated: it may hold a password
            raise own_error(ValueInvalid(reason, "for example: {env: WAREHOUSE_URL}"))
        return url


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

    sql: SqlEntry | None = Field(
        None,
        description="What a database answers.",
        examples=[
            {"url": {"env": "WAREHOUSE_URL"}, "query": "SELECT customer_id, age FROM customers"}
        ],
    )

    r: str | None = Field(
        None,
        description="An R expression that gives a data frame; it sees all of the project.",
        examples=["subset(customers, active)"],
    )

    @model_validator(mode="after")
    def _is_one_source(self) -> "RowsFromEntry":
        kinds = type(self).model_fields
        if len([kind for kind in kinds if getattr(self, kind) is not None]) != 1:
            reason = f"rows come from one source: {', '.join(kinds)}"
            raise own_error(ValueInvalid(reason, "for example: {csv: data/customers.csv}"))
        return self


class AxisFromEntry(Entry):
    """Distinct values of a column, in the order in which they come first."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"csv": "data/weights.csv", "column": "prewt"}]}
    )

    csv: str | None = Field(
        None,
        description="A CSV file with a header, relative to the project.",
        examples=["data/weights.csv"],
    )
    parquet: str | None = Field(
        None,
        description="A Parquet file, relative to the project.",
        examples=["data/weights.parquet"],
    )
    sql: SqlEntry | None = Field(
        None,
        description="What a database answers: one column.",
        examples=[{"url": {"env": "WAREHOUSE_URL"}, "query": "SELECT prewt FROM weights"}],
    )
    r: str | None = Field(
        None,
        description="An R expression that gives a vector; it sees all of the project.",
        examples=["levels(patients$treatment)"],
    )
    column: str | None = Field(
        None,
        description="The column; may be left out if there is only one.",
        examples=["prewt"],
    )

    @model_validator(mode="after")
    def _is_one_source(self) -> "AxisFromEntry":
        sources = [
            source for source in (self.csv, self.parquet, self.sql, self.r) if source is not None
        ]
        if len(sources) != 1:
            reason = "values come from one source: csv, parquet, sql, r"
            raise own_error(ValueInvalid(reason, "for example: {csv: data/x.csv, column: prewt}"))
        return self
