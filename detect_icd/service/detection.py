"""IcdDetectionService over a Detector."""

from __future__ import annotations

from collections.abc import Callable

from detect_icd import validation
from detect_icd.formats import proto
from detect_icd.service.settings import ServerSettings
from detect_icd.service.stream import Detector, Held, StreamSession
from detect_icd.v1 import detection_pb2 as pb


class DetectionServicer:
    """Detect and DetectStream (see rpc for how they are called)."""

    def __init__(self, detector: Detector, settings: ServerSettings) -> None:
        self._detector = detector
        self._settings = settings
        self._held = Held(settings.max_open_bytes)

    def Detect(self, request: pb.DetectRequest, checkpoint: Callable[[], None]) -> pb.DetectResponse:  # noqa: N802
        """One document."""
        asked = proto.request_from_proto(request)
        validation.check_request(asked, max_text_bytes=self._settings.max_text_bytes)
        return proto.detection_to_proto(self._detector.detect(asked, checkpoint=checkpoint))

    def DetectStream(self, checkpoint: Callable[[], None]) -> StreamSession:  # noqa: N802
        """Many documents."""
        return StreamSession(
            self._detector,
            checkpoint,
            max_text_bytes=self._settings.max_text_bytes,
            max_open_documents=self._settings.max_open_documents,
            held=self._held,
        )
