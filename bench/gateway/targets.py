"""The gateways that are compared: how each is started in front of the fake upstreams, and how it is asked.

A target answers `port(pace)`, `model(pace)`, `key` and `pids`. Peers that are not installed are left out with a word about it.
"""
import contextlib
import http.client
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import host  # noqa: E402

PACES = (0, 20_000, 1_000_000)  # microseconds between two tokens: none; a fast model; a stream that is mostly just open
VENV = host.CACHE / "bench-peers"
DESCRIPTORS = host.raise_descriptor_limit()
CONNECTIONS = min(20_000, DESCRIPTORS // 2 - 500)  # each takes two descriptors: the client's and the upstream's

HAPROXY = """\
global
    maxconn {connections}
    nbthread 1
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    option http-keep-alive
    option http-no-delay
    http-reuse always
"""
HAPROXY_PACE = """\
frontend in{pace}
    bind 127.0.0.1:{port}
    default_backend out{pace}
backend out{pace}
    server fake 127.0.0.1:{upstream}
"""
NGINX = """\
worker_processes 1;
daemon off;
pid {folder}/nginx.pid;
error_log {folder}/error.log crit;
events {{ worker_connections {descriptors}; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 10000000;
{servers}}}
"""
NGINX_PACE = """\
    upstream out{pace} {{ server 127.0.0.1:{upstream}; keepalive 1024; }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass http://out{pace};
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
        }}
    }}
"""
LITELLM_MODEL = """\
  - model_name: fake{pace}
    litellm_params: {{model: openai/fake, api_base: "http://127.0.0.1:{upstream}/v1", api_key: none}}
"""
LITELLM_KEY = "sk-bench"


class Target:
    key, need_header, program = "none", "", ""
    slow = False  # answers tens of requests a second: the rows with thousands of connections would only show that it hangs

    def __init__(self, name, upstreams, folder):
        self.name, self.upstreams, self.folder = name, upstreams, folder / name
        self.folder.mkdir()
        self.processes, self.ports, self.version = [], {}, ""

    def port(self, pace):
        return self.ports[pace]

    def model(self, pace):
        return "fake"

    @property
    def pids(self):
        return [p.pid for p in self.processes]

    def run(self, *command, **environment):
        log = open(self.folder / "log", "ab")
        self.processes.append(subprocess.Popen([str(c) for c in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                               cwd=self.folder, env={**os.environ, **environment}))

    def wait(self, seconds=60):
        """Until each of its ways answers a chat request."""
        for pace in PACES:
            host.wait_until(lambda: self.answers(pace), seconds, f"{self.name} (log in {self.folder}/log)", step=0.1)

    def answers(self, pace):
        dead = [p for p in self.processes if p.poll() is not None]
        if dead:
            raise RuntimeError(f"{self.name} ended with {dead[0].returncode}:\n" + (self.folder / "log").read_text()[-1500:])
        connection = http.client.HTTPConnection("127.0.0.1", self.port(pace), timeout=10)
        with contextlib.suppress(OSError, http.client.HTTPException):
            connection.request("POST", "/v1/chat/completions", f'{{"model":"{self.model(pace)}","messages":[{{"role":"user","content":"hi"}}],"max_tokens":1}}',
                               {"Authorization": "Bearer " + self.key, "Content-Type": "application/json"})
            return connection.getresponse().status == 200
        return False

    def stop(self):
        for process in self.processes:
            host.stop(process, seconds=10)


class Direct(Target):
    def start(self):
        self.ports = dict(self.upstreams)


class Haproxy(Target):
    program = "haproxy"

    def start(self):
        self.ports = {pace: host.free_port() for pace in PACES}
        self.version = re.search(r"version ([\d.]+)", host.output_of("haproxy", "-v"))[1]
        conf = self.folder / "haproxy.cfg"
        conf.write_text(HAPROXY.format(connections=CONNECTIONS) + "".join(HAPROXY_PACE.format(pace=p, port=self.ports[p], upstream=self.upstreams[p]) for p in PACES))
        self.run("haproxy", "-db", "-f", conf)
        self.wait()


class Nginx(Target):
    program = "nginx"

    def start(self):
        self.ports = {pace: host.free_port() for pace in PACES}
        self.version = re.search(r"nginx/([\d.]+)", host.output_of("nginx", "-v"))[1]
        servers = "".join(NGINX_PACE.format(pace=p, port=self.ports[p], upstream=self.upstreams[p]) for p in PACES)
        conf = self.folder / "nginx.conf"
        conf.write_text(NGINX.format(folder=self.folder, servers=servers, descriptors=DESCRIPTORS))
        self.run("nginx", "-p", self.folder, "-e", self.folder / "error.log", "-c", conf)
        self.wait()


class Router(Target):
    """sglang-router and vllm-router: one process for each upstream, round robin over the one worker."""
    words = ()

    def start(self):
        self.version = package_version(self.name)
        self.ports = {pace: host.free_port() for pace in PACES}
        for pace in PACES:
            self.run(VENV / "bin" / self.program, *self.words, "--host", "127.0.0.1", "--port", self.ports[pace], "--worker-urls",
                     f"http://127.0.0.1:{self.upstreams[pace]}", "--policy", "round_robin", "--prometheus-port", host.free_port(), "--log-level", "error")
        self.wait()


class SglangRouter(Router):
    program, words = "sglang-router", ("launch",)


class VllmRouter(Router):
    program = "vllm-router"


class Litellm(Target):
    program, key, slow = "litellm", LITELLM_KEY, True

    def model(self, pace):
        return f"fake{pace}"

    def start(self):
        self.version = package_version(self.name)
        self.ports = dict.fromkeys(PACES, host.free_port())
        conf = self.folder / "config.yaml"
        models = "".join(LITELLM_MODEL.format(pace=p, upstream=self.upstreams[p]) for p in PACES)
        conf.write_text(f"model_list:\n{models}general_settings: {{master_key: {LITELLM_KEY}}}\nlitellm_settings: {{num_retries: 0, telemetry: false}}\n")
        self.run(VENV / "bin" / "litellm", "--config", conf, "--host", "127.0.0.1", "--port", self.ports[0], "--num_workers", 1,
                 LITELLM_LOCAL_MODEL_COST_MAP="True", LITELLM_TELEMETRY="False", LITELLM_LOG="ERROR")
        self.wait(seconds=180)


class Meridian(Target):
    """Keys checked, runs held and settled, a receipt for every answer: --need-header makes the load count an answer without one as failed."""
    need_header = "x-meridian-receipt"

    def model(self, pace):
        return f"fake{pace}"

    def start(self):
        self.meridian = host.Meridian(self.folder / "data")
        self.meridian.start()
        self.processes = [self.meridian.process]
        self.key = self.meridian.secret
        self.version = host.output_of(str(host.MERIDIAN), "--version").removeprefix("meridian ")
        self.ports = dict.fromkeys(PACES, self.meridian.port)
        for pace in PACES:
            self.meridian.cli("models", "add-url", f"http://127.0.0.1:{self.upstreams[pace]}/v1", "--name", self.model(pace), "--upstream-model", "fake")
        self.wait()


def package_version(name):
    return host.output_of(str(VENV / "bin" / "python"), "-c", f"import importlib.metadata as m; print(m.version('{name}'))")


ALL = {"direct": Direct, "haproxy": Haproxy, "nginx": Nginx, "meridian": Meridian, "sglang-router": SglangRouter, "vllm-router": VllmRouter,
       "litellm": Litellm}


def installed(name):
    kind = ALL[name]
    if kind is Meridian:
        return host.MERIDIAN.exists()
    if kind.program in ("haproxy", "nginx"):
        return shutil.which(kind.program) is not None
    return kind is Direct or (VENV / "bin" / kind.program).exists()
