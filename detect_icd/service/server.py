"""Builds the server, and runs it until it is told to stop."""

from __future__ import annotations

import asyncio
import logging
import resource
import signal
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from detect_icd.service import rpc
from detect_icd.service.access import Access
from detect_icd.service.calls import Calls, Observer
from detect_icd.service.pool import NURSERY, Counts, Pool
from detect_icd.service.rpc import Router, service_names
from detect_icd.service.services import SERVICES
from detect_icd.service.settings import ServerSettings, SetUpError
from detect_icd.service.tls import Certificates

log = logging.getLogger("detect_icd.service")

SERVING, NOT_SERVING = health_pb2.HealthCheckResponse.SERVING, health_pb2.HealthCheckResponse.NOT_SERVING


class AddressError(SetUpError):
    """The address cannot be listened on."""

    reason = "ADDRESS_UNAVAILABLE"


class OwnedPool(rpc.Pool, Protocol):
    """Workers, and what the server's own life needs of them."""

    @property
    def able(self) -> bool:
        """Whether there is a worker to give work to."""

    @property
    def versions(self) -> dict[str, str]:
        """Of the service, the lexicon and the code set in force."""

    @property
    def queued(self) -> int:
        """Calls that wait for a worker."""

    @property
    def busy(self) -> int:
        """Workers at work."""

    @property
    def workers(self) -> list[int]:
        """Process ids."""

    @property
    def processes(self) -> list[int]:
        """Process ids of nurseries and workers."""

    counts: Counts

    async def start(self) -> None:
        """Make them ready."""

    async def reload(self) -> bool:
        """Over the lexicon as it is now."""

    async def close(self) -> None:
        """End them."""


@dataclass(slots=True)
class Running:
    """A started server and the port it listens on."""

    server: grpc.aio.Server
    health: Health
    pool: OwnedPool
    router: Router
    host: str
    port: int
    closers: list[Callable[[], None]] = field(default_factory=list)
    probes: grpc.aio.Server | None = None

    @property
    def address(self) -> str:
        """HOST:PORT as clients write it, or the path of a socket: unix:PATH."""
        return self.host if self.host.startswith("unix:") else f"{self.host}:{self.port}"

    async def stop(self, grace_seconds: float) -> None:
        """Not serving from now on; calls under way have `grace_seconds` to end."""
        await self.health.stop()
        self.router.stopping = True
        await self.server.stop(grace_seconds)
        if self.probes is not None:
            await self.probes.stop(0)
        await self.pool.close()
        for close in self.closers:
            close()


LIVE = "live"
"""Asked of health, this name is SERVING for as long as the front process answers, whatever becomes of workers."""


class Health:
    """Tells each service's state: SERVING while a worker can take work."""

    def __init__(self) -> None:
        self.servicer = health.aio.HealthServicer()
        self._names = ["", *service_names(SERVICES)]
        self._able: bool | None = None
        self._wanted = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def tell(self, able: bool) -> None:
        """The ability to work has changed, or not."""
        if able != self._able:
            self._able = able
            if self._task is not None and not self._task.done():
                self._wanted.set()
            else:
                self._task = asyncio.get_running_loop().create_task(self._set())

    async def _set(self) -> None:
        while True:
            self._wanted.clear()
            for name in self._names:
                await self.servicer.set(name, SERVING if self._able else NOT_SERVING)
            if not self._wanted.is_set():
                return

    async def settled(self) -> None:
        """When what was told can be asked for."""
        if self._task is not None:
            await self._task

    async def stop(self) -> None:
        """Not serving, whatever is told from now on."""
        await self.settled()
        await self.servicer.enter_graceful_shutdown()


async def start_server(settings: ServerSettings, make_pool: Callable[..., OwnedPool] | None = None) -> Running:
    """Listen, then load, then serve, on the running event loop; raises AddressError, LexiconError.

    `make_pool(settings, on_change)`: other workers than processes over the lexicon in force.
    """
    status = Health()
    access = Access(settings)
    pool: OwnedPool = (make_pool or _processes)(settings, status.tell)
    observers: list[Observer] = []
    router = Router(pool, access, Calls(observers), settings)
    router.add(SERVICES)
    server = grpc.aio.server(options=_options(settings))
    server.add_generic_rpc_handlers((router,))
    health_pb2_grpc.add_HealthServicer_to_server(status.servicer, server)
    if settings.reflection:
        _add_reflection(server)
    if settings.channelz:
        from grpc_channelz.v1 import channelz

        channelz.add_channelz_servicer(server)
    host = settings.address if settings.address.startswith("unix:") else settings.address.rpartition(":")[0]
    port = _listen(server, settings)
    running = Running(server, status, pool, router, host, port)
    status.tell(able=False)
    await status.servicer.set(LIVE, SERVING)
    await server.start()
    try:
        running.probes = await _probes(status, settings)
        running.closers += _observe(observers, settings, running)
        await pool.start()
    except BaseException:
        await running.stop(0)
        raise
    status.tell(pool.able)
    await status.settled()
    return running


async def _probes(status: Health, settings: ServerSettings) -> grpc.aio.Server | None:
    """A server of health alone, where one is asked for."""
    if not settings.health_address:
        return None
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    health_pb2_grpc.add_HealthServicer_to_server(status.servicer, server)
    try:
        server.add_insecure_port(settings.health_address)
    except RuntimeError:
        raise AddressError(f"cannot listen on {settings.health_address} for health") from None
    await server.start()
    return server


def _processes(settings: ServerSettings, on_change: Callable[[bool], None]) -> OwnedPool:
    return Pool(settings, on_change, NURSERY)


def _observe(observers: list[Observer], settings: ServerSettings, running: Running) -> list[Callable[[], None]]:
    """Metrics and traces, where they are asked for; returns what ends them."""
    closers: list[Callable[[], None]] = []
    if settings.metrics_address:
        from detect_icd.service.metrics import Metrics

        metrics = Metrics(running.pool)
        observers.append(metrics)
        closers.append(metrics.serve(settings.metrics_address))
    if settings.traces_endpoint:
        from detect_icd.service.traces import exported

        traces, end = exported(settings)
        observers.append(traces)
        closers.append(end)
    return closers


def _options(settings: ServerSettings) -> list[tuple[str, Any]]:
    options: list[tuple[str, Any]] = [
        ("grpc.max_receive_message_length", settings.max_message_bytes),
        ("grpc.max_send_message_length", -1),
        # Two servers on one port by mistake would share its calls unseen.
        ("grpc.so_reuseport", 0),
        ("grpc.max_concurrent_streams", settings.max_connection_calls),
        ("grpc.keepalive_time_ms", round(settings.keepalive_seconds * 1000)),
        ("grpc.keepalive_timeout_ms", round(settings.keepalive_timeout_seconds * 1000)),
        ("grpc.keepalive_permit_without_calls", 1),
        # Clients may ask more often than gRPC's five minutes without being thrown out.
        ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    ]
    if settings.max_connection_age_seconds:
        options += [
            ("grpc.max_connection_age_ms", round(settings.max_connection_age_seconds * 1000)),
            ("grpc.max_connection_age_grace_ms", round(settings.max_stream_seconds * 1000)),
        ]
    return options


def _add_reflection(server: grpc.aio.Server) -> None:
    from grpc_reflection.v1alpha import reflection

    names = service_names(SERVICES)
    reflection.enable_server_reflection([*names, health.SERVICE_NAME, reflection.SERVICE_NAME], server)


def _listen(server: grpc.aio.Server, settings: ServerSettings) -> int:
    try:
        if settings.tls_certificate:
            port = server.add_secure_port(settings.address, Certificates(settings).credentials())
        else:
            port = server.add_insecure_port(settings.address)
    except RuntimeError:
        port = 0
    if not port:
        raise AddressError(f"cannot listen on {settings.address}: it is in use, or no address of this machine")
    return int(port)


async def _serve(settings: ServerSettings, on_ready: Callable[[str], None]) -> None:
    stop, reload = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_unhandled)
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    loop.add_signal_handler(signal.SIGHUP, reload.set)
    starting, told = loop.create_task(start_server(settings)), loop.create_task(stop.wait())
    await asyncio.wait({starting, told}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        log.info("stopped before it was started")
        starting.cancel()
        await asyncio.wait({starting})
        return
    running = starting.result()
    reloading = loop.create_task(_reload_when_told(running, reload))
    on_ready(running.address)
    await told
    log.info("stopping: calls under way have %g s", settings.grace_seconds)
    reloading.cancel()
    await asyncio.wait({reloading})
    await running.stop(settings.grace_seconds)


def _log_unhandled(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Of itself asyncio would print the objects involved, exceptions with their words among them."""
    log.error("%s: %s", context.get("message"), type(context.get("exception")).__name__)


async def _reload_when_told(running: Running, told: asyncio.Event) -> None:
    while True:
        await told.wait()
        told.clear()
        await running.pool.reload()


def serve(settings: ServerSettings, on_ready: Callable[[str], None]) -> None:
    """Serve until SIGTERM or SIGINT; `on_ready` is told the address once calls are taken. SIGHUP reloads the lexicon."""
    # A core dump would hold notes.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    asyncio.run(_serve(settings, on_ready))
