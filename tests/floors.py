"""Try the oldest versions that pyproject.toml promises: every ``>=`` of the core and the extras as ``==``.

python -m tests.floors [FOLDER]       a virtual environment in FOLDER (default: .floors)
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EXTRAS = ("cli", "sandbox", "conformance", "fast", "text", "otel", "numbers")
TESTS = ("tests/codecs", "tests/client", "tests/transport", "tests/send_many/test_send_many.py")
# What the tests themselves need, of the extra dev; those of the generator need its tools.
HELPERS = ("gsmcodecs", "opentelemetry-sdk")


def list_floors() -> list[str]:
    """Return every dependency of the core, the extras and the tests, at the lowest version that is allowed."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    rows = list(project["dependencies"])
    for extra in EXTRAS:
        rows += [r for r in project["optional-dependencies"][extra] if "infobip-sms[" not in r]
    rows += [r for r in project["optional-dependencies"]["dev"] if r.startswith(HELPERS)]
    return sorted({re.sub(r">=", "==", row) for row in rows})


def main() -> int:
    """Install the floors, then run the suite against the sandbox and the tests of the binding."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else ROOT / ".floors").resolve()
    venv.create(folder, with_pip=True, clear=True)
    python = folder / "bin" / "python"
    floors = list_floors()
    print("\n".join(floors), flush=True)
    pip: list[str | Path] = [
        python,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    subprocess.run([*pip, *floors], check=True)
    subprocess.run([*pip, "--no-deps", "--editable", str(ROOT)], check=True)
    for command in (
        ["-m", "infobip_sms", "conformance", "server", "--quiet"],
        ["-m", "pytest", "-q", *TESTS, "--ignore=tests/codecs/test_generate.py"],
    ):
        if code := subprocess.run([python, *command], cwd=ROOT, check=False).returncode:
            return code
    print("the oldest promised versions work")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
