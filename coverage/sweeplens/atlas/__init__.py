"""The map of a log's prompts: cells for statistics, clusters and capabilities for people."""

from sweeplens.atlas.atlas import KINDS, Atlas, build_atlas
from sweeplens.atlas.placing import place
from sweeplens.atlas.taxonomy import Taxonomy, read_taxonomy

__all__ = ["KINDS", "Atlas", "Taxonomy", "build_atlas", "place", "read_taxonomy"]
