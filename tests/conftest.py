"""Settings that every test runs under: no model hub is ever asked."""

import os

from hypothesis import settings

os.environ["HF_HUB_OFFLINE"] = "1"
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")

# Machines differ in speed: no example is too slow to be right.
settings.register_profile("project", deadline=None)
settings.load_profile("project")
