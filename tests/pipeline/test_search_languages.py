"""An English query finds what was asked in Chinese, Korean, Russian and Thai, and so does "more like this"."""

from pathlib import Path

import pytest

from support.day_log import write_rows
from sweeplens.config import Settings
from sweeplens.pipeline import build
from sweeplens.pipeline.query import encode_query
from sweeplens.report.search import near_prompt, search

# The same three questions in four languages, and their English queries.
ASKED = {
    "law": {
        "zh": "发生交通事故后，怎样向对方要求赔偿？",
        "ko": "교통사고를 당한 뒤 손해배상을 어떻게 청구하나요?",
        "ru": "Как получить возмещение ущерба после автомобильной аварии?",
        "th": "หลังเกิดอุบัติเหตุรถชนจะเรียกค่าเสียหายได้อย่างไร",
    },
    "health": {
        "zh": "高血压患者应该吃什么药？",
        "ko": "고혈압에는 어떤 약을 먹어야 하나요?",
        "ru": "Какие лекарства принимают при высоком давлении?",
        "th": "คนเป็นโรคความดันโลหิตสูงควรกินยาอะไร",
    },
    "code": {
        "zh": "用 Python 怎样读取一个文本文件？",
        "ko": "파이썬으로 텍스트 파일을 어떻게 읽나요?",
        "ru": "Как прочитать текстовый файл на Python?",
        "th": "อ่านไฟล์ข้อความด้วยภาษาไพทอนอย่างไร",
    },
}
QUERIES = {
    "law": "How do I claim damages after a car accident?",
    "health": "Which medicine should I take against high blood pressure?",
    "code": "How do I read a text file in Python?",
}
OTHERS = (
    "What shall I cook for four guests?",
    "Which song won the contest?",
    "Tell me a tale about a fox",
    "Good night",
)


@pytest.fixture(scope="module")
def found(tmp_path_factory, request):
    folder = tmp_path_factory.mktemp("languages")
    texts = [text for topic in ASKED.values() for text in topic.values()] + list(OTHERS)
    rows = [
        {"account_id": f"a{i % 3}", "ts": f"2026-03-01T10:{i:02d}:00Z", "prompt": text} for i, text in enumerate(texts)
    ]
    about = Settings(
        store=folder / "store",
        encoder="multilingual",
        workers=1,
        models=Path(request.config.cache.mkdir("sweeplens-models")),
    )
    return build([str(write_rows(folder / "log.jsonl", rows))], about).snapshot, about


@pytest.mark.parametrize("topic", sorted(ASKED))
def test_an_english_query_ranks_its_counterparts_first(found, topic):
    snapshot, about = found
    hits = search(snapshot, encode_query(snapshot, QUERIES[topic], about), k=len(ASKED[topic]))
    assert {hit.text for hit in hits} == set(ASKED[topic].values())


@pytest.mark.parametrize("topic", sorted(ASKED))
def test_more_like_a_thai_prompt_are_its_counterparts(found, topic):
    snapshot, _ = found
    texts = snapshot.table("prompts", ["text"])["text"].to_pylist()
    near = near_prompt(snapshot, texts.index(ASKED[topic]["th"]), k=3)
    assert {texts[i] for i in near.ids.tolist()} == set(ASKED[topic].values()) - {ASKED[topic]["th"]}
