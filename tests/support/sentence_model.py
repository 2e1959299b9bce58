"""A sentence model by the book, in plain numpy and double precision: the evidently right twin of what llama-server computes."""
import json
import math
import re
import unicodedata
import zipfile

import numpy


def read_safetensors(data):
    """8 bytes of length, a JSON header with types, shapes and places, then the bytes."""
    start = 8 + int.from_bytes(data[:8], "little")
    out = {}
    for name, facts in json.loads(data[8:start]).items():
        if name != "__metadata__" and facts["dtype"] == "F32":
            begin, end = facts["data_offsets"]
            out[name] = numpy.frombuffer(data[start + begin:start + end], "<f4").reshape(facts["shape"]).astype(float)
    return out


def normal(x, weight, bias, epsilon=1e-12):
    return (x - x.mean(-1, keepdims=True)) / numpy.sqrt(x.var(-1, keepdims=True) + epsilon) * weight + bias


class SentenceModel:
    """Calling it with a text gives its embedding, of length one."""

    def __init__(self, wheel, folder):
        with zipfile.ZipFile(wheel) as archive:
            config = json.loads(archive.read(f"{folder}/config.json"))
            self.vocabulary = {word: n for n, word in enumerate(archive.read(f"{folder}/vocab.txt").decode().splitlines())}
            self.tensors = read_safetensors(archive.read(f"{folder}/model.safetensors"))
        self.heads, self.layers = config["num_attention_heads"], config["num_hidden_layers"]

    def tokens(self, text):
        bare = "".join(c for c in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(c) != "Mn")
        pieces = [piece for word in re.findall(r"\w+|[^\w\s]", bare) for piece in self.pieces(word)]
        return [self.vocabulary[piece] for piece in ["[CLS]", *pieces, "[SEP]"]]

    def pieces(self, word):
        """The longest known beginning, again and again."""
        out, at = [], 0
        while at < len(word):
            marked = lambda end: ("##" if at else "") + word[at:end]  # noqa: E731
            end = next((end for end in range(len(word), at, -1) if marked(end) in self.vocabulary), None)
            if end is None:
                return ["[UNK]"]
            out.append(marked(end))
            at = end
        return out

    def linear(self, x, name):
        return x @ self.tensors[name + ".weight"].T + self.tensors[name + ".bias"]

    def norm(self, x, name):
        return normal(x, self.tensors[name + ".weight"], self.tensors[name + ".bias"])

    def attention(self, x, layer):
        q, k, v = (self.linear(x, f"{layer}.attention.self.{part}").reshape(len(x), self.heads, -1).swapaxes(0, 1) for part in ("query", "key", "value"))
        scores = q @ k.swapaxes(1, 2) / math.sqrt(q.shape[-1])
        weights = numpy.exp(scores - scores.max(-1, keepdims=True))
        mixed = (weights / weights.sum(-1, keepdims=True)) @ v
        return self.linear(mixed.swapaxes(0, 1).reshape(x.shape), f"{layer}.attention.output.dense")

    def __call__(self, text):
        ids = self.tokens(text)
        x = sum(self.tensors[f"embeddings.{kind}_embeddings.weight"][rows] for kind, rows in
                (("word", ids), ("position", range(len(ids))), ("token_type", [0] * len(ids))))
        x = self.norm(x, "embeddings.LayerNorm")
        for n in range(self.layers):
            layer = f"encoder.layer.{n}"
            x = self.norm(x + self.attention(x, layer), f"{layer}.attention.output.LayerNorm")
            inner = self.linear(x, f"{layer}.intermediate.dense")
            inner = inner * 0.5 * (1 + numpy.vectorize(math.erf)(inner / math.sqrt(2)))
            x = self.norm(x + self.linear(inner, f"{layer}.output.dense"), f"{layer}.output.LayerNorm")
        mean = x.mean(0)
        return mean / numpy.linalg.norm(mean)
