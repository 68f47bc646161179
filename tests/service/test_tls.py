"""TLS and mutual TLS, and certificates that are renewed under a running server."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from stub_detector import StubDetector

from detect_icd.client import Client, Tls, UnreachableError
from detect_icd.service.settings import SetUpError


class Authority:
    def __init__(self) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.certificate = self._sign(self.key.public_key(), "test authority", authority=True)

    def _sign(self, public, name, *, authority=False):
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        issuer = subject if authority else self.certificate.subject
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        )
        return builder.sign(self.key, hashes.SHA256())

    def issue(self, folder, name: str) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._sign(key.public_key(), name)
        encoding = serialization.Encoding.PEM
        (folder / f"{name}.key").write_bytes(
            key.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(encoding))
        (folder / "ca.pem").write_bytes(self.certificate.public_bytes(encoding))


@pytest.fixture
def folder(tmp_path):
    Authority().issue(tmp_path, "server")
    return tmp_path


def files(folder) -> dict[str, str]:
    return {"tls_certificate": str(folder / "server.pem"), "tls_key": str(folder / "server.key")}


def ask(address: str, tls: Tls) -> int:
    target = address.replace("127.0.0.1", "localhost")
    with Client(target, tls=tls, timeout=3) as client:
        return len(client.detect("pain").mentions)


def test_tls(start, folder):
    with start(StubDetector(), **files(folder)) as address:
        assert ask(address, Tls(folder / "ca.pem")) == 1
        with pytest.raises(UnreachableError), Client(address, timeout=2) as client:
            client.detect("pain")


def test_mutual_tls(start, folder):
    clients = folder / "clients"
    clients.mkdir()
    Authority().issue(clients, "client")
    with start(StubDetector(), **files(folder), tls_client_ca=str(clients / "ca.pem")) as address:
        good = Tls(folder / "ca.pem", clients / "client.pem", clients / "client.key")
        assert ask(address, good) == 1
        with pytest.raises(UnreachableError):
            ask(address, Tls(folder / "ca.pem"))


def test_a_renewed_certificate_is_used_and_a_broken_one_is_not(start, folder):
    with start(StubDetector(), **files(folder)) as address:
        old = Tls(folder / "ca.pem")
        assert ask(address, old) == 1
        (folder / "server.pem").write_bytes(b"broken")
        assert ask(address, old) == 1
        renewed = folder / "renewed"
        renewed.mkdir()
        Authority().issue(renewed, "server")
        for name in ("server.key", "server.pem"):
            (renewed / name).replace(folder / name)
            # between the two, key and certificate do not belong together: the old pair stays in force
            if name == "server.key":
                assert ask(address, old) == 1
        assert ask(address, Tls(renewed / "ca.pem")) == 1
        with pytest.raises(UnreachableError):
            ask(address, old)


@pytest.mark.parametrize("name", ["server.pem", "server.key"])
def test_files_that_cannot_be_used_stop_the_start(start, folder, name):
    (folder / name).write_bytes(b"nothing")
    with pytest.raises(SetUpError), start(StubDetector(), **files(folder)):
        pass


def test_a_key_of_another_certificate_stops_the_start(start, folder, tmp_path):
    other = tmp_path / "other"
    other.mkdir()
    Authority().issue(other, "server")
    (other / "server.key").replace(folder / "server.key")
    with pytest.raises(SetUpError, match="private key"), start(StubDetector(), **files(folder)):
        pass
