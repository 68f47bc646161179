"""Build hook: what is generated is made here, so that `pip install .` suffices and nothing generated is committed.

Two things: the gRPC stubs of `proto/` (into `detect_icd/v1`) and the compiled lexicon
(`detect_icd/data/lexicon.bundle`). `python hatch_build.py [proto] [lexicon]` makes them without a build.
"""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent
STUBS = ROOT / "detect_icd" / "v1"
BUNDLE = ROOT / "detect_icd" / "data" / "lexicon.bundle"


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


try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ModuleNotFoundError:  # run as a script, outside a build
    pass
else:

    class GenerateHook(BuildHookInterface):  # type: ignore[type-arg]
        """Called by hatchling for the wheel and for an editable install; the sdist carries the sources only."""

        PLUGIN_NAME = "custom"

        def initialize(self, version: str, build_data: dict[str, object]) -> None:
            del version, build_data
            if self.target_name == "wheel":
                generate_stubs()
                compile_lexicon()


if __name__ == "__main__":
    steps = {"proto": generate_stubs, "lexicon": compile_lexicon}
    for name in sys.argv[1:] or list(steps):
        steps[name]()
