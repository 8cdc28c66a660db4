"""What makes one independent server differ from another: its liberties and its one fault."""

import tomllib
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent


@dataclass(frozen=True)
class Traits:
    """The liberties that a server takes, and the name of the rule that it breaks."""

    liberties: frozenset[str] = frozenset()
    fault: str = ""

    def takes(self, liberty: str) -> bool:
        """Tell whether the server takes this liberty."""
        return liberty in self.liberties

    def breaks(self, fault: str) -> bool:
        """Tell whether this is the server's fault."""
        return fault == self.fault


def read_legal() -> dict[str, list[str]]:
    """Read the allowed personalities: name to liberties."""
    listed = tomllib.loads((HERE / "legal.toml").read_text("utf-8"))["legal"]
    return {entry["name"]: entry["liberties"] for entry in listed}


def read_faults() -> list[str]:
    """Read the names of the faults."""
    listed = tomllib.loads((HERE / "faults.toml").read_text("utf-8"))["fault"]
    return [entry["name"] for entry in listed]


def read_traits(legal: str, fault: str) -> Traits:
    """Build the traits of a personality and a fault; an empty name is none."""
    return Traits(frozenset(read_legal()[legal] if legal else ()), fault)
