"""What makes one independent server differ from another: its liberties and its faults."""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Traits:
    """The liberties that a server takes, and the names of the rules that it breaks."""

    liberties: frozenset[str] = frozenset()
    faults: frozenset[str] = frozenset()

    def takes(self, liberty: str) -> bool:
        """Tell whether the server takes this liberty."""
        return liberty in self.liberties

    def breaks(self, fault: str) -> bool:
        """Tell whether this is one of the server's faults."""
        return fault in self.faults

    def choose(self, by_fault: Mapping[str, T], usual: T) -> T:
        """Return what a fault of the server has in place of the usual; of several the first."""
        return next((value for name, value in by_fault.items() if name in self.faults), usual)

    def loosens(self, by_fault: Mapping[str, bool]) -> bool:
        """Tell whether a fault of the server holds here."""
        return any(holds for name, holds in by_fault.items() if name in self.faults)


def read_legal() -> dict[str, list[str]]:
    """Read the allowed personalities: name to liberties."""
    listed = tomllib.loads((HERE / "legal.toml").read_text("utf-8"))["legal"]
    return {entry["name"]: entry["liberties"] for entry in listed}


def read_faults() -> list[str]:
    """Read the names of the faults."""
    listed = tomllib.loads((HERE / "faults.toml").read_text("utf-8"))["fault"]
    return [entry["name"] for entry in listed]


def read_traits(legal: str, faults: Collection[str]) -> Traits:
    """Build the traits of a personality, whose empty name is none, and of some faults."""
    return Traits(frozenset(read_legal()[legal] if legal else ()), frozenset(faults))
