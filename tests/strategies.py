"""Hypothesis strategies of the model's values."""

from __future__ import annotations

import string

from hypothesis import strategies as st

from detect_icd import model
from detect_icd.spans import Span

words = st.text(max_size=12)
identifiers = st.text(string.ascii_letters + string.digits, min_size=1, max_size=6)
scores = st.integers(0, 10_000).map(lambda n: n / 10_000)
offsets = st.integers(0, 2**31 - 1)
spans = st.tuples(offsets, offsets).map(lambda pair: Span(*sorted(pair)))
dates = st.dates()


def tuples(items: st.SearchStrategy) -> st.SearchStrategy:
    return st.lists(items, max_size=3).map(tuple)


cues = st.builds(model.Cue, span=spans, text=words, category=st.sampled_from(model.CueCategory))
attributes = st.builds(model.Attribute, kind=words, value=words, span=spans)
assertions = st.builds(
    model.Assertion,
    presence=st.sampled_from(model.Presence),
    certainty=st.sampled_from(model.Certainty),
    temporality=st.sampled_from(model.Temporality),
    experiencer=st.sampled_from(model.Experiencer),
    relative=words,
)
candidates = st.builds(
    model.CodeCandidate,
    code=identifiers,
    description=words,
    billable=st.booleans(),
    score=scores,
    matched_term=words,
    match_kind=st.sampled_from(model.MatchKind),
    missing=tuples(words),
)
mentions = st.builds(
    model.Mention,
    id=identifiers,
    span=spans,
    text=words,
    section=words,
    concept=st.builds(model.Concept, id=words, name=words),
    assertion=assertions,
    cues=tuples(cues),
    attributes=tuples(attributes),
    codes=tuples(candidates),
    reportable=st.booleans(),
    not_reportable_reason=st.none() | st.sampled_from(model.NotReportableReason),
)
assignments = st.builds(
    model.Assignment,
    sequence=st.integers(1, 1000),
    code=identifiers,
    description=words,
    system=words,
    version=words,
    mention_ids=tuples(identifiers),
    score=scores,
    rule_ids=tuples(identifiers),
    procedure_links=tuples(st.builds(model.ProcedureLink, procedure=words, name=words, source=words, note=words)),
)
removals = st.builds(
    model.Removed,
    code=identifiers,
    description=words,
    mention_ids=tuples(identifiers),
    reason=st.sampled_from(model.NotReportableReason),
    rule_id=words,
    explanation=words,
)
alerts = st.builds(
    model.Alert, kind=words, message=words, codes=tuples(identifiers), mention_ids=tuples(identifiers), rule_id=words
)
versions = st.builds(
    model.Versions,
    service=words,
    lexicon=words,
    code_set=words,
    code_set_effective_from=dates,
    code_set_effective_until=dates,
    guidelines=words,
)
detections = st.builds(
    model.Detection,
    document_id=words,
    mentions=tuples(mentions),
    assignments=tuples(assignments),
    removed=tuples(removals),
    alerts=tuples(alerts),
    versions=versions,
    assumptions=tuples(words),
)
settled = st.builds(model.Settled, document_id=words, mentions=tuples(mentions), final_until=offsets)
patients = st.builds(
    model.Patient,
    sex=st.none() | st.sampled_from(model.Sex),
    birth_date=st.none(),
    age_years=st.none() | st.integers(0, 150),
) | st.builds(model.Patient, sex=st.none(), birth_date=dates, age_years=st.none())
requests = st.builds(
    model.DetectRequest,
    text=st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20),
    document_id=words,
    date_of_service=st.none(),
    setting=st.sampled_from(model.Setting),
    reason_for_visit=words,
    patient=patients,
    offset_unit=st.sampled_from(model.OffsetUnit),
    max_candidates=st.integers(1, 25),
    min_score=scores,
)
