"""Count what the tasks of a newcomer need with each client, and print the table of the client guide.

python -m tests.docs.newcomer.count              print the table
python -m tests.docs.newcomer.count --run NAME   run the code of one client, where it is installed

Counted are the names imported, other than those of Python and of the web framework; the objects made of
them; and the lines that are neither blank nor a comment.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
from pathlib import Path

import attrs

FOLDER = Path(__file__).resolve().parent
CLIENTS = {"this": "this", "twilio": "twilio", "vonage": "vonage", "official": "official 6"}
_FRAMEWORKS = {"flask", "fastapi"}
_BLOCK = re.compile(r"^## (.+?)\n\n```python\n(.*?)^```", re.MULTILINE | re.DOTALL)


@attrs.frozen
class Count:
    """What one task needs."""

    names: int
    objects: int
    lines: int

    def __str__(self) -> str:
        return f"{self.names}, {self.objects}, {self.lines}"


def read_tasks(client: str) -> dict[str, str]:
    """Return the code of each task."""
    return dict(_BLOCK.findall((FOLDER / f"{client}.md").read_text(encoding="utf-8")))


def count(code: str) -> Count:
    """Count names, objects and lines."""
    tree = ast.parse(code)
    froms = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module]
    theirs = [node for node in froms if not _is_common(node.module or "")]
    names = {alias.name for node in theirs for alias in node.names}
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    owners = [f.value if isinstance(f, ast.Attribute) else f for f in calls]
    objects = [o for o in owners if isinstance(o, ast.Name) and o.id in names and o.id[0].isupper()]
    lines = [
        line for line in code.splitlines() if line.strip() and not line.strip().startswith("#")
    ]
    return Count(len(names), len(objects), len(lines))


def _is_common(module: str) -> bool:
    top = module.partition(".")[0]
    return top in _FRAMEWORKS or top in sys.stdlib_module_names


def build_table() -> str:
    """Return the table in Markdown."""
    found = {client: read_tasks(client) for client in CLIENTS}
    rows = [["Task", *CLIENTS.values()], ["---"] * (len(CLIENTS) + 1)]
    for task in found["this"]:
        cells = [str(count(t[task])) if task in t else "not offered" for t in found.values()]
        rows.append([task, *cells])
    return "\n".join(
        f"| {' | '.join(row)} |".replace("| --- ", "|---").replace("|--- |", "|---|")
        for row in rows
    )


def main() -> None:
    """Print the table, or run the code of a client."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--run", choices=CLIENTS)
    chosen = parser.parse_args().run
    if chosen is None:
        print(build_table())
        return
    for task, code in read_tasks(chosen).items():
        print(task)
        exec(compile(code, task, "exec"), {"__name__": task})  # noqa: S102 - our own snippets


if __name__ == "__main__":
    main()
