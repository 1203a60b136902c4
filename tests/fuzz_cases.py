"""Requests that once were answered badly."""

from fuzzing import Shot

CASES: tuple[Shot, ...] = (Shot("GET", "/ocpu/library/MASS/..%2f..%2fetc"),)
