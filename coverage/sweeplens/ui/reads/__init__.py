"""Cached reads, a module for each page that has its own."""
