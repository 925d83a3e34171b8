"""``python -m engine``: the engine on the command line."""

import sys

from engine.commands.main import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
