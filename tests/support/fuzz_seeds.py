"""What the fuzzers start from: the very bytes that the clients of tests/clients export. Usage: python tests/support/fuzz_seeds.py DIRECTORY

Writes DIRECTORY/TARGET/N, one input a file; a target without a folder starts from nothing.
"""
import base64
import json
import pathlib
import sys
import zlib

import cirq
from qio.core import BackendData, ClientData, QuantumComputationModel, QuantumNoiseModel, QuantumProgram
from qiskit import qasm2, qasm3
from qiskit_aer.noise import NoiseModel, ReadoutError, amplitude_damping_error, coherent_unitary_error, depolarizing_error, pauli_error, reset_error

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "clients"))
import test_quantum_programs as programs  # noqa: E402


def openqasm():
    for _, circuit in [*programs.QISKIT[:70], *programs.DYNAMIC]:
        for dumps in qasm2.dumps, qasm3.dumps:
            try:
                yield dumps(circuit)
            except (qasm2.QASM2ExportError, qasm3.QASM3ExporterError):
                continue  # not every circuit can be said in both


def cirq_json():
    for circuit in [*map(cirq.Circuit, programs.CIRQ), *(circuit for _, circuit in programs.MEASURED)]:
        yield cirq.to_json(circuit, indent=None)


def noise_model():
    model = NoiseModel()
    model.add_all_qubit_quantum_error(depolarizing_error(.04, 1), ["x", "h"])
    model.add_quantum_error(depolarizing_error(.04, 2), ["cx"], [0, 1])
    model.add_all_qubit_quantum_error(amplitude_damping_error(.3), ["y"])
    model.add_all_qubit_quantum_error(pauli_error([("XY", .5), ("ZZ", .5)]), ["cz"])
    model.add_all_qubit_quantum_error(reset_error(.1, .2), ["rx"])
    model.add_all_qubit_quantum_error(coherent_unitary_error([[0, 1], [1, 0]]), ["ry"])
    model.add_all_qubit_readout_error(ReadoutError([[.9, .1], [.2, .8]]))
    return QuantumNoiseModel.from_qiskit_aer_noise_model(model)


def unpacked(text):
    return zlib.decompress(base64.b64decode(text)).decode()


def noise():
    yield unpacked(json.loads(noise_model().to_json_str())["serialization"])


def jobs():
    for program, model, agent in [(QuantumProgram.from_qiskit_circuit(programs.QISKIT[3][1]), noise_model(), "qiskit-scaleway/0"),
                                  (QuantumProgram.from_cirq_circuit(programs.MEASURED[0][1]), None, "cirq-scaleway/0")]:
        packed = QuantumComputationModel(programs=[program], noise_model=model, client=ClientData(user_agent=agent),
                                         backend=BackendData(name="aer", version="1", options={"seed_simulator": 1})).to_json_str()
        yield packed
        plain = json.loads(packed)
        for each in plain["programs"]:  # so that a mutation reaches the program and not only its base64
            each["serialization"] = unpacked(each["serialization"])
            each["compression_format"] = 1
        yield json.dumps(plain)
    yield '{"shots": 5, "options": {"memory": true}}'


CHAT = {"model": "m", "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
        "max_tokens": 5, "temperature": 0.5, "stream": True, "stream_options": {"include_usage": True}, "stop": ["\n"], "seed": 1,
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}], "response_format": {"type": "json_object"}}


def chat_requests():
    for operation, body in enumerate([CHAT, {"model": "m", "prompt": ["a", "b"], "max_tokens": 3, "stream": True}, {"model": "m", "input": ["a", [1, 2]]}]):
        yield chr(operation) + json.dumps(body)


def stream():
    chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "inner",
             "choices": [{"index": 0, "delta": {"role": "assistant", "content": "h\u00e9"}, "finish_reason": None}]}
    last = {**chunk, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    usage = {**chunk, "choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}, "timings": {"predicted_n": 1}}
    return "".join(f"data: {json.dumps(each)}\n\n" for each in (chunk, last, usage)) + "data: [DONE]\n\n"


def events():
    yield "\x07" + stream()
    yield "\x03\ufeffevent: a\r\nid: 1\r\n: comment\r\ndata: one\r\ndata:two\r\n\r\nretry: 5\rdata\r\r"


def relayed():
    yield "\x01\x40" + stream()
    yield "\x00\x09" + 'data: {"error": {"message": "full", "code": 503}}\n\n'


def messages():
    yield "\x0fPOST /v1/chat/completions?a=b HTTP/1.1\r\nHost: h\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"
    yield "\x03POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\nTrailer: t\r\n\r\n"
    yield "\x1fHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n0\r\n\r\n"


def targets():
    yield from ["/v1/models?page=1&page_size=20&name=a%20b", "/a/x/c/y", "/files/bucket/a/b/../%2e%2e/c?x", "http://h/v1/models/m%2Fn"]


def node_types():
    gpu = {"name": "L4", "manufacturer": "NVIDIA", "memory_gb": 24, "watts": 72, "known_as": ["NVIDIA L4"]}
    yield json.dumps({"node_types": [{"name": "L4-{gpus}-24G", "family": "L4", "arch": "x86_64", "gpu": gpu, "basis": "b", "watts_basis": "w",
                                      "sizes": [{"gpus": 1, "vcpus": 8, "memory_gb": 48, "internet_mbit": 2500}]}]})
    yield json.dumps({"node_types": [{"name": "C-{vcpus}-{memory_gb}", "family": "C", "arch": "aarch64", "lifecycle": "announced", "basis": "b",
                                      "cpu": {"name": "Altra", "known_as": ["0x41-0xd0c"]}, "sizes": [{"vcpus": 2}]}]})


def applications():
    yield json.dumps({"categories": [{"name": "a", "title": "A", "description": "d"}],
                      "applications": [{"label": "x", "name": "X", "publisher": "p", "licence": "MIT", "url": "https://x", "description": "d",
                                        "tested": "1", "categories": ["a"], "archs": ["arm64"], "added": "2026-01-01T00:00:00Z"}]})


SEEDS = {"fleet_node_catalogue_fuzz": node_types, "marketplace_applications_fuzz": applications,
         "quantum_programs_openqasm_fuzz": openqasm, "quantum_programs_cirq_fuzz": cirq_json, "quantum_programs_noise_fuzz": noise,
         "quantum_programs_job_fuzz": jobs, "inference_chat_request_fuzz": chat_requests, "inference_relay_fuzz": relayed, "http_sse_fuzz": events,
         "http_parse_fuzz": messages, "http_router_fuzz": targets}


def main():
    for target, inputs in SEEDS.items():
        directory = pathlib.Path(sys.argv[1]) / target
        directory.mkdir(parents=True, exist_ok=True)
        for number, text in enumerate(inputs()):
            (directory / str(number)).write_bytes(text.encode())


main()
