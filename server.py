"""Starts the gRPC server: `python server.py [--address HOST:PORT] ...`, the same as `detect-icd serve`."""

import sys

from detect_icd.cli import main

if __name__ == "__main__":
    main(["serve", *sys.argv[1:]])
