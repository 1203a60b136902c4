"""Measurements of Larder beside something else, each a ratio within one run."""
