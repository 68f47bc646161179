"""One engine in a process of its own: loads the phrases, then times a pass over the texts for each line on stdin.

`python engines.py NAME PHRASES.json TEXTS.json`; NAME: detect-icd, flashtext, medspacy, negspacy. Prints JSON lines. Only
what the engine needs is imported, since each stands in an environment of its own.
"""

from __future__ import annotations

import gc
import json
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

Run = Callable[[str], int]


def detect_icd(_: list[str]) -> tuple[Run, Callable[[], dict[str, float]]]:
    """The whole detection: sections, sentences, mentions, context, codes, assignment, links."""
    from detect_icd.detector import Detector
    from detect_icd.lexicon import Lexicon
    from detect_icd.service.stopwatch import Stopwatch

    watch, stages = Stopwatch(), {}
    detector = Detector(Lexicon.default(), stage=watch.stage)

    def run(text: str) -> int:
        watch.start()
        found = detector.detect(text)
        for name, _, seconds in watch.laps():
            stages[name] = stages.get(name, 0.0) + seconds
        return len(found.mentions)

    return run, lambda: stages


def flashtext(phrases: list[str]) -> tuple[Run, Callable[[], dict[str, float]]]:
    """Scanning only: no sentence, no context, no code."""
    from flashtext import KeywordProcessor

    processor = KeywordProcessor()
    processor.add_keywords_from_list(phrases)
    return lambda text: len(processor.extract_keywords(text)), dict


def medspacy(phrases: list[str]) -> tuple[Run, Callable[[], dict[str, float]]]:
    """Target matcher and context, with the cheapest sentence splitter."""
    import medspacy.context
    import medspacy.target_matcher  # noqa: F401 - registers the component
    import spacy
    from medspacy.target_matcher import TargetRule

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    nlp.add_pipe("medspacy_target_matcher").add([TargetRule(phrase, "CONDITION") for phrase in phrases])
    nlp.add_pipe("medspacy_context")
    return lambda text: len(nlp(text).ents), dict


def negspacy(phrases: list[str]) -> tuple[Run, Callable[[], dict[str, float]]]:
    """PhraseMatcher (as entity ruler) and negex, with the cheapest sentence splitter."""
    import spacy
    from negspacy.negation import Negex  # noqa: F401 - registers the component

    nlp = spacy.blank("en")
    nlp.add_pipe("sentencizer")
    ruler = nlp.add_pipe("entity_ruler", config={"phrase_matcher_attr": "LOWER"})
    ruler.add_patterns([{"label": "CONDITION", "pattern": phrase} for phrase in phrases])
    nlp.add_pipe("negex", config={"ent_types": ["CONDITION"]})
    return lambda text: len(nlp(text).ents), dict


ENGINES = {"detect-icd": detect_icd, "flashtext": flashtext, "medspacy": medspacy, "negspacy": negspacy}


def main(name: str, phrases: Path, texts: Path) -> None:
    """Say when ready; then, for each line on stdin, one pass and its time."""
    warnings.simplefilter("ignore")
    began = time.process_time()
    run, stages = ENGINES[name](json.loads(phrases.read_text(encoding="utf-8")))
    notes = json.loads(texts.read_text(encoding="utf-8"))
    for text in notes[:20]:  # what is made at first use
        run(text)
    gc.freeze()  # as a service does once it has loaded: what is there to stay is not looked at again
    print(json.dumps({"setup_seconds": time.process_time() - began}), flush=True)
    for _ in sys.stdin:
        stages().clear()
        began = time.process_time()
        found = sum(map(run, notes))
        answer = {"seconds": time.process_time() - began, "mentions": found, "stages": stages()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
