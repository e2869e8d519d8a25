from __future__ import annotations

import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.utils import accept_key as theirs

from labserver.wire.websocket_accept import GUID, accept_key, accept_steps, key_bytes

KEY = "dGhlIHNhbXBsZSBub25jZQ=="


def test_the_example_of_rfc_6455_1_3() -> None:
    assert accept_key(KEY) == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
    key, nonce, joined, digest, accept = accept_steps(KEY)
    assert key.data == KEY.encode()
    assert nonce.data == b"the sample nonce"
    assert joined.text == "dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
    assert digest.text == "b3 7a 4f 2c c0 62 4f 16 90 f6 46 06 cf 38 59 45 b2 be c4 ea"
    assert digest.data == bytes.fromhex(digest.text)
    assert accept.text == accept_key(KEY)
    assert accept.data == accept.text.encode()


@given(st.binary(min_size=16, max_size=16))
def test_the_websockets_library_says_the_same(nonce: bytes) -> None:
    key = base64.b64encode(nonce).decode()
    assert accept_key(key) == theirs(key)
    assert key_bytes(key) == nonce


def test_the_hash_is_over_the_text_and_not_over_what_it_stands_for() -> None:
    over_bytes = base64.b64encode(hashlib.sha1(b"the sample nonce" + GUID.encode()).digest())
    assert accept_key(KEY) != over_bytes.decode()


@pytest.mark.parametrize("key", ["", "x", "<script>", "dGhl IHNhbXBsZSBub25jZQ==", "\xff\x00"])
def test_a_key_that_is_none_is_hashed_all_the_same(key: str) -> None:
    steps = accept_steps(key)
    assert len(steps) == 5
    assert steps[-1].text == accept_key(key)


def test_a_step_says_when_a_key_is_not_base64() -> None:
    assert accept_steps("x")[1].text == "it is not Base64"
