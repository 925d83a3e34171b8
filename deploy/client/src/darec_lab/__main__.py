"""``python -m darec_lab`` is ``darec-lab``."""

import sys

from darec_lab.command import main

sys.exit(main())
