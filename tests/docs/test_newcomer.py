"""The tasks of a newcomer: our code runs, and the client guide has the figures that are counted."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from infobip_sms.sandbox import running
from tests.docs.newcomer.count import CLIENTS, FOLDER, build_table, count, read_tasks

if TYPE_CHECKING:
    from collections.abc import Iterator

GUIDE = FOLDER.parents[2] / "src" / "README.md"
FEWER = {
    "with conversion tracking",
    "read a delivery report in Flask",
    "read a delivery report in FastAPI",
}
"""Tasks for which another client needs fewer names or objects; the guide says why."""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """Return the URL of a sandbox with an API key."""
    with running(api_key="003026bbc133714df1834b8638bb496e-8f4b3d9a") as sandbox:
        yield sandbox.url


@pytest.mark.filterwarnings("ignore:send_v1 uses")
@pytest.mark.parametrize("task", read_tasks("this"))
def test_our_code_runs(task: str, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each block runs as it stands, with server and key from the environment."""
    monkeypatch.setenv("INFOBIP_BASE_URL", server)
    monkeypatch.setenv("INFOBIP_API_KEY", "003026bbc133714df1834b8638bb496e-8f4b3d9a")
    exec(compile(read_tasks("this")[task], task, "exec"), {"__name__": "snippet"})  # noqa: S102 - our own code


def test_the_guide_has_the_counted_figures() -> None:
    """The table is the output of the script."""
    assert build_table() in GUIDE.read_text(encoding="utf-8")


def test_no_other_client_needs_fewer_unless_the_guide_says_why() -> None:
    """Fewer names or objects occur in the listed tasks only."""
    found = {client: read_tasks(client) for client in CLIENTS}
    others = [tasks for client, tasks in found.items() if client != "this"]
    fewer = set()
    for task, code in found["this"].items():
        ours = count(code)
        theirs = [count(tasks[task]) for tasks in others if task in tasks]
        if any(t.names < ours.names or t.objects < ours.objects for t in theirs):
            fewer.add(task)

    assert fewer == FEWER


def test_code_of_other_clients_is_python() -> None:
    """It compiles; python -m tests.docs.newcomer.count --run NAME runs it where the client is installed."""
    for client in CLIENTS:
        for task, code in read_tasks(client).items():
            compile(code, task, "exec")
