"""`detect-icd version`: what is installed."""

from __future__ import annotations

import sys


def version() -> None:
    """Print the versions of the program (and whether its stages are machine code), the lexicon and the code sets."""
    from detect_icd import __version__
    from detect_icd.lexicon import Lexicon
    from detect_icd.stages import phrases

    lexicon = Lexicon.default()
    built = "plain Python" if str(phrases.__file__).endswith(".py") else "machine code"
    sys.stdout.write(f"detect-icd {__version__}, {built}\nlexicon {lexicon.version}\n")
    for window in lexicon.codeset.windows:
        sys.stdout.write(f"ICD-10-CM {window.name} {window.effective_from} to {window.effective_until}\n")
