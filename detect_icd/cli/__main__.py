"""`python -m detect_icd.cli` is `detect-icd`."""

from detect_icd.cli import main

if __name__ == "__main__":
    main()
