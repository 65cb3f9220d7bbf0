"""Build a snapshot from a log, strung from the rooms below."""

from sweeplens.pipeline.assemble import BuildResult, build, encode_query

__all__ = ["BuildResult", "build", "encode_query"]
