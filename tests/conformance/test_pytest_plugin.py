"""The pytest plugin in a third-party project."""

import subprocess
import sys
from pathlib import Path

CONFTEST = """
import subprocess, sys
import pytest
from infobip_sms_conformance.testing import Server

@pytest.fixture(scope="session")
def infobip_server():
    command = [sys.executable, "-m", "infobip_sms", "sandbox", "--port", "0", *{options!r}]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        url = process.stdout.readline().partition("sandbox: ")[2].strip()
        yield Server(url, without=["bulks"], options=["--only", "RESP", "--only", "BULK-001"])
        process.terminate()
"""
TEST = "from infobip_sms_conformance.testing import test_infobip_requirement\n"


def run_project(folder: Path, *options: str, conftest: str = CONFTEST) -> tuple[int, str]:
    """Run pytest on a project whose server is the sandbox; return the exit code and the output."""
    (folder / "conftest.py").write_text(conftest.format(options=list(options)))
    (folder / "test_contract.py").write_text(TEST)
    program = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-rA", "-q"]
    done = subprocess.run(program, cwd=folder, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout


def test_good_server_passes(tmp_path: Path) -> None:
    """Each requirement is one test per format, and unchecked ones are skipped with the reason."""
    code, out = run_project(tmp_path)

    assert code == 0, out
    assert "PASSED test_contract.py::test_infobip_requirement[RESP-003-json]" in out
    assert "PASSED test_contract.py::test_infobip_requirement[RESP-003-xml]" in out
    assert "declared by --without bulks" in out


def test_broken_server_fails_its_requirement_alone(tmp_path: Path) -> None:
    """The failure says the rule, what was sent, expected and got, and the command that shows it."""
    code, out = run_project(tmp_path, "--fault", "RESP-003")
    failed = {line.split()[1] for line in out.splitlines() if line.startswith("FAILED")}

    assert code == 1
    assert failed == {
        f"test_contract.py::test_infobip_requirement[RESP-003-{wire}]" for wire in ("json", "xml")
    }
    for word in ("expected", "got", "curl", "token"):
        assert word in out
    assert "41793026727" not in out
    assert "open sesame" not in out


def test_project_without_a_server_is_told_what_it_lacks(tmp_path: Path) -> None:
    """If the fixture is not defined, the tests fail with a message that names it."""
    code, out = run_project(tmp_path, conftest="")

    assert code == 1
    assert "define the fixture infobip_server" in out


def test_plugin_costs_nothing_where_it_is_not_used(tmp_path: Path) -> None:
    """A run without the fixtures loads no module of the suite but the plugin."""
    (tmp_path / "test_other.py").write_text(
        "import sys\n\ndef test_nothing():\n"
        "    loaded = [n for n in sys.modules if n.startswith('infobip_sms_conformance')]\n"
        "    assert sorted(loaded) == ['infobip_sms_conformance', 'infobip_sms_conformance.pytest_plugin']\n"
    )
    program = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q"]
    done = subprocess.run(program, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout
