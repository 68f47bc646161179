"""The coding conventions: each a pass that adds, replaces or removes codes of a draft and says which rule did it.

What a pass works with are rows of `elapsed.tsv`, `repeated.tsv`, `combinations.tsv`, `visit_reasons.tsv`, `pregnancy.tsv`,
`superseded.tsv`, `integral_symptoms.tsv` and `sequencing.tsv`, or the tabular list's own notes. Nothing leaves a draft
silently: what is removed stands in `removed` with its reason.
Source: ICD-10-CM Official Guidelines, sections named at each row and pass.
"""

from __future__ import annotations

from detect_icd.lexicon import Lexicon
from detect_icd.stages.conventions.alerting import conflicts, open_sides, person_conflicts
from detect_icd.stages.conventions.certainty import Certainty
from detect_icd.stages.conventions.combining import Combinations, Pregnancy, both_sides
from detect_icd.stages.conventions.draft import Draft, Entry, Places
from detect_icd.stages.conventions.drugs import DrugEffects
from detect_icd.stages.conventions.elapsed import Elapsed
from detect_icd.stages.conventions.ordering import Ordering
from detect_icd.stages.conventions.reasons import VisitReasons
from detect_icd.stages.conventions.superseding import Companions, Superseding, unspecified_beside_specific

__all__ = ["Certainty", "Conventions", "Draft", "DrugEffects", "Entry", "Places", "person_conflicts"]


class Conventions:
    """The rows of the convention tables, applied in the guidelines' order."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._elapsed = Elapsed(lexicon.table("elapsed"), lexicon.table("repeated"), lexicon.table("durations"))
        self._combinations = Combinations(lexicon.table("combinations"))
        self._pregnancy = Pregnancy(lexicon.table("pregnancy"), lexicon.table("trimesters"))
        rows = [*lexicon.table("superseded"), *lexicon.table("integral_symptoms")]
        self._superseding = Superseding(rows, lexicon.table("history"))
        self._companions = Companions(lexicon.table("sequencing"))
        self._ordering = Ordering(lexicon.table("sequencing"))
        self._reasons = VisitReasons(lexicon.table("visit_reasons"))

    def apply(self, draft: Draft) -> None:
        """All passes, in order."""
        self._elapsed.apply(draft)
        self._combinations.apply(draft)
        self._reasons.apply(draft)
        self._pregnancy.apply(draft)
        both_sides(draft)
        self._superseding.apply(draft)
        unspecified_beside_specific(draft)
        self._companions.apply(draft)
        conflicts(draft)
        open_sides(draft)

    def ordered(self, draft: Draft) -> list[Entry]:
        """The codes in reporting order."""
        return self._ordering.ordered(draft)
