"""Asks a server's health: `python -m detect_icd.service.probe [HOST:PORT] [SERVICE]`, exit code 0 where it serves."""

from __future__ import annotations

import os
import sys

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from detect_icd.service.settings import DEFAULT_ADDRESS


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
    """For the Dockerfile's HEALTHCHECK and for init scripts.

    Of the environment it reads the two addresses only: other settings may stand in the server's flags.
    """
    # The address of health alone comes first: the other may speak TLS.
    listening = os.environ.get("DETECT_ICD_HEALTH_ADDRESS") or os.environ.get("DETECT_ICD_ADDRESS") or DEFAULT_ADDRESS
    for everywhere, here in (("0.0.0.0", "127.0.0.1"), ("[::]", "[::1]")):  # noqa: S104
        listening = listening.replace(everywhere, here)
    address = arguments[0] if arguments else listening
    answer = probe(address, *arguments[1:2])
    sys.stdout.write(f"{answer}\n")
    return 0 if answer == "SERVING" else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
