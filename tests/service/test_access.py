"""Who may call what: hashed keys, JWTs, rights by method, rates."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from detect_icd.client import Client, ServerError, whole
from detect_icd.model import DetectRequest
from detect_icd.service import access
from detect_icd.service.probe import probe
from detect_icd.service.settings import ServerSettings
from detect_icd.service.status import RateLimitedError
from detect_icd.v1 import code_pb2, code_pb2_grpc, detection_pb2, detection_pb2_grpc

ISSUER, AUDIENCE = "https://issuer.example", "detect-icd"


def key_line(name: str, token: str, rights: str, *rate: str) -> str:
    return " ".join([name, "sha256:" + hashlib.sha256(token.encode()).hexdigest(), rights, *rate]) + "\n"


@pytest.fixture(scope="module")
def signing_key():
    return ec.generate_private_key(ec.SECP256R1())


@pytest.fixture(scope="module")
def files(tmp_path_factory, signing_key):
    folder = tmp_path_factory.mktemp("access")
    (folder / "keys").write_text(
        "# name digest rights rate\n"
        + key_line("ehr", "all-token", "*")
        + key_line("coder", "code-token", "CodeService,IcdDetectionService/DetectStream")
        + key_line("slow", "slow-token", "*", "0.5")
    )
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(signing_key.public_key()))
    (folder / "jwks").write_text(json.dumps({"keys": [{**public, "kid": "k1", "alg": "ES256", "use": "sig"}]}))
    return folder


@pytest.fixture(scope="module")
def address(start, files):
    from stub_detector import StubDetector

    settings = {
        "auth_keys": str(files / "keys"),
        "auth_jwks": str(files / "jwks"),
        "auth_issuer": ISSUER,
        "auth_audience": AUDIENCE,
        "rate_burst": 2,
    }
    with start(StubDetector(), **settings) as address:
        yield address


def token(key, *, kid: str = "k1", algorithm: str = "ES256", **claims: object) -> str:
    now = int(time.time())
    for name in {"exp", "nbf"} & claims.keys():  # given in seconds from now
        claims[name] = claims[name] and now + claims[name]
    default = {"iss": ISSUER, "aud": AUDIENCE, "sub": "u1", "exp": now + 60, "scope": "detect-icd:IcdDetectionService"}
    given = {name: value for name, value in {**default, **claims}.items() if value is not None}
    return jwt.encode(given, key, algorithm=algorithm, headers={"kid": kid})


def code_of(address: str, bearer: str) -> str:
    with Client(address, token=bearer, timeout=10) as client:
        try:
            client.detect("pain")
        except ServerError as error:
            return error.code
    return "OK"


def test_a_refusal_says_what_is_needed_and_not_the_token(address):
    with Client(address, token="secret-token", timeout=10) as client, pytest.raises(ServerError) as caught:
        client.detect("pain")
    assert "authorization: Bearer" in str(caught.value)
    assert "secret-token" not in str(caught.value)


def test_a_known_key_may(address):
    assert code_of(address, "all-token") == "OK"


@pytest.mark.parametrize("bearer", ["", "other", "a.b.c", "x" * 9000])
def test_unknown_tokens_are_refused(address, bearer):
    assert code_of(address, bearer) == "UNAUTHENTICATED"


def test_rights_are_by_method(address):
    assert code_of(address, "code-token") == "PERMISSION_DENIED"
    with grpc.insecure_channel(address) as channel:
        metadata = (("authorization", "Bearer code-token"),)
        answer = code_pb2_grpc.CodeServiceStub(channel).GetCode(code_pb2.GetCodeRequest(code="I10"), metadata=metadata)
        assert answer.code == "I10"
        stream = detection_pb2_grpc.IcdDetectionServiceStub(channel).DetectStream
        message = detection_pb2.DetectStreamRequest(document=detection_pb2.DetectRequest(text="pain"))
        assert [a.WhichOneof("response") for a in stream(iter([message]), metadata=metadata)] == ["result"]


def test_streams_need_a_token_too(address):
    with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError) as caught:
        list(detection_pb2_grpc.IcdDetectionServiceStub(channel).DetectStream(iter([])))
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_health_is_open(address):
    assert probe(address) == "SERVING"


def test_a_jwt_with_its_scope_may(address, signing_key):
    assert code_of(address, token(signing_key)) == "OK"


@pytest.mark.parametrize(
    ("claims", "code"),
    [
        ({"exp": -3600}, "UNAUTHENTICATED"),
        ({"exp": None}, "UNAUTHENTICATED"),
        ({"nbf": 3600}, "UNAUTHENTICATED"),
        ({"aud": "other"}, "UNAUTHENTICATED"),
        ({"aud": None}, "UNAUTHENTICATED"),
        ({"iss": "https://other.example"}, "UNAUTHENTICATED"),
        ({"sub": None}, "UNAUTHENTICATED"),
        ({"kid": "k2"}, "UNAUTHENTICATED"),
        ({"scope": "detect-icd:CodeService"}, "PERMISSION_DENIED"),
        ({"scope": "IcdDetectionService"}, "PERMISSION_DENIED"),
        ({"scope": None}, "PERMISSION_DENIED"),
        ({"scope": "detect-icd:*"}, "OK"),
        ({"exp": -5}, "OK"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_a_jwt_must_say(address, signing_key, claims, code):
    assert code_of(address, token(signing_key, **claims)) == code


def test_a_jwt_of_another_key_is_refused(address):
    assert code_of(address, token(ec.generate_private_key(ec.SECP256R1()))) == "UNAUTHENTICATED"


@pytest.mark.parametrize("algorithm", ["none", "HS256"])
def test_a_jwt_without_a_key_pair_is_refused(address, files, algorithm):
    secret = "" if algorithm == "none" else json.loads((files / "jwks").read_text())["keys"][0]["x"]
    assert code_of(address, token(secret, algorithm=algorithm)) == "UNAUTHENTICATED"


def test_a_caller_has_its_rate(address):
    with grpc.insecure_channel(address) as channel:
        stub = detection_pb2_grpc.IcdDetectionServiceStub(channel)
        request, metadata = detection_pb2.DetectRequest(text="pain"), (("authorization", "Bearer slow-token"),)
        for _ in range(2):
            stub.Detect(request, metadata=metadata)
        with pytest.raises(grpc.RpcError) as caught:
            stub.Detect(request, metadata=metadata)
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    info, retry = error_details_pb2.ErrorInfo(), error_details_pb2.RetryInfo()
    for detail in rpc_status.from_call(caught.value).details:
        assert detail.Unpack(info) or detail.Unpack(retry)
    assert info.reason == "RATE_LIMITED"
    assert 0 < retry.retry_delay.ToMilliseconds() <= 2000
    assert code_of(address, "all-token") == "OK"  # others are not touched


def test_a_changed_key_file_is_read_and_a_broken_one_is_not(tmp_path, monkeypatch):
    monkeypatch.setattr(access, "_LOOK_SECONDS", 0.0)
    path = tmp_path / "keys"
    path.write_text(key_line("a", "one", "*"))
    keys = access.Watched(str(path), access.read_keys)
    assert [caller.name for caller in keys().values()] == ["key:a"]
    path.write_text(key_line("b", "two", "*") * 2)
    assert [caller.name for caller in keys().values()] == ["key:b"]
    path.write_text("b plain-text-secret *\n")
    assert [caller.name for caller in keys().values()] == ["key:b"]


@pytest.mark.parametrize("line", ["a", "a sha256:00 *", "a md5:" + "0" * 64 + " *", "a sha256:" + "0" * 64 + " * 1 2"])
def test_a_bad_key_file_stops_the_start(cli_error, tmp_path, line):
    (tmp_path / "keys").write_text(line)
    words = cli_error(auth_keys=str(tmp_path / "keys"))
    assert "cannot be read" in words
    assert "0000" not in words


@pytest.fixture
def cli_error(start):
    def start_and_fail(**settings):
        from stub_detector import StubDetector

        from detect_icd.service.settings import SetUpError

        with pytest.raises(SetUpError) as caught, start(StubDetector(), **settings):
            pass
        return caught.value.message

    return start_and_fail


@pytest.mark.parametrize("words", ["", "[]", '{"keys": []}', '{"keys": [{"kty": "EC"}]}', "{"])
def test_a_bad_jwks_file_stops_the_start(cli_error, tmp_path, words):
    (tmp_path / "jwks").write_text(words)
    settings = {"auth_jwks": str(tmp_path / "jwks"), "auth_issuer": ISSUER, "auth_audience": AUDIENCE}
    assert "cannot be read" in cli_error(**settings)


@pytest.mark.parametrize("head", ["[" * 3000, '{"alg":"ES256","kid":["k1"]}', '{"alg":null,"kid":"k1"}', '"x"'])
def test_a_token_that_is_no_token_is_refused(address, head):
    encoded = base64.urlsafe_b64encode(head.encode()).rstrip(b"=").decode()
    assert code_of(address, f"{encoded}.e30.AAAA") == "UNAUTHENTICATED"


def test_a_shared_secret_in_the_jwks_signs_nothing(start, tmp_path):
    from stub_detector import StubDetector

    secret = b"0123456789abcdef0123456789abcdef"
    key = {"kty": "oct", "kid": "k1", "alg": "HS256", "k": base64.urlsafe_b64encode(secret).rstrip(b"=").decode()}
    (tmp_path / "jwks").write_text(json.dumps({"keys": [key]}))
    settings = {"auth_jwks": str(tmp_path / "jwks"), "auth_issuer": ISSUER, "auth_audience": AUDIENCE}
    with start(StubDetector(), **settings) as address:
        assert code_of(address, token(secret, algorithm="HS256")) == "UNAUTHENTICATED"


def test_who_may_not_call_is_refused_before_the_message_is_waited_for(address):
    go_on = threading.Event()

    def never():
        go_on.wait(20)
        yield b""

    with grpc.insecure_channel(address) as channel, pytest.raises(grpc.RpcError) as caught:
        channel.stream_unary("/detect_icd.v1.IcdDetectionService/Detect")(never(), timeout=10)
    go_on.set()
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


def test_the_messages_of_a_stream_wait_for_their_turn(start):
    from stub_detector import StubDetector

    with start(StubDetector(), rate_per_second=4, rate_burst=1) as address, Client(address, timeout=10) as client:
        began = time.monotonic()
        answers = list(client.detect_stream(whole(DetectRequest("pain", document_id=str(n))) for n in range(4)))
        assert [answer.document_id for answer in answers] == ["0", "1", "2", "3"]
        assert 0.7 < time.monotonic() - began < 5


def test_callers_without_a_name_have_a_rate_for_each_address():
    class Peer:
        def __init__(self, address: str) -> None:
            self.peer = lambda: address
            self.auth_context = dict

    rules = access.Access(ServerSettings(rate_per_second=1, rate_burst=1))
    callers = [rules.admit("/s/m", Peer(address)) for address in ("ipv4:10.0.0.1:1", "ipv4:10.0.0.1:2", "ipv6:[::1]:3")]
    assert {caller.name for caller in callers} == {"anonymous"}
    rules.count(callers[0])
    with pytest.raises(RateLimitedError):
        rules.count(callers[1])
    rules.count(callers[2])
