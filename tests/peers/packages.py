"""Packages of third parties, each in a folder of its own, so that nothing of theirs meets anything of ours."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal

import attrs

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".peers"
_DONE = ".installed"


class CannotInstall(Exception):
    """A package cannot be had; the text says why."""


@attrs.frozen(kw_only=True)
class Package:
    """One package of a registry, at one version."""

    name: str
    registry: Literal["pypi", "npm"]
    package: str
    version: str

    @property
    def folder(self) -> Path:
        """Where it lies; another version lies elsewhere."""
        return FOLDER / f"{self.name}-{self.version}"

    @property
    def title(self) -> str:
        """What its registry calls it."""
        return f"{self.package} {self.version}"

    def install(self) -> None:
        """Fetch it, unless it is there."""
        if (self.folder / _DONE).exists():
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        if self.registry == "pypi":
            _run(sys.executable, "-m", "venv", str(self.folder))
            pip = (*self.find_interpreter(), "-m", "pip", "--disable-pip-version-check")
            _run(*pip, "install", "--quiet", f"{self.package}=={self.version}")
        else:
            (self.folder / "package.json").write_text('{"private": true}', encoding="ascii")
            options = ("--prefix", str(self.folder), "--no-audit", "--no-fund", "--silent")
            _run(_find("npm"), "install", *options, f"{self.package}@{self.version}")
        (self.folder / _DONE).touch()

    def find_interpreter(self) -> list[str]:
        """Return what runs a program that uses it; Node.js learns from the folder it is run in."""
        if self.registry == "pypi":
            return [str(self.folder / "bin" / "python")]
        return [_find("node")]

    def find_program(self, name: str) -> list[str]:
        """Return a program that the package brings."""
        return [_find("node"), str(self.folder / "node_modules" / ".bin" / name)]


def _find(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise CannotInstall(f"{program} is not installed")
    return path


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotInstall(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
