"""Snapshots: immutable folders of open formats, published whole and read without locks."""
