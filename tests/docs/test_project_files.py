"""The files for a code host and a package page say what is true."""

from __future__ import annotations

import ast
import re
import runpy
import subprocess
import sys
import tomllib
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.bench import __main__ as bench

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
REFERENCE = runpy.run_path(str(ROOT / "schema" / "reference.py"))
FOLDERS = ("src", "conformance", "schema", "tests")
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def test_the_workflow_runs_the_checks_on_every_supported_python() -> None:
    """It runs what .ci/run runs, on each version that the package claims."""
    text = (ROOT / ".github" / "workflows" / "checks.yml").read_text(encoding="utf-8")
    (job,) = yaml.safe_load(text)["jobs"].values()
    claimed = [c.rpartition(" ")[2] for c in PROJECT["classifiers"] if re.search(r":: 3\.\d+$", c)]

    assert job["strategy"]["matrix"]["python"] == claimed == ["3.11", "3.12", "3.13"]
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert (ROOT / ".ci" / "run").stat().st_mode & 0o100


def list_started_modules() -> set[tuple[str, str]]:
    """Return every module that is started with ``-m``, and the file that does so."""
    texts = [ROOT / "Makefile", ROOT / ".ci" / "run", *(ROOT / ".github").rglob("*.yml")]
    texts += [path for folder in FOLDERS for path in (ROOT / folder).rglob("README.md")]
    found = {
        (name, path.name)
        for path in [*texts, ROOT / "README.md"]
        for name in re.findall(r"python -m ([\w.]+)", path.read_text(encoding="utf-8"))
    }
    for path in (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")):
        if '"-m"' not in (source := path.read_text(encoding="utf-8")):
            continue
        for node in ast.walk(ast.parse(source)):
            entries = node.elts if isinstance(node, ast.List | ast.Tuple) else []
            words = [entry.value if isinstance(entry, ast.Constant) else None for entry in entries]
            found |= {(str(b), path.name) for a, b in pairwise(words) if a == "-m" and b}
    return found


def is_startable(module: str) -> bool:
    """Tell whether ``python -m`` finds a module, or the module of a package that is a program."""
    try:
        spec = find_spec(module)
        is_package = spec is not None and spec.submodule_search_locations is not None
        return spec is not None and (not is_package or find_spec(f"{module}.__main__") is not None)
    except ModuleNotFoundError:
        return False


def test_every_module_that_is_started_exists() -> None:
    """Makefile, scripts, pages and programs start only modules that are there."""
    started = list_started_modules()

    assert {"tests.bench", "tests.fuzz", "infobip_sms", "pytest"} <= {name for name, _ in started}
    assert [row for row in sorted(started) if not is_startable(row[0])] == []


def test_bench_starts_itself_in_the_environment_of_the_peers(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What it starts there is a program, wherever ``make`` was called."""
    calls: list[list[str]] = []
    run = subprocess.run

    def record(command: list[str], **options: Any) -> Any:
        calls.append([*command, str(options.get("cwd"))])
        return run(["true"], check=False)

    monkeypatch.setattr(bench, "ENVIRONMENT", tmp_path)
    monkeypatch.setattr(subprocess, "run", record)
    status = bench.run_beside_peers(["--help"])
    python, *words, folder = calls[-1]
    done = run([sys.executable, *words], cwd=folder, check=False, capture_output=True, text=True)

    assert status == 0
    assert python == str(tmp_path / "bin" / "python")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("usage: python -m tests.bench")


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_issue_forms_can_be_read(path: Path) -> None:
    """Each has a name, a description and fields with a label, as the code host requires."""
    form = yaml.safe_load(path.read_text(encoding="utf-8"))
    if path.name == "config.yml":
        assert form == {"blank_issues_enabled": True}
        return
    fields = [field for field in form["body"] if field["type"] != "markdown"]

    assert form["name"]
    assert form["description"]
    assert all(field["id"] and field["attributes"]["label"] for field in fields)


def test_the_changelog_begins_with_the_version_of_the_package() -> None:
    """The first section is that of the version in pyproject.toml."""
    text = (ROOT / "src" / "CHANGELOG.md").read_text(encoding="utf-8")

    assert re.findall(r"^## (\S+)", text, re.MULTILINE)[0] == PROJECT["version"]


def test_links_of_the_security_page_lead_somewhere() -> None:
    """The page names the section of the client guide that says what is promised."""
    page = ROOT / ".github" / "SECURITY.md"
    ((target, anchor),) = re.findall(r"\]\(([^)#]+)#([^)]+)\)", page.read_text(encoding="utf-8"))
    text = (page.parent / target).resolve().read_text(encoding="utf-8")

    assert f"\n## {anchor.replace('-', ' ').capitalize()}\n" in text


def test_the_reference_has_arguments_as_lists_and_links_to_requirements() -> None:
    """A docstring becomes Markdown with a list of its arguments, code as code, and IDs as links."""
    text = REFERENCE["convert_docstring"](
        "Send (SEND-007).\n\nto: one ``number``\n    or more.\n", "../"
    )

    assert text == (
        "Send ([SEND-007](../requirements.html#SEND-007)).\n\n\n- **to**: one `number`\n    or more.\n"
    )


def test_the_page_of_requirements_has_every_requirement_and_interpretation() -> None:
    """Each ID has a section that links lead to, and no text has markup of its own."""
    data = tomllib.loads((ROOT / "schema" / "requirements.toml").read_text(encoding="utf-8"))
    page = REFERENCE["write_requirements"]()
    sections = re.findall(r'<section id="([^"]+)">', page)

    assert sections == [row["id"] for part in ("requirement", "reading") for row in data[part]]
    assert set(re.findall(r'href="#([A-Z][^"]+)"', page)) <= set(sections)


def test_every_test_that_the_threat_model_names_exists() -> None:
    """Each promise names a file of tests that is there."""
    guide = (ROOT / "src" / "README.md").read_text(encoding="utf-8")
    part = guide.partition("## Threat model")[2].partition("\n## ")[0]
    rows = [line for line in part.splitlines() if line.startswith("| ")][1:]
    named = [re.findall(r"`(tests/[\w/]+\.py)`", row) for row in rows]

    assert len(rows) > 10
    assert all(named)
    assert [path for paths in named for path in paths if not (ROOT / path).exists()] == []
