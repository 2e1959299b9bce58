#!/usr/bin/python3
"""A stand-in for vLLM: takes the same arguments and speaks the same API over a Unix socket, and answers with what it was started with."""
import argparse
import http.server
import json
import os
import socketserver

parser = argparse.ArgumentParser()
parser.add_argument("command", choices=["serve"])
parser.add_argument("model")
parser.add_argument("--uds", required=True)
parser.add_argument("--served-model-name", required=True)
parser.add_argument("--max-model-len", type=int, required=True)
parser.add_argument("--max-num-seqs", type=int, required=True)
parser.add_argument("--tensor-parallel-size", type=int, required=True)
given = parser.parse_args()

with open(given.model, "rb") as file:  # the sandbox shows it
    magic = file.read(4).decode()
facts = {"name": given.served_model_name, "magic": magic, "context": given.max_model_len, "slots": given.max_num_seqs,
         "gpus": given.tensor_parallel_size, "visible": os.environ.get("CUDA_VISIBLE_DEVICES"), "cpus": sorted(os.sched_getaffinity(0))}
usage = {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def reply(self, status, body, kind="application/json"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.reply(200 if self.path == "/health" else 404, b"")

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if self.headers["Authorization"] != f"Bearer {os.environ['VLLM_API_KEY']}":
            return self.reply(401, b'{"error":"Unauthorized"}')
        if self.path != "/v1/chat/completions" or asked["model"] != given.served_model_name:
            return self.reply(404, b'{"error":{"message":"no such model","type":"NotFoundError","code":404}}')
        common = {"id": "chatcmpl-x", "created": 1, "model": given.served_model_name}
        if not asked.get("stream"):
            message = {"role": "assistant", "content": json.dumps(facts)}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            return self.reply(200, json.dumps({**common, "object": "chat.completion", "choices": [choice], "usage": usage}).encode())
        events = [{"choices": [{"index": 0, "delta": {"role": "assistant", "content": "a "}, "finish_reason": None}]},
                  {"choices": [{"index": 0, "delta": {"content": "stream"}, "finish_reason": "stop"}]}]
        if asked.get("stream_options", {}).get("include_usage"):
            events.append({"choices": [], "usage": usage})
        body = "".join(f"data: {json.dumps({**common, 'object': 'chat.completion.chunk', **event})}\n\n" for event in events)
        return self.reply(200, (body + "data: [DONE]\n\n").encode(), "text/event-stream")


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True


Server(given.uds, Handler).serve_forever()
