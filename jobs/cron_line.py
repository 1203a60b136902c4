"""A line of cron as text: what Debian's cron takes, in the one form that is kept."""

import re
from dataclasses import dataclass

from jobs.errors import ValueInvalid
from jobs.nearest import did_you_mean, nearest

MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
_WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
_TERM = re.compile(
    r"(?P<all>\*)(?:/(?P<step>[0-9]{1,9}))?"
    r"|(?P<first>[0-9A-Z]{1,9})(?:-(?P<last>[0-9A-Z]{1,9})(?:/(?P<skip>[0-9]{1,9}))?)?",
    re.ASCII,
)


@dataclass(frozen=True)
class _Field:
    name: str
    first: int
    last: int
    names: tuple[str, ...] = ()
    note: str = ""

    def number(self, text: str) -> int | None:
        """The value that a number or a name stands for, if it stands for one."""
        if text in self.names:
            return self.first + self.names.index(text)
        value = int(text) if text.isdigit() else -1
        return value if self.first <= value <= self.last else None

    def term(self, text: str) -> str | None:
        """One term of the field's list as it is kept, None if cron would refuse it."""
        found = _TERM.fullmatch(text)
        if found is None or any(n is not None and int(n) == 0 for n in found.group("step", "skip")):
            return None
        if found["all"]:
            return text
        first = self.number(found["first"])
        last = first if found["last"] is None else self.number(found["last"])
        if first is None or last is None or last < first:
            return None
        # A step in a range of one value changes nothing: "10-10/5" is "10".
        return found["first"] if first == last else text


_FIELDS = (
    _Field("minute", 0, 59),
    _Field("hour", 0, 23),
    _Field("day of the month", 1, 31),
    _Field("month", 1, 12, _MONTHS, ", JAN-DEC"),
    _Field("weekday", 0, 7, _WEEKDAYS, ", SUN-SAT; 0 and 7 are Sunday"),
)


def read_cron_line(text: str) -> str:
    """The five fields of a line of cron; the macros (@daily) are written out.

    What the manual gives no meaning is refused: a step after a single number, which some crons
    skip and some count to the field's end, and a range that goes down.

    Raises:
        ValueInvalid: If cron would not take it.
    """
    words = " ".join(text.upper().split())
    if words.startswith("@") and words.lower() not in MACROS:
        hint = did_you_mean(words.lower(), MACROS, otherwise=f"there are {', '.join(MACROS)}")
        raise ValueInvalid(f"'{text}' is no cron schedule", hint)
    fields = MACROS.get(words.lower(), words).split()
    if len(fields) != len(_FIELDS):
        named = ", ".join(field.name for field in _FIELDS)
        hint = f"cron has five fields: {named}; for example: 0 5 * * MON-FRI"
        raise ValueInvalid(f"'{text}' is no cron schedule: it has {len(fields)} fields", hint)
    return " ".join(_read(field, part, text) for field, part in zip(_FIELDS, fields, strict=True))


def _read(field: _Field, part: str, text: str) -> str:
    terms = [field.term(term) for term in part.split(",")]
    if None in terms:
        reason = f"'{text}' is no cron schedule: the field for the {field.name} is wrong"
        raise ValueInvalid(reason, _hint(field, part))
    return ",".join(term for term in terms if term is not None)


def _hint(field: _Field, part: str) -> str:
    if step := re.search(r"(?:^|,)([0-9]{1,2})/([0-9]{1,2})(?:,|$)", part, re.ASCII):
        return f"a step goes with a range: {step[1]}-{field.last}/{step[2]}"
    if field.names and (until := re.search(r"([A-Z]{3})-SUN\b", part)) and until[1] in field.names:
        return f"at the end of a range Sunday is 7: {field.number(until[1])}-7"
    for word in re.findall("[A-Z]+", part) if field.names else ():
        if word not in field.names and (guess := nearest(word, field.names)):
            return f"did you mean '{guess}'?"
    numbers = f"({field.first}-{field.last}{field.note})"
    return f"it may be *, a number {numbers}, a range (1-5), a list (1,3) or a step (*/15)"
