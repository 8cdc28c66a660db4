"""What a compiled core would bring: the generated JSON codec as it is, and compiled by Cython.

    python -m tests.bench.compiled       needs a C compiler, and takes a minute

Its source stays as it is; who installs it would get a binary for their machine, or compile it.
"""

from __future__ import annotations

import importlib
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from infobip_sms_schema import SmsRequest, SmsResponse, json_codec

from infobip_sms.codecs import wire_json
from tests.bench.__main__ import ENVIRONMENT
from tests.bench.documents import build_messages, build_reply
from tests.bench.timing import describe_noise, measure, measure_noise

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

NAME = "compiled_json_codec"
COUNT, ROUNDS = 1_000, 15
ORJSON, PYTHON, COMPILED = "orjson alone", "as it is", "compiled by Cython"


def main() -> int:
    """Compile, measure and print."""
    pip = [str(ENVIRONMENT / "bin" / "python"), "-m", "pip", "--quiet", "install"]
    subprocess.run([*pip, "cython", "setuptools"], check=True)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        compiled, size = compile_codec(Path(folder))
        print(f"compiled in {time.perf_counter() - began:.0f} s: {size / 2**20:.1f} MiB\n")
        for title, work in list_works(compiled).items():
            print(f"{title}, {COUNT:,} messages: ratio to {ORJSON}")
            for name, figure in measure(work, ROUNDS).items():
                print(f"  {name:24}{figure.ratio:6.2f}")
    print(f"\nThis machine is {describe_noise(measure_noise())}")
    return 0


def compile_codec(folder: Path) -> tuple[ModuleType, int]:
    """Return the compiled codec, and the bytes of its file."""
    source = Path(json_codec.__file__).read_text(encoding="utf-8")
    module = folder / f"{NAME}.py"
    module.write_text(source.replace("from .", "from infobip_sms_schema."), encoding="utf-8")
    tool = str(ENVIRONMENT / "bin" / "cythonize")
    subprocess.run([tool, "-3", "-i", "-q", str(module)], check=True, capture_output=True)
    module.unlink()
    sys.path.insert(0, str(folder))
    (binary,) = folder.glob(f"{NAME}.*.so")
    return importlib.import_module(NAME), binary.stat().st_size


def list_works(compiled: ModuleType) -> dict[str, dict[str, Callable[[], Any]]]:
    """Return what is measured, by both codecs."""
    request, response = build_messages(COUNT), build_reply(COUNT)
    asked, answered = wire_json.dump_model(request), wire_json.dump_model(response)
    codecs = {PYTHON: json_codec, COMPILED: compiled}
    plain = orjson.loads(asked)

    def list_reads(body: bytes, cls: type, table: str) -> dict[str, Callable[[], Any]]:
        readers = {name: find_reader(getattr(c, table), cls) for name, c in codecs.items()}
        assert len({read(orjson.loads(body), cls) for read in readers.values()}) == 1
        return {
            ORJSON: partial(orjson.loads, body),
            **{name: partial(_read, read, body, cls) for name, read in readers.items()},
        }

    return {
        "A response read": list_reads(answered, SmsResponse, "LENIENT_READERS"),
        "A request read": list_reads(asked, SmsRequest, "STRICT_READERS"),
        "A request written": {
            ORJSON: partial(orjson.dumps, plain),
            **{name: partial(_write, c.WRITERS[SmsRequest], request) for name, c in codecs.items()},
        },
    }


def find_reader(builders: dict[type, Any], cls: type) -> Any:
    """Return the reader of a class, and make those of its parts."""
    return builders[cls](partial(find_reader, builders))


def _read(read: Any, body: bytes, cls: type) -> Any:
    return read(orjson.loads(body), cls)


def _write(write: Any, request: SmsRequest) -> bytes:
    return orjson.dumps(write(request))


if __name__ == "__main__":
    if Path(sys.prefix) != ENVIRONMENT:
        command = [str(ENVIRONMENT / "bin" / "python"), "-m", "tests.bench.compiled"]
        raise SystemExit(subprocess.run(command, check=False).returncode)
    raise SystemExit(main())
