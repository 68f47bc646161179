"""TLS for the server: certificate, key and client authority from files, read again when they change."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import grpc

from detect_icd.service.settings import ServerSettings, SetUpError

log = logging.getLogger("detect_icd.service.tls")


class CertificateError(SetUpError):
    """The certificate files cannot be used."""

    reason = "CERTIFICATE_INVALID"


class Certificates:
    """The files; called by gRPC at each handshake, so a renewed certificate needs neither signal nor restart."""

    def __init__(self, settings: ServerSettings) -> None:
        self._paths = [Path(p) for p in (settings.tls_key, settings.tls_certificate, settings.tls_client_ca) if p]
        self._with_clients = bool(settings.tls_client_ca)
        self._stamp: Any = None

    def credentials(self) -> Any:
        """What gRPC wants; raises CertificateError."""
        try:
            self._stamp = self._stamps()
            first = self._read()
        except (OSError, ValueError) as error:
            words = error.strerror if isinstance(error, OSError) else str(error)
            raise CertificateError(f"the TLS files cannot be used: {words}") from None
        return grpc.dynamic_ssl_server_credentials(
            first, self._renewed, require_client_authentication=self._with_clients
        )

    def _renewed(self) -> Any:
        """The files' new content, None where they are as they were or cannot be used."""
        try:
            stamp = self._stamps()
            if stamp == self._stamp:
                return None
            self._stamp = stamp
            fresh = self._read()
        except (OSError, ValueError) as error:
            log.error("the changed TLS files are not used, the old ones stay: %s", type(error).__name__)  # noqa: TRY400
            return None
        log.info("the TLS files are read again")
        return fresh

    def _stamps(self) -> list[tuple[int, int, int]]:
        return [(s.st_mtime_ns, s.st_size, s.st_ino) for s in (path.stat() for path in self._paths)]

    def _read(self) -> Any:
        key, chain, *authority = [path.read_bytes() for path in self._paths]
        check_pair(key, chain)
        roots = authority[0] if authority else None
        return grpc.ssl_server_certificate_configuration([(key, chain)], root_certificates=roots)


def check_pair(key: bytes, chain: bytes) -> None:
    """Raises ValueError where they do not belong together, as in the middle of a renewal; gRPC itself would not say."""
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

    public = load_pem_private_key(key, None).public_key()
    certificate = x509.load_pem_x509_certificates(chain)[0]
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if public.public_bytes(*form) != certificate.public_key().public_bytes(*form):
        raise ValueError("the private key is not that of the certificate")
