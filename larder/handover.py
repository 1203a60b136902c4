"""Settings as text, handed to the processes of the roles by the one that read them.

The roles of a server follow what it read when it started. Were each to read larder.yaml again, a
role that is restarted while the file holds a mistake could not come up.
"""

import json
import os
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from larder.settings import Settings
from larder.settings_file import SettingsFile

VARIABLE = "LARDER_HANDOVER"
"""The variable that carries it: unlike arguments, it is not shown to other users of the machine."""


def to_text(settings: Settings) -> str:
    """The settings as JSON."""
    groups = {
        name: value.model_dump() if isinstance(value, BaseModel) else value
        for name, value in dict(settings).items()
    }
    return json.dumps({**groups, "folder": str(settings.folder)})


def from_text(text: str) -> Settings:
    """The settings that `to_text` was given; nothing is checked again."""
    values = json.loads(text)
    folder = Path(values.pop("folder"))
    return Settings.model_construct(**_groups(SettingsFile, values), folder=folder)


def _groups(model: type[BaseModel], values: dict[str, Any]) -> dict[str, Any]:
    """The values, with every group of settings an object of its class again."""
    made = dict(values)
    for name, field in model.model_fields.items():
        if isinstance(field.default, BaseModel):
            group = type(field.default)
            made[name] = group.model_construct(**_groups(group, values[name]))
    return made


def receive() -> Settings:
    """The settings that this process was started with; they leave its environment."""
    return from_text(os.environ.pop(VARIABLE))
