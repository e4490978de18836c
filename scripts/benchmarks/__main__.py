"""``python -m scripts.benchmarks NAME``: see ``scripts/bench``."""

import sys

from scripts.benchmarks.frame import main

sys.exit(main())
