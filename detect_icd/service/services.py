"""Which services this server has: the one list, and their servicers over a lexicon."""

from __future__ import annotations

from collections.abc import Mapping

from google.protobuf.descriptor import ServiceDescriptor

from detect_icd.errors import LexiconError
from detect_icd.lexicon import Lexicon
from detect_icd.service.settings import ServerSettings
from detect_icd.service.stream import Detector
from detect_icd.v1 import code_pb2, detection_pb2, necessity_pb2

DETECTION = detection_pb2.DESCRIPTOR.services_by_name["IcdDetectionService"]
CODES = code_pb2.DESCRIPTOR.services_by_name["CodeService"]
NECESSITY = necessity_pb2.DESCRIPTOR.services_by_name["MedicalNecessityService"]

SERVICES = (DETECTION, CODES, NECESSITY)


def servicers(detector: Detector, lexicon: Lexicon, settings: ServerSettings) -> Mapping[ServiceDescriptor, object]:
    """Every service with its servicer; loads what they need."""
    from detect_icd.codes.catalog import Catalog
    from detect_icd.necessity.default import checker, store_path
    from detect_icd.service.codes import CodeServicer
    from detect_icd.service.detection import DetectionServicer
    from detect_icd.service.necessity import NecessityServicer

    named = settings.necessity_dir
    if named and not store_path(named).exists():
        raise LexiconError(f"{named} holds no coverage data: import into it first, with `detect-icd necessity import`")
    necessity = checker(lexicon, detector, settings.necessity_dir)
    return {
        DETECTION: DetectionServicer(detector, settings),
        CODES: CodeServicer(Catalog(lexicon)),
        NECESSITY: NecessityServicer(necessity, lexicon.codeset, max_text_bytes=settings.max_text_bytes),
    }
