"""Builds the server, and runs it until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import grpc
import grpc.aio
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from detect_icd.codes.catalog import Catalog
from detect_icd.errors import DetectIcdError
from detect_icd.imports.store import lexicon_in_force
from detect_icd.necessity.default import checker
from detect_icd.service.codes import CodeServicer
from detect_icd.service.detection import DetectionServicer
from detect_icd.service.necessity import NecessityServicer
from detect_icd.service.rpc import Router, service_names
from detect_icd.service.settings import ServerSettings
from detect_icd.service.stream import Detector
from detect_icd.service.work import Workers
from detect_icd.v1 import code_pb2, detection_pb2, necessity_pb2

log = logging.getLogger("detect_icd.service")


class AddressError(DetectIcdError):
    """The address cannot be listened on."""

    reason = "ADDRESS_UNAVAILABLE"


@dataclass(frozen=True, slots=True)
class Running:
    """A started server and the port it listens on."""

    server: grpc.aio.Server
    health: health.aio.HealthServicer
    workers: Workers
    host: str
    port: int

    @property
    def address(self) -> str:
        """HOST:PORT as clients write it."""
        return f"{self.host}:{self.port}"

    async def stop(self, grace_seconds: float) -> None:
        """Not serving from now on; calls under way have `grace_seconds` to end."""
        await self.health.enter_graceful_shutdown()
        await self.server.stop(grace_seconds)
        self.workers.close()


def our_services(detector: Detector, settings: ServerSettings) -> Mapping[ServiceDescriptor, object]:
    """Every service of detect_icd.v1 this server has, with its servicer."""
    lexicon = lexicon_in_force(settings.lexicon_dir)
    necessity = NecessityServicer(
        checker(lexicon, detector, settings.necessity_dir), lexicon.codeset, max_text_bytes=settings.max_text_bytes
    )
    return {
        detection_pb2.DESCRIPTOR.services_by_name["IcdDetectionService"]: DetectionServicer(detector, settings),
        code_pb2.DESCRIPTOR.services_by_name["CodeService"]: CodeServicer(Catalog(lexicon)),
        necessity_pb2.DESCRIPTOR.services_by_name["MedicalNecessityService"]: necessity,
    }


async def start_server(detector: Detector, settings: ServerSettings) -> Running:
    """Listen and serve on the running event loop; raises AddressError."""
    workers = Workers(settings.workers, settings.queue)
    router = Router(workers, max_streams=settings.max_streams)
    services = our_services(detector, settings)
    for service, servicer in services.items():
        router.add(service, servicer)
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", settings.max_message_bytes),
            ("grpc.max_send_message_length", -1),
            # Two servers on one port by mistake would share its calls unseen.
            ("grpc.so_reuseport", 0),
        ]
    )
    server.add_generic_rpc_handlers((router,))
    health_servicer = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(health_servicer, server)
    names = service_names(services)
    if settings.reflection:
        reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)
    host = settings.address.rpartition(":")[0]
    try:
        port = server.add_insecure_port(settings.address)
    except RuntimeError:
        port = 0
    if not port:
        workers.close()
        raise AddressError(f"cannot listen on {settings.address}: it is in use, or no address of this machine")
    await server.start()
    for name in ["", *names]:
        await health_servicer.set(name, health_pb2.HealthCheckResponse.SERVING)
    return Running(server, health_servicer, workers, host, port)


async def _serve(detector: Detector, settings: ServerSettings, on_ready: Callable[[str], None]) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    running = await start_server(detector, settings)
    on_ready(running.address)
    await stop.wait()
    log.info("stopping: calls under way have %g s", settings.grace_seconds)
    await running.stop(settings.grace_seconds)


def serve(detector: Detector, settings: ServerSettings, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `on_ready` is told the address once calls are taken."""
    asyncio.run(_serve(detector, settings, on_ready))
