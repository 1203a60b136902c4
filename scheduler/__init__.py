"""Turns time into runs: pure rules for when, one thin moving part that follows them."""
