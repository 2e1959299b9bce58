"""The OpenID provider of the tests, and somebody with a browser who signs in there."""
import base64
import hashlib
import html.parser
import json
import os
import pathlib
import secrets
import subprocess
import urllib.parse

import requests

from support.meridian import PATIENCE, until

NODE = pathlib.Path(os.environ["MERIDIAN_CLIENTS"]) / "node"


class Provider:
    """`accounts`: what is claimed of whom."""

    def __init__(self, directory, callback, accounts, secret="provider secret of tests", key_id="first", port=None):
        self.directory = pathlib.Path(directory)
        client = {"client_id": "meridian", "client_secret": secret, "redirect_uris": [callback], "response_types": ["code"],
                  "grant_types": ["authorization_code"], "token_endpoint_auth_method": "client_secret_basic"}
        self.settings = {"clients": [client], "accounts": accounts, "key_id": key_id, "port": port}
        self.secret = secret

    def __enter__(self):
        ready = self.directory / f"provider-{secrets.token_hex(4)}.json"
        # The packages lie beside Node; a module is found from where its file is.
        script = self.directory / "oidc_provider.mjs"
        script.write_text(pathlib.Path(__file__).with_name("oidc_provider.mjs").read_text())
        modules = self.directory / "node_modules"
        if not modules.exists():
            modules.symlink_to(NODE / "node_modules")
        self.log = open(self.directory / "provider.log", "ab")
        self.process = subprocess.Popen([NODE / "bin" / "node", script, ready], stdin=subprocess.PIPE, stdout=self.log, stderr=self.log)
        self.process.stdin.write(json.dumps(self.settings).encode())
        self.process.stdin.close()

        def up():
            assert self.process.poll() is None, (self.directory / "provider.log").read_text()
            return ready.exists() and ready.read_text()

        self.issuer = json.loads(until(up, "the provider is up"))["issuer"]
        self.settings["port"] = int(self.issuer.rsplit(":", 1)[1])
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


class Form(html.parser.HTMLParser):
    """Where the page's form goes, and its hidden fields."""

    def __init__(self, page):
        super().__init__()
        self.action, self.fields = None, {}
        self.feed(page)

    def handle_starttag(self, tag, attributes):
        attributes = dict(attributes)
        if tag == "form" and self.action is None:
            self.action = attributes["action"]
        if tag == "input" and attributes.get("name"):
            self.fields[attributes["name"]] = attributes.get("value") or ""


class Person:
    """Somebody with a browser (its cookies), and the program that sent it (the verifier)."""

    def __init__(self, meridian, name):
        self.meridian, self.name = meridian, name
        self.browser = requests.Session()
        self.verifier = secrets.token_urlsafe(32)

    def begin(self, return_to="/console", **more):
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        query = urllib.parse.urlencode({"return_to": return_to, "challenge": challenge, **more})
        return self.browser.get(f"{self.meridian.url}/meridian/v1/sign-in?{query}", allow_redirects=False, timeout=PATIENCE)

    def to_callback(self, answer):
        """From Meridian's redirect to the provider's, which would lead back to Meridian; the page's forms are filled in."""
        while True:
            while answer.is_redirect:
                place = urllib.parse.urljoin(answer.url, answer.headers["Location"])
                if place.startswith(self.meridian.url):
                    return place
                answer = self.browser.get(place, allow_redirects=False, timeout=PATIENCE)
            assert answer.status_code == 200, (answer.status_code, answer.text)
            form = Form(answer.text)
            fields = form.fields | ({"login": self.name, "password": "any"} if "login" in form.fields else {})
            answer = self.browser.post(urllib.parse.urljoin(answer.url, form.action), data=fields, allow_redirects=False, timeout=PATIENCE)

    def come_back(self, callback):
        """What Meridian tells the page that the browser returns to."""
        answer = self.browser.get(callback, allow_redirects=False, timeout=PATIENCE)
        assert answer.status_code == 302, answer.text
        return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.headers["Location"]).query))

    def take(self, code, verifier=None):
        return requests.post(f"{self.meridian.url}/meridian/v1/sessions", json={"code": code, "verifier": verifier or self.verifier}, timeout=PATIENCE)

    def sign_in(self):
        """The session, with its token; or what was said instead."""
        told = self.come_back(self.to_callback(self.begin()))
        return self.take(told["code"]).json() if "code" in told else told
