"""The nearest of several valid words, for hints."""

import difflib
from collections.abc import Iterable


def nearest(word: str, candidates: Iterable[str]) -> str:
    """The candidate most like `word` whatever its case, or an empty text if none is close."""
    by_folded = {candidate.casefold(): candidate for candidate in candidates}
    close = difflib.get_close_matches(word.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[close[0]] if close else ""


def did_you_mean(word: str, candidates: Iterable[str], *, otherwise: str = "") -> str:
    """A hint that names the nearest candidate, or `otherwise` when none is close."""
    guess = nearest(word, candidates)
    return f"did you mean '{guess}'?" if guess else otherwise
