"""Any sentence-transformers model, by name or by folder: weights as safetensors only, never code of its own."""

import json
import logging
import os
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from sweeplens.embed.encoder import AUTO, Vectors
from sweeplens.embed.running import torch_plan
from sweeplens.embed.shipped import NAMES
from sweeplens.embed.weights import combined_sha256, file_sha256
from sweeplens.embed.windows import clip_text, encodable, plan_batches
from sweeplens.errors import EncoderError

log = logging.getLogger(__name__)

# Longer windows cost more than they tell of a prompt, on a CPU above all.
MAX_TOKENS = 512
CHARS = 16_384
_BUDGET = 4096
_PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib")
# Files that change vectors; anything else in a folder (other formats of the weights, cards, pictures) does not.
_MATTER = (".safetensors", ".json", ".txt", ".model")
_OTHER_FORMATS = ("onnx", "openvino", "coreml", ".git", ".cache")
_WANTED = ["*.safetensors", "*.json", "*.txt", "*.model", "README.md"]
_OWNER = "sentence-transformers"
_HUB_SECONDS = 5.0
_EXPECTED = (
    f"the encoder must be {AUTO}, {', '.join(NAMES)}, or the name or folder of a sentence-transformers model, but"
)
_NAME = re.compile(r"[\w.-]+(/[\w.-]+)?")


class Named:
    """A sentence-transformers model, run by torch; texts are cut at its own limit or at 512 word pieces."""

    def __init__(self, name: str, folder: Path, threads: int) -> None:
        self.name = name
        self.multilingual = _is_multilingual(folder)
        self._hashes = {path.relative_to(folder).as_posix(): file_sha256(path) for path in _matter(folder)}
        self._model, self._device = _load(name, folder, threads)
        self._budget = _BUDGET if self._device == "cpu" else torch_plan(self._device, threads).budget
        self.max_tokens = min(int(min(self._model.max_seq_length or MAX_TOKENS, MAX_TOKENS)), MAX_TOKENS)
        self._model.max_seq_length = self.max_tokens
        self.dim = int(self._model.get_embedding_dimension())
        self.fingerprint = combined_sha256({**self._hashes, "max tokens": self.max_tokens, "chars": CHARS, "reader": 1})

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Return float32 [n, dim] of unit rows. Texts of equal length share a batch, so that none is padded."""
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        clipped = [encodable(clip_text(text, CHARS)) for text in texts]
        for batch in plan_batches(self._lengths(clipped), self._budget):
            vectors[batch] = self._model.encode(
                [clipped[i] for i in batch],
                batch_size=len(batch),
                normalize_embeddings=True,
                convert_to_numpy=True,
                show_progress_bar=False,
            )
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        vectors[lengths[:, 0] < 1e-6, 0] = 1.0
        vectors /= np.where(lengths < 1e-6, 1.0, lengths)
        return vectors

    def _lengths(self, texts: Sequence[str]) -> "np.ndarray[Any, np.dtype[np.int64]]":
        tokenizer = self._model.tokenizer
        if not callable(tokenizer) or not texts:  # a static model pads nothing
            return np.full(len(texts), 16, dtype=np.int64)
        ids = tokenizer(list(texts), truncation=True, max_length=self.max_tokens)["input_ids"]
        return np.fromiter((len(i) for i in ids), dtype=np.int64, count=len(texts))

    def describe(self) -> dict[str, object]:
        """Return what a manifest says of this encoder."""
        weights = {name: value for name, value in self._hashes.items() if name.endswith(".safetensors")}
        return {
            "name": self.name,
            "model": self.name,
            "weights_sha256": weights,
            "fingerprint": self.fingerprint,
            "runtime": f"torch ({self._device})",
            "max_tokens": self.max_tokens,
            "policy": f"the first {self.max_tokens} word pieces",
            "dim": self.dim,
            "multilingual": self.multilingual,
        }


def load_named(name: str, *, threads: int) -> Named:
    """Return the model of that name or folder; the hub is asked only for what is not kept here, and not when offline.

    Raises `EncoderError` when there is none, when weights are kept as pickles, or when it needs code of its own.
    """
    folder = _find(name)
    _check(folder)
    return Named(name, folder, threads)


def check_named(name: str) -> None:
    """Raise `EncoderError` unless the model of that name or folder is on this machine; nothing is loaded or fetched."""
    _check(_find(name, fetch=False))


def _find(name: str, *, fetch: bool = True) -> Path:
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder
    if folder.exists() or name.startswith((".", "/", "~")) or not _NAME.fullmatch(name):
        raise EncoderError(f"{_EXPECTED} there is no folder {name}")
    names = [name] if "/" in name else [f"{_OWNER}/{name}", name]
    for full in names:
        kept = _kept(full)
        if kept is not None:
            return kept
    if os.environ.get("HF_HUB_OFFLINE", "").upper() in {"1", "TRUE", "YES", "ON"}:
        raise EncoderError(f"{_EXPECTED} {name} is not on this machine, and HF_HUB_OFFLINE forbids to fetch it")
    if not fetch:
        raise EncoderError(f"{_EXPECTED} {name} is not on this machine yet; it is fetched when it is first used")
    return _fetch(name, names)


def _kept(name: str) -> Path | None:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        folder = Path(snapshot_download(name, local_files_only=True, allow_patterns=_WANTED))
    except (LocalEntryNotFoundError, HFValidationError):
        return None
    return folder if (folder / "config.json").exists() or (folder / "modules.json").exists() else None


def _fetch(name: str, names: Sequence[str]) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    why = "the hub knows no model of that name"
    for full in names:
        try:
            return Path(snapshot_download(full, allow_patterns=_WANTED, etag_timeout=_HUB_SECONDS))
        except RepositoryNotFoundError:
            continue
        except (LocalEntryNotFoundError, HfHubHTTPError, OSError):
            why = "the model hub cannot be reached"
            break
    raise EncoderError(f"{_EXPECTED} {name} is not on this machine, and {why}")


def _read_json(path: Path) -> Any:  # noqa: ANN401 - a JSON value
    try:
        return json.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        raise EncoderError(f"the encoder's file {path} must be JSON, but it cannot be read as such") from None


def _modules(folder: Path) -> list[dict[str, str]]:
    modules = _read_json(folder / "modules.json")
    return [m for m in modules if isinstance(m, dict)] if isinstance(modules, list) else []


def _check(folder: Path) -> None:
    """Refuse pickled weights and modules that are not sentence-transformers' own."""
    modules = _modules(folder)
    if not modules and not (folder / "config.json").exists():
        raise EncoderError(f"the folder {folder} must hold a sentence-transformers model, but it has no modules.json")
    for module in modules:
        if not str(module.get("type", "")).startswith("sentence_transformers."):
            raise EncoderError(
                f"the encoder in {folder} needs code of its own ({module.get('type')}), which is never run"
            )
    if "auto_map" in _read_json(folder / "config.json"):
        raise EncoderError(f"the encoder in {folder} needs code of its own (auto_map), which is never run")
    places = {folder} | {folder / str(m.get("path", "")) for m in modules}
    for place in sorted(places):
        names = [path.name for path in place.iterdir()] if place.is_dir() else []
        if any(n.endswith(_PICKLES) for n in names) and not any(n.endswith(".safetensors") for n in names):
            raise EncoderError(
                f"the encoder's weights must be safetensors, but {place} holds only pickles, which could run code"
            )
    if not any(path.suffix == ".safetensors" for path in _matter(folder)):
        raise EncoderError(f"the encoder's weights must be safetensors, but {folder} holds none")


def _matter(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        inside = path.relative_to(folder).parts
        if path.suffix in _MATTER and path.is_file() and not any(part in _OTHER_FORMATS for part in inside):
            yield path


def _is_multilingual(folder: Path) -> bool | None:
    """Tell from the languages that the model's card names, else from the kind of its model; None where neither says."""
    try:
        card = (folder / "README.md").read_text("utf-8", "replace")
    except OSError:
        card = ""
    header = re.match(r"---\n(.*?)\n---", card, re.DOTALL)
    if header is not None:
        found = re.search(r"^language:[ \t]*(.*(?:\n[ \t]*-.*)*)", header[1], re.MULTILINE)
        if found is not None:
            codes = re.findall(r"[A-Za-z]+", found[1])
            return "multilingual" in codes or len(codes) > 1
    return True if _read_json(folder / "config.json").get("model_type") == "xlm-roberta" else None


def _load(name: str, folder: Path, threads: int) -> tuple[Any, str]:
    import torch
    from sentence_transformers import SentenceTransformer
    from transformers.utils import logging as chatter

    chatter.disable_progress_bar()  # type: ignore[no-untyped-call]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    if device == "cpu":
        torch.set_num_threads(threads)
    try:
        model = SentenceTransformer(
            str(folder),
            device=device,
            local_files_only=True,
            trust_remote_code=False,
            model_kwargs={"use_safetensors": True},
        )
    except (OSError, ValueError, KeyError, TypeError, ImportError, AttributeError, RuntimeError) as error:
        log.debug("loading %s failed", name, exc_info=True)
        raise EncoderError(
            f"the encoder {name} must be a sentence-transformers model, but loading it fails ({type(error).__name__})"
        ) from None
    return model.eval(), device
