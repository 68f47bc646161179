"""`make eval`: every tuning set in one table, the figure before and after, and what each document gained or lost.

Reads the gold sets of `../shared` (env DETECT_ICD_SHARED overrides) through the detector's public face, the batch
command, and scores them with the team's own scorer. The last run's answers stay in `build/eval/`, so that the
next run can say which documents changed: `make eval` before a lexicon change, `make eval` after it.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SHARED = Path(os.environ.get("DETECT_ICD_SHARED", ROOT.parent / "shared"))
SCORER = SHARED / "eval" / "score.py"
KEPT = ROOT / "build" / "eval"
_FIGURE = re.compile(r"(P|R|F1|exact|category|=)\s+(\d\.\d+)")


@dataclass(frozen=True, slots=True)
class Measure:
    """One gold set and how it is scored."""

    name: str
    gold: str
    score: tuple[str, ...]
    make: tuple[str, ...] = ()
    detects: bool = True


MEASURES = (
    Measure("codiesp mentions", "text/codiesp_dev.jsonl", ("codes", "{gold}", "{out}", "--use", "mentions")),
    Measure("cmc assignments", "text/cmc2007_train.dev.jsonl", ("codes", "{gold}", "{out}", "--use", "assignments")),
    Measure("normals", "text/openi_cxr.dev.jsonl", ("normals", "{gold}", "{out}")),
    Measure("negex", "text/negex_context.dev.jsonl", ("assertion", "{gold}"), detects=False),
    Measure("e3c", "text/e3c_en_l1.dev.jsonl", ("assertion", "{gold}"), detects=False),
    Measure(
        "titles",
        "codeset/icd10cm_codes_fy2027.tsv",
        ("single", "{in}", "{out}"),
        ("titles", "{gold}", "-n", "5000", "--seed", "11"),
    ),
    Measure("terms", "synonyms/terms_doid.tsv", ("single", "{in}", "{out}"), ("terms", "{gold}")),
    Measure("spans maccrobat", "text/maccrobat2020.dev.jsonl", ("spans", "{gold}", "{out}")),
    Measure("spans bc5cdr", "text/bc5cdr.dev.jsonl", ("spans", "{gold}", "{out}")),
)


def main() -> int:
    """Run the chosen measures; exit 1 where a set cannot be scored."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "names", nargs="*", help="measures to run (default: all): " + ", ".join(m.name for m in MEASURES)
    )
    parser.add_argument("--errors", type=int, default=0, help="also print the N most frequent errors of each set")
    parser.add_argument("--changes", type=int, default=5, help="how many gained and lost codes to list (default 5)")
    args = parser.parse_args()
    if not SCORER.exists():
        print(f"no gold sets at {SHARED}: set DETECT_ICD_SHARED to the folder that holds data/ and eval/")
        return 0
    KEPT.mkdir(parents=True, exist_ok=True)
    chosen = [m for m in MEASURES if not args.names or any(name in m.name for name in args.names)]
    before_file = KEPT / "figures.json"
    before = json.loads(before_file.read_text()) if before_file.exists() else {}
    figures = dict(before)
    for measure in chosen:
        started = time.perf_counter()
        printed, changes = run(measure, args.errors)
        figures[measure.name] = printed
        print(f"== {measure.name} ({time.perf_counter() - started:.1f} s)")
        old = before.get(measure.name, "").splitlines()
        for n, line in enumerate(printed.splitlines()):
            was = old[n] if n < len(old) and _FIGURE.search(old[n]) and old[n] != line else ""
            print(f"   {line}" + (f"\n     was {was}" if was else ""))
        if "--use" in measure.score and "assignments" in measure.score:
            out = KEPT / f"{measure.name.replace(' ', '_')}.out.jsonl"
            for score, said, share in reliability(SHARED / "data" / measure.gold, out):
                print(f"   score {score}: {said} codes assigned, {share:.2f} of them right")
        for title, counted in changes:
            if counted:
                print(f"   {title}: " + ", ".join(f"{code} x{n}" for code, n in counted.most_common(args.changes)))
    before_file.write_text(json.dumps(figures, indent=1))
    return 0


def run(measure: Measure, errors: int) -> tuple[str, list[tuple[str, Counter[str]]]]:
    """The scorer's words for one measure, and the codes gained and lost since the last run."""
    slug = measure.name.replace(" ", "_")
    gold, source, out = SHARED / "data" / measure.gold, KEPT / f"{slug}.in.jsonl", KEPT / f"{slug}.out.jsonl"
    places = {"{gold}": str(gold), "{in}": str(source), "{out}": str(out)}
    changes: list[tuple[str, Counter[str]]] = []
    if measure.detects:
        make = measure.make or ("input", "{gold}")
        source.write_text(scorer([places.get(a, a) for a in make]), encoding="utf-8")
        old = answers(out)
        subprocess.run(
            [sys.executable, "-m", "detect_icd.cli", "batch", str(source), str(out), "--workers", "2"],
            check=True,
            capture_output=True,
            cwd=ROOT,
        )
        changes = compare(gold if not measure.make else None, old, answers(out))
    words = scorer([*(places.get(a, a) for a in measure.score), *(["--errors", str(errors)] if errors else [])])
    return words.rstrip("\n"), changes


def reliability(gold: Path, out: Path) -> list[tuple[str, int, float]]:
    """Of the codes assigned with a score of each tenth: how many there were, and the share the gold has."""
    right: dict[str, set[str]] = {}
    with gold.open(encoding="utf-8") as lines:
        for line in lines:
            row = json.loads(line)
            right[row["id"]] = {a for g in row["codes"] for a in g.get("acceptable") or [g["code"]]}
    tallies: dict[str, list[int]] = {}
    with out.open(encoding="utf-8") as lines:
        for line in lines:
            document = json.loads(line)
            for assignment in document.get("assignments", []):
                tally = tallies.setdefault(f"{int(assignment['score'] * 10) / 10:.1f}", [0, 0])
                tally[0] += 1
                tally[1] += assignment["code"] in right.get(document["document_id"], set())
    return [(score, said, found / said) for score, (said, found) in sorted(tallies.items())]


def scorer(arguments: list[str]) -> str:
    """What the team's scorer prints."""
    return subprocess.run(
        [sys.executable, str(SCORER), *arguments], check=True, capture_output=True, text=True, cwd=ROOT
    ).stdout


def answers(path: Path) -> dict[str, set[str]]:
    """Document id -> the assigned codes of an earlier or the present run."""
    if not path.exists():
        return {}
    with path.open(encoding="utf-8") as lines:
        docs = [json.loads(line) for line in lines]
    return {d["document_id"]: {a["code"] for a in d.get("assignments", [])} for d in docs}


def compare(gold: Path | None, old: dict[str, set[str]], new: dict[str, set[str]]) -> list[tuple[str, Counter[str]]]:
    """Assigned codes that came or went, split by whether the gold has them (where the set has codes)."""
    if not old:
        return []
    right: dict[str, set[str]] = {}
    if gold is not None:
        with gold.open(encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                right[row["id"]] = {a for g in row["codes"] for a in g.get("acceptable") or [g["code"]]}
    counts: dict[str, Counter[str]] = {
        name: Counter() for name in ("right gained", "right lost", "wrong gained", "wrong lost")
    }
    for document, codes in new.items():
        for code in codes ^ old.get(document, set()):
            truth = "right" if code in right.get(document, set()) else "wrong"
            counts[f"{truth} {'gained' if code in codes else 'lost'}"][code] += 1
    return list(counts.items())


if __name__ == "__main__":
    raise SystemExit(main())
