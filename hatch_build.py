"""Build hook: what is generated is made here, so that `pip install .` suffices and nothing generated is committed.

Two things always: the gRPC stubs of `proto/` (into `detect_icd/v1`) and the compiled lexicon
(`detect_icd/data/lexicon.bundle`). `python hatch_build.py [proto] [lexicon]` makes them without a build.

One where `BUILD_WITH_MYPYC=1` asks for it: the stages as machine code (mypyc; needs a C compiler and Python's headers),
the same results in two thirds of the time. It goes into the wheel only: a source tree always runs its sources.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent
STUBS = ROOT / "detect_icd" / "v1"
BUNDLE = ROOT / "detect_icd" / "data" / "lexicon.bundle"
MACHINE_CODE = ROOT / "build" / "compiled"
WORTH_COMPILING = ("stages/**/*.py", "text.py", "words.py")
"""Where the time of a detection goes. What callers are handed (model, spans) stays plain Python: it can be pickled."""


def generate_stubs() -> None:
    """The Python modules of every proto file; raises RuntimeError where protoc refuses one."""
    import grpc_tools
    from google.rpc import status_pb2
    from grpc_tools import protoc

    proto = ROOT / "proto"
    sources = sorted(str(path.relative_to(proto)) for path in proto.rglob("*.proto"))
    STUBS.mkdir(parents=True, exist_ok=True)
    for stale in STUBS.glob("*.py*"):
        stale.unlink()
    (STUBS / "__init__.py").write_text('"""Generated from proto/ by hatch_build.py; do not edit."""\n')
    arguments = [
        "protoc",
        f"--proto_path={proto}",
        f"--proto_path={Path(status_pb2.__file__).parents[2]}",
        f"--proto_path={Path(grpc_tools.__file__).parent / '_proto'}",
        f"--python_out={ROOT}",
        f"--pyi_out={ROOT}",
        f"--grpc_python_out={ROOT}",
        *sources,
    ]
    if protoc.main(arguments) != 0:
        raise RuntimeError("protoc refused the files of proto/; its words stand above")


def compile_lexicon() -> None:
    """The lexicon's one bundle; needs neither spaCy nor gRPC."""
    sys.path.insert(0, str(ROOT))
    try:
        from detect_icd.compile import bundle

        BUNDLE.parent.mkdir(parents=True, exist_ok=True)
        bundle.build(ROOT / "lexicon", BUNDLE)
    finally:
        sys.path.remove(str(ROOT))


def _wants_machine_code() -> bool:
    return os.environ.get("BUILD_WITH_MYPYC", "") == "1"


def compile_stages() -> list[Path]:
    """The extension modules, laid out under MACHINE_CODE as in a wheel; exits with mypy's or the compiler's words."""
    import shutil

    from mypyc.build import mypycify
    from setuptools import Distribution
    from setuptools.command.build_ext import build_ext

    shutil.rmtree(MACHINE_CODE, ignore_errors=True)
    lib = MACHINE_CODE / "lib"
    os.chdir(ROOT)  # mypyc names a module by its path from here
    sources = sorted({str(path.relative_to(ROOT)) for g in WORTH_COMPILING for path in (ROOT / "detect_icd").glob(g)})
    modules = mypycify(
        # in a build's environment spaCy and flashtext are not installed: what they return is checked at run time
        ["--config-file=", "--ignore-missing-imports", "--follow-untyped-imports", *sources],
        opt_level="2",
        debug_level="0",
        target_dir=str(MACHINE_CODE / "c"),
        group_name="detect_icd",
    )
    command = build_ext(Distribution({"name": "detect-icd", "ext_modules": modules}))
    command.build_lib, command.build_temp = str(lib), str(MACHINE_CODE / "o")
    command.ensure_finalized()
    command.run()
    return [path for path in lib.rglob("*") if path.is_file()]


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ModuleNotFoundError:  # run as a script, outside a build
    pass
else:

    class GenerateHook(BuildHookInterface):  # type: ignore[type-arg]
        """Called by hatchling for the wheel and for an editable install; the sdist carries the sources only."""

        PLUGIN_NAME = "custom"

        def dependencies(self) -> list[str]:
            return ["mypy>=1.15", "setuptools>=75"] if _wants_machine_code() else []

        def initialize(self, version: str, build_data: dict[str, Any]) -> None:
            if self.target_name != "wheel":
                return
            generate_stubs()
            compile_lexicon()
            if _wants_machine_code() and version != "editable":
                lib = MACHINE_CODE / "lib"
                build_data["force_include"] |= {str(path): str(path.relative_to(lib)) for path in compile_stages()}
                build_data.update(pure_python=False, infer_tag=True)


if __name__ == "__main__":
    steps = {"proto": generate_stubs, "lexicon": compile_lexicon}
    for name in sys.argv[1:] or list(steps):
        steps[name]()
