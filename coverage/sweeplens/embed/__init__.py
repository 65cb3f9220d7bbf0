"""Encoders behind one small protocol, the cache of their vectors, and the language of a prompt."""

from sweeplens.embed.cache import VectorCache
from sweeplens.embed.encoder import Encoder, load_encoder
from sweeplens.embed.prompts import EmbedResult, embed_prompts

__all__ = ["EmbedResult", "Encoder", "VectorCache", "embed_prompts", "load_encoder"]
