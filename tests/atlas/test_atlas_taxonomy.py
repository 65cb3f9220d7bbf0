from pathlib import Path

import pytest

from sweeplens.atlas import read_taxonomy
from sweeplens.errors import AtlasError

GOOD = """
[[capability]]
key = "a"
name = "First"
seeds = ["do this"]
[[capability]]
key = "b"
name = "Second"
description = "what it is"
seeds = ["do that", "and that"]
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "mine.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_taxonomy_that_ships_is_whole():
    taxonomy = read_taxonomy()
    assert {"coding", "maths", "tools", "translation", "safety", "medical", "chat"} <= set(taxonomy.keys)
    assert 20 <= len(taxonomy.capabilities) <= 25
    seeds = [s for c in taxonomy.capabilities for s in c.seeds] + list(taxonomy.others)
    assert len(set(seeds)) == len(seeds)
    assert all(len(c.seeds) >= 6 and c.description for c in taxonomy.capabilities)


def test_an_own_file_is_read_in_its_order(tmp_path):
    taxonomy = read_taxonomy(write(tmp_path, GOOD))
    assert taxonomy.keys == ("a", "b")
    assert taxonomy.capabilities[1].seeds == ("do that", "and that")
    assert (taxonomy.name_of("b"), taxonomy.name_of("unassigned")) == ("Second", "Unassigned")
    assert (taxonomy.key_at(1), taxonomy.key_at(-1)) == ("b", "unassigned")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "2 to 100 entries"),
        ("capability = 3", "2 to 100 entries"),
        ("capability = [1, 2]", "must be a table"),
        ("[[capability]\n", "not a TOML file"),
        (GOOD.replace('"b"', '"a"'), "the key 'a' twice"),
        (GOOD.replace('"Second"', '"FIRST"'), "the name 'first' twice"),
        (GOOD.replace('"b"', '"B b"'), "lower-case letters"),
        (GOOD.replace('"b"', '"unassigned"'), "other than 'unassigned'"),
        (GOOD.replace('name = "Second"', ""), "needs a name"),
        (GOOD.replace('"what it is"', "7"), "needs a description"),
        (GOOD.replace('["do this"]', "[]"), "list of 1 to 200 texts"),
        (GOOD.replace('["do this"]', "[3]"), "texts of 1 to 500 characters"),
        (GOOD.replace('["do this"]', '["  "]'), "texts of 1 to 500 characters"),
        (GOOD + 'colour = "red"\n', "it has 'colour'"),
        ("more = 1\n" + GOOD, "it has 'more'"),
        ('others = "x"\n' + GOOD, "others of"),
    ],
)
def test_what_is_wrong_is_said_in_one_sentence(tmp_path, text, said):
    with pytest.raises(AtlasError) as caught:
        read_taxonomy(write(tmp_path, text))
    assert said in str(caught.value)
    assert "mine.toml" in str(caught.value)


def test_a_missing_file_and_one_that_is_not_text_are_errors(tmp_path):
    with pytest.raises(AtlasError, match="cannot be read"):
        read_taxonomy(tmp_path / "none.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(AtlasError, match="cannot be read"):
        read_taxonomy(tmp_path / "bytes.toml")
