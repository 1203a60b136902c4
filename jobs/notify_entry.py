"""NotifyEntry: who is told of what, as job files write it."""

import re
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import ConfigDict, Discriminator, Field, Tag, model_validator

from jobs.entry import Entry, RCode, own_error, text_as, text_schema
from jobs.errors import ValueInvalid
from jobs.notify_spec import NotifySpec, Webhook
from jobs.problem import KeyPath
from jobs.secret import EnvEntry

_ADDRESS = re.compile(r"[^@\s,;<>\"]+@[^@\s,;<>\"]+")


def _url(text: str) -> str:
    # An address may be a secret as a whole, so no message repeats it.
    try:
        parts = urlsplit(text)
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        is_address = False
    if not is_address:
        hint = "for example: https://example.com/hooks/larder, or {env: NAME} for a secret one"
        raise ValueInvalid("this is no http or https address", hint)
    return text


def _email(text: str) -> str:
    if not _ADDRESS.fullmatch(text):
        raise ValueInvalid(f"'{text}' is no e-mail address", "for example: team@example.com")
    return text


WebhookUrl = Annotated[
    str, text_as(_url), text_schema("https://example.com/hooks/larder", format="uri")
]
EmailAddress = Annotated[str, text_as(_email), text_schema("team@example.com")]


class ChangedEntry(Entry):
    """A rule about answers that changed."""

    changed: RCode = Field(
        description="An R expression about `new` and `old`; TRUE where the change is to be told.",
        examples=["abs(new - old) > 0.1"],
    )


def _event_branch(value: object) -> str:
    return "<rule>" if isinstance(value, dict | ChangedEntry) else "<word>"


Event = Annotated[
    Annotated[Literal["failed", "stale"], Tag("<word>")] | Annotated[ChangedEntry, Tag("<rule>")],
    Discriminator(_event_branch),
]


def _url_branch(value: object) -> str:
    return "<env>" if isinstance(value, dict | EnvEntry) else "<text>"


UrlText = Annotated[
    Annotated[WebhookUrl, Tag("<text>")] | Annotated[EnvEntry, Tag("<env>")],
    Discriminator(_url_branch),
]


class WebhookEntry(Entry):
    """An address that messages are sent to, signed."""

    url: UrlText = Field(
        description="The address, or {env: NAME}.", examples=["https://example.com/hooks/larder"]
    )
    secret: EnvEntry | None = Field(
        None,
        description="The variable with the key that each message is signed with.",
        examples=[{"env": "HOOK_SECRET"}],
    )


def _webhook_branch(value: object) -> str:
    if isinstance(value, WebhookEntry) or (isinstance(value, dict) and "env" not in value):
        return "<webhook>"
    return _url_branch(value)


class NotifyEntry(Entry):
    """Who is told of what; one message for each run."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"on": ["failed", {"changed": "abs(new - old) > 0.1"}], "email": "team@example.com"}
            ]
        }
    )

    on: list[Event] = Field(
        default=["failed", "stale"],
        description="failed, stale, and rules as `changed: R expression`. Default: failed, stale.",
        examples=[["failed", "stale", {"changed": "abs(new - old) > 0.1"}]],
    )
    webhook: (
        Annotated[
            Annotated[WebhookUrl, Tag("<text>")]
            | Annotated[EnvEntry, Tag("<env>")]
            | Annotated[WebhookEntry, Tag("<webhook>")],
            Discriminator(_webhook_branch),
        ]
        | None
    ) = Field(
        None,
        description="Address that messages are posted to as JSON; {env: NAME} where it is secret.",
        examples=["https://example.com/hooks/larder"],
    )
    email: EmailAddress | list[EmailAddress] | None = Field(
        None,
        description="Whom messages are mailed to; larder.yaml says how, under `mail`.",
        examples=["team@example.com"],
    )

    @model_validator(mode="after")
    def _reaches_somebody(self) -> "NotifyEntry":
        if self.on and not self.webhook and not self.email:
            hint = "for example: email: team@example.com"
            raise own_error(ValueInvalid("nobody is told: a 'webhook' or 'email' is missing", hint))
        return self

    def spec(self) -> NotifySpec:
        """What it says."""
        rules = {
            place: event for place, event in enumerate(self.on) if isinstance(event, ChangedEntry)
        }
        written = self.webhook
        webhook = None
        if isinstance(written, WebhookEntry):
            webhook = Webhook(written.url, written.secret)
        elif written is not None:
            webhook = Webhook(written)
        several = self.email if isinstance(self.email, list) else [self.email or ""]
        places: tuple[KeyPath, ...] = tuple(("notify", "on", place, "changed") for place in rules)
        return NotifySpec(
            failed="failed" in self.on,
            stale="stale" in self.on,
            changed=tuple(rule.changed for rule in rules.values()),
            webhook=webhook,
            email=tuple(dict.fromkeys(one for one in several if one)),
            places=places,
        )
