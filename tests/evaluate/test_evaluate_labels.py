"""labels.csv: what it may hold, and what is said of one that cannot be used."""

from pathlib import Path

import pytest

from sweeplens.evaluate.labels import Label, LabelsError, read_labels


def write(tmp_path: Path, data: str | bytes) -> Path:
    path = tmp_path / "labels.csv"
    path.write_bytes(data if isinstance(data, bytes) else data.encode())
    return path


def test_two_columns_are_enough(tmp_path: Path) -> None:
    assert read_labels(write(tmp_path, "account_id,label\na,attack\nb,benign\n\nc,dual\n")) == [
        Label("a", "attack"),
        Label("b", "benign"),
        Label("c", "dual"),
    ]


def test_all_columns_in_any_order_beside_others(tmp_path: Path) -> None:
    text = (
        "\ufeffnote,label,n,account_id,corpus,type,campaign_id\r\n"
        '"said, twice", attack ,42,"x,1",songs+poems,hydra,c-1\r\n'
        ",benign,,y,,user,\r\n"
    )
    assert read_labels(write(tmp_path, text)) == [
        Label("x,1", "attack", "hydra", "c-1", ("songs", "poems"), 42),
        Label("y", "benign", "user"),
    ]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ("", "need a header with account_id and label, but the first line has no account_id and no label"),
        ("account,label\na,attack\n", "the first line has no account_id: 'account, label'"),
        ("account_id,label,label\na,attack,dual\n", "have the column 'label' twice"),
        ("account_id,label\n", "hold no account"),
        ("account_id,label\na,attack,solo\n", "line 2 of the labels .* has 3 fields, but the header has 2"),
        ("account_id,label\na,benign\nb,evil\n", "line 3 .* must have a label of attack, benign, dual, but .* 'evil'"),
        ("account_id,label\n,benign\n", "line 2 .* has no account_id"),
        ("account_id,label\na,benign\nb,dual\na,attack\n", "line 4 .* names the account of line 2 again"),
        ("account_id,label,n\na,benign,many\n", "line 2 .* must have a whole number in n, but it has 'many'"),
        ("account_id,label,n\na,benign,-3\n", "must have a whole number in n, but it has '-3'"),
        ('account_id,label\n"a"b,benign\n', "are no CSV: line 2"),
        (b"account_id,label\n\xff,benign\n", "must be CSV in UTF-8"),
    ],
)
def test_bad_labels_get_one_sentence(tmp_path: Path, data: str | bytes, said: str) -> None:
    with pytest.raises(LabelsError, match=said) as caught:
        read_labels(write(tmp_path, data))
    assert "\n" not in str(caught.value)


def test_a_missing_file_and_a_folder_are_said(tmp_path: Path) -> None:
    with pytest.raises(LabelsError, match="No such file"):
        read_labels(tmp_path / "none.csv")
    with pytest.raises(LabelsError, match="cannot be read"):
        read_labels(tmp_path)


def test_a_message_holds_no_control_characters_and_little_of_the_file(tmp_path: Path) -> None:
    with pytest.raises(LabelsError) as caught:
        read_labels(write(tmp_path, f"account_id,label\na,\x1b[31m{'x' * 500}\n"))
    assert "\x1b" not in str(caught.value)
    assert "x" * 50 not in str(caught.value)
