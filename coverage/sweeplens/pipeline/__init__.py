"""Make snapshots from logs and go on from them, strung from the rooms below."""

from sweeplens.pipeline.build import build
from sweeplens.pipeline.forget import compact, forget
from sweeplens.pipeline.query import encode_query
from sweeplens.pipeline.score import score
from sweeplens.pipeline.update import update

__all__ = ["build", "compact", "encode_query", "forget", "score", "update"]
