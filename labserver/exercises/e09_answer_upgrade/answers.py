"""Wrong ideas about the handshake: each changes one thing in an answer that is right."""

from __future__ import annotations

import base64
import binascii

from labserver.practice.given.answers import Response
from labserver.wire.websocket_accept import accept_key


class Base:
    """An answer that works and is called like a function; what can go wrong has its own method."""

    def __call__(self, raw: bytes, subprotocols: list[str]) -> Response:
        fields = self.read(raw)
        if not self.is_get(raw):
            return Response(405, {"Allow": "GET"})
        if not self.has_host(fields):
            return Response(400, {})
        if not (
            self.upgrades(fields.get("upgrade", ""))
            and self.connects(fields.get("connection", ""))
            and self.is_version(fields)
        ):
            return self.wants()
        if not self.is_key(fields.get("sec-websocket-key", "")):
            return Response(400, {})
        offered = self.members(fields.get("sec-websocket-protocol", ""))
        chosen = self.choose(offered, subprotocols)
        headers = {
            "upgrade": "WebSocket",  # case-insensitive
            "CONNECTION": "upgrade",
            "Sec-WebSocket-Accept": accept_key(fields["sec-websocket-key"]),
            "Date": "Sun, 06 Nov 1994 08:49:37 GMT",  # ignored
        }
        return Response(101, headers | chosen | self.extends(fields))

    def read(self, raw: bytes) -> dict[str, str]:
        fields: dict[str, str] = {}
        for line in raw.decode().splitlines()[1:]:
            name, _, value = line.partition(":")
            fields.setdefault(name.lower(), "")
            fields[name.lower()] += ("," if fields[name.lower()] else "") + value.strip()
        return fields

    def members(self, value: str) -> list[str]:
        return [one.strip() for one in value.split(",")] if value else []

    def is_get(self, raw: bytes) -> bool:
        return raw.split()[0] == b"GET"

    def has_host(self, fields: dict[str, str]) -> bool:
        return "host" in fields

    def upgrades(self, value: str) -> bool:
        return "websocket" in self.members(value.lower())

    def connects(self, value: str) -> bool:
        return "upgrade" in self.members(value.lower())

    def is_version(self, fields: dict[str, str]) -> bool:
        return fields.get("sec-websocket-version") == "13"

    def wants(self) -> Response:
        return Response(426, {"Upgrade": "websocket", "Sec-WebSocket-Version": "13"})

    def is_key(self, value: str) -> bool:
        try:
            return len(base64.b64decode(value, validate=True)) == 16
        except binascii.Error:
            return False

    def choose(self, offered: list[str], spoken: list[str]) -> dict[str, str]:
        both = [one for one in offered if one in spoken]
        return {"sec-websocket-protocol": both[0]} if both else {}

    def extends(self, fields: dict[str, str]) -> dict[str, str]:
        return {}


class _ConnectionIsUpgrade(Base):
    def connects(self, value: str) -> bool:
        return value == "Upgrade"


class _ConnectionWithin(Base):
    def connects(self, value: str) -> bool:
        return "upgrade" in value.lower()


class _ConnectionInOneCase(Base):
    def connects(self, value: str) -> bool:
        return "Upgrade" in self.members(value)


class _AnyConnection(Base):
    def connects(self, value: str) -> bool:
        return True


class _UpgradeIsWebsocket(Base):
    def upgrades(self, value: str) -> bool:
        return value.lower() == "websocket"


class _UpgradeInOneCase(Base):
    def upgrades(self, value: str) -> bool:
        return "websocket" in self.members(value)


class _AnyUpgrade(Base):
    def upgrades(self, value: str) -> bool:
        return True


class _NamesAsTheyCome(Base):
    def read(self, raw: bytes) -> dict[str, str]:
        lines = [line.partition(": ") for line in raw.decode().splitlines()[1:]]
        fields = super().read(raw)
        exact = {name for name, _, _ in lines}
        wanted = ("Host", "Upgrade", "Connection", "Sec-WebSocket-Key", "Sec-WebSocket-Version")
        return fields if exact.issuperset(wanted) else {}


class _ColonAndSpace(Base):
    def read(self, raw: bytes) -> dict[str, str]:
        lines = raw.decode().splitlines()[1:-1]
        return {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}


class _LastLineCounts(Base):
    def read(self, raw: bytes) -> dict[str, str]:
        lines = [line.partition(":") for line in raw.decode().splitlines()[1:]]
        return {name.lower(): value.strip() for name, _, value in lines}


class _FirstLineCounts(Base):
    def read(self, raw: bytes) -> dict[str, str]:
        lines = [line.partition(":") for line in raw.decode().splitlines()[1:]]
        return {name.lower(): value.strip() for name, _, value in reversed(lines)}


class _EchoesTheProtocol(Base):
    def choose(self, offered: list[str], spoken: list[str]) -> dict[str, str]:
        return {"Sec-WebSocket-Protocol": offered[0]} if offered else {}


class _NamesItsProtocolUnasked(Base):
    def choose(self, offered: list[str], spoken: list[str]) -> dict[str, str]:
        return {"Sec-WebSocket-Protocol": spoken[0]} if spoken else {}


class _ServersOrder(Base):
    def choose(self, offered: list[str], spoken: list[str]) -> dict[str, str]:
        both = [one for one in spoken if one in offered]
        return {"Sec-WebSocket-Protocol": both[0]} if both else {}


class _EmptyProtocol(Base):
    def choose(self, offered: list[str], spoken: list[str]) -> dict[str, str]:
        return {"Sec-WebSocket-Protocol": ""} | super().choose(offered, spoken)


class _EchoesExtensions(Base):
    def extends(self, fields: dict[str, str]) -> dict[str, str]:
        name = "sec-websocket-extensions"
        return {name: fields[name]} if name in fields else {}


class _AnyMethod(Base):
    def is_get(self, raw: bytes) -> bool:
        return True


class _NoHost(Base):
    def has_host(self, fields: dict[str, str]) -> bool:
        return True


class _AnyVersion(Base):
    def is_version(self, fields: dict[str, str]) -> bool:
        return True


class _VersionIfThereIsOne(Base):
    def is_version(self, fields: dict[str, str]) -> bool:
        return fields.get("sec-websocket-version", "13") == "13"


class _KeyOf24Characters(Base):
    def is_key(self, value: str) -> bool:
        return len(value) == 24


class _KeyMoreOrLess(Base):
    def is_key(self, value: str) -> bool:
        try:
            return len(base64.b64decode(value)) == 16
        except binascii.Error:
            return False


class _NamesNoVersion(Base):
    def wants(self) -> Response:
        return Response(426, {"Upgrade": "websocket"})


class _AlwaysBadRequest(Base):
    def wants(self) -> Response:
        return Response(400, {})


connection_is_upgrade = _ConnectionIsUpgrade()
connection_within = _ConnectionWithin()
connection_in_one_case = _ConnectionInOneCase()
any_connection = _AnyConnection()
upgrade_is_websocket = _UpgradeIsWebsocket()
upgrade_in_one_case = _UpgradeInOneCase()
any_upgrade = _AnyUpgrade()
names_as_they_come = _NamesAsTheyCome()
colon_and_space = _ColonAndSpace()
last_line_counts = _LastLineCounts()
first_line_counts = _FirstLineCounts()
echoes_the_protocol = _EchoesTheProtocol()
names_its_protocol_unasked = _NamesItsProtocolUnasked()
servers_order = _ServersOrder()
empty_protocol = _EmptyProtocol()
echoes_extensions = _EchoesExtensions()
any_method = _AnyMethod()
no_host = _NoHost()
any_version = _AnyVersion()
version_if_there_is_one = _VersionIfThereIsOne()
key_of_24_characters = _KeyOf24Characters()
key_more_or_less = _KeyMoreOrLess()
names_no_version = _NamesNoVersion()
always_bad_request = _AlwaysBadRequest()


# Wrong solution → a part of what the learner is told first.
MESSAGES = {
    "connection_is_upgrade": "Connection is a list of tokens",
    "connection_within": "part of a word is not the token: compare whole",
    "connection_in_one_case": "field names are case-insensitive, and so are",
    "any_connection": "only if Connection names it",
    "upgrade_is_websocket": "Upgrade is a list, too",
    "upgrade_in_one_case": "field names are case-insensitive, and so are",
    "any_upgrade": "this request did not ask for a WebSocket.",
    "names_as_they_come": "field names are case-insensitive, and so are",
    "colon_and_space": "field names are case-insensitive, and so are",
    "last_line_counts": "you looked at one of them",
    "first_line_counts": "you looked at one of them",
    "echoes_the_protocol": "only one that was offered AND that you speak",
    "names_its_protocol_unasked": "only one that was offered AND that you speak",
    "servers_order": "the client lists subprotocols in order of",
    "empty_protocol": "only one that was offered AND that you speak",
    "echoes_extensions": "an extension that you do not have",
    "any_method": "only a GET is a handshake",
    "no_host": "HTTP/1.1 requires Host.",
    "any_version": "a version that you do not speak",
    "version_if_there_is_one": "you accepted a version that you do not speak, or a",
    "key_of_24_characters": "a key must decode to 16 bytes; counting its",
    "key_more_or_less": "must decode to 16 bytes",
    "names_no_version": "a 426 names what is supported: the protocol and its",
    "always_bad_request": "wrong.",
}
