"""`python -m rembolt` and the `rembolt` command."""

from __future__ import annotations

import signal
import sys


def main() -> None:
    """Run the command line and end the process with its exit code."""
    try:
        from rembolt.cli.main import run

        code = run()
    except KeyboardInterrupt:  # while the command line itself was being imported
        print("rembolt: interrupted, nothing half-written.", file=sys.stderr)
        code = 130
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # all is done: nothing is left to interrupt
    sys.exit(code)


if __name__ == "__main__":
    main()
