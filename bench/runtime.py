#!/usr/bin/env python3
"""Tokens a second of the real small model: through Meridian, and from llama-server itself with the same flags. Standard library only.

    bench/runtime.py [--rounds 7] [--tokens 128] [--streams 1,4]

The flags are not written here a second time: they are read from the llama-server that Meridian started; only address and key differ. Both servers
stay loaded and are asked in turn, with the order changing from round to round; the one that is not asked uses no CPU.
"""
import argparse
import http.client
import json
import os
import pathlib
import statistics
import subprocess
import threading
import time

import host

MODEL = "smollm2-135m-instruct"
PROMPT = "Write a long story about a lighthouse keeper who finds a message in a bottle. Tell it in many paragraphs."
DIRECT_KEY = "bench"


def ask(port, key, tokens):
    """Streams one answer; gives its tokens, the seconds to the first one and the seconds in all."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=300)
    body = {"model": MODEL, "messages": [{"role": "user", "content": PROMPT}], "max_tokens": tokens, "temperature": 0, "stream": True,
            "stream_options": {"include_usage": True}}
    began, first, counted = time.monotonic(), None, None
    connection.request("POST", "/v1/chat/completions", json.dumps(body), {"Authorization": "Bearer " + key, "Content-Type": "application/json"})
    answer = connection.getresponse()
    if answer.status != 200:
        raise RuntimeError(f"port {port} answered {answer.status}: {answer.read()[:500]}")
    for line in answer:
        if line.startswith(b"data: {"):
            event = json.loads(line[6:])
            if "error" in event:
                raise RuntimeError(f"port {port}: {event['error']}")
            if first is None and event["choices"] and event["choices"][0]["delta"].get("content"):
                first = time.monotonic() - began
            counted = (event.get("usage") or {}).get("completion_tokens", counted)
    connection.close()
    return counted, first, time.monotonic() - began


def rate(port, key, tokens, streams):
    """Tokens a second over all streams, and the median seconds to a first token."""
    answers, failures = [], []

    def one():
        try:
            answers.append(ask(port, key, tokens))
        except (OSError, RuntimeError) as failed:
            failures.append(failed)

    began = time.monotonic()
    threads = [threading.Thread(target=one) for _ in range(streams)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return sum(a[0] for a in answers) / (time.monotonic() - began), statistics.median(a[1] for a in answers)


def runtime_of(meridian):
    """The command line and environment of the llama-server below Meridian, whose owner may have made itself a process of its own."""
    for pid in sorted(int(p) for p in os.listdir("/proc") if p.isdigit()):
        try:
            words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")[:-1]
            environment = pathlib.Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")[:-1]
        except OSError:
            continue
        if words and "llama-server" in os.path.basename(words[0]) and any(str(meridian.data) in w for w in words):
            return words, dict(e.split("=", 1) for e in environment if "=" in e)
    raise RuntimeError("no llama-server of this Meridian was found; run as the same user, or see `meridian status`")


def direct_command(words, port, key_file):
    """The same words with an address and key of our own."""
    changed = {"--host": "127.0.0.1", "--api-key-file": str(key_file)}
    out = [changed.get(words[i - 1], word) if i else word for i, word in enumerate(words)]
    return out + ["--port", str(port)]


def shared_flags(words):
    """Those that are the same in both."""
    own = {"--model", "--host", "--port", "--api-key-file"}
    return [word for i, word in enumerate(words) if i > 0 and word not in own and words[i - 1] not in own]


def healthy(port):
    try:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False


def measure(sides, asked, streams):
    """Interleaved rounds -> side -> rates and first-token times."""
    got = {name: {"rates": [], "first": []} for name in sides}
    for name, (port, key) in sides.items():
        rate(port, key, 8, streams)  # the prompt's prefix is in the cache of each slot from here on, on both sides
    for number in range(asked.rounds):
        for name, (port, key) in sorted(sides.items(), reverse=number % 2 == 1):
            tokens_a_second, first = rate(port, key, asked.tokens, streams)
            got[name]["rates"].append(tokens_a_second)
            got[name]["first"].append(first)
        speeds = ", ".join(f"{name} {side['rates'][-1]:.1f} tokens/s" for name, side in got.items())
        host.say(f"{streams} streams, round {number + 1} of {asked.rounds}: {speeds}")
    ratios = [m / d for m, d in zip(got["meridian"]["rates"], got["direct"]["rates"])]
    middle = {name: {"tokens_per_second": statistics.median(side["rates"]), "first_token_ms": 1000 * statistics.median(side["first"])}
              for name, side in got.items()}
    return {"streams": streams, "ratio": statistics.median(ratios), "ratios": ratios, **middle}


def main():
    words = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    words.add_argument("--rounds", type=int, default=7)
    words.add_argument("--tokens", type=int, default=128)
    words.add_argument("--streams", default="1,4")
    asked = words.parse_args()
    about = host.Circumstances(f"bench/runtime.py --rounds {asked.rounds} --tokens {asked.tokens} --streams {asked.streams}")
    with host.scratch() as folder, host.Meridian(folder / "data", "--with", MODEL) as meridian:
        host.say("starting Meridian with the model (the first time it is fetched)")
        meridian.start(seconds=600)
        command, environment = runtime_of(meridian)
        key_file, port = folder / "key", host.free_port()
        key_file.write_text(DIRECT_KEY + "\n")
        command = direct_command(command, port, key_file)
        direct = subprocess.Popen(command, env={**os.environ, **environment}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            host.wait_until(lambda: healthy(port) or direct.poll() is not None, 120, "llama-server")
            sides = {"direct": (port, DIRECT_KEY), "meridian": (meridian.port, meridian.secret)}
            rows = [measure(sides, asked, int(n)) for n in asked.streams.split(",")]
        finally:
            host.stop(direct)
    host.write_result("runtime", {"about": about.facts(), "model": MODEL, "flags": " ".join(shared_flags(command)), "rows": rows})
    print(json.dumps(rows, indent=1))


if __name__ == "__main__":
    main()
