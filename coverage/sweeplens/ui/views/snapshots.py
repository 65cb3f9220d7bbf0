"""Snapshots: the builds of the store, and what changed from one to another."""


def show() -> None:
    """Draw the page."""
