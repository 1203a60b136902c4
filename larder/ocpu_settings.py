"""Settings of /ocpu: the counterpart of OpenCPU's enable.* and httpcache.*."""

from typing import Annotated

from pydantic import AfterValidator

from api.ocpu_config import APIS, SECTION_OF
from jobs.entry import Duration, Entry, Size, own_error
from jobs.errors import ValueInvalid
from jobs.nearest import nearest
from larder.setting import EMPTY_GROUP, setting, size_setting, time_setting

SECTIONS = tuple(sorted(APIS))


def _known(name: str) -> str:
    if name in APIS:
        return name
    guess = SECTION_OF.get(name) or nearest(name, APIS)
    there_are = f"there are {', '.join(SECTIONS)}"
    hint = f"did you mean '{guess}'? {there_are}" if guess else there_are
    raise own_error(ValueInvalid(f"/ocpu has no section '{name}'", hint))


class OcpuCacheSettings(Entry):
    """How long clients, and caches on the way, may keep answers."""

    post_s: Duration = time_setting(
        "post", "5 minutes", "How long a client may keep the answer to a call that is not cached."
    )
    library_s: Duration = time_setting(
        "library", "1 day", "How long a client may keep what packages hold."
    )
    apps_s: Duration = time_setting(
        "apps", "15 minutes", "The same of apps, gists and what else is installed on demand."
    )
    tmp_s: Duration = time_setting("tmp", "1 day", "How long a client may keep parts of sessions.")
    static_s: Duration = time_setting(
        "static", "365 days", "How long a client may keep the files of the test page."
    )


class OcpuSettings(Entry):
    """What /ocpu offers."""

    apis: list[Annotated[str, AfterValidator(_known)]] | None = setting(
        "apis", None, "Sections that are served; the others answer 403.", shown="all"
    )
    code: bool = setting("code", default=True, text="Whether arguments may be R code.")
    cors: bool = setting(
        "cors", default=True, text="Whether web pages of other origins may call it."
    )
    upload_limit_bytes: Size = size_setting(
        "upload_limit", "2 GB", "Largest body of a request; a larger one is 413."
    )
    cache: Annotated[OcpuCacheSettings, EMPTY_GROUP] = setting(
        "cache", OcpuCacheSettings(), "How long clients may keep answers."
    )
