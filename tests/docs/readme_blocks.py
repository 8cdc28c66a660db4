"""Write every Python block of every README as a module, so that type checkers can read them.

python -m tests.docs.readme_blocks FOLDER

A block may use names that the text around it explains; here they get a value of the right type.
"""

from __future__ import annotations

import ast
import builtins
import re
import sys
from pathlib import Path

import infobip_sms

ROOT = Path(__file__).resolve().parents[2]
PAGES = ("README.md", "src/README.md", "src/infobip_sms/sandbox/README.md", "conformance/README.md")
_BLOCK = re.compile(r"^```python\n(.*?)^```", re.MULTILINE | re.DOTALL)
_GIVEN = {
    "client": 'client = infobip_sms.Client("http://127.0.0.1:8080", auth=infobip_sms.ApiKey("a"))',
    "dt": "import datetime as dt",
    "messages": "messages: list[infobip_sms.Message] = []",
    "start_my_server": "import contextlib\n"
    "def start_my_server() -> contextlib.AbstractContextManager[str]:\n"
    "    raise NotImplementedError",
    "there": 'there = "41793026727"',
}


def write_blocks(folder: Path) -> list[Path]:
    """Write the modules and return their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for page in PAGES:
        text = (ROOT / page).read_text(encoding="utf-8")
        stem = page.removesuffix("/README.md").removesuffix(".md").replace("/", "_").lower()
        for number, code in enumerate(_BLOCK.findall(text), start=1):
            module = folder / f"{stem}_{number:02}.py"
            module.write_text(complete(code), encoding="utf-8")
            written.append(module)
    return written


def complete(code: str) -> str:
    """Return a block with the names that it does not define itself."""
    lines = ["import infobip_sms"]
    for name in sorted(find_free_names(code)):
        ours = name in infobip_sms.__all__
        lines.append(f"from infobip_sms import {name}" if ours else _GIVEN[name])
    return "\n".join([*lines, "", code])


def find_free_names(code: str) -> set[str]:
    """Return the names that a block uses and does not define."""
    nodes = list(ast.walk(ast.parse(code)))
    names = [node for node in nodes if isinstance(node, ast.Name)]
    bound = {n.id for n in names if isinstance(n.ctx, ast.Store)}
    bound |= {n.arg for n in nodes if isinstance(n, ast.arg)} - {*_GIVEN}
    bound |= {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)}
    bound |= {n.name for n in nodes if isinstance(n, ast.ExceptHandler) and n.name}
    imports = [n for n in nodes if isinstance(n, ast.Import | ast.ImportFrom)]
    bound |= {a.asname or a.name.partition(".")[0] for n in imports for a in n.names}
    return {n.id for n in names} - bound - {*dir(builtins)}


if __name__ == "__main__":
    for path in write_blocks(Path(sys.argv[1])):
        print(path)
