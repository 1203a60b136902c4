"""CodeVersion: which R code computes the answers of a package's functions."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class CodeVersion:
    """A package as it is loaded now; another one may answer otherwise.

    Attributes:
        package: Its name.
        version: Its version; of the project's own package the digest of its sources.
        r: R's version.
        release: Which release of an installed package: another commit may bear the same version.
    """

    package: str
    version: str
    r: str
    release: str = ""

    def __str__(self) -> str:
        return " ".join(filter(None, (self.package, self.version, self.r, self.release)))

    def facts(self) -> dict[str, str]:
        """The same as plain JSON."""
        return asdict(self)
