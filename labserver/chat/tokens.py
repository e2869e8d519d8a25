"""Tokens: which user a request comes from, as a signed JSON Web Token says (RFC 7519)."""

from __future__ import annotations

import math
import secrets

import jwt

from labserver.chat.names import check_name
from labserver.clock import Clock
from labserver.errors import LabError, Refused

ISSUER = AUDIENCE = "labserver"
ALGORITHM = "HS256"
SECRET_BYTES_MIN = 32  # RFC 7518 §3.2: as long as the hash
TOKEN_TTL_S = 3600.0
VERIFIED_MAX = 10_000  # tokens remembered as verified: a poller sends its own with each request
CLOCK_SKEW_S = 60.0  # between this clock and that of the token's issuer
MAKE_A_SECRET = 'make one with python -c "import secrets; print(secrets.token_urlsafe(48))".'


def new_secret() -> str:
    """Return a new random secret that is long enough for HS256."""
    return secrets.token_urlsafe(48)


def unauthorized(code: str, message: str, error: str = "invalid_token") -> Refused:
    """Return a 401 with the challenge that RFC 6750 §3 asks for."""
    return Refused(401, code, message, headers={"WWW-Authenticate": f'Bearer error="{error}"'})


class Tokens:
    """Issues and verifies JWTs (RFC 7519), signed with HS256.

    Args:
        secret: at least 32 bytes, which are not a key file's text.
        clock: the time.

    Raises:
        LabError: if the secret is too short, cannot be encoded, or is a public key.
    """

    def __init__(self, secret: str | bytes, clock: Clock) -> None:
        try:
            self._secret = secret.encode() if isinstance(secret, str) else secret
        except UnicodeEncodeError:
            raise LabError(f"The secret is not UTF-8: {MAKE_A_SECRET}") from None
        if len(self._secret) < SECRET_BYTES_MIN:
            raise LabError(
                f"The secret has {len(self._secret)} bytes; HS256 needs {SECRET_BYTES_MIN}:"
                f" {MAKE_A_SECRET}"
            )
        try:
            jwt.encode({}, self._secret, algorithm=ALGORITHM)
        except jwt.InvalidKeyError:  # a public key cannot be a secret
            raise LabError(f"The secret is a key file's text: {MAKE_A_SECRET}") from None
        self._clock = clock
        # Token → user, when it begins, when it expires; oldest first. Only tokens that were signed.
        self._verified: dict[str, tuple[str, float, float]] = {}

    def issue(self, user: str, ttl_s: float = TOKEN_TTL_S) -> str:
        """Return a token for `user` that is valid for `ttl_s` seconds.

        Raises:
            Refused: `bad_name` (400).
            LabError: if `ttl_s` is not finite.
        """
        if not math.isfinite(ttl_s):
            raise LabError(f"A token must expire: give ttl_s in seconds, not {ttl_s}.")
        now = self._clock.time()
        claims = {
            "sub": check_name(user, "user"),
            "aud": AUDIENCE,
            "iss": ISSUER,
            "iat": int(now),
            "exp": int(now + ttl_s),
        }
        return jwt.encode(claims, self._secret, algorithm=ALGORITHM)

    def verify(self, token: str) -> str:
        """Return the user whose token it is.

        Raises:
            Refused: 401 `bad_token` or `expired_token`; 400 `bad_name`.
        """
        known = self._verified.get(token)
        if known is None:
            known = self._verified[token] = self._claims(token)
            if len(self._verified) > VERIFIED_MAX:
                del self._verified[next(iter(self._verified))]
        user, begins, expires = known
        now = self._clock.time()
        if begins > now + CLOCK_SKEW_S:
            raise unauthorized("bad_token", "The token is not valid yet.")
        if now >= expires:
            raise unauthorized("expired_token", "The token has expired; get a new one.")
        return user

    def _claims(self, token: str) -> tuple[str, float, float]:
        """Return the user, when the token becomes valid, and when it expires."""
        try:
            claims = jwt.decode(
                token,
                self._secret,
                algorithms=[ALGORITHM],  # alg is in the token, which must never choose it
                audience=AUDIENCE,
                issuer=ISSUER,
                options={
                    "require": ["sub", "aud", "iss", "iat", "exp"],
                    # These are checked at each use, against the clock that was passed in.
                    "verify_exp": False,
                    "verify_iat": False,
                    "verify_nbf": False,
                },
            )
            issued, expires = _seconds(claims["iat"]), _seconds(claims["exp"])
            begins = max(issued, _seconds(claims.get("nbf", issued)))
        except (jwt.InvalidTokenError, TypeError, ValueError, OverflowError, RecursionError):
            raise unauthorized("bad_token", "This token was not issued for this server.") from None
        return check_name(claims["sub"], "user"), begins, expires


def _seconds(claim: object) -> float:
    """Return the value of a NumericDate (RFC 7519 §2)."""
    if isinstance(claim, bool) or not isinstance(claim, int | float) or not math.isfinite(claim):
        raise TypeError
    return float(claim)
