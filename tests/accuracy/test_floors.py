"""The floors of accuracy on the tuning sets of `../shared`, small enough to hold on every run; `make eval` has them all."""

from __future__ import annotations

import importlib.util
import json
import os
import re
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from detect_icd import Detector, DetectRequest

SHARED = Path(os.environ.get("DETECT_ICD_SHARED", Path(__file__).resolve().parents[3] / "shared"))
pytestmark = pytest.mark.skipif(not (SHARED / "eval" / "score.py").exists(), reason=f"no gold sets at {SHARED}")


@pytest.fixture(scope="module")
def scorer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("score", SHARED / "eval" / "score.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def answers(detector: Detector, gold: Path, out: Path) -> None:
    with gold.open(encoding="utf-8") as lines, out.open("w", encoding="utf-8") as file:
        for line in lines:
            row = json.loads(line)
            detection = detector.detect(DetectRequest(row["text"], document_id=row["id"]))
            document = {
                "document_id": row["id"],
                "mentions": [
                    {"span": {"start": m.span.start, "end": m.span.end}, "codes": [{"code": c.code} for c in m.codes]}
                    for m in detection.mentions
                ],
                "assignments": [{"code": a.code} for a in detection.assignments],
            }
            file.write(json.dumps(document) + "\n")


def figures(printed: str) -> list[float]:
    return [float(figure) for figure in re.findall(r"(?:F1|=) (\d\.\d+)", printed)]


@pytest.mark.parametrize(
    ("gold", "use", "exact", "category"),
    [("codiesp_dev", "mentions", 0.50, 0.62), ("cmc2007_train.dev", "assignments", 0.74, 0.78)],
)
def test_codes(
    detector: Detector,
    scorer: ModuleType,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    gold: str,
    use: str,
    exact: float,
    category: float,
) -> None:
    source, out = SHARED / "data" / "text" / f"{gold}.jsonl", tmp_path / "out.jsonl"
    answers(detector, source, out)
    scorer.codes(SimpleNamespace(gold=source, out=out, use=use, affirmed=False, errors=0))
    reached = figures(capsys.readouterr().out)
    assert reached[0] >= exact
    assert reached[1] >= category


def test_normal_reports_stay_normal(
    detector: Detector, scorer: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source, out = SHARED / "data" / "text" / "openi_cxr.dev.jsonl", tmp_path / "out.jsonl"
    answers(detector, source, out)
    scorer.normals(SimpleNamespace(gold=source, out=out, errors=0))
    flagged, recall = figures(capsys.readouterr().out)
    assert flagged <= 0.03
    assert recall >= 0.83


@pytest.mark.parametrize(
    ("gold", "negated", "historical"), [("negex_context.dev", 0.97, 0.68), ("e3c_en_l1.dev", 0.88, None)]
)
def test_context(
    scorer: ModuleType,
    capsys: pytest.CaptureFixture[str],
    gold: str,
    negated: float,
    historical: float | None,
) -> None:
    scorer.assertion(SimpleNamespace(gold=SHARED / "data" / "text" / f"{gold}.jsonl", errors=0))
    reached = figures(capsys.readouterr().out)
    assert reached[0] >= negated
    assert historical is None or reached[1] >= historical
