"""E02: whether a conditional GET is answered with 304."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

from labserver.exercises.e02_conditional_get.play import TYPES, play
from labserver.practice.checking.exercise import Case, Diagnosis, Exercise, Failure

LIST = 'RFC 9110 §13.1.2: If-None-Match is "*" or a list of entity tags'
WEAK = "RFC 9110 §8.8.3.2: weak comparison ignores W/"
STAR = 'RFC 9110 §13.1.2: "*" matches any current representation'
COMMA = "RFC 9110 §8.8.3: an entity tag may contain a comma between its quotes"
NONE = "RFC 9110 §13.1.2: without the field, the request is not conditional"

STUB = '''\
def conditional_get(etag: str, if_none_match: str | None) -> int:
    """Return 304 if the client already has this version, otherwise 200."""
    raise NotImplementedError
'''


def conditional_get(etag: str, if_none_match: str | None) -> int:
    """The reference."""
    if if_none_match is None:
        return 200
    if if_none_match.strip() == "*":
        return 304
    held = re.findall(r'(?:W/)?("[^"]*")', if_none_match)
    return 304 if etag.removeprefix("W/") in held else 200


def cases() -> Iterator[Case]:
    """The field in all its forms, then random lists."""
    yield Case(('"x"', '"x"'), LIST, 304)
    yield Case(('"x"', '"y"'), LIST, 200)
    yield Case(('"x"', None), NONE, 200)
    yield Case(('"x"', ""), LIST, 200)
    yield Case(('"x"', "*"), STAR, 304)
    yield Case(('"x"', 'W/"x"'), WEAK, 304)
    yield Case(('W/"x"', '"x"'), WEAK, 304)
    yield Case(('W/"x"', 'W/"x"'), WEAK, 304)
    yield Case(('"b"', '"a", "b"'), LIST, 304)
    yield Case(('"b"', '"a","b"'), LIST, 304)
    yield Case(('"b"', ' "a" ,\t"b" '), LIST, 304)
    yield Case(('"b"', '"a", W/"b"'), WEAK, 304)
    yield Case(('"c"', '"a", "b"'), LIST, 200)
    yield Case(('"a"', '"ab", "ba"'), "RFC 9110 §8.8.3: a tag is compared as a whole", 200)
    yield Case(('"x"', '"X"'), "RFC 9110 §8.8.3: a tag is opaque and case-sensitive", 200)
    yield Case(('"*"', '"a"'), STAR, 200)
    yield Case(('"a"', '"*"'), STAR, 200)
    yield Case(('"a,b"', '"a,b"'), COMMA, 304)
    yield Case(('"a,b"', '"x", "a,b"'), COMMA, 304)
    yield Case(('"a"', '"x,a", "y"'), COMMA, 200)
    yield Case(('", "', '"a", "b"'), COMMA, 200)
    yield Case(('""', '""'), "RFC 9110 §8.8.3: an empty tag is a tag", 304)
    draws = random.Random(2)
    for _ in range(60):
        tags = [_tag(draws) for _ in range(draws.randint(1, 4))]
        etag = draws.choice(tags) if draws.random() < 0.5 else _tag(draws)
        yield Case((etag, draws.choice([",", ", ", " , "]).join(tags)), LIST)


def _tag(draws: random.Random) -> str:
    weak = "W/" if draws.random() < 0.3 else ""
    return f'{weak}"{"".join(draws.choices("ab,W/*", k=draws.randint(0, 3)))}"'


def smaller(given: tuple[str, str]) -> Iterator[tuple[str, str]]:
    """Give lists that lack one tag."""
    etag, held = given
    tags = re.findall(r'(?:W/)?"[^"]*"', held)
    for index in range(len(tags) if len(tags) > 1 else 0):
        yield etag, ", ".join(tags[:index] + tags[index + 1 :])


WEAK_PAIRS = (('"x"', 'W/"x"'), ('W/"x"', '"x"'), ('W/"x"', 'W/"x"'))
LISTS = ('"a", "b"', '"a","b"', ' "a" ,\t"b" ')


def _contains(failure: Failure) -> bool:
    etag, held = failure.given
    return bool(etag in held or etag.strip('"') in held)


EXERCISE = Exercise(
    id="E02",
    name="conditional_get",
    title="304 or 200",
    lesson=1,
    points=2,
    questions=(1,),
    stub=STUB,
    cases=cases,
    reference=conditional_get,
    play=play,
    types=TYPES,
    smaller=smaller,
    hints=(
        "Can the client hold more than one cached version?",
        'Split on commas outside quotes; ignore W/ on both sides. etag "x", header W/"x" → 304.',
        """tags = re.findall(r'(?:W/)?("[^"]*")', inm);"""
        " return 304 if inm.strip() == '*' or ____ in tags else 200",
    ),
    follow_up=(
        "Your polls are now answered with 304. What did that save, and what does each "
        "poll still cost?",
        "It saved the response body. Each poll still costs a request, the headers in both "
        "directions and a round trip, and what the client shows is no fresher than "
        "before.",
    ),
    diagnoses=(
        Diagnosis(
            "'*' matches any existing representation.",
            lambda failure: failure.given[1] == "*",
        ),
        Diagnosis(
            "the client sent no If-None-Match: it has no version, and the request is not "
            "conditional.",
            lambda failure: failure.given[1] is None,
        ),
        Diagnosis(
            "a weak tag, W/, matches here: the question is whether the client's copy is good "
            "enough.",
            lambda failure: failure.given in WEAK_PAIRS,
        ),
        Diagnosis(
            '"a", "b" is a list of two tags.',
            lambda failure: failure.given[1] in LISTS and failure.expected == 304,
        ),
        Diagnosis(
            "a tag is compared as a whole: one that occurs inside another does not match.",
            lambda failure: failure.expected == 200 and _contains(failure),
        ),
        Diagnosis(
            "a comma between quotes belongs to the tag and does not end it.",
            lambda failure: "," in "".join(re.findall(r'"[^"]*"', str(failure.given))),
        ),
    ),
)
