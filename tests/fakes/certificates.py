"""Certificates for tests, made by the openssl program."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_PATIENCE = 20.0  # seconds
_CONFIGURATION = """
[ca]
default_ca = own
[own]
database = index.txt
serial = serial
new_certs_dir = .
default_md = sha256
policy = policy
certificate = ca.pem
private_key = ca.key
[policy]
commonName = supplied
"""


def make_authority(folder: Path) -> Path:
    """Make an authority in a folder and return the folder."""
    (folder / "index.txt").write_text("")
    (folder / "serial").write_text("1000")
    (folder / "own.cnf").write_text(_CONFIGURATION)
    extension = "keyUsage=critical,digitalSignature,keyCertSign"
    options = "req -x509 -nodes -days 2 -subj /CN=authority -keyout ca.key -out ca.pem"
    _run(folder, [*options.split(), *_NEW_KEY, "-addext", extension])
    return folder


def make_certificate(folder: Path, name: str, host: str, *, expired: bool) -> ssl.SSLContext:
    """Have the authority sign a certificate for a host; return a server's context with it."""
    options = f"req -new -nodes -subj /CN={name} -keyout {name}.key -out {name}.csr"
    _run(folder, [*options.split(), *_NEW_KEY])
    (folder / f"{name}.ext").write_text(f"subjectAltName={host}\n")
    times = "-startdate 20200101000000Z -enddate 20200102000000Z" if expired else "-days 1"
    options = f"ca -batch -config own.cnf -in {name}.csr -out {name}.pem -extfile {name}.ext"
    _run(folder, [*options.split(), *times.split()])
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context


_NEW_KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]


def _run(folder: Path, arguments: list[str]) -> None:
    program = shutil.which("openssl")
    assert program, "these tests need the openssl program to make certificates"
    command = [program, *arguments]
    subprocess.run(command, check=True, capture_output=True, timeout=_PATIENCE, cwd=folder)
