"""Every setting, with default, unit and one sentence: what larder.yaml and LARDER_… may say."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, WithJsonSchema

from jobs.entry import (
    Duration,
    Entry,
    PositiveDuration,
    PositiveSize,
    Size,
    Timezone,
    own_error,
    text_as,
    text_schema,
)
from jobs.errors import ValueInvalid
from jobs.limits_entry import PlotCount, ProcessCount
from jobs.project import BASE_PACKAGES, is_package_name, package_name
from larder.access_settings import AccessSettings, FunctionPattern
from larder.audit_settings import AuditSettings
from larder.install_settings import InstallSettings
from larder.ocpu_settings import OcpuSettings
from larder.setting import EMPTY_GROUP, Count, setting, size_setting, time_setting


def _project_name(text: str) -> str:
    if not is_package_name(text):
        hint = f"letters, digits and dots, as R names packages; for example: {package_name(text)}"
        raise ValueInvalid(f"'{text}' cannot be the name of a project", hint)
    if text in BASE_PACKAGES:
        raise ValueInvalid(f"'{text}' is the name of a package of R itself", "take another")
    return text


def _catalog_url(text: str) -> str:
    # The text may hold a password, so no message repeats it.
    if text.startswith("postgresql"):
        raise ValueInvalid("only SQLite is supported yet", "leave 'catalog' out")
    if not text.startswith("sqlite:///"):
        hint = "for example: sqlite:////var/lib/larder/catalog.db"
        raise ValueInvalid("this is no address of a catalog", hint)
    return text


def _key_length(value: object) -> object:
    if value == "auto" or (type(value) is int and 13 <= value <= 64):
        return value
    raise own_error(ValueInvalid("a session key has 13 to 64 digits", "a number, or auto"))


ProjectName = Annotated[str, text_as(_project_name), text_schema("scoring")]
CatalogUrl = Annotated[
    str, text_as(_catalog_url), text_schema("sqlite:////var/lib/larder/catalog.db")
]
KeyLength = Annotated[
    int | Literal["auto"],
    BeforeValidator(_key_length),
    WithJsonSchema(
        {"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 13, "maximum": 64}]}
    ),
]


class SessionSettings(Entry):
    """The results of calls, as OpenCPU keeps them."""

    keep_s: Duration = time_setting(
        "keep", "24 hours", "How long a session can be read after its call."
    )
    key_length: KeyLength = setting(
        "key_length",
        "auto",
        "Random digits in a session's key; auto is 13 on loopback and 26 elsewhere.",
        unit="hexadecimal digits",
    )


class CacheSettings(Entry):
    """What is cached, and how much."""

    json_digits: Annotated[int, Field(ge=0, le=22)] = setting(
        "json_digits",
        4,
        "Digits of numbers in JSON under /ocpu, unless the call says otherwise.",
        unit="digits after the point",
    )
    size_limit_bytes: Size = size_setting(
        "size_limit", "10 GB", "Disk space for results; on-demand answers are evicted beyond it."
    )


class EngineSettings(Entry):
    """How R is run."""

    spares: Annotated[int, Field(ge=0, le=256)] | None = setting(
        "spares", None, "R children kept ready.", shown="2 per core", unit="processes"
    )
    max_running: Count | None = setting(
        "max_running",
        None,
        "Calls that run at a time; the others wait.",
        shown="2 per core",
        unit="calls",
    )
    timeout_post_s: PositiveDuration = time_setting(
        "timeout_post", "90 seconds", "Longest time of a call made by POST."
    )
    timeout_get_s: PositiveDuration = time_setting(
        "timeout_get", "60 seconds", "Longest time for reading an object: GET below /ocpu."
    )
    cpu_time_s: PositiveDuration | None = setting(
        "cpu_time",
        None,
        "Processor time that a call and all that it starts may take together.",
        shown="as much as fits in its time",
        unit="time",
    )
    memory_bytes: PositiveSize = size_setting(
        "memory", "4 GB", "Memory that a call and all that it starts may take together."
    )
    file_bytes: PositiveSize = size_setting(
        "file_size", "1 GB", "Largest file that a call may write."
    )
    disk_bytes: PositiveSize = size_setting(
        "disk", "10 GB", "What a call's files may take together."
    )
    processes: ProcessCount = setting(
        "processes", 500, "Processes and threads that a call may start.", unit="processes"
    )
    output_bytes: PositiveSize = size_setting("output", "10 MB", "What a call may print.")
    plots: PlotCount = setting("plots", 1000, "Plots that a call may draw.", unit="plots")
    walls: Literal["auto", "require", "off"] = setting(
        "walls",
        "auto",
        "What confines R: all that this machine gives, or no start without all of it, or nothing.",
    )
    reads: list[str] = setting(
        "reads", [], "Files and folders that R may read, besides the project's models/ and data/."
    )
    network: bool = setting(
        "network", default=False, text="Whether every call may open connections, not only jobs."
    )
    live: Literal["on", "off"] = setting(
        "live", "on", "Whether sessions stay in memory for a while, for the next call of a chain."
    )
    live_idle_s: PositiveDuration = time_setting(
        "live_idle", "60 seconds", "How long a session stays in memory that no call names."
    )
    live_memory_bytes: Size = size_setting(
        "live_memory", "1 GB", "Memory that sessions may take together; the oldest go beyond it."
    )
    templates_memory_bytes: Size = size_setting(
        "templates_memory",
        "2 GB",
        "Memory for packages that are kept loaded because calls often ask for them.",
    )


class ScheduleSettings(Entry):
    """Whether and how late schedules fire."""

    enabled: bool = setting("enabled", default=True, text="Whether schedules fire at all.")
    misfire_grace_s: Duration = time_setting(
        "misfire_grace", "24 hours", "How late a fire missed while the server was down still runs."
    )


class MailSettings(Entry):
    """How messages are mailed."""

    server: str | None = setting(
        "server",
        None,
        "Mail server that takes messages; without one none are mailed.",
        shown="none",
    )
    port: Annotated[int, Field(ge=1, le=65535)] | None = setting(
        "port", None, "Its port.", shown="587; with tls: on 465, with tls: off 25"
    )
    tls: Literal["starttls", "on", "off"] = setting(
        "tls", "starttls", "Encryption: asked for in the dialogue, from its start, or none."
    )
    ca_file: str | None = setting(
        "ca_file",
        None,
        "Certificates (PEM) that sign the server's, from the project's folder on.",
        shown="those that the system trusts",
    )
    user: str | None = setting("user", None, "Name to log in with.", shown="no login")
    password: str | None = setting(
        "password", None, "Password to log in with.", shown="none", secret=True
    )
    sender: str | None = setting(
        "from", None, "Address that messages come from.", shown="larder@ this machine's name"
    )


class LogSettings(Entry):
    """What is logged."""

    level: Literal["debug", "info", "warning", "error"] = setting(
        "level", "info", "The least important messages that are logged."
    )
    format: Literal["text", "json"] = setting(
        "format", "text", "Lines for people, or JSON for programs."
    )


class SettingsFile(Entry):
    """The settings of a project."""

    name: ProjectName | None = setting(
        "name",
        None,
        "The project's name; its models appear as the R package of that name.",
        shown="the folder's name",
    )
    host: str = setting("host", "127.0.0.1", "Address to listen on.")
    port: Annotated[int, Field(ge=0, le=65535)] = setting(
        "port", 8080, "Port to listen on; 0 takes a free one."
    )
    url: str | None = setting(
        "url",
        None,
        "Address under which people reach the server, for links in messages.",
        shown="http:// host and port",
    )
    workers: Count = setting("workers", 2, "API processes.", unit="processes")
    insecure: bool = setting(
        "insecure",
        default=False,
        text="Whether to listen beyond loopback without keys, or all walls.",
    )
    timezone: Timezone = setting("timezone", "UTC", "Zone of schedules that name none.")
    catalog: CatalogUrl | None = setting(
        "catalog", None, "Database of runs and schedules.", shown="SQLite in .larder/catalog.db"
    )
    call: list[FunctionPattern] | None = setting(
        "call",
        None,
        "Functions that may be called, beside those of jobs, as stats::*; nobody calls others.",
        shown="all by who may send code, those of jobs by others",
    )
    preload: list[str] = setting("preload", [], "R packages loaded before any call.")
    shutdown_grace_s: Duration = time_setting(
        "shutdown_grace", "30 seconds", "How long running calls may finish when the server stops."
    )
    sessions: Annotated[SessionSettings, EMPTY_GROUP] = Field(
        SessionSettings(), description="Sessions."
    )
    cache: Annotated[CacheSettings, EMPTY_GROUP] = Field(
        CacheSettings(), description="Cached answers."
    )
    engine: Annotated[EngineSettings, EMPTY_GROUP] = Field(
        EngineSettings(), description="The R engine."
    )
    access: Annotated[AccessSettings, EMPTY_GROUP] = Field(
        AccessSettings(), description="Who may ask."
    )
    audit: Annotated[AuditSettings, EMPTY_GROUP] = Field(
        AuditSettings(), description="What is on record."
    )
    ocpu: Annotated[OcpuSettings, EMPTY_GROUP] = Field(
        OcpuSettings(), description="The API of OpenCPU."
    )
    install: Annotated[InstallSettings, EMPTY_GROUP] = Field(
        InstallSettings(), description="What may be installed, and from where."
    )
    schedule: Annotated[ScheduleSettings, EMPTY_GROUP] = Field(
        ScheduleSettings(), description="Schedules."
    )
    mail: Annotated[MailSettings, EMPTY_GROUP] = Field(
        MailSettings(), description="How messages about jobs are mailed."
    )
    log: Annotated[LogSettings, EMPTY_GROUP] = Field(LogSettings(), description="Logs.")
