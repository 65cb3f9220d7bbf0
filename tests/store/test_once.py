"""What is made once stays one, however many ask for it at the same moment."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.small_store import write_small_store
from sweeplens.store.once import once
from sweeplens.store.snapshot import Snapshot, open_snapshot


class Slow:
    def __init__(self) -> None:
        self.made = 0

    @once
    def number(self) -> int:
        """The number."""
        time.sleep(0.02)
        self.made += 1
        return self.made

    @once
    def double(self) -> int:
        return 2 * self.number

    @once
    def broken(self) -> int:
        self.made += 1
        raise ValueError(f"attempt {self.made}")


def ask_at_once(ask: Callable[[], object], n: int = 8) -> list[object]:
    gate, answers = threading.Barrier(n), []

    def wait_and_ask() -> None:
        gate.wait()
        answers.append(ask())

    threads = [threading.Thread(target=wait_and_ask) for _ in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_it_is_made_once_though_many_ask_at_once() -> None:
    slow = Slow()
    assert ask_at_once(lambda: slow.number) == [1] * 8
    assert slow.made == 1


def test_one_may_ask_for_another_of_the_same_object() -> None:
    slow = Slow()
    assert ask_at_once(lambda: (slow.double, slow.number)) == [(2, 1)] * 8


def test_each_object_has_its_own() -> None:
    first, second = Slow(), Slow()
    assert first.number == 1
    assert second.made == 0


def test_what_fails_is_tried_again() -> None:
    slow = Slow()
    for attempt in (1, 2):
        with pytest.raises(ValueError, match=f"attempt {attempt}"):
            _ = slow.broken


def test_the_class_shows_the_property_with_its_docstring() -> None:
    assert isinstance(Slow.number, once)
    assert Slow.number.__doc__ == "The number."


def test_a_table_and_the_index_are_read_once_though_many_ask_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_small_store(tmp_path)
    snapshot = open_snapshot(tmp_path)
    read, real = [], Snapshot._read_table

    def slowly(self: Snapshot, name: str, columns: object) -> object:
        read.append(name)
        time.sleep(0.02)
        return real(self, name, columns)

    monkeypatch.setattr(Snapshot, "_read_table", slowly)
    tables = ask_at_once(lambda: snapshot.table("prompts"))
    assert read == ["prompts"]
    assert all(table is tables[0] for table in tables)
    indexes = ask_at_once(lambda: snapshot.index)
    assert all(index is indexes[0] for index in indexes)
