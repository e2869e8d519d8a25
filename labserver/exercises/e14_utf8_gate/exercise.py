"""E14: text that comes in fragments, checked as it comes."""

from __future__ import annotations

import codecs
import random
from collections.abc import Iterator

from labserver.exercises.e12_frame_decoder.exercise import octets
from labserver.exercises.e14_utf8_gate.play import TYPES, play
from labserver.practice.checking.difference import typed
from labserver.practice.checking.exercise import Case, Diagnosis, Exercise, Failure
from labserver.practice.checking.play import Raised
from labserver.practice.given.frames import ProtocolError

CUT = "RFC 6455 §5.6: a frame may end within a character; the whole message must be UTF-8"
INVALID = "RFC 6455 §8.1: bytes that are not UTF-8 fail the connection: 1007"
SURROGATE = "RFC 3629 §3: U+D800 to U+DFFF are not characters: 1007"
RANGE = "RFC 3629 §3: the last character is U+10FFFF: 1007"
OVERLONG = "RFC 3629 §3: a character has only one encoding, the shortest: 1007"
AT_ONCE = "RFC 6455 §8.1: as soon as the bytes cannot become UTF-8 any more: 1007"
UNFINISHED = "RFC 6455 §8.1: a message that ends within a character is not UTF-8: 1007"
ANOTHER = "RFC 6455 §5.6: each message is a separate text"
BOM = "RFC 3629 §6: U+FEFF is a character and stays unless something says otherwise"

STUB = '''\
from labserver.practice.frames import ProtocolError


class Utf8Gate:
    """Decodes text that arrives in fragments."""

    def __init__(self) -> None:
        raise NotImplementedError

    def push(self, fragment: bytes, fin: bool) -> str:
        """Return the characters that this fragment completes, or raise ProtocolError(1007)."""
        raise NotImplementedError
'''

Pushes = tuple[tuple[bytes, bool], ...]


class Utf8Gate:
    """The reference."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def push(self, fragment: bytes, fin: bool) -> str:
        """Return the characters that this fragment completes.

        Raises:
            ProtocolError: if what has come so far cannot be UTF-8 any more.
        """
        try:
            return self._decoder.decode(fragment, final=fin)
        except UnicodeDecodeError:
            raise ProtocolError(1007) from None


BAD = Raised("ProtocolError(1007)")
GREEK = "κόσμε"  # Autobahn 6.2.4
HELLO = "Hello-µ@ßöäüàá-UTF-8!!"  # Autobahn 6.2.3
KINDS = "é€😀\U0010ffff\0\x7f\x80\u07ff\u0800\ud7ff\ue000\uffff\U00010000"


def cases() -> Iterator[Case]:
    """Cuts everywhere, invalid bytes, where they must be noticed, several messages."""
    yield Case((((b"Hello", True),),), CUT, ["Hello"])
    yield Case((((b"caf\xc3", False), (b"\xa9", True)),), CUT, ["caf", "é"])
    for text in (GREEK, HELLO, KINDS):
        yield _octets(text)
    yield Case((((b"", False), (b"a", False), (b"", True)),), CUT, ["", "a", ""])
    yield Case((((b"\xff", True),),), INVALID, [BAD])
    yield Case((((b"\x80", True),),), INVALID, [BAD])
    yield Case((((b"a\xc3", False), (b"b", True)),), INVALID, ["a", BAD])
    yield Case((((b"caf\xc3", True),),), UNFINISHED, [BAD])
    yield Case((((b"caf", False), (b"\xc3", False), (b"", True)),), UNFINISHED, ["caf", "", BAD])
    greek = GREEK.encode()
    for rule, bad in (
        (SURROGATE, b"\xed\xa0\x80"),
        (SURROGATE, b"\xed\xbf\xbf"),
        (RANGE, b"\xf4\x90\x80\x80"),
        (RANGE, b"\xf5\x80\x80\x80"),
        (OVERLONG, b"\xc0\xaf"),
        (OVERLONG, b"\xe0\x80\xaf"),
        (OVERLONG, b"\xf0\x80\x80\xaf"),
    ):
        yield Case((((bad, True),),), rule, [BAD])
        yield Case((((greek, False), (bad, False), (b"edited", True)),), AT_ONCE, [GREEK, BAD])
    # Autobahn 6.4.2: after the second byte, no further byte can make it valid.
    for bad in (b"\xf4\x90", b"\xe0\x80", b"\xf0\x80", b"\xc3("):
        pushes = ((greek, False), (bad[:1], False), (bad[1:], False), (b"\x80", True))
        yield Case((pushes,), AT_ONCE, [GREEK, "", BAD])
    for first in (b"\xc0", b"\xc1", b"\xf5", b"\xff"):
        yield Case((((first, False), (b"\x80", True)),), AT_ONCE, [BAD])
    two = ((b"a\xc3", False), (b"\xa9", True), (b"b", True))
    yield Case((two,), ANOTHER, ["a", "é", "b"])
    yield Case((((b"\xef\xbb\xbfa", True),),), BOM, ["\ufeffa"])
    yield from _random(random.Random(14))


def _octets(text: str) -> Case:
    """Make a case of a text, one byte at a time: each character comes with its last byte."""
    expected, pushes = [], []
    for character in text:
        *first, last = octets(character.encode())
        pushes += [(octet, False) for octet in [*first, last]]
        expected += ["" for _ in first] + [character]
    return Case(((*pushes, (b"", True)),), CUT, [*expected, ""])


def _random(draws: random.Random) -> Iterator[Case]:
    """Texts cut anywhere; in half of them one byte is changed."""
    for _ in range(60):
        data = bytearray("".join(draws.choices(HELLO + GREEK + KINDS, k=8)).encode())
        if draws.random() < 0.5:
            data[draws.randrange(len(data))] = draws.randrange(256)
        cuts = sorted(draws.sample(range(len(data) + 1), draws.randint(0, 5)))
        ends = [*cuts, len(data)]
        pieces = [bytes(data[i:j]) for i, j in zip([0, *cuts], ends, strict=True)]
        pushes = tuple((one, n == len(cuts)) for n, one in enumerate(pieces))
        if not _holds_half_a_surrogate(pushes):
            yield Case((pushes,), INVALID)


def _holds_half_a_surrogate(pushes: Pushes) -> bool:
    """Whether a fragment ends where Python's decoder waits and a stricter one would not."""
    data = b""
    for fragment, _ in pushes:
        data += fragment
        if data[-2:-1] == b"\xed" and data[-1] >= 0xA0:
            return True
    return False


def smaller(given: tuple[Pushes]) -> Iterator[tuple[Pushes]]:
    """Give fewer fragments, or shorter ones."""
    return ((one,) for one in _fewer(given[0]) if not _holds_half_a_surrogate(one))


def _fewer(pushes: Pushes) -> Iterator[Pushes]:
    for count in range(1, len(pushes)):
        yield pushes[:count]
    for index in range(len(pushes) if len(pushes) > 1 else 0):
        yield pushes[:index] + pushes[index + 1 :]
    for index, (fragment, fin) in enumerate(pushes):
        for cut in range(len(fragment)):
            one = (fragment[:cut] + fragment[cut + 1 :], fin)
            yield (*pushes[:index], one, *pushes[index + 1 :])


def shown(given: tuple[Pushes]) -> list[str]:
    """Show the calls."""
    (pushes,) = given
    octet, bare = b"".join(data for data, _ in pushes[:-1]), pushes[-1] == (b"", True)
    if bare and len(pushes) > 4 and len(octet) == len(pushes) - 1:
        calls = [f"for byte in {octet!r}:", "    gate.push(bytes([byte]), False)"]
        return ["gate = Utf8Gate()", *calls, "gate.push(b'', True)"]
    return ["gate = Utf8Gate()", *(f"gate.push({_typed(data)}, {fin})" for data, fin in pushes)]


def _typed(data: bytes) -> str:
    return repr(data) if data.isascii() else typed(data)


def _was_bad(failure: Failure) -> bool:
    return bool(failure.expected[-1] == BAD)


def cannot_wait(failure: Failure) -> bool:
    """Whether half a character was treated as an error."""
    if isinstance(failure.actual, Raised):
        return failure.actual == "UnicodeDecodeError" and not _was_bad(failure)
    pairs = zip(failure.expected, failure.actual, strict=False)
    return any(actual == BAD and expected != BAD for expected, actual in pairs)


def raises_its_own(failure: Failure) -> bool:
    """Whether the codec's error was raised instead of one with a close code."""
    return _was_bad(failure) and failure.actual == Raised("UnicodeDecodeError")


def replaces(failure: Failure) -> bool:
    """Whether U+FFFD replaced invalid bytes."""
    return any(type(one) is str and "\ufffd" in one for one in failure.actual)


def replaces_at_a_cut(failure: Failure) -> bool:
    """Whether U+FFFD replaced the halves of a character."""
    return replaces(failure) and not _was_bad(failure)


def takes_surrogates(failure: Failure) -> bool:
    """Whether half of a UTF-16 pair was returned."""
    return any("\ud800" <= c <= "\udfff" for one in failure.actual for c in one)


def takes_the_end(failure: Failure) -> bool:
    """Whether a message ended within a character without an error."""
    return (
        _was_bad(failure)
        and len(failure.actual) == len(failure.given[0])
        and _is_cut(b"".join(data for data, _ in failure.given[0]))
    )


def _is_cut(data: bytes) -> bool:
    """Whether it is UTF-8, except for an incomplete character at the end."""
    try:
        codecs.getincrementaldecoder("utf-8")().decode(data)
    except UnicodeDecodeError:
        return False
    return True


def notices_late(failure: Failure) -> bool:
    """Whether it went on after the fragment that made the text invalid."""
    return _was_bad(failure) and len(failure.actual) > len(failure.expected)


def swallows(failure: Failure) -> bool:
    """Whether bytes that are not UTF-8 were dropped."""
    return _was_bad(failure) and type(failure.actual[-1]) is str


def repeats(failure: Failure) -> bool:
    """Whether characters were returned again."""
    expected, actual = failure.expected[-1], failure.actual[-1]
    return len(actual) > len(expected) and actual.endswith(expected) and not _was_bad(failure)


def holds_back(failure: Failure) -> bool:
    """Whether the text is right, but was returned later than possible."""
    return "".join(failure.actual) == "".join(failure.expected) and failure.actual[0] == ""


EXERCISE = Exercise(
    id="E14",
    name="Utf8Gate",
    title="UTF-8 in fragments",
    lesson=5,
    points=4,
    stub=STUB,
    cases=cases,
    reference=Utf8Gate,
    play=play,
    types=TYPES,
    shown=shown,
    smaller=smaller,
    hints=(
        "Which Python object remembers half a character?",
        "codecs.getincrementaldecoder('utf-8')(); its argument final is your fin.",
        "try: return self.decoder.decode(fragment, final=____)"
        " except UnicodeDecodeError: raise ProtocolError(1007)",
    ),
    follow_up=(
        "What do JavaScript's `TextDecoder` and Java's `new String(bytes, UTF_8)` do with "
        "invalid bytes? Would your JSON parser not notice?",
        "Both replace them with U+FFFD and go on, unless the `TextDecoder` was made with "
        "`fatal: true`. Part of the text is lost, and nobody is told.\n"
        "A JSON parser does not notice, because U+FFFD is a character like any other.",
    ),
    diagnoses=(
        Diagnosis(
            "you raised at a legal cut through a character: the rest of it comes with the "
            "next fragment.",
            cannot_wait,
        ),
        Diagnosis(
            "this error has no close code: the peer must be told 1007.",
            raises_its_own,
        ),
        Diagnosis(
            "these bytes are valid: a fragment ends within a character, and you put U+FFFD there.",
            replaces_at_a_cut,
        ),
        Diagnosis(
            "you replaced invalid bytes by U+FFFD; the RFC requires close code 1007.",
            replaces,
        ),
        Diagnosis(
            "you took half of a UTF-16 pair for a character, which it is not in UTF-8.",
            takes_surrogates,
        ),
        Diagnosis(
            "the message has ended, but its last character is incomplete.",
            takes_the_end,
        ),
        Diagnosis(
            "you noticed too late. Fail on the fragment that makes the text invalid: the "
            "rest of the message may be long, or never come.",
            notices_late,
        ),
        Diagnosis("bytes that are not UTF-8 were dropped silently.", swallows),
        Diagnosis(
            "return complete characters at once, not at the end of the message.",
            holds_back,
        ),
        Diagnosis(
            "a character was returned more than once: return from each push only what it "
            "completes.",
            repeats,
        ),
    ),
)
