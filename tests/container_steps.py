"""Run the steps of the sandbox's Dockerfile in a fresh environment, where no image can be built.

    python -m tests.container_steps

A virtual environment stands for the base image, and a folder for the file system; users are not created.
Ends with 0 if the command of the image is healthy by its own check, and the suite in the image starts.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
DOCKERFILE = ROOT / "src" / "infobip_sms" / "sandbox" / "recipes" / "Dockerfile"
_PATIENCE = 30.0  # seconds until the sandbox is healthy
_SKIPPED = ("useradd ", "mkdir ", "chown ", "rm ")


def read_steps(path: Path = DOCKERFILE) -> Iterator[tuple[str, str]]:
    """Yield each instruction with its arguments."""
    for line in path.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, _, words = line.partition(" ")
            yield name, words


@attrs.frozen
class Image:
    """What the steps have built."""

    folder: Path
    environment: dict[str, str] = attrs.field(factory=lambda: dict(os.environ))
    commands: dict[str, list[str]] = attrs.field(factory=dict)

    def run(self, name: str, words: str) -> None:
        """Run one step."""
        match name:
            case "FROM":
                bin_folder = self.folder / "venv" / "bin"
                subprocess.run([sys.executable, "-m", "venv", bin_folder.parent], check=True)
                self.environment["PATH"] = f"{bin_folder}{os.pathsep}{os.environ['PATH']}"
            case "COPY":
                *sources, target = words.split()
                for source in sources:
                    _copy(source, self.folder / target.strip("/"))
            case "RUN":
                for command in words.split(" && "):
                    self._run_command(command)
            case "ENV":
                pairs = [pair.partition("=") for pair in shlex.split(words)]
                self.environment.update({key: value for key, _, value in pairs})
            case "ENTRYPOINT" | "CMD":
                self.commands[name] = json.loads(words)
            case "HEALTHCHECK":
                self.commands[name] = json.loads(words.partition("CMD ")[2])

    def _run_command(self, command: str) -> None:
        if not command.startswith(_SKIPPED):
            subprocess.run(
                shlex.split(command.replace("/source", str(self.folder / "source"))),
                env=self.environment,
                check=True,
                stdout=subprocess.DEVNULL,
            )

    def is_healthy(self) -> bool:
        """Return whether the health check ends with 0."""
        check = self.commands["HEALTHCHECK"]
        done = subprocess.run(check, env=self.environment, stderr=subprocess.DEVNULL, check=False)
        return done.returncode == 0


def _copy(source: str, target: Path) -> None:
    """Copy a file into a folder, or what is in a folder."""
    if (ROOT / source).is_dir():
        shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / source, target)


def check_image(image: Image) -> list[str]:
    """Return what is wrong with an image."""
    entry = image.commands["ENTRYPOINT"]
    problems = []
    if image.is_healthy():
        return ["another program listens on the port of the sandbox"]
    with subprocess.Popen([*entry, *image.commands["CMD"]], env=image.environment) as sandbox:
        end = time.monotonic() + _PATIENCE
        while not (healthy := image.is_healthy()) and time.monotonic() < end:
            time.sleep(0.2)
        problems += [] if healthy else ["the sandbox does not become healthy"]
        suite = [*entry, "conformance", "server", "http://127.0.0.1:8080", "--only", "SEND-007"]
        done = subprocess.run(suite, env=image.environment, stdout=subprocess.DEVNULL, check=False)
        problems += [] if done.returncode == 0 else [f"the suite ended with {done.returncode}"]
        sandbox.terminate()
    problems += [] if sandbox.returncode == 0 else [f"the sandbox ended with {sandbox.returncode}"]
    return problems


def main() -> int:
    """Run every step, then the image."""
    with tempfile.TemporaryDirectory() as folder:
        image = Image(Path(folder))
        for name, words in read_steps():
            image.run(name, words)
        problems = check_image(image)
    print(f"Dockerfile: {'; '.join(problems) or 'its steps work in a fresh environment'}")
    return int(bool(problems))


if __name__ == "__main__":
    sys.exit(main())
