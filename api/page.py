"""Pages for people: HTML of templates, which loads nothing from elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from api.reply import Reply

STYLES: Final = Path(__file__).parent / "static" / "pages"
_TEMPLATES: Final = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_POLICY: Final = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
    " frame-ancestors 'none'; base-uri 'none'"
)
_HEADERS: Final = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", _POLICY),
    ("X-Frame-Options", "DENY"),
    ("X-Content-Type-Options", "nosniff"),
    ("Referrer-Policy", "same-origin"),  # less would hide from forms where they come from
)


def page(template: str, status: int = 200, **facts: Any) -> Reply:
    """Returns the page that a template makes of facts."""
    content = _TEMPLATES.get_template(template).render(facts)
    return Reply(status, content.encode(), "text/html; charset=utf-8", _HEADERS)
