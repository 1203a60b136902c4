"""The version of Larder that is installed."""

from importlib import metadata


def version() -> str:
    """The version, as packages are numbered."""
    try:
        return metadata.version("rlarder")
    except metadata.PackageNotFoundError:
        return "(not installed)"
