"""Prompt sets of every container and packing come out as the same prompts; bad ones as one sentence."""

import gzip
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from known_texts import CHINESE, QUESTIONS

from sweeplens.errors import LogError, MapError, RejectsError
from sweeplens.known.prompts import read_prompts
from sweeplens.logs.rows import ReadStats

PROMPTS = [*QUESTIONS, *CHINESE]


def parquet(rows: list[dict[str, object]]) -> bytes:
    sink = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue()


def jsonl(rows: list[object]) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def csv(rows: list[tuple[str, ...]]) -> bytes:
    return "".join(",".join(f'"{cell}"' for cell in row) + "\n" for row in rows).encode()


ROWS = [{"prompt": prompt, "topic": "any"} for prompt in PROMPTS]
FILES = {
    "a.jsonl": jsonl(ROWS),
    "a.json": json.dumps(ROWS, indent=1).encode(),
    "a.csv": csv([("prompt", "topic"), *((prompt, "any") for prompt in PROMPTS)]),
    "a.parquet": parquet(ROWS),
    "messages.jsonl": jsonl([{"messages": [{"role": "system", "content": "Be brief."},
                                           {"role": "user", "content": prompt}]} for prompt in PROMPTS]),
    "a.txt": "\ufeff".encode() + "\r\n\n".join(PROMPTS).encode(),
}  # fmt: skip
PACKED = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}


@pytest.fixture
def read(tmp_path):
    """Return a function: {name: bytes} and options in, (prompts, stats) out."""

    def run(files: dict[str, bytes], *sources: str, **options):
        for name, data in files.items():
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_bytes(data)
        stats = ReadStats()
        found = list(read_prompts([str(tmp_path / s) for s in sources or files], stats=stats, **options))
        assert stats.rows == len(found) + stats.rejected
        assert stats.rejected == sum(stats.reasons.values())
        return found, stats

    return run


@pytest.mark.parametrize("packing", list(PACKED))
@pytest.mark.parametrize("name", list(FILES))
def test_every_container_gives_the_prompts(read, name, packing):
    found, stats = read({name + packing: PACKED[packing](FILES[name])})
    assert found == PROMPTS
    assert (stats.files, stats.rows, stats.rejected) == (1, len(PROMPTS), 0)


def test_several_files_are_one_set_and_folders_and_globs_are_searched(read):
    files = {"in/a.jsonl": jsonl(ROWS[:2]), "in/b.csv": b"prompt,x\nWhat is a fen?,1\n", "c.txt": b"What is a moor?\n"}
    expected = [*PROMPTS[:2], "What is a fen?", "What is a moor?"]
    assert read(files, "in", "*.txt")[0] == expected
    assert read(files, "in/*", "c.txt", "in/a.jsonl")[0] == expected


def test_map_names_the_prompt(read):
    rows = [{"question": {"text": prompt}, "prompt": "not this"} for prompt in PROMPTS]
    assert read({"a.jsonl": jsonl(rows)}, mapping={"prompt": "question.text"})[0] == PROMPTS
    table = {"b.csv": b"question,answer\nWhat is a fen?,A marsh\n"}
    assert read(table, mapping={"prompt": "question"})[0] == ["What is a fen?"]


def test_prompts_are_redacted_as_those_of_a_log_are(read):
    found, stats = read({"a.txt": b"Write to someone@example.com about the broken lamp\n"})
    assert found == ["Write to [email] about the broken lamp"]
    assert stats.redactions == {"email": 1}


def test_any_file_is_text_when_told_so(read):
    data = b'{"prompt": "taken as it is"}\nsecond, line\n'
    assert read({"a.jsonl": data}, input_format="text")[0] == data.decode().splitlines()
    assert read({"a.jsonl": data[:29]}, input_format="generic")[0] == ["taken as it is"]


def test_rows_without_a_prompt_are_counted_and_passed_over(read):
    rows = [{"prompt": "What is a fen?"}, {"prompt": ""}, {"prompt": " \n"}, {"topic": "x"}, {"prompt": 7}, ["list"]]
    found, stats = read({"a.jsonl": jsonl(rows) + b"not json\n"})
    assert found == ["What is a fen?"]
    assert stats.rejected == 6
    assert set(stats.reasons) == {
        "no prompt",
        "prompt must be text, not a number",
        "not a JSON object",
        "not valid JSON",
    }
    found, stats = read({"a.txt": b"What is a fen?\n\xff\xfe broken\n"})
    assert (found, stats.reasons) == (["What is a fen?"], {"not valid UTF-8": 1})


NONE = (
    "none of the 2 rows of the prompt set could be used; the commonest reason, 2 times: no prompt; the first rows have"
)
BAD = {
    "missing": ({}, ["gone.jsonl"], {}, LogError, "does not exist"),
    "empty": ({"a.jsonl": b""}, [], {}, LogError, "a.jsonl is empty: expected at least one prompt"),
    "blank": ({"a.txt": b"\n \n\n"}, [], {}, LogError, "a.txt is empty: expected at least one prompt"),
    "empty packed": ({"a.txt.gz": gzip.compress(b"")}, [], {}, LogError, "a.txt.gz is empty"),
    "cut off": ({"a.jsonl.gz": gzip.compress(FILES["a.jsonl"])[:-40]}, [], {}, LogError, "ends in the middle"),
    "cut text": ({"a.txt.gz": gzip.compress(FILES["a.txt"])[:-40]}, [], {}, LogError, "ends in the middle"),
    "binary": ({"a.jsonl": bytes(range(256)) * 30}, [], {}, LogError, "binary"),
    "binary text": ({"a.txt": bytes(range(256)) * 30}, [], {}, LogError, "a.txt is encoded in UTF-16 or is binary"),
    "utf-16": ({"a.txt": "What is a fen?".encode("utf-16")}, [], {}, LogError, "a.txt is encoded in UTF-16"),
    "no column": ({"a.csv": b"question,answer\na b,c\n"}, [], {}, LogError, "a.csv has no column for prompt (prompt,"),
    "map to no column": ({"a.csv": b"q,answer\na b,c\n"}, [], {"mapping": {"prompt": "question"}}, MapError,
                         "--map prompt=question names no column of"),
    "map to no field": ({"a.jsonl": jsonl([{"q": "x"}])}, [], {"mapping": {"prompt": "question"}}, MapError,
                        "--map prompt=question names a field that no row has; the first rows have q"),
    "map of another field": ({"a.jsonl": b"{}"}, [], {"mapping": {"account_id": "user"}}, MapError,
                             "expected --map prompt=PATH, but it names account_id"),
    "no field": ({"a.jsonl": jsonl([{"question": "x", "choices": []}] * 2)}, [], {}, RejectsError,
                 f"{NONE} question, choices, and --map prompt=FIELD chooses one"),
    "unknown format": ({"a.jsonl": b"{}"}, [], {"input_format": "xml"}, LogError, "xml"),
}  # fmt: skip


@pytest.mark.parametrize("kind", list(BAD))
def test_bad_files_are_one_sentence(read, kind):
    files, sources, options, error, said = BAD[kind]
    with pytest.raises(error) as caught:
        read(files, *sources, **options)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_folder_of_empty_files_is_an_empty_set(read):
    with pytest.raises(RejectsError, match="the prompt set is empty"):
        read({"in/a.jsonl": b"", "in/b.csv": b"\n"}, "in")


def test_a_line_of_more_than_16_mib_is_passed_over(read):
    found, stats = read({"a.txt": b"What is a fen?\n" + b"long " * (17 << 18) + b"\nWhat is a moor?\n"})
    assert found == ["What is a fen?", "What is a moor?"]
    assert stats.reasons == {"longer than 16 MiB": 1}
