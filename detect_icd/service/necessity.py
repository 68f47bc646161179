"""MedicalNecessityService over a NecessityChecker."""

from __future__ import annotations

from collections.abc import Callable

from detect_icd import validation
from detect_icd.codeset import CodeSet
from detect_icd.errors import InvalidRequestError
from detect_icd.formats.necessity import document_from_plain, necessity_from_proto, plain_of
from detect_icd.formats.proto import to_message
from detect_icd.necessity.checker import NecessityChecker
from detect_icd.necessity.lookup import procedure_record, supporting_diagnoses
from detect_icd.v1 import necessity_pb2 as pb

MAX_CODES = 100


class NecessityServicer:
    """CheckMedicalNecessity, GetProcedure and the two lists (see rpc for how they are called)."""

    def __init__(self, checker: NecessityChecker, codeset: CodeSet, *, max_text_bytes: int) -> None:
        self._checker = checker
        self._codeset = codeset
        self._max_text_bytes = max_text_bytes

    def CheckMedicalNecessity(  # noqa: N802
        self, request: pb.CheckMedicalNecessityRequest, checkpoint: Callable[[], None]
    ) -> pb.CheckMedicalNecessityResponse:
        """One claim, one note, or both."""
        asked = necessity_from_proto(request)
        if asked.document is not None:
            validation.check_request(asked.document, max_text_bytes=self._max_text_bytes)
        return to_message(self._checker.check(asked, checkpoint=checkpoint), pb.CheckMedicalNecessityResponse)

    def GetProcedure(  # noqa: N802
        self, request: pb.GetProcedureRequest, checkpoint: Callable[[], None]
    ) -> pb.GetProcedureResponse:
        """One procedure."""
        checkpoint()
        day = validation.optional_date(request.date_of_service, "date_of_service")
        return to_message(
            procedure_record(self._checker, self._codeset, _named(request.procedure), day), pb.GetProcedureResponse
        )

    def ListSupportedProcedures(  # noqa: N802
        self, request: pb.ListSupportedProceduresRequest, checkpoint: Callable[[], None]
    ) -> pb.ListSupportedProceduresResponse:
        """What diagnoses or a note indicate."""
        document = document_from_plain(plain_of(request.document)) if request.HasField("document") else None
        if document is None and not request.diagnoses:
            raise InvalidRequestError("give diagnoses or a document", field="diagnoses", reason="NOTHING_GIVEN")
        if len(request.diagnoses) > MAX_CODES:
            raise InvalidRequestError(f"diagnoses: at most {MAX_CODES}", field="diagnoses", reason="OUT_OF_RANGE")
        if document is not None:
            validation.check_request(document, max_text_bytes=self._max_text_bytes)
        day = validation.optional_date(request.date_of_service, "date_of_service")
        found = self._checker.supported(tuple(request.diagnoses), document, day, checkpoint)
        return to_message(found, pb.ListSupportedProceduresResponse)

    def ListSupportingDiagnoses(  # noqa: N802
        self, request: pb.ListSupportingDiagnosesRequest, checkpoint: Callable[[], None]
    ) -> pb.ListSupportingDiagnosesResponse:
        """One page of diagnoses."""
        checkpoint()
        found = supporting_diagnoses(
            self._checker,
            self._codeset,
            _named(request.procedure),
            validation.optional_date(request.date_of_service, "date_of_service"),
            state=request.state,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return to_message(found, pb.ListSupportingDiagnosesResponse)


def _named(procedure: str) -> str:
    if not procedure.strip():
        raise InvalidRequestError("procedure is empty: name one, as in 0441T", field="procedure", reason="CODE_EMPTY")
    return procedure
