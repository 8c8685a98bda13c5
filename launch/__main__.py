"""Says in one sentence that the Python is too old, else hands over to launch.cli.

Kept to syntax that Python 3.4 reads: an old interpreter has to get as far as printing the sentence.
"""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  this file is what an older Python runs
    sys.stderr.write(
        "Narada needs Python 3.11 or newer, and %s is Python %d.%d.%d: install a newer one "  # noqa: UP031  old syntax
        "or name it, for example `make run PYTHON=python3.12`.\n"
        % (sys.executable, sys.version_info[0], sys.version_info[1], sys.version_info[2])
    )
    sys.exit(1)

from launch.cli import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
