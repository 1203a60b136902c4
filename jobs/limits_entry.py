"""Limits of a job's calls, in the language of job files."""

from typing import Annotated

from pydantic import Field

from jobs.entry import Entry, PositiveDuration, PositiveSize

ProcessCount = Annotated[int, Field(ge=1, le=1_000_000)]
PlotCount = Annotated[int, Field(ge=0, le=1_000_000)]


class LimitsEntry(Entry):
    """What one call may take. Where the server's settings allow less, that holds."""

    memory: PositiveSize | None = Field(
        None, description="Memory of the call and all that it starts."
    )
    cpu_time: PositiveDuration | None = Field(
        None, description="Processor time of the call and all that it starts."
    )
    file_size: PositiveSize | None = Field(None, description="Largest file that it may write.")
    disk: PositiveSize | None = Field(None, description="What its files may take together.")
    processes: ProcessCount | None = Field(
        None, description="Processes and threads that it may start.", examples=[20]
    )
    output: PositiveSize | None = Field(None, description="What it may print.")
    plots: PlotCount | None = Field(None, description="Plots that it may draw.", examples=[10])
