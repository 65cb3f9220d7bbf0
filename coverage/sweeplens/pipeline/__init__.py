"""Make snapshots from logs and go on from them, strung from the rooms below."""

from sweeplens.pipeline.build import build
from sweeplens.pipeline.query import encode_query
from sweeplens.pipeline.score import Scored, score
from sweeplens.pipeline.update import rewrite, update
from sweeplens.pipeline.writing import BuildResult

__all__ = ["BuildResult", "Scored", "build", "encode_query", "rewrite", "score", "update"]
