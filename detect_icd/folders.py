"""Where a user's own data lives: what was imported on this machine."""

from __future__ import annotations

from pathlib import Path

import platformdirs


def user_folder() -> Path:
    """The folder of this platform for the user's data of detect-icd; need not exist."""
    try:
        return platformdirs.user_data_path("detect-icd")
    except RuntimeError:  # a user without a name and a home, as containers have: nothing was ever imported there
        return Path("/nonexistent/detect-icd")
