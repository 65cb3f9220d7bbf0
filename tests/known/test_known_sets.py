"""The known sets of a store: kept privately, whole or not at all, and told when they are damaged."""

import json
import multiprocessing
import stat
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from known_texts import CHINESE, QUESTIONS, sketch

from sweeplens.errors import LogError, NotFoundError, RejectsError, SchemaError, StoreError
from sweeplens.known import add_known, list_known, load_known, remove_known, sets
from sweeplens.known.files import read_sketch
from sweeplens.store.publish import write_snapshot


@pytest.fixture
def store(tmp_path) -> Path:
    return tmp_path / "store"


@pytest.fixture
def file(tmp_path):
    """Return a function that writes prompts, one a line, and gives the file's path."""

    def write(*prompts: str, name: str = "set.txt") -> str:
        (tmp_path / name).write_text("\n".join(prompts), encoding="utf-8")
        return str(tmp_path / name)

    return write


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_was_added_is_listed_loaded_and_matches(store, file):
    added = add_known(store, "questions", [file(*QUESTIONS, "hi", QUESTIONS[0] + "!")])
    assert (added.info.name, added.info.prompts, added.too_short, added.repeated) == ("questions", 5, 1, 1)
    add_known(store, "chinese.v1-2_a", [file(*CHINESE)])
    assert [(row.name, row.prompts) for row in list_known(store)] == [("chinese.v1-2_a", 2), ("questions", 5)]
    known = load_known(store)
    assert known.names == ("chinese.v1-2_a", "questions")
    assert known.match([QUESTIONS[0], CHINESE[0], "something else altogether, with enough words"]).tolist() == [
        1,
        0,
        -1,
    ]
    kept = read_sketch(store / "known" / "questions.parquet")
    made = sketch(QUESTIONS)
    assert all(np.array_equal(getattr(kept, n), getattr(made, n)) for n in ("tokens", "shingles", "bounds"))
    assert kept.shingles.dtype == np.uint64


def test_a_store_without_known_sets_and_no_store(store, tmp_path):
    for folder in (store, tmp_path):
        assert load_known(folder).names == ()
        assert list_known(folder) == []
        with pytest.raises(NotFoundError, match="has no known set questions: `sweeplens known list`"):
            remove_known(folder, "questions")
    assert list(tmp_path.iterdir()) == []


def test_files_are_private_and_hold_no_text(store, file):
    add_known(store, "questions", [file(*QUESTIONS)])
    path = store / "known" / "questions.parquet"
    assert [mode(p) for p in (store, path.parent, path, store / ".lock")] == [0o700, 0o700, 0o600, 0o600]
    assert [p.name for p in path.parent.iterdir()] == ["questions.parquet"]
    raw = path.read_bytes().lower()
    words = {word for text in QUESTIONS for word in text.lower().split() if len(word) > 6}
    assert len(words) > 10
    assert not any(word.encode() in raw for word in words)
    assert pq.read_schema(path).names == ["tokens", "shingles"]
    about = json.loads(pq.read_schema(path).metadata[b"sweeplens.known"])
    assert set(about) == {"format", "prompts", "added", "sha256"}
    assert (about["format"], about["prompts"]) == (1, 5)


def test_a_name_that_is_taken_needs_replace(store, file):
    add_known(store, "questions", [file(*QUESTIONS)])
    before = (store / "known" / "questions.parquet").read_bytes()
    with pytest.raises(StoreError, match="there is a known set questions already: --replace puts the new one"):
        add_known(store, "questions", [file(*CHINESE)])
    assert (store / "known" / "questions.parquet").read_bytes() == before
    assert add_known(store, "questions", [file(*CHINESE)], replace=True).info.prompts == 2
    assert load_known(store).match([QUESTIONS[0], CHINESE[0]]).tolist() == [-1, 0]


def test_removing(store, file):
    add_known(store, "questions", [file(*QUESTIONS)])
    remove_known(store, "questions")
    assert list_known(store) == []
    assert load_known(store).names == ()
    with pytest.raises(NotFoundError):
        remove_known(store, "questions")


@pytest.mark.parametrize("name", ["", "MMLU", "../x", "a/b", ".x", "-x", "a b", "ä", "a\n", "a" * 65, "\x1b[31m"])
def test_bad_names(store, file, name):
    for act in (lambda: add_known(store, name, [file(*QUESTIONS)]), lambda: remove_known(store, name)):
        with pytest.raises(StoreError, match="the name of a known set must be 1 to 64 of the characters a-z") as caught:
            act()
        assert str(caught.value).isprintable()
    assert not store.exists()


@pytest.mark.parametrize(
    ("prompts", "error", "said"),
    [
        (["hi", "and now?"], LogError, "none of the 2 prompts of the set can be told from everyday talk"),
        ([" "], LogError, "is empty"),
    ],
)
def test_sets_without_a_usable_prompt_leave_no_store_behind(store, file, prompts, error, said):
    with pytest.raises(error, match=said):
        add_known(store, "short", [file(*prompts)])
    assert not store.exists()


def test_too_many_unusable_rows(store, tmp_path):
    path = tmp_path / "set.jsonl"
    path.write_text("".join(json.dumps({"prompt": text}) + "\n" for text in QUESTIONS) + "not json\n")
    with pytest.raises(RejectsError, match=r"1 of 6 rows .* were rejected, more than --max-rejects 0\.01 allows"):
        add_known(store, "questions", [str(path)])
    assert add_known(store, "questions", [str(path)], max_rejects=0.2).stats.rejected == 1


def test_progress_counts_prompts(store, file, monkeypatch):
    monkeypatch.setattr(sets, "_CHUNK", 2)
    told = []
    add_known(store, "questions", [file(*QUESTIONS)], progress=lambda done, total: told.append((done, total)))
    assert told == [(2, 0), (4, 0), (5, 0)]


# -- damage ------------------------------------------------


def test_any_changed_byte_is_an_error_or_changes_nothing(store, file):
    add_known(store, "questions", [file(*QUESTIONS)])
    path = store / "known" / "questions.parquet"
    whole, made, refused = path.read_bytes(), sketch(QUESTIONS), []
    for at in range(0, len(whole), 41):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        try:
            kept = read_sketch(path)
        except StoreError as error:
            refused.append(str(error))
        else:
            assert np.array_equal(kept.shingles, made.shingles)
            assert np.array_equal(kept.tokens, made.tokens)
    assert len(refused) > 20
    assert all("the known set questions" in said and "\n" not in said for said in refused)


@pytest.mark.parametrize("data", [b"", b"PAR1", b"text\n" * 100])
def test_a_file_that_is_no_parquet(store, file, data, caplog):
    add_known(store, "broken", [file(*QUESTIONS)])
    add_known(store, "whole", [file(*QUESTIONS)])
    (store / "known" / "broken.parquet").write_bytes(data)
    with pytest.raises(StoreError, match=r"the known set broken is damaged.*add it again with --replace, or remove it"):
        load_known(store)
    assert [row.name for row in list_known(store)] == ["whole"]
    assert "the known set broken is damaged" in caplog.text
    remove_known(store, "broken")
    assert load_known(store).names == ("whole",)


def test_parquet_of_something_else(store, file):
    add_known(store, "questions", [file(*QUESTIONS)])
    path = store / "known" / "questions.parquet"
    about = pq.read_schema(path).metadata
    pq.write_table(pa.table({"tokens": [1]}), path)
    with pytest.raises(StoreError, match="it does not say what it is"):
        load_known(store)
    for columns in ({"tokens": [1]}, {"tokens": ["a"], "shingles": [[1]]}, {"tokens": [1], "shingles": ["x"]}):
        pq.write_table(pa.table(columns).replace_schema_metadata(about), path)
        with pytest.raises(StoreError, match="damaged"):
            load_known(store)


def test_another_hash_and_a_newer_format(store, file):
    add_known(store, "questions", [file(*QUESTIONS)])
    path = store / "known" / "questions.parquet"
    table = pq.read_table(path)
    about = json.loads(table.schema.metadata[b"sweeplens.known"])

    def rewrite(**changes) -> None:
        raw = json.dumps({**about, **changes}).encode()
        pq.write_table(table.replace_schema_metadata({b"sweeplens.known": raw}), path)

    rewrite()
    assert load_known(store).names == ("questions",)
    rewrite(sha256="0" * 64)
    with pytest.raises(StoreError, match="its SHA-256 is not the one that it was written with"):
        load_known(store)
    rewrite(format=2)
    for ask in (load_known, lambda folder: read_sketch(path)):
        with pytest.raises(
            SchemaError, match="has format 2, but this SweepLens reads formats up to 1: upgrade SweepLens"
        ):
            ask(store)


def test_other_files_in_the_folder_are_left_alone(store, file):
    add_known(store, "questions", [file(*QUESTIONS)])
    for name in (".hidden.parquet", "README", "UPPER.parquet"):
        (store / "known" / name).write_bytes(b"")
    assert load_known(store).names == ("questions",)
    assert len(list_known(store)) == 1


# -- several at once ------------------------------------------------


def test_nothing_is_written_while_another_process_builds(store, file, monkeypatch):
    monkeypatch.setattr(sets, "_WAIT", 0.05)
    source = file(*QUESTIONS)
    busy = r"another process is writing to the store .*: wait until it is done"
    with write_snapshot(store), pytest.raises(StoreError, match=busy):
        add_known(store, "questions", [source])
    add_known(store, "questions", [source])
    with write_snapshot(store), pytest.raises(StoreError, match=busy):
        remove_known(store, "questions")
    assert load_known(store).names == ("questions",)


def _add(job: tuple[str, str, str]) -> str:
    store, name, source = job
    try:
        return add_known(Path(store), name, [source]).info.name
    except StoreError as error:
        return str(error)


def test_adding_at_the_same_time(store, file):
    source = file(*QUESTIONS)
    names = ["one", "two", "one", "three", "one"]
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        said = pool.map(_add, [(str(store), name, source) for name in names], chunksize=1)
    assert sorted(load_known(store).names) == ["one", "three", "two"]
    assert sum(answer == "one" for answer in said) == 1
    assert sum("there is a known set one already" in answer for answer in said) == 2
    assert sorted(p.name for p in (store / "known").iterdir()) == ["one.parquet", "three.parquet", "two.parquet"]


def test_what_a_killed_run_left_is_cleared_away(store, file):
    (store / "known").mkdir(parents=True)
    (store / "known" / ".part-abc").write_bytes(b"half")
    add_known(store, "questions", [file(*QUESTIONS)])
    assert [p.name for p in (store / "known").iterdir()] == ["questions.parquet"]


def test_a_failed_write_leaves_what_was_there(store, file, monkeypatch):
    add_known(store, "questions", [file(*QUESTIONS)])
    before = (store / "known" / "questions.parquet").read_bytes()

    def full(stream, made, added):
        stream.write(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(sets, "write_sketch", full)
    with pytest.raises(StoreError, match=r"the store .* cannot be written: No space left on device"):
        add_known(store, "questions", [file(*CHINESE)], replace=True)
    assert (store / "known" / "questions.parquet").read_bytes() == before
    assert [p.name for p in (store / "known").iterdir()] == ["questions.parquet"]
