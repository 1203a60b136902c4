"""A push to GitHub, as its webhook tells of it: checked to be GitHub's, and read."""

from __future__ import annotations

import hmac
import re
from dataclasses import dataclass
from typing import Any

import orjson

from api.body import Body
from api.errors import BadRequest, BodyTooLarge
from api.form import FORM, form_pairs
from api.install_refusals import SignatureMissing, SignatureWrong

LIMIT_BYTES = 25 * 2**20
"""GitHub sends no larger delivery."""
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True)
class PushEvent:
    """What was pushed where.

    Attributes:
        repository: `owner/repo`.
        ref: The branch or tag, as `refs/heads/main`.
        default_branch: The name of the repository's main branch, if it was told.
        commit: What the ref shows now; None where it is gone.
    """

    repository: str
    ref: str
    default_branch: str | None
    commit: str | None

    @property
    def is_news(self) -> bool:
        """Whether the default branch has another commit now."""
        return self.commit is not None and self.ref == f"refs/heads/{self.default_branch}"

    @classmethod
    def read(cls, payload: Any) -> PushEvent:
        """Returns the event that a payload tells of.

        Raises:
            BadRequest: it is no push event.
        """
        try:
            repository, after = payload["repository"], payload.get("after")
            branch = repository.get("default_branch") or repository.get("master_branch")
            is_commit = isinstance(after, str) and _COMMIT.fullmatch(after) and after.strip("0")
            gone = payload.get("deleted") is True or not is_commit
            return cls(
                repository=str(repository["full_name"]),
                ref=str(payload["ref"]),
                default_branch=None if branch is None else str(branch),
                commit=None if gone else after,
            )
        except (TypeError, KeyError, AttributeError):
            raise BadRequest(
                "This is no push event of GitHub: it needs `ref`, `after` and `repository` with"
                " `full_name` and `default_branch`"
            ) from None


def delivered(body: Body) -> bytes:
    """Returns the bytes of a delivery.

    Raises:
        BodyTooLarge: GitHub sends no such.
    """
    if body.length > LIMIT_BYTES:
        raise BodyTooLarge(LIMIT_BYTES)
    return body.read()


def payload_of(content: bytes, media_type: str) -> Any:
    """Returns what a delivery says: its JSON, or that in the form field `payload`.

    Raises:
        BadRequest: there is none, or it is broken.
    """
    if media_type == FORM:
        fields = dict(form_pairs(content))
        if "payload" not in fields:
            raise BadRequest("The form has no field `payload`")
        content = fields["payload"].encode("utf-8", "replace")
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise BadRequest(f"The delivery is no JSON: {error.msg}") from None


def check_signature(content: bytes, signature: str | None, secret: str) -> None:
    """Lets a delivery pass that was signed with the secret, in a time that tells nothing.

    Raises:
        SignatureMissing: it is not signed.
        SignatureWrong: it is signed with another secret, or was changed on its way.
    """
    if not signature:
        raise SignatureMissing
    expected = "sha256=" + hmac.new(secret.encode(), content, "sha256").hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace")):
        raise SignatureWrong
