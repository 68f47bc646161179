"""Any chunking of a text gives exactly the unary answer, and what settled on the way was final."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from detect_icd.client import appended, closed, opened
from detect_icd.formats import proto
from detect_icd.model import DetectRequest, OffsetUnit
from detect_icd.service.stream import Held, StreamSession
from detect_icd.v1 import detection_pb2 as pb

SENTENCES = st.sampled_from(
    [
        "Chronic neuropathic pain of the left lower limb.",
        "No fever, no chest pain\n- diabetes\n- asthma",
        "FAMILY HISTORY: Mother had breast cancer.",
        "PAST MEDICAL HISTORY:\n1. Hypertension\n2. Stroke in 2019",
        "Denies cough; however, has COPD and CKD stage 3.",
        "She was seen for follow-up, and the plan was discussed with her at length.",
        "Rule out pneumonia",
        "Assessment: Type 2 diabetes with polyneuropathy",
        "\U0001f600 Sjögren’s syndrome e\u0301",
        "ICD-10: G57.92",
        "if she develops chest pain",
    ]
)
TEXTS = st.lists(SENTENCES, min_size=1, max_size=8).flatmap(
    lambda parts: st.lists(
        st.sampled_from(["\n", "\n\n", " ", "\r\n", ". "]), min_size=len(parts), max_size=len(parts)
    ).map(lambda gaps: "".join(part + gap for part, gap in zip(parts, gaps, strict=True)))
)


def told(detector, request: DetectRequest, pieces: list[str]) -> list[pb.DetectStreamResponse]:
    session = StreamSession(detector, lambda: None, max_text_bytes=1 << 20, max_open_documents=1, held=Held(1 << 20))
    messages = [opened(replace(request, text="")), *(appended("d", piece) for piece in pieces), closed("d")]
    return [answer for message in messages if (answer := session.handle(message)) is not None]


@settings(max_examples=40, deadline=None)
@given(data=st.data(), text=TEXTS, unit=st.sampled_from(OffsetUnit))
def test_any_chunking_gives_the_unary_answer(detector, data, text, unit):
    sizes = data.draw(st.sampled_from([[1], [2, 1], [7, 3], [40], [200], [10_000]]))
    pieces, at = [], 0
    while at < len(text):
        size = sizes[len(pieces) % len(sizes)]
        pieces.append(text[at : at + size])
        at += size
    request = DetectRequest(text, document_id="d", offset_unit=unit)
    unary = proto.detection_to_proto(detector.detect(request))
    *settled, last = told(detector, request, pieces)
    assert last.result == unary
    final = {mention.id: mention for mention in unary.mentions}
    seen = [mention for answer in settled for mention in answer.settled.mentions]
    assert len({mention.id for mention in seen}) == len(seen)
    for mention in seen:
        whole = final[mention.id]
        for name in ("span", "text", "section", "concept", "assertion", "cues"):
            assert getattr(mention, name) == getattr(whole, name), name
    reached = [answer.settled.final_until for answer in settled]
    assert reached == sorted(reached)
