"""The image without a container engine: its files suffice to build, and what it runs needs no root, no home, no writable disk.

The steps of the Dockerfile are read from it and done here; the file system is made read-only in a mount namespace.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from detect_icd.client import Client

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8").replace("\\\n", " ")
BUILD, RUN = DOCKERFILE.split("FROM ")[1:]
IGNORED = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()
UID = int(re.search(r"^USER (\d+)$", RUN, re.MULTILINE)[1])


COMPILER = shutil.which("cc") or shutil.which("gcc")


def environment(stage: str = RUN) -> dict[str, str]:
    """What ENV sets."""
    words = shlex.split(re.search(r"^ENV (.*)$", stage, re.MULTILINE)[1])
    return dict(word.split("=", 1) for word in words)


def copied() -> list[str]:
    """What COPY takes into the build."""
    return [name for line in re.findall(r"^COPY (.*) \S+$", BUILD, re.MULTILINE) for name in line.split()]


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """The package, built of the files that the Dockerfile copies and of no others; compiled where a compiler is here."""
    folder = tmp_path_factory.mktemp("image")
    source, target = folder / "src", folder / "site"
    source.mkdir()
    generated = shutil.ignore_patterns("v1", "data", "__pycache__")
    for name in copied():
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=generated if name == "detect_icd" else None)
        else:
            shutil.copy(path, source / name)
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "wheel", "--quiet", "--no-deps"]
    made = subprocess.run(
        [*pip, "--no-build-isolation", "--wheel-dir", folder, source],
        env={**os.environ, **(environment(BUILD) if COMPILER else {})},
        capture_output=True,
        text=True,
        check=False,
    )
    assert made.returncode == 0, made.stderr
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(target)
    return target


@pytest.mark.parametrize("name", copied())
def test_what_is_copied_is_not_ignored(name):
    assert f"!{name}" in IGNORED
    assert (ROOT / name).exists()


def test_the_image_says_nothing_in_plain_text_beyond_loopback_by_itself():
    settings = {name: value for name, value in environment().items() if name.startswith("DETECT_ICD_")}
    command = [sys.executable, "-m", "detect_icd.cli", "serve"]
    ended = subprocess.run(command, env={**os.environ, **settings}, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert "--insecure-ok" in ended.stderr


READ_ONLY = r"""
set -e
mount --make-rprivate /
# What is needed is brought out of folders that only their owner may enter: the package, and the interpreter under $HOME.
mount -t tmpfs -o mode=755 none /mnt
mkdir /mnt/site /mnt/0 /mnt/1
mount --bind "$2" /mnt/site
mount --bind "$3" /mnt/0
mount --bind "$4" /mnt/1
case "$3:$4" in *"$HOME"/*)
    mount -t tmpfs -o mode=755 none "$HOME"
    mkdir -p "$3" && mount --bind /mnt/0 "$3"
    mkdir -p "$4" && mount --bind /mnt/1 "$4"
esac
cut -d' ' -f5 /proc/self/mountinfo | sort -r | while read -r point; do
    case "$point" in /proc*|/sys*|/dev*) ;; *) mount -o remount,ro,bind "$point" 2>/dev/null || true;; esac
done
if touch /tmp/writable 2>/dev/null; then echo "not read-only" >&2; exit 9; fi
uid=$1
shift 4
cd /
exec setpriv --reuid="$uid" --regid="$uid" --clear-groups --no-new-privs --bounding-set=-all "$@"
"""


def namespaces() -> bool:
    if os.geteuid() != 0 or not shutil.which("unshare") or not shutil.which("setpriv"):
        return False
    probe = ["unshare", "-m", "sh", "-c", "mount --make-rprivate / && mount --bind /mnt /mnt"]
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(not namespaces(), reason="needs root and mount namespaces, to take both away")
def test_it_serves_as_nobody_with_nothing_to_write_on(installed):
    paths = os.pathsep.join(["/mnt/site", *(p for p in sys.path if p.endswith("site-packages"))])
    variables = {
        **environment(),
        "PATH": os.environ["PATH"],
        "PYTHONPATH": paths,
        "DETECT_ICD_ADDRESS": "127.0.0.1:0",
        "DETECT_ICD_HEALTH_ADDRESS": "127.0.0.1:50152",
    }
    entry = ["env", "-i", *(f"{name}={value}" for name, value in variables.items()), sys.executable, "-P"]
    brought = [str(installed), sys.base_prefix, sys.prefix]
    command = ["unshare", "-m", "sh", "-c", READ_ONLY, "sh", str(UID), *brought, *entry]
    # -m detect_icd.cli is what the console script of ENTRYPOINT runs.
    with subprocess.Popen(
        [*command, "-m", "detect_icd.cli", "serve"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            line = process.stdout.readline()
            assert "listening on" in line, process.stderr.read()
            with Client(line.split()[-1], timeout=20) as client:
                assert [found.code for found in client.detect("Essential hypertension.").assignments] == ["I10"]
            healthy = subprocess.run(
                [*entry, "-m", "detect_icd.service.probe"], capture_output=True, text=True, check=False
            )
            assert (healthy.stdout, healthy.returncode) == ("SERVING\n", 0)
            assert Path(f"/proc/{process.pid}/status").read_text().split("Uid:")[1].split()[0] == str(UID)
        finally:
            process.terminate()
            began = time.monotonic()
            assert process.wait(20) == 0
            assert time.monotonic() - began < 10


@pytest.mark.skipif(not COMPILER, reason="needs a C compiler, to compile the stages")
def test_compiled_it_passes_the_tests_of_the_sources(installed):
    """What touches detection in-process, once more over machine code; the annotations are checked there at run time."""
    variables = {**os.environ, "PYTHONPATH": str(installed)}
    version = [sys.executable, "-P", "-m", "detect_icd.cli", "version"]
    assert "machine code" in subprocess.run(version, env=variables, capture_output=True, text=True, check=True).stdout
    suites = [f"tests/{name}" for name in ("golden", "lexicon", "property", "unit/stages", "unit/test_text.py")]
    chosen = ["-q", "-p", "no:cacheprovider", "-o", f"pythonpath={installed} tests", *suites]
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "pytest", *chosen, f"--confcutdir={ROOT}"],
        cwd=ROOT,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[-4000:]
