"""The options of a project: ``conformance.toml``, or a table of ``pyproject.toml``.

[tool.infobip-sms.conformance]
url = "http://127.0.0.1:8080"
api-key = "${API_KEY}"
without = ["bulks"]

The names are those of the options; the command line goes before the file.
"""

import os
import re
import tomllib
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from infobip_sms_conformance.errors import UsageError

OWN_FILE, PROJECT_FILE = "conformance.toml", "pyproject.toml"
TABLE = ("tool", "infobip-sms", "conformance")
VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")
COMMAND_LINE_ONLY = {"live", "dry_run", "replay", "help"}
"""Options that are given each time: what a run does is not hidden in a file."""


def read_settings(folder: Path, options: Collection[str]) -> dict[str, Any]:
    """Return the options that a folder's file has; UsageError for one that cannot be read or is unknown."""
    for name in (OWN_FILE, PROJECT_FILE):
        path = folder / name
        if path.is_file() and (table := read_table(path)) is not None:
            return {
                key.replace("-", "_"): expand(f"{name}: {key}", value)
                for key, value in table.items()
                if is_option(name, key, options)
            }
    return {}


def read_table(path: Path) -> Mapping[str, Any] | None:
    """Return the table of a file; none if a pyproject.toml has none."""
    try:
        found: Any = tomllib.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        if path.name == PROJECT_FILE:  # no file of ours
            return None
        raise UsageError(f"{path.name}: expected TOML: {error}") from None
    for step in TABLE if path.name == PROJECT_FILE else ():
        found = found.get(step) if isinstance(found, dict) else None
    if found is not None and not isinstance(found, dict):
        raise UsageError(f"{path.name}: expected a table {'.'.join(TABLE)}")
    return found


def is_option(file_name: str, key: str, options: Collection[str]) -> bool:
    """Tell that a key is an option; raise UsageError otherwise."""
    name = key.replace("-", "_")
    if name in COMMAND_LINE_ONLY:
        raise UsageError(f"{file_name}: {key}: only on the command line")
    if name not in options:
        raise UsageError(f"{file_name}: there is no option {key}; see server --help")
    return True


def expand(place: str, value: Any) -> Any:
    """Return a value with the environment variables in its strings."""
    if isinstance(value, list):
        return [expand(place, item) for item in value]
    if not isinstance(value, str):
        return value

    def get(match: re.Match[str]) -> str:
        if match[1] not in os.environ:
            raise UsageError(f"{place}: the environment variable {match[1]} is not set")
        return os.environ[match[1]]

    return VARIABLE.sub(get, value)
