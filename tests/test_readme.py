"""The README's Python is run as it stands."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

from infobip_sms import cli

if TYPE_CHECKING:
    import pytest

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_ten_lines_of_python_run(sandbox_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The example, pointed at a sandbox, prints the status of an accepted message."""
    example, *_ = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    lines = [line for line in example.splitlines() if line]
    assert "http://127.0.0.1:8080" in example
    exec(compile(example.replace("http://127.0.0.1:8080", sandbox_url), "README.md", "exec"), {})  # noqa: S102 - our own page

    assert len(lines) <= 10
    assert capsys.readouterr().out == "PENDING_ACCEPTED\n"


def test_every_file_that_the_readme_names_exists() -> None:
    """Paths in the map lead somewhere."""
    names = re.findall(r"`((?:schema|src|conformance|generated)/[\w./-]*)`", README)

    assert len(names) > 10
    assert [name for name in names if not (ROOT / name).exists()] == []


def test_every_command_that_the_readme_names_exists() -> None:
    """Subcommands and make targets of the README are there."""
    commands = set(re.findall(r"`infobip-sms (\w+)", README))
    targets = set(re.findall(r"(?:`|^)make ([a-z]+)", README, re.MULTILINE))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")

    assert commands <= set(cli.cli.commands)
    assert commands
    assert [t for t in targets if f"\n{t}:" not in makefile] == []


def test_the_receivers_are_the_ones_that_are_tested() -> None:
    """The receivers to copy stand in the README as they stand in the files that tests run."""
    receivers = sorted((ROOT / "tests" / "receivers").glob("*.py"))

    assert len(receivers) == 2
    assert all(f"```python\n{r.read_text(encoding='utf-8')}```" in README for r in receivers)
    assert all(sum(map(bool, r.read_text().splitlines())) < 15 for r in receivers)
