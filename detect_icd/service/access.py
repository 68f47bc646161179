"""Who calls, and may they: bearer tokens (hashed keys, JWTs), client certificates, rights by method, rate by caller.

With neither keys nor a JWKS file every caller may do all, as `anonymous`. Health and reflection never come here.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from detect_icd.service.settings import ServerSettings, SetUpError
from detect_icd.service.status import ForbiddenError, RateLimitedError, UnauthenticatedError

log = logging.getLogger("detect_icd.service.access")

SCOPE_PREFIX = "detect-icd:"
"""Of a right in a JWT's `scope`: detect-icd:*, detect-icd:CodeService, detect-icd:CodeService/GetCode."""
_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"]
"""Signatures by key pairs only: with a shared secret, whoever can check a token could make one."""
_LONGEST_TOKEN = 8192
_LOOK_SECONDS = 1.0
_REMEMBERED_CALLERS = 10_000

_T = TypeVar("_T")


class AccessFileError(SetUpError):
    """A file of keys cannot be read."""

    reason = "ACCESS_FILE_INVALID"


class Context(Protocol):
    """The part of gRPC's context used here."""

    def invocation_metadata(self) -> Any:
        """What came with the call."""

    def auth_context(self) -> dict[str, list[bytes]]:
        """What TLS knows of the peer."""

    def peer(self) -> str:
        """Its address."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls. `rights`: "*", a service's name, or Service/Method; `rate` in messages a second, 0 for no limit.

    `address` tells those apart that have no name.
    """

    name: str
    rights: frozenset[str] = frozenset({"*"})
    rate: float = 0.0
    address: str = ""


class Watched(Generic[_T]):
    """What a file says, read again when it changes; a broken new version is refused and the old one stays."""

    def __init__(self, path: str, read: Callable[[bytes], _T]) -> None:
        self._path = Path(path)
        self._read = read
        self._looked = time.monotonic()
        self._stamp = self._stat()
        try:
            self._value = read(self._path.read_bytes())
        except Exception as error:  # noqa: BLE001 - whatever is wrong with it: keys, JSON of another shape, no key
            # Its words may quote the file, and the file holds keys.
            raise AccessFileError(f"{path} cannot be read: {type(error).__name__}") from None

    def __call__(self) -> _T:
        """The value as of the last second."""
        now = time.monotonic()
        if self._looked + _LOOK_SECONDS < now:
            self._looked = now
            stamp = self._stat()
            if stamp != self._stamp:
                self._stamp = stamp
                try:
                    self._value = self._read(self._path.read_bytes())
                    log.info("%s is read again", self._path.name)
                except Exception as error:  # noqa: BLE001 - whatever is wrong with it, the old one stays in force
                    log.error("%s is not read, the old one stays: %s", self._path.name, type(error).__name__)  # noqa: TRY400
        return self._value

    def _stat(self) -> tuple[int, int, int]:
        try:
            found = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (found.st_mtime_ns, found.st_size, found.st_ino)


class Access:
    """Admits callers and counts what they send."""

    def __init__(self, settings: ServerSettings) -> None:
        self._settings = settings
        self._keys = Watched(settings.auth_keys, read_keys) if settings.auth_keys else None
        self._jwks = Watched(settings.auth_jwks, _read_jwks) if settings.auth_jwks else None
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    @property
    def open(self) -> bool:
        """Whether no token is asked for."""
        return self._keys is None and self._jwks is None

    def admit(self, method: str, context: Context) -> Caller:
        """The caller; raises UnauthenticatedError, ForbiddenError."""
        if self.open:
            name = _certificate_name(context)
            return Caller(name) if name else Caller("anonymous", address=context.peer().rpartition(":")[0])
        caller = self._caller(_bearer(context))
        service, _, name = method.rpartition("/")
        service = service.rpartition(".")[2]
        if not caller.rights & {"*", service, f"{service}/{name}"}:
            raise ForbiddenError(f"the token does not permit {service}/{name}")
        return caller

    def count(self, caller: Caller) -> None:
        """One more message of the caller; raises RateLimitedError where it has had its share."""
        rate = caller.rate or self._settings.rate_per_second
        if not rate:
            return
        burst, now = float(self._settings.rate_burst), time.monotonic()
        key = f"{caller.name} {caller.address}"
        left, then = self._buckets.pop(key, (burst, now))
        left = min(burst, left + (now - then) * rate)
        self._buckets[key] = (left - 1 if 1 <= left else left, now)
        if _REMEMBERED_CALLERS < len(self._buckets):
            self._buckets.popitem(last=False)
        if left < 1:
            raise RateLimitedError((1 - left) / rate)

    def _caller(self, token: str) -> Caller:
        if self._keys is not None:
            digest = hashlib.sha256(token.encode()).hexdigest()
            for known, caller in self._keys().items():
                if hmac.compare_digest(known, digest):
                    return caller
        if self._jwks is not None and token.count(".") == 2:
            return self._of_jwt(token, self._jwks())
        raise UnauthenticatedError("the token is not known: send a valid one as metadata authorization: Bearer TOKEN")

    def _of_jwt(self, token: str, keys: Any) -> Caller:
        import jwt

        try:
            key = keys[jwt.get_unverified_header(token).get("kid", "")]
            claims = jwt.decode(
                token,
                key,
                algorithms=[key.algorithm_name] if key.algorithm_name in _ALGORITHMS else [],
                audience=self._settings.auth_audience,
                issuer=self._settings.auth_issuer,
                leeway=self._settings.auth_leeway_seconds,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except Exception as error:  # noqa: BLE001 - a caller chose these bytes: whatever is wrong, it is no permit
            expired = isinstance(error, jwt.ExpiredSignatureError)
            words = "the token has expired: get a new one" if expired else "the token is not valid for this server"
            raise UnauthenticatedError(words) from None
        scopes = str(claims.get("scope") or "").split()
        rights = frozenset(s.removeprefix(SCOPE_PREFIX) for s in scopes if s.startswith(SCOPE_PREFIX))
        return Caller(f"jwt:{_short(claims['sub'])}", rights)


def read_keys(data: bytes) -> dict[str, Caller]:
    """Lines `name sha256:HEX rights[,rights] [messages a second]`, # begins a comment; raises ValueError."""
    found: dict[str, Caller] = {}
    for line in data.decode("utf-8").splitlines():
        words = line.partition("#")[0].split()
        if not words:
            continue
        name, digest, rights, *rate = words
        kind, _, digits = digest.partition(":")
        if kind != "sha256" or len(bytes.fromhex(digits)) != hashlib.sha256().digest_size or len(rate) > 1:
            raise ValueError
        found[digits.lower()] = Caller(f"key:{name}", frozenset(rights.split(",")), float(rate[0]) if rate else 0.0)
    return found


def _read_jwks(data: bytes) -> Any:
    import jwt

    return {key.key_id or "": key for key in jwt.PyJWKSet.from_json(data.decode("utf-8")).keys}


def _bearer(context: Context) -> str:
    values = [value for key, value in context.invocation_metadata() or () if key == "authorization"]
    kind, _, token = str(values[0]).partition(" ") if len(values) == 1 else ("", "", "")
    if kind.lower() != "bearer" or not token or _LONGEST_TOKEN < len(token):
        raise UnauthenticatedError("a token is needed: send it as metadata authorization: Bearer TOKEN")
    return token.strip()


def _certificate_name(context: Context) -> str:
    names = context.auth_context().get("x509_common_name") or []
    return f"cert:{_short(names[0].decode('utf-8', 'replace'))}" if names else ""


def _short(name: str) -> str:
    """A name as it may stand in a log line."""
    return "".join(c if c.isalnum() or c in "._@-" else "_" for c in str(name))[:64]
