"""The checker an adapter uses: the lexicon's tables and whatever was imported on this machine."""

from __future__ import annotations

import os
from pathlib import Path

from detect_icd.folders import user_folder
from detect_icd.lexicon import Lexicon
from detect_icd.necessity.checker import Detect, NecessityChecker

DIRECTORY_VARIABLE = "DETECT_ICD_NECESSITY_DIR"
STORE_NAME = "necessity.sqlite3"


def default_directory() -> Path:
    """Where imports of coverage data live: the folder of the environment variable, else the user's data folder."""
    return Path(os.environ.get(DIRECTORY_VARIABLE) or user_folder() / "necessity")


def store_path(directory: str = "") -> Path:
    """The file of imported coverage data."""
    return (Path(directory) if directory else default_directory()) / STORE_NAME


def checker(lexicon: Lexicon, detector: Detect, directory: str = "") -> NecessityChecker:
    """A checker over the lexicon and, where the folder holds any, imported coverage data."""
    path = store_path(directory)
    if not path.exists():
        return NecessityChecker(lexicon, detector)
    from detect_icd.necessity.store import CoverageStore

    return NecessityChecker(lexicon, detector, CoverageStore(path))
