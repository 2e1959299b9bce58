"""Secrets and keys over the life of an installation: what lies on the disk, what outside tools make of keys, and tokens for models."""
import base64
import hashlib
import json
import subprocess

import pytest

from support.meridian import Meridian, until

SECRETS = "/secret-manager/v1beta1/regions/fr-par/secrets"
KEYS = "/key-manager/v1alpha1/regions/fr-par/keys"


def b64(data):
    return base64.b64encode(data).decode()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with Meridian(tmp_path_factory.mktemp("secrets") / "data", arguments=["--access-log", "--log-level", "debug"]) as one:
        yield one


def post(meridian, path, body=None):
    status, _, answer = meridian.call("POST", path, body or {})
    assert status == 200, (path, answer)
    return json.loads(answer)


def kept(meridian, name, data, **more):
    secret = post(meridian, SECRETS, {"name": name, **more})["id"]
    post(meridian, f"{SECRETS}/{secret}/versions", {"data": b64(data)})
    return secret


def test_data_outlives_a_crash_and_lies_nowhere_in_the_clear(running):
    words, plaintext = b"words that nobody finds on the disk", b"what a key encrypted and nobody keeps"
    key = post(running, KEYS, {"name": "outer"})["id"]
    secrets = [kept(running, "inner", words), kept(running, "under a key", words, key_id=key)]
    hidden = post(running, f"{KEYS}/{key}/encrypt", {"plaintext": b64(plaintext)})["ciphertext"]
    running.kill()
    running.start()
    for secret in secrets:
        assert base64.b64decode(running.get(f"{SECRETS}/{secret}/versions/latest/access")["data"]) == words
    assert post(running, f"{KEYS}/{key}/decrypt", {"ciphertext": hidden})["plaintext"] == b64(plaintext)
    leaves = until(lambda: [c for c in running.get("/meridian/v1/changes")["changes"] if c["resource_type"] == "secrets"], "changes are leaves of the log")
    assert {c["name"] for c in leaves} == {"inner", "under a key"}
    running.stop()
    files = [path for path in running.data.parent.rglob("*") if path.is_file()]
    for path in files:
        raw = path.read_bytes()
        for text in words, plaintext:
            assert text not in raw and b64(text).encode() not in raw and text.hex().encode() not in raw, path
    assert any(path.name == "meridian.db" or path.suffix == ".log" for path in files)
    running.start()


def openssl(*arguments, data=None):
    done = subprocess.run(["openssl", *map(str, arguments)], input=data, capture_output=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_openssl_wraps_material_encrypts_and_verifies(running, tmp_path):
    public, material = tmp_path / "public", bytes(range(32))
    key = post(running, KEYS, {"origin": "external"})["id"]
    parameters = post(running, f"{KEYS}/{key}/import-parameters", {"wrapping_algorithm": "rsa_oaep_3072_sha256"})
    public.write_bytes(base64.b64decode(parameters["public_key"]))
    oaep = ("-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256", "-pkeyopt", "rsa_mgf1_md:sha256")
    wrapped = openssl("pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", public, *oaep, data=material)
    state = post(running, f"{KEYS}/{key}/import-key-material", {"key_material": b64(wrapped), "import_token": parameters["import_token"]})["state"]
    assert state == "enabled"

    signer = post(running, KEYS, {"origin": "external", "usage": {"asymmetric_signing": "rsa_pss_2048_sha256"}})["id"]
    parameters = post(running, f"{KEYS}/{signer}/import-parameters", {"wrapping_algorithm": "rsa_aes_key_wrap_2048_sha256"})
    public.write_bytes(base64.b64decode(parameters["public_key"]))
    pair = openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-outform", "DER")
    pair = openssl("pkcs8", "-topk8", "-nocrypt", "-inform", "DER", "-outform", "DER", data=pair)
    inner = openssl("enc", "-id-aes256-wrap-pad", "-e", "-K", material.hex(), "-iv", "A65959A6", data=pair)
    head = openssl("pkeyutl", "-encrypt", "-pubin", "-keyform", "DER", "-inkey", public, *oaep, data=material)
    assert post(running, f"{KEYS}/{signer}/import-key-material", {"key_material": b64(head + inner)})["state"] == "enabled"
    public.write_text(running.get(f"{KEYS}/{signer}/public-key")["pem"])
    digest, signature = hashlib.sha256(b"message").digest(), tmp_path / "signature"
    signature.write_bytes(base64.b64decode(post(running, f"{KEYS}/{signer}/sign", {"digest": b64(digest)})["signature"]))
    said = openssl("pkeyutl", "-verify", "-pubin", "-inkey", public, "-sigfile", signature, "-pkeyopt", "digest:sha256", "-pkeyopt", "rsa_padding_mode:pss",
                   "-pkeyopt", "rsa_pss_saltlen:digest", data=digest)
    assert b"Verified Successfully" in said

    opener = post(running, KEYS, {"usage": {"asymmetric_encryption": "rsa_oaep_2048_sha256"}})["id"]
    public.write_text(running.get(f"{KEYS}/{opener}/public-key")["pem"])
    hidden = openssl("pkeyutl", "-encrypt", "-pubin", "-inkey", public, *oaep, data=b"from outside")
    assert base64.b64decode(post(running, f"{KEYS}/{opener}/decrypt", {"ciphertext": b64(hidden)})["plaintext"]) == b"from outside"


def test_what_a_key_opened_is_not_kept_for_a_repeated_request(running):
    key = post(running, KEYS)["id"]
    hidden = post(running, f"{KEYS}/{key}/encrypt", {"plaintext": b64(b"hello")})["ciphertext"]
    again = {"Idempotency-Key": "one"}
    assert running.call("POST", f"{KEYS}/{key}/decrypt", {"ciphertext": hidden}, headers=again)[0] == 200
    post(running, f"{KEYS}/{key}/disable")
    assert running.call("POST", f"{KEYS}/{key}/decrypt", {"ciphertext": hidden}, headers=again)[0] == 412
    made = [running.call("POST", KEYS, {"name": "once"}, headers={"Idempotency-Key": "two"})[2] for _ in range(2)]
    assert made[0] == made[1]


def test_an_external_model_takes_its_key_from_a_secret(meridian, running):
    secret = kept(running, "upstream key", (meridian.secret + "\n").encode())
    body = {"name": "far", "url": meridian.url + "/v1", "upstream_model": "tiny", "key_secret": secret}
    assert post(running, "/meridian/v1/models", body)["external"]
    running.json("deploy", "far", "--wait")
    until(lambda: running.chat(model="far")[0] == 200, "the endpoint answers with the key from the secret")
    status, _, answer = running.call("POST", "/meridian/v1/models", body | {"key_secret": "00000000-0000-4000-8000-000000000000"})
    assert status == 404, answer
