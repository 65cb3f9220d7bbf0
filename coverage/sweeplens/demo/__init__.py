"""A synthetic API log with known truth, written by grammars of our own, for the demo and for tests."""

from sweeplens.demo.log import DemoLog, make_demo, write_demo
from sweeplens.demo.truth import Truth

__all__ = ["DemoLog", "Truth", "make_demo", "write_demo"]
