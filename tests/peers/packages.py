"""Packages of third parties, each in a folder of its own, so that nothing of theirs meets anything of ours."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal

import attrs

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".peers"
_DONE = ".installed"
_DEBIAN_PACKAGES = {"xmllint": "libxml2-utils", "node": "nodejs"}


class CannotInstall(Exception):
    """A package cannot be had; the text says why."""


@attrs.frozen(kw_only=True)
class Package:
    """One package of a registry, at one version."""

    name: str
    registry: Literal["pypi", "npm"]
    package: str
    version: str
    also: tuple[str, ...] = attrs.field(default=(), converter=tuple)
    """Other packages that it needs, as its registry writes them with their versions."""

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
        done, wanted = self.folder / _DONE, "\n".join(self._list_packages())
        if done.exists() and done.read_text(encoding="utf-8") == wanted:
            return
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        if self.registry == "pypi":
            _run(sys.executable, "-m", "venv", str(self.folder))
            pip = (*self.find_interpreter(), "-m", "pip", "--disable-pip-version-check")
            _run(*pip, "install", "--quiet", *self._list_packages())
        else:
            (self.folder / "package.json").write_text('{"private": true}', encoding="ascii")
            options = ("--prefix", str(self.folder), "--no-audit", "--no-fund", "--silent")
            _run(find_executable("npm"), "install", *options, *self._list_packages())
        done.write_text(wanted, encoding="utf-8")

    def _list_packages(self) -> list[str]:
        joint = "==" if self.registry == "pypi" else "@"
        return [f"{self.package}{joint}{self.version}", *self.also]

    def run_program(self, name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a program that the package brings in its folder; return what it printed."""
        return subprocess.run(
            [*self.find_program(name), *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
            env={**os.environ, "PATH": f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}"},
        )

    def find_interpreter(self) -> list[str]:
        """Return what runs a program that uses it; Node.js learns from the folder it is run in."""
        if self.registry == "pypi":
            return [str(self.folder / "bin" / "python")]
        return [find_executable("node")]

    def find_program(self, name: str) -> list[str]:
        """Return a program that the package brings."""
        if self.registry == "pypi":
            return [str(self.folder / "bin" / name)]
        return [find_executable("node"), str(self.folder / "node_modules" / ".bin" / name)]


def find_executable(program: str) -> str:
    """Return where a program is that has to be installed already."""
    path = shutil.which(program)
    if path is None:
        package = _DEBIAN_PACKAGES.get(program, program)
        raise CannotInstall(f"{program} is not installed (Debian: apt install {package})")
    return path


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise CannotInstall(f"{command[0]} failed:\n{done.stdout}{done.stderr}")
