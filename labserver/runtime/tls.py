"""TLS for a kernel's servers: a certificate authority of its own, and what it signs.

The authority is made when it is first needed, and its key never leaves this process. Outside, it
is trusted only by those who are given its certificate (`server.ca_pem`): verification is never
switched off.
"""

from __future__ import annotations

import atexit
import ssl
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from labserver.chat.origins import parse_origin
from labserver.errors import LabError

if TYPE_CHECKING:
    import trustme

ON_LOOPBACK = ("localhost", "127.0.0.1", "::1")
ANY = ("0.0.0.0", "::")  # every address of the machine: there is no name to certify


class Authority:
    """A certificate authority.

    Attributes:
        ca_pem: the file with its own certificate. The private key is not in any file.
    """

    def __init__(self) -> None:
        import trustme

        self._ca = trustme.CA(organization_name="Realtime Lab")
        self._certificate = self._ca.cert_pem.bytes().decode()
        folder = TemporaryDirectory(prefix="labserver-ca-", ignore_cleanup_errors=True)
        atexit.register(folder.cleanup)
        self.ca_pem = str(Path(folder.name, "ca.pem"))
        self._ca.cert_pem.write_to_path(self.ca_pem)

    def server_context(self, names: Iterable[str] = ()) -> ssl.SSLContext:
        """Return what a server in this kernel proves itself with.

        Args:
            names: the names that it has besides those of loopback.

        Raises:
            LabError: if one of the names cannot be certified.
        """
        context = _server_context()
        self._certify(names).configure_cert(context)
        return context

    @contextmanager
    def certificate(self, names: Iterable[str] = ()) -> Iterator[str]:
        """Write a certificate with its key to a file that only this user can read, for a block.

        Args:
            names: the names that the server has besides those of loopback.

        Yields:
            The path of the file, for a server in another process.

        Raises:
            LabError: if one of the names cannot be certified.
        """
        with self._certify(names).private_key_and_cert_chain_pem.tempfile() as path:
            yield path

    def client_context(self) -> ssl.SSLContext:
        """Return what a client verifies such a server with: it trusts only this authority."""
        return ssl.create_default_context(cadata=self._certificate)

    def _certify(self, names: Iterable[str]) -> trustme.LeafCert:
        hosts = dict.fromkeys([*ON_LOOPBACK, *filter(None, map(_host, names))])
        try:
            return self._ca.issue_cert(*hosts)
        except UnicodeError as error:
            raise LabError(
                f"Cannot make a certificate for {', '.join(hosts)} ({error}):"
                " correct the host name."
            ) from error


def load_certificate(path: str) -> ssl.SSLContext:
    """Return what a server proves itself with, from a PEM file.

    Args:
        path: the file: a private key, then the chain of certificates.

    Raises:
        LabError: if the file cannot be used.
    """
    context = _server_context()
    try:
        context.load_cert_chain(path)
    except OSError as error:  # an SSLError is one
        raise LabError(
            f"{path} cannot be used ({error}): give a PEM file with a private key and its"
            " certificates."
        ) from error
    return context


def authority() -> Authority:
    """Return the kernel's own authority."""
    global _authority  # noqa: PLW0603 - one per kernel, made when it is first needed
    with _making:
        if _authority is None:
            _authority = Authority()
        return _authority


_authority: Authority | None = None
_making = threading.Lock()


def _server_context() -> ssl.SSLContext:
    return ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)


def _host(name: str) -> str | None:
    """Return the host of a name or address that may have a port, as in a Host header."""
    if name in ANY:
        return None
    bare_v6 = name.count(":") > 1 and not name.startswith("[")
    origin = parse_origin(f"https://[{name}]" if bare_v6 else f"https://{name}")
    return None if origin is None else origin.host
