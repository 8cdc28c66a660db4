"""Credentials that are nearly right, and the operations that they are sent to: each of them to one."""

from collections.abc import Iterator, Sequence

from infobip_sms_conformance.transport.credentials import Credentials, Secret, build_basic

NOT_BASE64 = "what is not Base64"


def assign_in_turn(kinds: Sequence[str], operations: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield each kind with the operation that gets it, one after the other and then from the start."""
    for turn, kind in enumerate(kinds):
        yield kind, operations[turn % len(operations)]


def build_near_misses(mine: Credentials) -> dict[str, str]:
    """Return values of Authorization that are wrong in one respect, by what that is."""
    found: dict[str, str | None] = {}
    if mine.user is not None and mine.basic:
        user, word, payload = mine.user, mine.password, mine.basic.partition(" ")[2]
        found |= {
            "a password in the other case": build_basic(user, word.swapcase()),
            "the beginning of the password": build_basic(user, word[:-1]),
            "a password with one more character": build_basic(user, f"{word}x"),
            "user and password in each other's place": build_basic(word, user),
            "an empty password": build_basic(user, ""),
            "a user in the other case": build_basic(user.swapcase(), word),
            "user and password under another scheme": f"Digest {payload}",
            "no user and no password": build_basic("", ""),
            NOT_BASE64: "Basic ???",
        }
    if mine.app and mine.api_key:
        found |= {
            "an API key in the other case": f"App {mine.api_key.swapcase()}",
            "an API key with one more character": f"{mine.app}0",
            "the API key under the scheme Basic": f"Basic {mine.api_key}",
            "the API key without a scheme": mine.api_key,
            "an empty API key": "App ",
        }
    right = {mine.basic, mine.app}
    return {kind: Secret(value) for kind, value in found.items() if value and value not in right}
