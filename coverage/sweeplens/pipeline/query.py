"""Put a text into the space of a snapshot's prompts."""

from functools import lru_cache
from pathlib import Path

import numpy as np

from sweeplens.config import Settings
from sweeplens.embed.encoder import Encoder, known_name, load_encoder
from sweeplens.embed.json_text import carried_text
from sweeplens.errors import EncoderError
from sweeplens.store.snapshot import Snapshot


@lru_cache(maxsize=2)
def _query_encoder(name: str, models: Path, threads: int) -> Encoder:
    """Keep the encoder of a long-lived process, such as the app: loading it takes longer than a query."""
    return load_encoder(name, models=models, threads=threads)


def encode_query(snapshot: Snapshot, text: str, settings: Settings) -> np.ndarray:
    """Return the vector, float32 [dim], of a text in the space of the snapshot's prompts.

    Raises `EncoderError` when the encoder that is installed is not the one that the snapshot was built with.
    """
    known = snapshot.manifest["encoder"]
    encoder = _query_encoder(known_name(known), settings.models, settings.threads)
    if encoder.fingerprint != known["fingerprint"]:
        raise EncoderError(
            f"the encoder {known['name']} is not the one that snapshot {snapshot.snapshot_id} was built with: rebuild"
        )
    vector: np.ndarray = encoder.encode([carried_text(text)])[0]
    return vector
