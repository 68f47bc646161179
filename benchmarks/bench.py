"""`make bench`: detection beside its peers, stage by stage; the server by workers and channels. Ends with a table.

Peers stand in environments of their own under build/ (they do not install together), made at the first run. All engines
run the same phrases over the same texts in turn, round after round, each on one core; the best round of each counts.
The package measured is the installed one (`make bench` installs it compiled); the sources beside it run once more, plain.
Writes build/bench.json. `--parts detection` or `--parts server` for one half, `--quick` for a short run.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import signal
import subprocess
import sys
import time
import venv
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Self

from rich.console import Console
from rich.table import Table

from detect_icd.lexicon import FIRST_WORD, Lexicon

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build"
SHARED = Path(os.environ.get("DETECT_ICD_SHARED", ROOT.parent / "shared"))
PEERS = {"medspacy": "medspacy==1.3.1", "negspacy": "negspacy==1.1.0"}
ENV = {
    **os.environ,
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PYTHONHASHSEED": "0",
}


def phrases() -> list[str]:
    """Every phrase of the lexicon, as words."""
    words = json.loads(Lexicon.default().read("phrases.json"))["words"]
    return [" ".join(words[ord(c) - FIRST_WORD] for c in key) for key in Lexicon.default().phrases.keys]


def texts(count: int) -> list[str]:
    """The first `count` of the smoke texts, or the example note where they are not beside this checkout."""
    path = SHARED / "data" / "text" / "smoke_texts.jsonl"
    if path.exists():
        with path.open(encoding="utf-8") as lines:
            return [json.loads(line)["text"] for line in islice(lines, count)]
    print("smoke_texts.jsonl is not beside this checkout (DETECT_ICD_SHARED): the example note stands in")
    return [(ROOT / "examples" / "pain_clinic.txt").read_text(encoding="utf-8")] * count


def environment(name: str) -> Path | None:
    """The Python of a peer's own environment; None where it cannot be made."""
    folder = BUILD / f"bench-{name}"
    python = folder / "bin" / "python"
    done = folder / ".installed"
    if not done.exists():
        print(f"installing {PEERS[name]} into {folder.relative_to(ROOT)} ...", flush=True)
        venv.create(folder, with_pip=True)
        command = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", PEERS[name]]
        if subprocess.run(command, check=False).returncode:
            print(f"{PEERS[name]} cannot be installed here: left out")
            return None
        done.touch()
    return python


def compare(count: int, rounds: int) -> dict[str, dict[str, object]]:
    """Every engine over the texts, round after round in turn."""
    BUILD.mkdir(exist_ok=True)
    words, notes = phrases(), texts(count)
    (BUILD / "bench_phrases.json").write_text(json.dumps(words), encoding="utf-8")
    (BUILD / "bench_texts.json").write_text(json.dumps(notes), encoding="utf-8")
    characters = sum(map(len, notes))
    print(f"{len(notes)} texts, {characters:,} characters, {len(words):,} phrases, {rounds} rounds")
    pythons: dict[str, Path | None] = {"detect-icd": Path(sys.executable), "flashtext": Path(sys.executable)}
    pythons |= {name: environment(name) for name in PEERS}
    running = {name: _engine(name, python) for name, python in pythons.items() if python is not None}
    running["detect-icd, not compiled"] = _engine("detect-icd", Path(sys.executable), PYTHONPATH=str(ROOT))
    best: dict[str, dict[str, object]] = {}
    for name, process in running.items():
        setup = _line(process)
        best[name] = {"setup_seconds": round(setup["setup_seconds"], 2), "seconds": float("inf")}
    for _ in range(rounds):
        for name, process in running.items():
            process.stdin.write("go\n")
            process.stdin.flush()
            found = _line(process)
            if found["seconds"] < best[name]["seconds"]:
                best[name] |= found
    for name, process in running.items():
        process.stdin.close()
        process.wait(30)
        best[name]["characters_per_second"] = round(characters / best[name]["seconds"])
        best[name]["milliseconds_per_kB"] = round(best[name]["seconds"] * 1e6 / characters, 3)
        stages = best[name].pop("stages")
        if stages:
            # Stages are timed by the clock, the whole by the processor: shares of the stages' own sum.
            total = sum(stages.values())
            per_kb = best[name]["milliseconds_per_kB"]
            best[name]["stages_ms_per_kB"] = {stage: round(per_kb * s / total, 3) for stage, s in stages.items()}
            best[name]["stages_share"] = {stage: round(s / total, 3) for stage, s in stages.items()}
    return best


def _engine(name: str, python: Path, **variables: str) -> subprocess.Popen[str]:
    script = str(ROOT / "benchmarks" / "engines.py")
    arguments = [str(python), script, name, str(BUILD / "bench_phrases.json"), str(BUILD / "bench_texts.json")]
    return subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**ENV, **variables}
    )


def _line(process: subprocess.Popen[str]) -> dict[str, object]:
    line = process.stdout.readline()
    if not line:
        raise SystemExit("an engine ended early; its words stand above")
    return json.loads(line)


class Server:
    """A server on a free port."""

    def __init__(self, workers: int) -> None:
        began = time.perf_counter()
        arguments = ["serve", "--address", "127.0.0.1:0", "--workers", str(workers), "--log-level", "warning"]
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "detect_icd.cli", *arguments], stdout=subprocess.PIPE, text=True, env=ENV
        )
        self.address = self.process.stdout.readline().split()[-1]
        self.start_seconds = round(time.perf_counter() - began, 2)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)

    def load(self, mode: str, **given: float) -> dict[str, object]:
        """What a load client in a process of its own says."""
        command = [sys.executable, str(ROOT / "benchmarks" / "load.py"), self.address, mode]
        command += [f"{name}={value}" for name, value in given.items()]
        return json.loads(subprocess.run(command, env=ENV, check=True, capture_output=True, text=True).stdout)

    def throughput(self, seconds: float, channels: int) -> dict[str, object]:
        """With 8 calls at once; `bound` is what the busiest process allows where cores are free, whoever else uses them now."""
        before = self._processor_seconds()
        found = self.load("closed", channels=channels, concurrency=8, seconds=seconds, size=10_000)
        after = self._processor_seconds()
        calls = found["rate"] * seconds + 3 * channels
        spent = sorted((round(1000 * (after[pid] - before.get(pid, 0.0)) / calls, 2) for pid in after), reverse=True)
        return {**found, "processor_ms_by_process": spent, "bound": round(1000 / spent[0], 1)}

    def _processor_seconds(self) -> dict[int, float]:
        nursery, *_ = _children(self.process.pid)
        return {pid: _spent(pid) for pid in (self.process.pid, nursery, *_children(nursery))}

    def memory_mb(self, kind: str = "Pss") -> dict[str, float]:
        """Proportional set size of the front process, the nursery, and all workers.

        `kind` "Pss_Anon" leaves out the pages of files, whose share changes with what else runs on the machine.
        """
        nursery, *_ = _children(self.process.pid)
        workers = _children(nursery)
        sizes = {
            "front": _pss(self.process.pid, kind),
            "nursery": _pss(nursery, kind),
            "workers": sum(_pss(worker, kind) for worker in workers),
        }
        return {**sizes, "all": round(sum(sizes.values()), 1)}


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _spent(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _pss(pid: int, kind: str) -> float:
    rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return round(next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith(f"{kind}:")) / 1024, 1)


def measure_server(seconds: float, overload_seconds: float) -> dict[str, object]:
    """Latency at light load, throughput by workers and channels, start, memory, overload."""
    found: dict[str, object] = {}
    for workers in (1, 2, 3):
        with Server(workers) as server:
            one: dict[str, object] = {"start_seconds": server.start_seconds}
            if workers < 3:
                one["light_3kB"] = server.load("closed", seconds=seconds, size=3000)
                for channels in (1, 8):
                    one[f"throughput_10kB_{channels}_channels"] = server.throughput(seconds, channels)
            else:
                server.load("closed", channels=1, concurrency=8, seconds=1, size=10_000)
            one["memory_mb"] = server.memory_mb()
            if workers == 2:
                capacity = server.load("closed", channels=8, concurrency=8, seconds=seconds, size=3000)["rate"]
                one["capacity_3kB"] = capacity
                one["overload_4x"] = server.load("open", rate=4 * capacity, seconds=overload_seconds, size=3000)
            found[f"workers_{workers}"] = one
            print(f"{workers} worker(s): {json.dumps(one)}", flush=True)
    return found


def show(result: dict[str, object]) -> None:
    """The table."""
    table = Table("measure", "value", "at least", title="detect-icd bench")
    detection = result.get("detection")
    if detection:
        ours = detection["detect-icd"]["characters_per_second"]
        table.add_row("detect-icd, characters/s a core", f"{ours:,}", "")
        plain = detection["detect-icd, not compiled"]["characters_per_second"]
        table.add_row("  not compiled", f"{plain:,}", "")
        for name, wanted in (("medspacy", "4 times"), ("negspacy", "2 times"), ("flashtext", "share")):
            if name in detection:
                theirs = detection[name]["characters_per_second"]
                table.add_row(f"{name}, characters/s a core", f"{theirs:,}", "")
                table.add_row(f"  detect-icd against {name}", f"{ours / theirs:.2f} times", wanted)
        for stage, cost in detection["detect-icd"]["stages_ms_per_kB"].items():
            share = detection["detect-icd"]["stages_share"][stage]
            table.add_row(f"  stage {stage}, ms/kB", f"{cost:.3f} ({share:.0%})", "")
    server = result.get("server")
    if server:
        one, two, three = (server[f"workers_{n}"] for n in (1, 2, 3))
        light = two["light_3kB"]
        table.add_row("3 kB note, light load, p50 / p99 ms", f"{light['p50_ms']} / {light['p99_ms']}", "10 / 40")
        for channels, wanted in ((8, "1.6"), (1, "1.5")):
            name = f"throughput_10kB_{channels}_channels"
            gain = two[name]["rate"] / one[name]["rate"]
            table.add_row(f"2 workers against 1, {channels} channel(s)", f"{gain:.2f} times", f"{wanted} times")
            gain = two[name]["bound"] / one[name]["bound"]
            table.add_row("  by processor time of the busiest process", f"{gain:.2f} times", f"{wanted} times")
        table.add_row("start to SERVING, s", str(two["start_seconds"]), "4")
        table.add_row("memory with 1 worker, PSS MB", str(one["memory_mb"]["all"]), "500")
        more = three["memory_mb"]["all"] - two["memory_mb"]["all"]
        table.add_row("each further worker, PSS MB", f"{more:.1f}", "180")
        over = two["overload_4x"]
        table.add_row("4x overload: health p99 ms", str(over["health_p99_ms"]), "1000")
        table.add_row("4x overload: latency of answers, p99 ms", str(over["p99_ms"]), "in bound")
        table.add_row("4x overload: outcomes, lost", f"{over['outcomes']}, {over['lost']}", "none lost or wrong")
    Console(width=110).print(table)


def main() -> None:
    """Measure, write, show."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--parts", choices=["all", "detection", "server"], default="all")
    parser.add_argument("--quick", action="store_true", help="fewer texts and shorter loads")
    asked = parser.parse_args()
    path = BUILD / "bench.json"
    result = json.loads(path.read_text(encoding="utf-8")) if path.exists() and asked.parts != "all" else {}
    result |= {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "load": os.getloadavg()[0], "python": platform.python_version()},
        "lexicon": Lexicon.default().version,
    }
    if asked.parts in ("all", "detection"):
        result["detection"] = compare(60 if asked.quick else 300, 2 if asked.quick else 3)
    if asked.parts in ("all", "server"):
        result["server"] = measure_server(2 if asked.quick else 6, 5 if asked.quick else 60)
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    show(result)
    print(f"also in {path.relative_to(ROOT)}")


if __name__ == "__main__":
    main()
