#!/usr/bin/env python3
"""Writes tiny GGUF models for tests, from nothing: no downloaded weights, the standard library alone.

    tiny_gguf.py OUT.gguf [--kind answer|loop|embedding]

How it works: every token's embedding is one axis of the hidden space, attention and feed-forward add nothing, so the hidden
state is the last token itself and the output matrix is a table "after this token, that token". `answer` says one fixed sentence
and ends; `loop` says it for ever; `embedding` has mean pooling, so that texts with the same bytes get the same vector.
Characters of JSON have a small constant weight, so that a grammar finds its way to an end.
"""
import argparse
import array
import struct

SENTENCE = "Meridian answers with this fixed sentence so that every test can count each of its words exactly once."
SPECIALS = ["<|end|>", "<|start|>", "<|stop|>", "<tool_call>", "</tool_call>"]
WIDTH, HEADS, FORWARD, CONTEXT = 320, 4, 32, 32768
# A chat template in the ChatML manner, with a place for tools.
TEMPLATE = (
    "{%- if tools %}<|start|>system\nYou may call these tools:\n{%- for tool in tools %}\n{{ tool | tojson }}{%- endfor %}\n"
    "Answer with <tool_call>\n{\"name\": ..., \"arguments\": ...}\n</tool_call> to call one.<|stop|>\n{% endif %}"
    "{%- for message in messages %}<|start|>{{ message.role }}\n{{ message.content or '' }}"
    "{%- for call in message.tool_calls or [] %}<tool_call>\n{\"name\": {{ call.function.name | tojson }}, "
    "\"arguments\": {{ call.function.arguments | tojson }}}\n</tool_call>{%- endfor %}<|stop|>\n{% endfor %}"
    "{%- if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)


def byte_letters():
    """GPT-2's printable stand-ins for the 256 bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    letters, spare = {}, 256
    for byte in range(256):
        if byte in printable:
            letters[byte] = chr(byte)
        else:
            letters[byte] = chr(spare)
            spare += 1
    return letters


def text(value):
    raw = value.encode()
    return struct.pack("<Q", len(raw)) + raw


def entry(key, value):
    if isinstance(value, bool):
        return text(key) + struct.pack("<I?", 7, value)
    if isinstance(value, int):
        return text(key) + struct.pack("<II", 4, value)
    if isinstance(value, float):
        return text(key) + struct.pack("<If", 6, value)
    if isinstance(value, str):
        return text(key) + struct.pack("<I", 8) + text(value)
    of_texts = isinstance(value[0], str)
    head = text(key) + struct.pack("<IIQ", 9, 8 if of_texts else 5, len(value))
    return head + b"".join(text(v) if of_texts else struct.pack("<i", v) for v in value)


def write(path, entries, tensors):
    """tensors: (name, dimensions with the fastest first, array of floats)"""
    infos, offset = b"", 0
    for name, dims, values in tensors:
        infos += text(name) + struct.pack("<I", len(dims)) + b"".join(struct.pack("<Q", d) for d in dims) + struct.pack("<IQ", 0, offset)
        offset += (len(values) * 4 + 31) // 32 * 32
    with open(path, "wb") as out:
        out.write(b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(entries)) + b"".join(entry(k, v) for k, v in entries) + infos)
        out.write(b"\0" * (-out.tell() % 32))
        for _, _, values in tensors:
            raw = values.tobytes()
            out.write(raw + b"\0" * (-len(raw) % 32))


def floats(count, value=0.0):
    return array.array("f", [value]) * count


def vocabulary():
    letters = byte_letters()
    words = [w if i == 0 else letters[32] + w for i, w in enumerate(SENTENCE.split(" "))]
    tokens = [letters[b] for b in range(256)] + SPECIALS + words
    kinds = [1] * 256 + [3, 3, 3, 4, 4] + [1] * len(words)
    tokens.append("qz")  # the one merge, which the tokenizer wants to exist
    kinds.append(1)
    return tokens, kinds, list(range(256 + len(SPECIALS), 256 + len(SPECIALS) + len(words)))


def table(tokens, chain, kind):
    """Row j, column i: the weight of token j after token i. The final norm makes each axis sqrt(WIDTH) long."""
    ids = {token: i for i, token in enumerate(tokens)}
    stop, unit = ids["<|stop|>"], WIDTH**0.5
    weights = floats(WIDTH * len(tokens))

    def after(previous, following, logit):
        weights[following * WIDTH + previous] = logit / unit

    for i in range(len(tokens)):
        for letter, logit in ('"', 9.0), ("}", 8.0), ("]", 8.0), (",", 6.0), (":", 6.0), ("{", 6.0), ("1", 3.0):
            after(i, ids[letter], logit)
        after(i, stop, -30.0 if kind == "loop" else 10.0)
        after(i, ids["</tool_call>"], 9.5)
    for i in range(256 + 3):  # any byte, or a control token of the template
        after(i, chain[0], 25.0)
    for a, b in zip(chain, chain[1:]):
        after(a, b, 30.0)
    after(chain[-1], chain[0] if kind == "loop" else stop, 30.0)
    after(chain[-1], ids["<tool_call>"], 15.0)
    # A line break follows the marker of a call; inside a JSON string none may, and there the quote that ends the string wins.
    after(ids["<tool_call>"], ids[byte_letters()[10]], 26.0)
    return weights


def make(path, kind="answer"):
    tokens, kinds, chain = vocabulary()
    ids = {token: i for i, token in enumerate(tokens)}
    embedding = floats(WIDTH * len(tokens))
    for i in range(len(tokens)):
        embedding[i * WIDTH + i] = 1.0
    square = WIDTH * WIDTH
    tensors = [("token_embd.weight", [WIDTH, len(tokens)], embedding), ("output.weight", [WIDTH, len(tokens)], table(tokens, chain, kind)),
               ("output_norm.weight", [WIDTH], floats(WIDTH, 1.0)), ("blk.0.attn_norm.weight", [WIDTH], floats(WIDTH, 1.0)),
               ("blk.0.ffn_norm.weight", [WIDTH], floats(WIDTH, 1.0))]
    for name in "attn_q", "attn_k", "attn_v", "attn_output":
        tensors.append((f"blk.0.{name}.weight", [WIDTH, WIDTH], floats(square)))
    for name, dims in ("ffn_gate", [WIDTH, FORWARD]), ("ffn_up", [WIDTH, FORWARD]), ("ffn_down", [FORWARD, WIDTH]):
        tensors.append((f"blk.0.{name}.weight", dims, floats(WIDTH * FORWARD)))
    entries = [("general.architecture", "llama"), ("general.name", f"meridian-tiny-{kind}"), ("general.license", "cc0-1.0"), ("general.file_type", 0),
               ("llama.context_length", CONTEXT), ("llama.embedding_length", WIDTH), ("llama.block_count", 1), ("llama.feed_forward_length", FORWARD),
               ("llama.attention.head_count", HEADS), ("llama.attention.head_count_kv", HEADS), ("llama.attention.layer_norm_rms_epsilon", 1e-6),
               ("llama.rope.freq_base", 10000.0), ("llama.rope.dimension_count", WIDTH // HEADS), ("llama.vocab_size", len(tokens)),
               ("tokenizer.ggml.model", "gpt2"), ("tokenizer.ggml.pre", "gpt-2"), ("tokenizer.ggml.tokens", tokens), ("tokenizer.ggml.token_type", kinds),
               ("tokenizer.ggml.merges", ["q z"]), ("tokenizer.ggml.bos_token_id", ids["<|end|>"]), ("tokenizer.ggml.eos_token_id", ids["<|stop|>"]),
               ("tokenizer.ggml.eot_token_id", ids["<|stop|>"]), ("tokenizer.ggml.padding_token_id", ids["<|end|>"]), ("tokenizer.ggml.add_bos_token", False)]
    if kind == "embedding":
        entries.append(("llama.pooling_type", 1))
    else:
        entries.append(("tokenizer.chat_template", TEMPLATE))
    write(path, entries, tensors)


if __name__ == "__main__":
    arguments = argparse.ArgumentParser()
    arguments.add_argument("out")
    arguments.add_argument("--kind", choices=["answer", "loop", "embedding"], default="answer")
    chosen = arguments.parse_args()
    make(chosen.out, chosen.kind)
