"""A reader that keeps everything: requests, counts and rejects."""

import gzip
import json
from pathlib import Path

import pytest
import zstandard

from sweeplens.logs.read import read_requests
from sweeplens.logs.rows import ReadStats


@pytest.fixture
def read_log():
    """Return a function: sources and options in, (requests, stats, rejects) out."""

    def read(*sources, **options):
        stats, rejects = ReadStats(), []
        requests = list(read_requests([str(s) for s in sources], stats=stats, reject=rejects.append, **options))
        assert stats.rejected == len(rejects) == sum(stats.reasons.values())
        assert stats.rows == len(requests) + len(rejects)
        return requests, stats, rejects

    return read


@pytest.fixture
def write(tmp_path):
    """Return a function that writes rows, text or bytes to a file, packed as its name says, and gives its path."""

    def write_file(name: str, content) -> Path:
        if isinstance(content, list):
            content = "".join((row if isinstance(row, str) else json.dumps(row)) + "\n" for row in content)
        data = content.encode() if isinstance(content, str) else content
        if name.endswith(".gz"):
            data = gzip.compress(data)
        if name.endswith(".zst"):
            data = zstandard.compress(data)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return path

    return write_file
