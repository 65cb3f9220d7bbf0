"""Read API logs: one reader for each format, all of them giving the same canonical request rows."""

from sweeplens.logs.read import check_rejects, known_formats, parse_map, read_requests
from sweeplens.logs.rows import ReadStats, Request

__all__ = ["ReadStats", "Request", "check_rejects", "known_formats", "parse_map", "read_requests"]
