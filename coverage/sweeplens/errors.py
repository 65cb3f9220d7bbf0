"""Every error that SweepLens raises on purpose, under one base, so that the command line can map them once.

A message is one sentence: what was expected, and what came. It never holds prompt text.
"""


class SweepLensError(Exception):
    """Base of all handled errors; the command line prints its message and exits with 1."""


class ConfigError(SweepLensError):
    """A setting is unknown or has a value that cannot be used."""


class LogError(SweepLensError):
    """A log cannot be found, opened or understood."""


class MapError(LogError):
    """A --map entry names a field that no row of the log has, or is not of the form field=path."""


class RejectsError(LogError):
    """More rows were rejected than the settings allow, or none was left."""


class EncoderError(SweepLensError):
    """An encoder cannot be found, is not what its name says, or may not be loaded."""


class StoreError(SweepLensError):
    """The store cannot be read or written."""


class SchemaError(StoreError):
    """A snapshot was written by a version of SweepLens that this one does not understand."""


class NotFoundError(SweepLensError):
    """An account, campaign, cluster or snapshot of that id does not exist."""


class AtlasError(SweepLensError):
    """The map cannot be made from what it was given, such as a broken taxonomy file."""


class DetectorError(SweepLensError):
    """A detector file cannot be read, or does not fit what it is asked to score."""


class AccessError(SweepLensError):
    """Somebody may not look, or may not do this."""
