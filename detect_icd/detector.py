"""Detection from end to end: the table of contents of how a note becomes codes.

text -> sections -> sentences -> mentions -> context -> refinement -> assignment -> procedure links
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import UTC, datetime

from detect_icd import __version__
from detect_icd.codeset import Release
from detect_icd.lexicon import Lexicon
from detect_icd.model import Detection, DetectRequest, Mention, OffsetUnit, Settled, Versions
from detect_icd.spans import OffsetConverter, Span
from detect_icd.stages.assignment import Assigner
from detect_icd.stages.coding import Coder
from detect_icd.stages.context import ContextRules, ContextStage, Place
from detect_icd.stages.mentions import MentionFinder
from detect_icd.stages.procedures import Indications, ProcedureLinker
from detect_icd.stages.sections import SectionTable, find_sections
from detect_icd.stages.sentences import settled_until, split_sentences
from detect_icd.text import NormalizedText
from detect_icd.validation import check_request

Checkpoint = Callable[[], None]
"""Called between pieces of work; raises CancelledError where nobody waits for the answer any more."""


def _go_on() -> None:
    """The checkpoint of a caller who always waits."""


Stage = Callable[[str], AbstractContextManager[None]]
"""Stands around each stage of a detection and is told its name: for those who measure."""


def _unmeasured(_: str) -> AbstractContextManager[None]:
    return nullcontext()


class Detector:
    """Finds and codes the diagnoses of one note at a time; safe to share between threads.

    Holds a lexicon for its life and nothing of any note.
    """

    def __init__(self, lexicon: Lexicon, *, stage: Stage = _unmeasured) -> None:
        self.lexicon = lexicon
        self._codeset = lexicon.codeset  # read now: the first note shall not wait for it
        self._stage = stage
        self.section_table = SectionTable(lexicon.table("sections"))
        self._mentions = MentionFinder(lexicon)
        self._context = ContextStage(ContextRules(lexicon.table("cues"), self.section_table))
        self._coder = Coder(lexicon)
        self._assigner = Assigner(lexicon)
        self.indications = Indications(
            lexicon.table("procedures/indications"),
            lexicon.table("procedures/procedures"),
            lexicon.table("procedures/places"),
        )
        self._linker = ProcedureLinker(self.indications)

    @classmethod
    def default(cls) -> Detector:
        """A detector over the packaged lexicon; takes a second or two, so make one and keep it."""
        return cls(Lexicon.default())

    def detect(self, request: DetectRequest | str, *, checkpoint: Checkpoint = _go_on) -> Detection:
        """Read one note.

        Spans are half-open in the request's offset unit. Raises InvalidRequestError (UnknownDateError
        for a date outside the known code sets) and whatever `checkpoint` raises.
        """
        if isinstance(request, str):
            request = DetectRequest(request)
        check_request(request)
        release, assumptions = self.release_for(request)
        with self._stage("text"):
            text = NormalizedText.of(request.text)
        mentions = self.read(text, request, release, checkpoint)
        with self._stage("assignment"):
            assignments, removed, alerts = self._assigner.assign(mentions, text, release, request)
        checkpoint()
        with self._stage("links"):
            assignments = self._linker.link(assignments, mentions, text)
        return Detection(
            document_id=request.document_id,
            mentions=in_unit(mentions, request),
            assignments=tuple(assignments),
            removed=tuple(removed),
            alerts=tuple(alerts),
            versions=self._versions(release),
            assumptions=assumptions,
        )

    def read(
        self, text: NormalizedText, request: DetectRequest, release: Release, checkpoint: Checkpoint
    ) -> list[Mention]:
        """Every mention of the text, coded; offsets in code points."""
        with self._stage("sections"):
            sections = find_sections(text, self.section_table)
            sentences = split_sentences(text, sections)
        checkpoint()
        with self._stage("mentions"):
            found = self._mentions.find(text, sentences, release, checkpoint)
        checkpoint()
        with self._stage("context"):
            places = [Place(finding.sentence, Span(finding.first, finding.last)) for finding in found]
            judgements = self._context.assess(text, sections, sentences, places)
        checkpoint()
        with self._stage("coding"):
            return self._coder.code(text, sections, sentences, found, judgements, request, release, checkpoint)

    def open(self, request: DetectRequest, *, checkpoint: Checkpoint = _go_on) -> OpenDocument:
        """A note that is still being dictated; `request.text` is what is there already (may be empty)."""
        return OpenDocument(self, request, checkpoint)

    def release_for(self, request: DetectRequest) -> tuple[Release, tuple[str, ...]]:
        """The code set of the date of service, and what had to be assumed to choose it."""
        if request.date_of_service is not None:
            return self._codeset.on(request.date_of_service), ()
        day = min(datetime.now(UTC).date(), self._codeset.windows[-1].effective_until)
        assumed = [f"date_of_service {day.isoformat()}: none was given"]
        return self._codeset.on(day), tuple(assumed)

    def _versions(self, release: Release) -> Versions:
        return Versions(
            service=__version__,
            lexicon=self.lexicon.version,
            code_set=release.name,
            code_set_effective_from=release.effective_from,
            code_set_effective_until=release.effective_until,
            guidelines=release.guidelines,
        )


class OpenDocument:
    """One note that grows by `append`; what `close` returns is exactly what `detect` returns for the whole text."""

    _GROWTH = 20
    """A long text is read again only once it has grown by a 20th, so that a dictation costs 20 readings, not thousands."""
    _SHORT = 4_000
    """A text of so many code points is read again at every sentence."""

    def __init__(self, detector: Detector, request: DetectRequest, checkpoint: Checkpoint) -> None:
        self._detector = detector
        self._request = request
        self._checkpoint = checkpoint
        self._release, _ = detector.release_for(request)
        self._pieces = [request.text] if request.text else []
        self._length = self._read_length = len(request.text)
        self._sent = 0
        self._final_until = 0

    def append(self, piece: str) -> Settled | None:
        """Take more text; returns the mentions that can no longer change, None where there are no new ones."""
        self._pieces.append(piece)
        self._length += len(piece)
        if self._length > self._SHORT and self._length - self._read_length < self._length // self._GROWTH:
            return None
        if not any(mark in piece for mark in ".!?:;\n"):
            return None
        return self._settle()

    def close(self) -> Detection:
        """The result for the whole text; the document takes no more text afterwards."""
        return self._detector.detect(self._whole(), checkpoint=self._checkpoint)

    def _whole(self) -> DetectRequest:
        self._pieces = ["".join(self._pieces)]
        return replace(self._request, text=self._pieces[0])

    def _settle(self) -> Settled | None:
        request = self._whole()
        self._read_length = self._length
        text = NormalizedText.of(request.text)
        sections = find_sections(text, self._detector.section_table)
        until = settled_until(text, split_sentences(text, sections))
        if until <= self._final_until:
            return None
        mentions = self._detector.read(text, request, self._release, self._checkpoint)
        settled = [m for m in mentions if m.span.end <= until][self._sent :]
        self._sent += len(settled)
        self._final_until = until
        convert = OffsetConverter(request.text, request.offset_unit)
        bare = [replace(m, attributes=(), codes=(), reportable=False, not_reportable_reason=None) for m in settled]
        return Settled(request.document_id, in_unit(bare, request), convert(until))


def in_unit(mentions: Sequence[Mention], request: DetectRequest) -> tuple[Mention, ...]:
    """The mentions with their offsets in the request's unit."""
    if request.offset_unit is OffsetUnit.UNICODE_CODE_POINT or request.text.isascii():
        return tuple(mentions)
    convert = OffsetConverter(request.text, request.offset_unit)
    return tuple(
        replace(
            mention,
            span=convert.span(mention.span),
            cues=tuple(replace(cue, span=convert.span(cue.span)) for cue in mention.cues),
            attributes=tuple(replace(a, span=convert.span(a.span)) for a in mention.attributes),
        )
        for mention in mentions
    )
