"""Wrong ideas about If-None-Match."""

from __future__ import annotations


def string_equality(etag: str, if_none_match: str | None) -> int:
    if if_none_match is None:
        return 200
    if if_none_match == "*":
        return 304
    return 304 if etag.removeprefix("W/") == if_none_match.removeprefix("W/") else 200


def star_is_literal(etag: str, if_none_match: str | None) -> int:
    tags = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return 304 if etag.removeprefix("W/") in tags else 200


def strong_comparison(etag: str, if_none_match: str | None) -> int:
    if if_none_match == "*":
        return 304
    return 304 if etag in [tag.strip() for tag in (if_none_match or "").split(",")] else 200


def substring(etag: str, if_none_match: str | None) -> int:
    held = if_none_match or ""
    return 304 if held == "*" or etag.removeprefix("W/").strip('"') in held else 200


def splits_at_every_comma(etag: str, if_none_match: str | None) -> int:
    if if_none_match == "*":
        return 304
    tags = [tag.strip().removeprefix("W/") for tag in (if_none_match or "").split(",")]
    return 304 if etag.removeprefix("W/") in tags else 200


def no_field_is_an_error(etag: str, if_none_match: str | None) -> int:
    return 304 if etag in if_none_match else 200  # type: ignore[operator]


# Wrong solution → a part of what the learner is told first.
MESSAGES = {
    "string_equality": '"a", "b" is a list of two tags',
    "star_is_literal": "'*' matches any existing representation",
    "strong_comparison": "a weak tag, W/, matches here",
    "substring": "a tag is compared as a whole",
    "splits_at_every_comma": "a comma between quotes belongs to the tag",
    "no_field_is_an_error": "the client sent no If-None-Match",
}
