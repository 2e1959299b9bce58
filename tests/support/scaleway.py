"""Scaleway's own clients pointed at a Meridian, unmodified: the Python SDK, the command line scw, and snippets for the JavaScript SDK."""
import json
import os
import pathlib
import subprocess
import tempfile

from scaleway import Client

PATIENCE = 120


class Refused(AssertionError):
    """What scw or a snippet ended with. `said` is what it wrote."""

    def __init__(self, command, said):
        super().__init__(f"{command} failed:\n{said}")
        self.said = said


def _facts(meridian, secret=None, access_key=None):
    """A client's settings. `secret` and `access_key` are those of another key than the installation's first."""
    return {"secret_key": secret or meridian.secret, "access_key": access_key or meridian.facts["access_key"], "api_url": meridian.url,
            "default_organization_id": meridian.facts["organization_id"], "default_project_id": meridian.facts["project_id"],
            "default_region": meridian.facts["region"], "default_zone": meridian.facts["zone"]}


def sdk(meridian, **key):
    return Client(**_facts(meridian, **key))


def _environment(meridian, home, key):
    """Nothing of the settings that the machine's user may have."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SCW_")}
    facts = {f"SCW_{name.upper()}": value for name, value in _facts(meridian, **key).items()}
    return kept | facts | {"HOME": home, "XDG_CONFIG_HOME": home, "XDG_CACHE_HOME": home, "SCW_CONFIG_PATH": f"{home}/config.yaml",
                           "SCW_DISABLE_CHECK_VERSION": "true", "SCW_SEND_TELEMETRY": "false", "NO_COLOR": "1"}


def scw(meridian, *arguments, **key):
    """What `scw ARGUMENTS` answers, as JSON; None when it says nothing. Raises Refused when it fails."""
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run([os.environ["MERIDIAN_SCW"], "--output=json", *arguments], capture_output=True, text=True, timeout=PATIENCE,
                              stdin=subprocess.DEVNULL, cwd=home, env=_environment(meridian, home, key))
    if done.returncode != 0:
        raise Refused("scw " + " ".join(arguments), done.stdout + done.stderr)
    return json.loads(done.stdout) if done.stdout.strip() else None


def go(meridian):
    """What tests/clients/scaleway-go saw."""
    with tempfile.TemporaryDirectory() as home:
        done = subprocess.run([os.environ["MERIDIAN_SCALEWAY_GO"]], capture_output=True, text=True, timeout=PATIENCE, cwd=home,
                              env=_environment(meridian, home, {}))
    if done.returncode != 0:
        raise Refused("scaleway-go", done.stderr)
    return json.loads(done.stdout)


JS = """
import * as scaleway from "@scaleway/sdk";
import { createClient } from "@scaleway/sdk";
const env = process.env;
const client = createClient({
  accessKey: env.SCW_ACCESS_KEY, secretKey: env.SCW_SECRET_KEY, apiURL: env.SCW_API_URL,
  defaultOrganizationId: env.SCW_DEFAULT_ORGANIZATION_ID, defaultProjectId: env.SCW_DEFAULT_PROJECT_ID,
  defaultRegion: env.SCW_DEFAULT_REGION, defaultZone: env.SCW_DEFAULT_ZONE,
});
const result = await (async () => {
%s
})();
process.stdout.write(JSON.stringify(result ?? null));
"""


def js(meridian, body, **key):
    """What a snippet returns, as JSON. It finds `client` and all of @scaleway/sdk as `scaleway`:
    js(meridian, "return await new scaleway.Inferencev1.API(client).listModels();")"""
    node = pathlib.Path(os.environ["MERIDIAN_CLIENTS"]) / "node"
    with tempfile.TemporaryDirectory() as home:
        script = pathlib.Path(home) / "snippet.mjs"
        script.write_text(JS % body)
        (pathlib.Path(home) / "node_modules").symlink_to(node / "node_modules")
        done = subprocess.run([node / "bin" / "node", script], capture_output=True, text=True, timeout=PATIENCE,
                              env=_environment(meridian, home, key))
    if done.returncode != 0:
        raise Refused("the snippet", done.stderr)
    return json.loads(done.stdout)
