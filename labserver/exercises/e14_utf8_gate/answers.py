"""Wrong ideas about UTF-8 in fragments."""

from __future__ import annotations

import codecs

from labserver.practice.given.frames import ProtocolError


class DecodesEachFragment:
    def push(self, fragment: bytes, fin: bool) -> str:
        return fragment.decode()


class DecodesEachFragmentPolitely:
    def push(self, fragment: bytes, fin: bool) -> str:
        try:
            return fragment.decode()
        except UnicodeDecodeError:
            raise ProtocolError(1007) from None


class ReplacesInEachFragment:
    def push(self, fragment: bytes, fin: bool) -> str:
        return fragment.decode(errors="replace")


class Replaces:
    def __init__(self) -> None:
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")

    def push(self, fragment: bytes, fin: bool) -> str:
        return self.decoder.decode(fragment, fin)


class Ignores:
    def __init__(self) -> None:
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")

    def push(self, fragment: bytes, fin: bool) -> str:
        return self.decoder.decode(fragment, fin)


class NoCloseCode:
    def __init__(self) -> None:
        self.decoder = codecs.getincrementaldecoder("utf-8")()

    def push(self, fragment: bytes, fin: bool) -> str:
        return self.decoder.decode(fragment, fin)


class OtherCode(NoCloseCode):
    def push(self, fragment: bytes, fin: bool) -> str:
        try:
            return super().push(fragment, fin)
        except UnicodeDecodeError:
            raise ProtocolError(1002) from None


class NeverFinal:
    def __init__(self) -> None:
        self.decoder = codecs.getincrementaldecoder("utf-8")()

    def push(self, fragment: bytes, fin: bool) -> str:
        try:
            return self.decoder.decode(fragment)
        except UnicodeDecodeError:
            raise ProtocolError(1007) from None


class TakesSurrogates:
    def __init__(self) -> None:
        self.decoder = codecs.getincrementaldecoder("utf-8")(errors="surrogatepass")

    def push(self, fragment: bytes, fin: bool) -> str:
        try:
            return self.decoder.decode(fragment, fin)
        except UnicodeDecodeError:
            raise ProtocolError(1007) from None


class KeepsUpToThreeBytes:
    """Waits for a character's last byte even if its second one is invalid."""

    def __init__(self) -> None:
        self.kept = b""

    def push(self, fragment: bytes, fin: bool) -> str:
        data = self.kept + fragment
        for cut in range(1 if fin else 4):
            try:
                text = data[: len(data) - cut].decode()
            except UnicodeDecodeError:
                continue
            self.kept = data[len(data) - cut :]
            return text
        raise ProtocolError(1007)


class LooksAtTheEnd:
    """Returns what it can decode, and judges only at the end."""

    def __init__(self) -> None:
        self.data = b""
        self.given = 0

    def push(self, fragment: bytes, fin: bool) -> str:
        self.data += fragment
        text = self.data.decode(errors="ignore")
        if fin:
            try:
                text = self.data.decode()
            except UnicodeDecodeError:
                raise ProtocolError(1007) from None
            self.data = b""
        new, self.given = text[self.given :], 0 if fin else len(text)
        return new


class AllOfItAtTheEnd:
    def __init__(self) -> None:
        self.data = b""

    def push(self, fragment: bytes, fin: bool) -> str:
        self.data += fragment
        if not fin:
            return ""
        data, self.data = self.data, b""
        try:
            return data.decode()
        except UnicodeDecodeError:
            raise ProtocolError(1007) from None


class AllSoFar(NeverFinal):
    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def push(self, fragment: bytes, fin: bool) -> str:
        self.text += super().push(fragment, fin)
        return self.text


class TakesTheByteOrderMark:
    def __init__(self) -> None:
        self.decoder = codecs.getincrementaldecoder("utf-8-sig")()

    def push(self, fragment: bytes, fin: bool) -> str:
        try:
            text = self.decoder.decode(fragment, fin)
        except UnicodeDecodeError:
            raise ProtocolError(1007) from None
        if fin:
            self.decoder.reset()
        return text


# Wrong solution → a part of what the learner is told first.
MESSAGES = {
    "DecodesEachFragment": "a legal cut through a character",
    "DecodesEachFragmentPolitely": "a legal cut through a character",
    "ReplacesInEachFragment": "these bytes are valid: a fragment ends within a",
    "Replaces": "you replaced invalid bytes by U+FFFD; the RFC",
    "Ignores": "bytes that are not UTF-8 were dropped silently.",
    "NoCloseCode": "this error has no close code: the peer must be told",
    "OtherCode": "wrong.",
    "NeverFinal": "the message has ended, but its last character is",
    "TakesSurrogates": "half of a UTF-16 pair",
    "KeepsUpToThreeBytes": "you noticed too late. Fail on the fragment that",
    "LooksAtTheEnd": "you noticed too late. Fail on the fragment that",
    "AllOfItAtTheEnd": "return complete characters at once, not at the end",
    "AllSoFar": "more than once",
    "TakesTheByteOrderMark": "wrong.",
}
