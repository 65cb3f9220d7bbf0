"""Pages on a snapshot that keeps no text, and whose cluster ids are no positions."""

from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from ui_app import Open, open_app, texts

from support.altered import publish, renumbered, without_text
from support.small_store import write_small_store
from sweeplens.text import content_hash

IDS = {0: 40, 1: 3, 2: 1207, 3: 12}


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("bare") / "store"
    first = write_small_store(store)
    publish(store, renumbered(without_text(first), IDS))  # type: ignore[arg-type]
    return store


@pytest.fixture
def open_bare(bare: Path, monkeypatch: pytest.MonkeyPatch) -> Open:
    monkeypatch.setenv("SWEEPLENS_STORE", str(bare))

    def open_it(page: str = "", **params: str) -> AppTest:
        app = open_app(bare, page, **params)
        assert not app.exception, [e.message for e in app.exception]
        return app

    return open_it


def prompts_of(app: AppTest) -> list[str]:
    return next(list(d.value["text"]) for d in app.dataframe if "text" in d.value)


def test_words_stand_where_prompts_would_be(open_bare: Open) -> None:
    for page, params in (
        ("account", {"account": "lone"}), ("campaign", {"campaign": "C-01"}), ("clusters", {"cluster": "3"}),
    ):  # fmt: skip
        app = open_bare(page, **params)
        assert set(prompts_of(app)) == {"(text not shown)"}
        assert "Their text was not kept" in texts(app)
        search = next(w for w in app.text_input if w.label == "Search in these prompts")
        assert search.disabled


def test_a_cluster_without_terms_and_exemplars_says_so(open_bare: Open) -> None:
    said = texts(open_bare("clusters", cluster="3"))
    assert "Cluster 3 `translate, french`" in said
    assert "This cluster has no typical prompts to show." in said
    assert "No words set this cluster apart." in said


def test_a_prompt_without_text_still_opens(open_bare: Open) -> None:
    app = open_bare("clusters", cluster="1207")
    app.session_state[f"prompts-{content_hash('1207')[:8]}-table"] = {
        "selection": {"rows": [], "columns": [], "cells": [(0, "text")]}
    }
    app.run()
    assert not app.exception
    assert "The text of this prompt was not kept." in texts(app)
    assert any(button.label == "Open its cluster" for button in app.button)


def test_a_position_is_not_taken_for_an_id(open_bare: Open) -> None:
    assert "This cannot be shown" in texts(open_bare("clusters", cluster="0"))
    ids = [int(i) for i in open_bare("clusters").dataframe[0].value["id"]]
    assert sorted(ids) == sorted(IDS.values())


def test_the_map_colours_and_lights_clusters_by_id(open_bare: Open, monkeypatch: pytest.MonkeyPatch) -> None:
    app = open_bare("map", colour="cluster", cluster="1207")
    assert "Cluster 1207 `integral, solve`" in texts(app)
    assert len(prompts_of(app)) == 10
    wanted = np.zeros(16, np.float32)
    wanted[3] = 1.0
    monkeypatch.setattr("sweeplens.pipeline.encode_query", lambda *_: wanted)
    app = open_bare("map")
    app.text_input(key="map-search").set_value("soup").run()
    assert not app.exception
    assert set(prompts_of(app)) == {"(text not shown)"}


@pytest.mark.parametrize(("page", "params"), [("account", {"account": "dealt-a"}), ("campaign", {"campaign": "C-01"})])
def test_what_is_shared_is_never_said_to_raise_nothing(open_bare: Open, page: str, params: dict[str, str]) -> None:
    helps = [m.help for m in open_bare(page, **params).markdown if m.help and "Evidence beside" in m.help]
    assert len(helps) == 1
    assert "fewer than five distinct prompts" in helps[0]
