"""What the quantum scenarios share: the SDKs pointed at a Meridian, payloads as qio writes them, and work that takes a while."""
import base64
import json
import zlib

from qiskit import QuantumCircuit
from qiskit_scaleway import ScalewayProvider
from scaleway_qaas_client.v1alpha1 import QaaSClient

from support.meridian import until

FINAL = ("completed", "error", "cancelled")


def facts(meridian):
    return {"project_id": meridian.facts["project_id"], "secret_key": meridian.secret, "url": meridian.url}


def client(meridian):
    return QaaSClient(**facts(meridian))


def backend(meridian, name):
    [found] = [b for b in ScalewayProvider(**facts(meridian)).backends() if b.name.startswith(f"EMU-{name}-")]
    return found


def aer(meridian):
    return backend(meridian, "AER")


def qsim(meridian):
    return backend(meridian, "QSIM")


def wait(qaas, job):
    """The job when it has ended, with a bound."""
    def ended():
        found = qaas.get_job(job)
        return found if found.status in FINAL else None

    return until(ended, f"job {job} ends")


def runs(qaas, session, job):
    """Waits until the job runs; a list is not held as the question about one job is."""
    until(lambda: any(j.id == job and j.status == "running" for j in qaas.list_jobs(session)), f"job {job} runs")


def payload(program, form=3):
    packed = base64.b64encode(zlib.compress(program.encode())).decode()
    return json.dumps({"backend": {"name": "aer", "options": None, "version": "1"}, "client": {"user_agent": "tests"}, "noise_model": None,
                       "programs": [{"compression_format": 2, "serialization": packed, "serialization_format": form}]})


def heavy(qubits=22, layers=400):
    """Seconds of work on many cores, more on few."""
    circuit = QuantumCircuit(qubits)
    for layer in range(layers):
        for k in range(qubits):
            circuit.u(0.1 + k, 0.2 + layer, 0.3, k)
        for k in range(layer % 2, qubits - 1, 2):
            circuit.cx(k, k + 1)
    circuit.measure_all()
    return circuit
