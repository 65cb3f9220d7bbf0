"""Bad logs and rows: one clear sentence each, never with text of the log in it."""

import gzip
import os
import random
import threading

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from sweeplens.errors import LogError, MapError, RejectsError
from sweeplens.logs import check_rejects, read_requests
from sweeplens.logs.rows import ReadStats
from sweeplens.logs.sources import Source, readable

ROW = {"account_id": "a", "prompt": "Secret plans of the garden club"}


def _error(read_log, *sources, error=LogError, **options) -> str:
    with pytest.raises(error) as caught:
        read_log(*sources, **options)
    message = str(caught.value)
    assert "\n" not in message
    assert "garden" not in message
    return message


def test_missing_files_are_found_before_anything_is_read(tmp_path):
    with pytest.raises(LogError, match=r"nothing\.jsonl does not exist"):
        read_requests([str(tmp_path / "nothing.jsonl")], stats=ReadStats(), reject=lambda _: None)


def test_sources_that_hold_nothing(read_log, write, tmp_path):
    (tmp_path / "folder").mkdir()
    write("folder/readme.txt", "no log")
    assert "holds no logs: expected files such as" in _error(read_log, tmp_path / "folder")
    assert "no file matches" in _error(read_log, tmp_path / "*.jsonl")
    assert "no log was named" in _error(read_log)
    assert "is a URL" in _error(read_log, "s3://bucket/log.jsonl")


@pytest.mark.parametrize("name", ["log.jsonl", "log.csv.gz", "log.jsonl.zst"])
@pytest.mark.parametrize("content", ["", "\n \n", "\ufeff"])
def test_empty_files(read_log, write, name, content):
    assert "is empty" in _error(read_log, write(name, content))


def test_a_header_alone_is_empty(read_log, write):
    assert "is empty" in _error(read_log, write("log.csv", "account_id,prompt\n"))


def test_an_empty_file_among_others_is_passed_over(read_log, write, tmp_path, caplog):
    write("logs/a.jsonl", "")
    write("logs/b.jsonl", [ROW])
    assert len(read_log(tmp_path / "logs")[0]) == 1
    assert "a.jsonl is empty" in caplog.text
    write("logs/b.jsonl", "")
    assert "every file is empty" in _error(read_log, tmp_path / "logs")


@pytest.mark.parametrize("keep", [20, 0.5, 0.9, -1])
@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_truncated_compression(read_log, tmp_path, pack, keep):
    noise = random.Random(1)
    lines = "".join(f'{{"account_id": "a", "prompt": "{noise.random()}"}}\n' for _ in range(20_000))
    data = pack(lines.encode())
    path = tmp_path / "cut.jsonl"
    path.write_bytes(data[: int(len(data) * keep) if isinstance(keep, float) else keep])
    message = _error(read_log, path)
    assert "cut.jsonl ends in the middle of its compressed data: the log is incomplete" in message


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.compress])
def test_damaged_compression(read_log, tmp_path, pack):
    data = bytearray(pack(random.Random(1).randbytes(100_000)))
    data[50_000:50_100] = bytes(100)
    data[12:40] = bytes(range(28))
    (tmp_path / "bad.jsonl").write_bytes(data)
    assert "damaged" in _error(read_log, tmp_path / "bad.jsonl")


@pytest.mark.parametrize("magic", [b"BZh91AY&SY", b"\xfd7zXZ\0", b"PK\x03\x04"])
def test_other_compression_is_named(read_log, write, magic):
    assert "is packed with" in _error(read_log, write("log.jsonl", magic + bytes(50)))


def test_binary_junk_and_foreign_text(read_log, write):
    assert "is binary" in _error(read_log, write("junk.jsonl", random.Random(2).randbytes(5000)))
    assert "is binary" in _error(read_log, write("junk.jsonl", random.Random(2).randbytes(50)))
    assert "UTF-16" in _error(read_log, write("log.jsonl", '{"account_id": "a", "prompt": "x"}\n'.encode("utf-16")))
    assert "UTF-16" in _error(read_log, write("log.csv", "account_id,prompt\na,b\n".encode("utf-16-le")))
    assert "is not a log: expected JSON, CSV with a header line, or Parquet" in _error(
        read_log,
        write("text.jsonl", "Dear members, the garden club meets on Monday at nine.\nBring a spade, please.\n"),
    )


def test_a_log_cut_at_its_start_loses_only_that_line(read_log, write):
    requests, _, rejects = read_log(write("log.jsonl", ['unt_id": "a", "prompt": "x, y"}', ROW, ROW]))
    assert len(requests) == 2
    assert rejects == [("log.jsonl", 1, "not valid JSON")]


def test_csv_without_the_needed_columns_names_those_it_has(read_log, write):
    message = _error(read_log, write("log.csv", "when,who,question\n2026-04-06,a,garden\n"))
    assert "has no column for account_id (account_id, account, user_id, user, customer_id)" in message
    assert "but has when, who, question: name the one to use" in message
    assert "--map account_id=COLUMN" in message
    message = _error(read_log, write("log.csv", "account_id,question\na,garden\n"))
    assert "has no column for prompt (prompt, messages, " in message


def test_csv_without_a_header_shows_no_content(read_log, write):
    row = "acct_1,2026-04-06,How do I plant a garden of roses in the shade of a tree?\n"
    assert "is not a log" in _error(read_log, write("log.csv", row * 3))
    message = _error(read_log, write("log.csv", "acct_1,model_a,plain," + row.removeprefix("acct_1,")))
    assert "but has acct_1, model_a, plain, 2 others: name the one to use" in message


def test_parquet_without_the_needed_columns_and_damaged(read_log, tmp_path):
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table({"who": ["a"], "prompt": ["x"]}), path)
    assert "but has who, prompt: name" in _error(read_log, path)
    path.write_bytes(path.read_bytes()[:-10])
    assert "not a whole Parquet file" in _error(read_log, path)


def test_maps_that_fit_nothing(read_log, write):
    path = write("log.jsonl", [{"user": {"id": 1, "plan": "x"}, "prompt": "garden"}] * 3)
    message = _error(read_log, path, mapping={"account_id": "user.uid"}, error=MapError)
    assert message == (
        "--map account_id=user.uid names a field that no row has; the first rows have user.id, user.plan, prompt"
    )
    message = _error(read_log, path, mapping={"account_id": "user.id", "ip": "address"}, error=MapError)
    assert message.startswith("--map ip=address names a field that no row has")
    message = _error(read_log, write("log.csv", "a,b\nx,y\n"), mapping={"account_id": "c.d"}, error=MapError)
    assert "--map account_id=c.d names no column of" in message
    assert message.endswith("whose columns are a, b")


def test_a_map_that_fits_nothing_ends_a_long_log_early(write):
    path = write("log.jsonl", [ROW] * 5000)
    stats = ReadStats()
    with pytest.raises(MapError):
        list(read_requests([str(path)], mapping={"account_id": "no"}, stats=stats, reject=lambda _: None))
    assert stats.rows == 1000


def test_an_optional_field_may_come_late(read_log, write):
    path = write("log.jsonl", [ROW] * 1500 + [{**ROW, "addr": "192.0.2.1"}])
    assert read_log(path, mapping={"ip": "addr"})[0][-1].ip == "192.0.2.1"


def test_unknown_format(read_log, write):
    assert _error(read_log, write("log.jsonl", [ROW]), input_format="nope").endswith("is not known: expected generic")


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"prompt": "x"}, "no account_id"),
        ({"account_id": " ", "prompt": "x"}, "no account_id"),
        ({"account_id": True, "prompt": "x"}, "account_id must be text or a whole number, not true or false"),
        ({"account_id": 1.5, "prompt": "x"}, "account_id must be text or a whole number, not a number"),
        ({"account_id": {"id": 1}, "prompt": "x"}, "account_id must be text or a whole number, not an object"),
        ({"account_id": "a"}, "no prompt"),
        ({"account_id": "a", "prompt": " \n\t"}, "the prompt is empty"),
        ({"account_id": "a", "prompt": 7}, "prompt must be text, not a number"),
        ({"account_id": "a", "prompt": [{"type": "image"}]}, "no prompt"),
        (
            {"account_id": "a", "messages": [{"role": "assistant", "content": "x"}]},
            "messages hold no user turn with text",
        ),
        ({"account_id": "a", "prompt": "x", "ts": "soon"}, "ts is not a time: expected ISO 8601, or seconds"),
        ({"account_id": "a", "prompt": "x", "ts": [1]}, "ts is not a time"),
        ({"account_id": "a", "prompt": "x", "ts": "0001-01-01T00:00:00"}, "ts lies outside the years 1970 to 2199"),
        ({"account_id": "a", "prompt": "x", "ip": ["1"]}, "ip must be text or a whole number, not a list"),
        ({"account_id": "a", "prompt": "x", "tokens_in": -1}, "tokens_in must be a whole number from 0"),
        ({"account_id": "a", "prompt": "x", "tokens_in": "many"}, "tokens_in must be a whole number from 0"),
        ({"account_id": "a", "prompt": "x", "tokens_out": 1e400}, "tokens_out must be a whole number from 0"),
        ('{"account_id": "a", "prompt": "x"', "not valid JSON"),
        ('{"account_id": "a", "prompt": ' + "[" * 100_000, "not valid JSON"),
        ('{"account_id": ' + "9" * 5000 + "}", "not valid JSON"),
        ('"text"', "not a JSON object"),
    ],
)
def test_rows_that_cannot_be_used(read_log, write, row, reason):
    requests, _, rejects = read_log(write("log.jsonl", [ROW, row, ROW]))
    assert len(requests) == 2
    [reject] = rejects
    assert reject[:2] == ("log.jsonl", 2)
    assert reject.reason.startswith(reason)


def test_invalid_utf8_is_rejected_by_line(read_log, write):
    good = b'{"account_id": "a", "prompt": "caf\xc3\xa9"}\n'
    requests, _, rejects = read_log(write("log.jsonl", good + good.replace(b"\xc3", b"") + good))
    assert [r.prompt for r in requests] == ["café", "café"]
    assert rejects == [("log.jsonl", 2, "not valid UTF-8")]
    requests, _, rejects = read_log(write("log.csv", b'account_id,prompt\na,"x\n\xe9"\nb,caf\xc3\xa9\n'))
    assert [r.prompt for r in requests] == ["café"]
    assert rejects == [("log.csv", 2, "not valid UTF-8")]


def test_a_line_that_is_too_long_is_rejected_and_reading_goes_on(read_log, tmp_path):
    path = tmp_path / "log.jsonl"
    path.write_bytes(
        b'{"account_id": "a", "prompt": "' + b"x" * (1 << 24) + b'"}\n{"account_id": "b", "prompt": "y"}\n'
    )
    requests, _, rejects = read_log(path)
    assert [r.account_id for r in requests] == ["b"]
    assert rejects == [("log.jsonl", 1, "longer than 16 MiB")]


def test_csv_rows_of_another_length(read_log, write):
    requests, _, rejects = read_log(write("log.csv", "account_id,prompt\na,b,c\nd\ne,f\n"))
    assert [r.account_id for r in requests] == ["e"]
    assert [r.line for r in rejects] == [2, 3]


def test_a_quote_that_is_never_closed(read_log, write):
    message = _error(read_log, write("log.csv", 'account_id,prompt\na,b\nc,"garden\nd,e\n'))
    assert "ends inside a quoted field that began at line 3" in message
    message = _error(
        read_log, write("log.csv", 'account_id,prompt\na,b\nc,"garden' + ("x" * 1023 + "\n") * (1 << 14) + "y\n")
    )
    assert "cannot be read from line 3 on: a quote is never closed" in message


def test_json_that_breaks_off(read_log, write):
    assert "breaks off" in _error(read_log, write("log.json", '[{"account_id": "a", "prompt": "garden"},'))
    assert "from line 2 on" in _error(read_log, write("log.json", '[\n{"account_id": "a", "prompt": "gar'))


def test_errors_of_the_system_become_sentences(tmp_path):
    source = Source(str(tmp_path / "log.jsonl"), "log.jsonl", named=True)
    for error, message in (
        (PermissionError(13, "Permission denied"), "log.jsonl may not be read by this user"),
        (OSError(5, "Input/output error"), "log.jsonl cannot be read: Input/output error"),
    ):
        with pytest.raises(LogError) as caught, readable(source):
            raise error
        assert str(caught.value).endswith(message)


def test_errors_of_the_caller_are_not_taken_for_the_logs(write):
    def refuse(reject):
        raise OSError("no space left")

    path = write("log.jsonl", [ROW, "broken"])
    with pytest.raises(OSError, match="no space left"):
        list(read_requests([str(path)], stats=ReadStats(), reject=refuse))


def test_a_pipe_is_read_as_a_file(read_log, tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=pipe.write_text, args=('{"account_id": "a", "prompt": "x"}\n',))
    writer.start()
    assert read_log(pipe)[0][0].source == "pipe"
    writer.join()


def test_too_many_rejects(read_log, write):
    stats = read_log(write("log.jsonl", [ROW] * 98 + ["broken", {"prompt": "x"}, "{"]))[1]
    check_rejects(stats, 0.03)
    with pytest.raises(RejectsError) as caught:
        check_rejects(stats, 0.01)
    assert str(caught.value) == (
        "3 of 101 rows (2.97%) were rejected, more than --max-rejects 0.01 allows; "
        "the commonest reason, 2 times: not valid JSON"
    )


def test_nothing_left(read_log, write):
    stats = read_log(write("log.jsonl", [{"prompt": "garden"}] * 4))[1]
    with pytest.raises(RejectsError) as caught:
        check_rejects(stats, 1.0)
    assert (
        str(caught.value) == "none of the 4 rows of the log could be used; the commonest reason, 4 times: no account_id"
    )
    with pytest.raises(RejectsError, match="holds no rows"):
        check_rejects(ReadStats(), 1.0)
