"""The evidence report: one account or campaign as a file that stands alone, HTML for people, JSON for programs."""

from sweeplens.report.paper.make import find_kinds, make_report

__all__ = ["find_kinds", "make_report"]
