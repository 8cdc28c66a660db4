"""Credentials that are nearly right, and the operations that they are sent to: each of them to one."""

from collections.abc import Iterator, Sequence

from infobip_sms_conformance.transport.credentials import Credentials, Secret, build_basic

NOT_BASE64 = "what is not Base64"
MORE = 2
"""How many near misses the first operation gets besides its own: it is the one that counts most."""


def assign_near_misses(
    kinds: Sequence[str], operations: Sequence[str]
) -> Iterator[tuple[str, str]]:
    """Yield each near miss with the operation that gets it, in turn; the first gets some of the others as well."""
    first = operations[0]
    own = [(kind, operations[turn % len(operations)]) for turn, kind in enumerate(kinds)]
    others = [kind for kind in kinds if (kind, first) not in own]
    yield from (*own, *((kind, first) for kind in others[:MORE]))


def build_near_misses(mine: Credentials) -> dict[str, str]:
    """Return values of Authorization that are wrong in one respect, by what that is."""
    right = {mine.basic, mine.app}
    found = {**build_wrong_basic(mine), **build_wrong_key(mine)}
    return {kind: Secret(value) for kind, value in found.items() if value not in right}


def build_wrong_basic(mine: Credentials) -> dict[str, str]:
    """Return what is nearly the right user and password."""
    if mine.user is None or not mine.basic:
        return {}
    user, word, payload = mine.user, mine.password, mine.basic.partition(" ")[2]
    return {
        "a password in the other case": build_basic(user, word.swapcase()),
        "a user in the other case": build_basic(user.swapcase(), word),
        "the beginning of the password": build_basic(user, word[:-1]),
        "user and password in each other's place": build_basic(word, user),
        "user and password under another scheme": f"Digest {payload}",
        "a password with one more character": build_basic(user, f"{word}."),
        "an empty password": build_basic(user, ""),
        "no user and no password": build_basic("", ""),
        "a password with a blank behind": build_basic(user, f"{word} "),
        NOT_BASE64: "Basic ???",
    }


def build_wrong_key(mine: Credentials) -> dict[str, str]:
    """Return what is nearly the right API key."""
    if not mine.app or not mine.api_key:
        return {}
    key = mine.api_key
    found = {
        "an API key in the other case": f"App {key.swapcase()}",
        "the API key under the scheme Basic": f"Basic {key}",
        "an API key with one more character": f"{mine.app}.",
        "the API key under another scheme": f"Token {key}",
        "the beginning of the API key": mine.app[:-1],
        "the API key without a scheme": key,
        "another API key of the same length": f"App {key[::-1]}",
        "an empty API key": "App ",
    }
    if mine.basic:
        found["user and password under the scheme App"] = f"App {mine.basic.partition(' ')[2]}"
    return found
