"""Test a wheel as a user gets it: new environments, no source tree.

python tests/dist_smoke.py dist/infobip_sms-….whl
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

CORE = """
import sys
from importlib.metadata import requires
from infobip_sms import ApiKey, Client, Destination, Message, TransportError, SmsRequest
from infobip_sms.codecs import wire_json, wire_xml
from importlib.resources import files

data = files("infobip_sms_schema") / "data"
examples = sorted(p.name for p in (data / "examples").iterdir())
assert examples, "the wheel carries the examples"
request = wire_xml.parse_request((data / "examples" / "documented-request.xml").read_bytes(), SmsRequest)
assert request == wire_json.parse_request((data / "examples" / "documented-request.json").read_bytes(), SmsRequest)
try:
    Client("http://127.0.0.1:1", auth=ApiKey("key")).send(request)
except TransportError as lost:
    assert lost.sent == "no"
assert "src" not in Path(__import__("infobip_sms").__file__).parts
for extra in ("click", "starlette", "uvicorn", "pytest", "lxml", "orjson"):
    assert extra not in sys.modules
print("core:", len(examples), "examples read")
"""


def run(*command: str | Path, cwd: Path, expected: int = 0) -> str:
    """Run a command away from the source tree; return what it printed."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "VIRTUAL"))}
    result = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env=clean,
        capture_output=True,
        text=True,
        check=False,
    )
    if result.returncode != expected:
        sys.exit(f"{command}: exit code {result.returncode}\n{result.stdout}\n{result.stderr}")
    return result.stdout + result.stderr


def install(folder: Path, requirement: str) -> Path:
    """Make an environment with one requirement; return its programs' folder."""
    venv.create(folder, with_pip=True)
    pip: list[str | Path] = [
        folder / "bin" / "python",
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]
    run(*pip, requirement, cwd=folder)
    return folder / "bin"


def main(wheel: Path) -> None:
    """Test the core alone, then everything."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        core = install(folder / "core", str(wheel))
        print(run(core / "python", "-c", "from pathlib import Path\n" + CORE, cwd=folder).strip())
        message = run(core / "infobip-sms", "sandbox", cwd=folder, expected=2)
        if "pip install 'infobip-sms[all]'" not in message:
            sys.exit(f"a missing extra is not explained: {message}")
        full = install(folder / "all", f"{wheel}[all]")
        shown = run(full / "infobip-sms", "demo", cwd=folder)
        print("all:", shown.strip().splitlines()[-1])
        print(
            run(full / "infobip-sms", "conformance", "server", cwd=folder).strip().splitlines()[-1]
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
