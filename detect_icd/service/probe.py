"""Asks a server's health: `python -m detect_icd.service.probe [HOST:PORT] [SERVICE]`, exit code 0 where it serves."""

from __future__ import annotations

import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from detect_icd.service.settings import ServerSettings


def probe(address: str, service: str = "", *, seconds: float = 3.0) -> str:
    """SERVING, NOT_SERVING, SERVICE_UNKNOWN ... or, where there is no answer, the gRPC code's name."""
    with grpc.insecure_channel(address) as channel:
        try:
            answer = health_pb2_grpc.HealthStub(channel).Check(
                health_pb2.HealthCheckRequest(service=service), timeout=seconds
            )
        except grpc.RpcError as error:
            return str(error.code().name)
    return str(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))


def main(arguments: list[str]) -> int:
    """For the Dockerfile's HEALTHCHECK and for init scripts."""
    settings = ServerSettings()
    listening = settings.health_address or settings.address  # the other may speak TLS
    address = arguments[0] if arguments else listening.replace("0.0.0.0", "127.0.0.1")  # noqa: S104
    answer = probe(address, *arguments[1:2])
    sys.stdout.write(f"{answer}\n")
    return 0 if answer == "SERVING" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
