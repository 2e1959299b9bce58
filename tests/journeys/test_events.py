"""The live feed of deployments, watched by a real WebSocket client."""
import json
import os
import pathlib
import subprocess
import threading

from support.meridian import until

HERE = pathlib.Path(__file__).parent
NODE = pathlib.Path(os.environ["MERIDIAN_CLIENTS"]) / "node/bin/node"


class Watcher:
    def __init__(self, running, secret=None):
        self.lines = []
        self.process = subprocess.Popen([NODE, HERE / "events.mjs"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=os.environ | {"MERIDIAN_URL": running.url, "MERIDIAN_SECRET_KEY": secret or running.secret})
        threading.Thread(target=lambda: self.lines.extend(iter(self.process.stdout.readline, "")), daemon=True).start()

    def told(self):
        return [json.loads(line) for line in list(self.lines) if line.startswith("{")]

    def statuses(self, deployment):
        return [each["deployment"]["status"] for each in self.told() if each["type"] == "deployment" and each["deployment"]["id"] == deployment]

    def closed(self):
        return next((line.split()[1] for line in list(self.lines) if line.startswith("closed")), None)

    def say(self, text):
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


def test_a_deployment_is_watched_from_its_beginning_to_its_end(fresh):
    fresh.start()
    with Watcher(fresh) as watcher, Watcher(fresh) as talker:
        made = fresh.add_tiny("answer", "tiny")["id"]
        until(lambda: "ready" in watcher.statuses(made), "the feed says that the deployment is ready")
        assert set(watcher.statuses(made)) <= {"creating", "deploying", "ready"}
        with Watcher(fresh) as late:
            until(lambda: late.statuses(made) == ["ready"], "a late watcher is told what there is")
        talker.say("hello")
        until(lambda: talker.closed() == "1008", "a client that speaks is sent away")
        fresh.cli("undeploy", made)
        until(lambda: {"type": "deployment_removed", "id": made} in watcher.told(), "the feed says that it is gone")
        assert fresh.stop() == 0
        until(lambda: watcher.closed() == "1000", "a stop says goodbye to the feed")


def test_a_feed_needs_a_key_and_a_websocket(fresh):
    fresh.start()
    with Watcher(fresh, "nonsense") as stranger:
        until(lambda: stranger.closed() == "1006", "no feed without a key")
        assert stranger.told() == []
    assert fresh.call("GET", "/meridian/v1/events")[0] == 400
