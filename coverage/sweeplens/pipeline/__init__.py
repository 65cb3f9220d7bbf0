"""Make snapshots from logs and go on from them, strung from the rooms below."""

from sweeplens.pipeline.build import build
from sweeplens.pipeline.forget import Forgotten, compact, forget
from sweeplens.pipeline.query import encode_query
from sweeplens.pipeline.score import Scored, score
from sweeplens.pipeline.update import update
from sweeplens.pipeline.writing import BuildResult

__all__ = ["BuildResult", "Forgotten", "Scored", "build", "compact", "encode_query", "forget", "score", "update"]
