"""Bytes that are almost right: good inputs with some places changed, repeated, nested or cut off."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from random import Random

TOKENS = (
    *(
        b"<",
        b">",
        b"</",
        b"/>",
        b"<x/>",
        b"<x>",
        b"&",
        b"&#0;",
        b"&#x110000;",
        b"]]>",
        b"<![CDATA[",
    ),
    *(b"{", b"}", b"[", b"]", b'"', b",", b":", b"null", b"true", b"NaN", b"1e400", b"-0", b"{}"),
    *(b"\x00", b"\xff", b"\xef\xbb\xbf", b"\xff\xfe", b"\xed\xa0\x80", b"\\ud800", b"\xe2\x80\xae"),
    *(b"\r\n", b"\n\n", b";", b"sep=;\n", b"9999-12-31T23:59:59.999-14:00", b"0" * 400, b"d" * 300),
    b"<!DOCTYPE x [<!ENTITY a 'b'>]>",
    b"<?xml version='1.0' encoding='utf-16'?>",
)
REPEATED = (
    b"<x/>",
    b"<x>",
    b"[",
    b"{}",
    b'{"a":',
    b'"a":1,',
    b"&#38;",
    b"0",
    b"a,",
    b"\n",
    b"\x00",
)
LONG = 300_000
"""Characters of a repeated piece; enough to see cost that is too high or grows with the square."""


def mutate(chance: Random, corpus: tuple[bytes, ...]) -> bytes:
    """Return one of the inputs, changed in one to six places."""
    body = bytearray(chance.choice(corpus))
    for _ in range(chance.randint(1, 6)):
        place = chance.randint(0, len(body))
        end = min(len(body), place + chance.randint(1, 40))
        kind = chance.randrange(8)
        if kind == 0 and body:
            body[min(place, len(body) - 1)] ^= 1 << chance.randrange(8)
        elif kind == 1:
            del body[place:end]
        elif kind == 2:
            body[place:place] = chance.choice(TOKENS)
        elif kind == 3:
            body[place:end] = chance.choice(TOKENS)
        elif kind == 4:
            body[place:place] = body[place:end] * chance.randint(1, 20)
        elif kind == 5:
            other = chance.choice(corpus)
            start = chance.randint(0, len(other))
            body[place:end] = other[start : start + chance.randint(1, 200)]
        elif kind == 6 and chance.random() < 0.05:
            piece = chance.choice(REPEATED)
            body[place:place] = piece * (int(LONG ** chance.random()) // len(piece))
        elif kind == 7 and chance.random() < 0.2:
            del body[place:]
    return bytes(body)
