"""The real OpenAI Node client, unmodified; its scenarios are in openai.test.mjs."""
import os
import pathlib
import subprocess

HERE = pathlib.Path(__file__).parent


def test_node_scenarios(meridian, tmp_path):
    node = pathlib.Path(os.environ["MERIDIAN_CLIENTS"]) / "node"
    script = tmp_path / "openai.test.mjs"
    script.write_text((HERE / "openai.test.mjs").read_text())
    (tmp_path / "node_modules").symlink_to(node / "node_modules")
    done = subprocess.run([node / "bin" / "node", "--test", "--test-reporter=tap", script], capture_output=True, text=True, timeout=120,
                          env=os.environ | {"MERIDIAN_URL": meridian.url, "MERIDIAN_SECRET_KEY": meridian.secret})
    assert done.returncode == 0, done.stdout + done.stderr
    assert "# fail 0" in done.stdout and "# pass 6" in done.stdout, done.stdout
