"""Recipes to copy name what there is: extras, options, health check; those with tests are run."""

from __future__ import annotations

import importlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml

from infobip_sms.cli.sandbox import sandbox as command
from infobip_sms.sandbox import Sandbox, running
from infobip_sms.sandbox.recipes import django_conftest

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ROOT / "src" / "infobip_sms" / "sandbox" / "recipes"
VARIABLES = {option.envvar for option in command.params}
DOCKERFILE = (RECIPES / "Dockerfile").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "name", ["Dockerfile", "compose.yaml", "github-actions.yaml", "gitlab-ci.yaml"]
)
def test_each_variable_is_an_option_of_the_sandbox(name: str) -> None:
    """A misspelt one would be ignored without a word."""
    text = (RECIPES / name).read_text(encoding="utf-8")

    assert set(re.findall(r"INFOBIP_SANDBOX_[A-Z_]+", text)) <= VARIABLES
    assert name == "Dockerfile" or isinstance(yaml.safe_load(text), dict)


def test_the_image_installs_extras_that_there_are() -> None:
    """Of the project itself."""
    extras = re.findall(r"/source\[([a-z,]+)\]", DOCKERFILE)[0].split(",")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert set(extras) <= project["optional-dependencies"].keys()


def test_the_health_check_of_the_image_works() -> None:
    """It ends with 0 while the sandbox runs, and with another code after that."""
    words = json.loads(re.findall(r"CMD (\[\"python.*\])", DOCKERFILE)[0])
    with running() as sandbox:
        code = words[2].replace("http://127.0.0.1:8080", sandbox.url)
        healthy = subprocess.run([sys.executable, "-c", code], check=False)
    ended = subprocess.run([sys.executable, "-c", code], check=False, stderr=subprocess.DEVNULL)

    assert (healthy.returncode, ended.returncode) == (0, 1)


def test_the_fixture_for_django_points_its_settings_to_the_sandbox() -> None:
    """The settings object of pytest-django takes attributes as this one does."""
    settings: Any = SimpleNamespace()
    fixture: Any = django_conftest.sms
    with running() as sandbox:
        given = fixture.__wrapped__(settings, sandbox)

    assert isinstance(given, Sandbox)
    assert sandbox.url == settings.INFOBIP_BASE_URL


@pytest.mark.parametrize(
    "name", ["test_the_task_sends_a_message", "test_a_lost_response_does_not_make_it_send_twice"]
)
def test_the_task_for_celery_passes_its_tests(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """As pytest would run them."""
    pytest.importorskip("celery", reason="Celery is not installed")
    monkeypatch.syspath_prepend(str(RECIPES))
    module = importlib.import_module("celery_test")
    with running() as sandbox:
        module.celery.__wrapped__(monkeypatch, sandbox)
        getattr(module, name)(sandbox)


@pytest.mark.parametrize(
    ("program", "words"),
    [("node", ["node", "--test", "node_service.test.mjs"]), ("curl", ["sh", "smoke_test.sh"])],
    ids=["node", "curl"],
)
def test_a_service_in_another_language_is_tested(program: str, words: list[str]) -> None:
    """The recipe starts a sandbox by its command, and ends with 0."""
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        words,
        cwd=RECIPES,
        env={**os.environ, "PATH": path, "PORT": str(find_free_port())},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stdout + done.stderr


def find_free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
    return port
