"""CodeService over the code sets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from detect_icd import validation
from detect_icd.codes.catalog import Catalog
from detect_icd.codes.model import Claim
from detect_icd.errors import InvalidRequestError
from detect_icd.formats.json import patient_from_plain
from detect_icd.formats.proto import to_message
from detect_icd.model import Setting
from detect_icd.v1 import code_pb2 as pb
from detect_icd.v1 import common_pb2


class CodeServicer:
    """GetCode, SearchCodes and ValidateCodes (see rpc for how they are called)."""

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog

    def GetCode(self, request: pb.GetCodeRequest, checkpoint: Callable[[], None]) -> pb.GetCodeResponse:  # noqa: N802
        """One code."""
        del checkpoint
        if not request.code.strip():
            raise InvalidRequestError("code is empty: name one, as in E11.42", field="code", reason="CODE_EMPTY")
        return to_message(self._catalog.get(request.code, _day(request)), pb.GetCodeResponse)

    def SearchCodes(  # noqa: N802
        self, request: pb.SearchCodesRequest, checkpoint: Callable[[], None]
    ) -> pb.SearchCodesResponse:
        """One page of codes."""
        checkpoint()
        page = self._catalog.search(
            request.query,
            _day(request),
            billable_only=request.billable_only,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return to_message(page, pb.SearchCodesResponse)

    def ValidateCodes(  # noqa: N802
        self, request: pb.ValidateCodesRequest, checkpoint: Callable[[], None]
    ) -> pb.ValidateCodesResponse:
        """One claim."""
        checkpoint()
        claim = Claim(
            codes=tuple(request.codes),
            date_of_service=_day(request),
            setting=validation.optional_enum(Setting, request.setting, "setting") or Setting.OUTPATIENT,
            patient=patient_from_plain(_patient(request.patient)),
        )
        return to_message(self._catalog.validate(claim), pb.ValidateCodesResponse)


def _day(request: pb.GetCodeRequest | pb.SearchCodesRequest | pb.ValidateCodesRequest) -> date | None:
    return validation.optional_date(request.date_of_service, "date_of_service")


def _patient(patient: common_pb2.Patient) -> dict[str, object]:
    return {
        "sex": patient.sex,
        "birth_date": patient.birth_date,
        "age_years": patient.age_years if patient.HasField("age_years") else None,
    }
