"""Fuzz every reader of foreign bytes; what fails is kept in tests/fuzz/seeds and replayed by the tests.

python -m tests.fuzz [--minutes 30] [--only NAME] [--seed N]
"""

from __future__ import annotations

import argparse
import hashlib
import random
import resource
import time
from collections import Counter
from pathlib import Path

from tests.fuzz.mutate import mutate
from tests.fuzz.targets import TARGETS, Target

SEEDS = Path(__file__).parent / "seeds"
MAX_MEMORY = 2_000_000  # KiB of the whole process
LEAST = 0.2  # seconds that any input may take


def try_input(target: Target, body: bytes) -> str:
    """Return what is wrong with a reader's behaviour; empty if nothing is."""
    before = time.process_time()
    try:
        target.read(body)
    except target.allowed as error:
        str(error)
    except RecursionError as error:
        return f"RecursionError {error}"
    except Exception as error:  # noqa: BLE001 - that it is foreign is the finding
        return f"{type(error).__name__}: {str(error)[:100]}"
    spent = time.process_time() - before
    if spent > LEAST + target.rate * len(body):
        return f"{spent:.2f} s for {len(body)} bytes"
    if resource.getrusage(resource.RUSAGE_SELF).ru_maxrss > MAX_MEMORY:
        return "more than 2 GB of memory"
    return ""


def keep(target: Target, body: bytes) -> Path:
    """Write an input down, to be replayed by the tests."""
    folder = SEEDS / target.name
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / hashlib.sha256(body).hexdigest()[:16]
    path.write_bytes(body)
    return path


def main() -> int:
    """Fuzz until the time is up; return 1 if anything was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--only", default="", help="targets whose names begin with this")
    parser.add_argument("--seed", type=int, default=random.randrange(2**32))  # noqa: S311
    options = parser.parse_args()
    chance = random.Random(options.seed)  # noqa: S311 - repeatable
    targets = [target for target in TARGETS if target.name.startswith(options.only)]
    corpora = {target.name: target.corpus() for target in targets}
    tried, found = Counter[str](), {}
    print(f"seed {options.seed}, {len(targets)} targets, {options.minutes:g} minutes", flush=True)
    end = time.monotonic() + options.minutes * 60
    while time.monotonic() < end:
        target = chance.choice(targets)
        for _ in range(20):
            body = mutate(chance, corpora[target.name])
            tried[target.name] += 1
            problem = try_input(target, body) and try_input(
                target, body
            )  # what loads once is not slow
            if problem and (target.name, problem[:30]) not in found:
                found[target.name, problem[:30]] = path = keep(target, body)
                print(f"{target.name}: {problem}\n  {path}", flush=True)
    for name, count in sorted(tried.items()):
        print(f"{name:34}{count:9,} inputs")
    print(f"{sum(tried.values()):,} inputs, {len(found)} findings")
    return bool(found)


if __name__ == "__main__":
    raise SystemExit(main())
