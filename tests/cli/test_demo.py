"""What ``make conformance`` prints: three steps and what to do next, or all that went wrong."""

from __future__ import annotations

import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from infobip_sms.cli import demo

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _sandbox(sandbox_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    @contextmanager
    def use_running(**_: object) -> Iterator[str]:
        yield sandbox_url

    monkeypatch.setattr(demo, "run_sandbox", use_running)


def end_suite(monkeypatch: pytest.MonkeyPatch, code: int, last: str) -> None:
    """Let the suite end with an exit code and a last line."""
    result: Any = subprocess.CompletedProcess([], code, f"SEND-007 FAIL\n{last}\n", "")
    monkeypatch.setattr(subprocess, "run", lambda *_, **__: result)


def test_three_steps_and_what_to_do_next(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Each step is a line with its number, and standard error is empty."""
    end_suite(monkeypatch, 0, "90 PASS of 90 requirements")
    code = demo.run(verbose=False)
    out, err = capfd.readouterr()

    assert (code, err) == (0, "")
    assert [line[:2] for line in out.splitlines()[:4]] == ["1.", "2.", "3.", ""]
    assert "accepted".casefold() in out.splitlines()[1].casefold()
    assert out.splitlines()[2] == "3. 90 requirements checked: all passed"
    assert "conformance server URL" in out.partition("Next:")[2]
    assert max(map(len, out.partition("Next:")[2].splitlines())) <= 80


def test_a_command_that_is_not_on_the_path_is_put_there_first(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """After make conformance the environment is not active yet: the first line says how to activate it."""
    activate = tmp_path / ".venv" / "bin" / "activate"
    activate.parent.mkdir(parents=True)
    activate.touch()
    monkeypatch.setattr("sys.prefix", str(tmp_path / ".venv"))
    monkeypatch.chdir(tmp_path)
    end_suite(monkeypatch, 0, "90 PASS of 90 requirements")
    for path in (str(tmp_path), str(Path(sys.executable).parent)):
        monkeypatch.setenv("PATH", path)
        demo.run(verbose=False)
    missing, there = (out.splitlines()[1] for out in capfd.readouterr().out.split("Next:")[1:])

    assert missing.startswith("  . .venv/bin/activate ")
    assert there.startswith("  make sandbox ")


def test_the_documents_are_behind_verbose(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """With it, both documents of both formats and the output of the suite are printed."""
    end_suite(monkeypatch, 0, "90 PASS of 90 requirements")
    demo.run(verbose=True)
    out = capfd.readouterr().out

    assert out.count("The response:") == 2
    assert "<messageId>MESSAGE-ID-123-xyz</messageId>" in out
    assert "90 PASS of 90 requirements" in out


@pytest.mark.parametrize(
    ("code", "last"),
    [(1, "89 PASS of 90 requirements"), (0, "80 PASS of 90 requirements"), (1, "")],
)
def test_what_did_not_pass_is_shown_in_full(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], code: int, last: str
) -> None:
    """The output of the suite is printed, and nothing says that all passed."""
    end_suite(monkeypatch, code, last)

    assert demo.run(verbose=False) == code
    out = capfd.readouterr().out
    assert "SEND-007 FAIL" in out
    assert "all passed\n" not in out.replace("not all passed", "")
    assert ("none failed" in out) is (code == 0)
