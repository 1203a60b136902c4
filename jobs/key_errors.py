"""Errors of access keys; part of the tree of `jobs.errors`."""

from jobs.errors import JobError


class KeyNameTaken(JobError):
    """A valid key has the name already."""

    def __init__(self, name: str, key_id: int) -> None:
        self.name = name
        self.key_id = key_id
        super().__init__(
            f"there is a key '{name}' already, #{key_id}: `larder keys rotate {name}` makes the one"
            " that takes its place, another name one beside it"
        )


class KeyNotFound(JobError):
    """No valid key has the name or number; `nearest` is a similar name, or empty."""

    def __init__(self, which: str, nearest: str = "") -> None:
        self.which = which
        self.nearest = nearest
        guess = f"did you mean '{nearest}'?" if nearest else "`larder keys list --all` shows all"
        super().__init__(f"there is no valid key '{which}'; {guess}")
