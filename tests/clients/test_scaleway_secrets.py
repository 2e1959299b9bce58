"""Secrets and keys through Scaleway's own clients: made, used within what a policy allows and no further, and deleted."""
import base64
import hashlib
import zlib

import pytest
from scaleway.iam.v1alpha1 import IamV1Alpha1API
from scaleway.iam.v1alpha1.types import RuleSpecs
from scaleway.key_manager.v1alpha1 import KeyManagerV1Alpha1API
from scaleway.key_manager.v1alpha1.types import (DataKeyAlgorithmSymmetricEncryption, KeyAlgorithmAsymmetricSigning, KeyAlgorithmSymmetricEncryption, KeyOrigin,
                                                 KeyRotationPolicy, KeyState, KeyUsage)
from scaleway.secret.v1beta1 import SecretV1Beta1API
from scaleway.secret.v1beta1.types import EphemeralPolicy, EphemeralPolicyAction, SecretType, SecretVersionStatus
from scaleway_core.api import ScalewayException

from support.scaleway import Refused, js, scw, sdk

SYMMETRIC = KeyUsage(symmetric_encryption=KeyAlgorithmSymmetricEncryption.AES_256_GCM, asymmetric_encryption=None, asymmetric_signing=None)
SIGNING = KeyUsage(symmetric_encryption=None, asymmetric_encryption=None, asymmetric_signing=KeyAlgorithmAsymmetricSigning.EC_P256_SHA256)


def b64(data):
    return base64.b64encode(data).decode()


def refused(status, kind, call, *arguments, **more):
    with pytest.raises(ScalewayException) as answer:
        call(*arguments, **more)
    body = answer.value.response.json()
    assert (answer.value.status_code, body["type"]) == (status, kind), body
    return body


@pytest.fixture
def bearer(meridian):
    """Makes a key of an application that has one permission set in the default project. Nothing of it stays."""
    iam, made = IamV1Alpha1API(sdk(meridian)), []

    def make(name):
        app = iam.create_application(description="", name=f"bearer of {name}")
        rule = RuleSpecs(condition="", permission_set_names=[name], project_ids=[meridian.facts["project_id"]])
        policy = iam.create_policy(name=app.name, description="", application_id=app.id, rules=[rule])
        made.append((app, policy))
        key = iam.create_api_key(description="", application_id=app.id)
        return {"secret": key.secret_key, "access_key": key.access_key}

    yield make
    for app, policy in made:
        iam.delete_policy(policy_id=policy.id)
        iam.delete_application(application_id=app.id)


def test_a_secret_lives_from_create_to_gone_through_the_python_sdk(meridian):
    api = SecretV1Beta1API(sdk(meridian))
    secret = api.create_secret(name="hub token", protected=True, tags=["models"], path="/catalogue", type_=SecretType.OPAQUE)
    assert (secret.status, secret.path, secret.version_count, secret.region) == ("ready", "/catalogue", 0, meridian.facts["region"])
    data = b"hf_0123456789"
    refused(400, "invalid_arguments", api.create_secret_version, secret_id=secret.id, data=b64(data), data_crc32=1)
    one = api.create_secret_version(secret_id=secret.id, data=b64(data), data_crc32=zlib.crc32(data), description="first")
    assert (one.revision, one.latest, one.status) == (1, True, SecretVersionStatus.ENABLED)
    api.create_secret_version(secret_id=secret.id, data=b64(b"newer"), disable_previous=True)
    assert [(v.revision, v.status) for v in api.list_secret_versions_all(secret_id=secret.id)] == [(2, "enabled"), (1, "disabled")]
    refused(412, "precondition_failed", api.access_secret_version, secret_id=secret.id, revision="1")
    api.enable_secret_version(secret_id=secret.id, revision="1")
    read = api.access_secret_version(secret_id=secret.id, revision="1")
    assert (base64.b64decode(read.data), read.data_crc32) == (data, zlib.crc32(data))
    latest = api.access_secret_version_by_path(secret_path="/catalogue", secret_name="hub token", revision="latest")
    assert base64.b64decode(latest.data) == b"newer"
    browsed = api.browse_secrets(prefix="/catalogue")
    assert browsed.current_path == "/catalogue" and browsed.items[0].secret.id == secret.id and browsed.items[0].folder is None
    assert [i.name for i in api.browse_secrets(prefix="/").items if i.folder] == ["catalogue"]
    assert api.list_tags(project_id=secret.project_id).tags == ["models"]
    assert [s.id for s in api.list_secrets_all(scheduled_for_deletion=False, name="hub token")] == [secret.id]
    refused(409, "already_exists", api.create_secret, name="hub token", path="/catalogue", protected=False)
    refused(412, "precondition_failed", api.delete_secret, secret_id=secret.id)
    api.unprotect_secret(secret_id=secret.id)
    api.delete_secret(secret_id=secret.id)
    refused(404, "not_found", api.get_secret, secret_id=secret.id)
    assert [s.id for s in api.list_secrets_all(scheduled_for_deletion=True)] == [secret.id]
    assert api.restore_secret(secret_id=secret.id).version_count == 2
    api.delete_secret(secret_id=secret.id)


def test_a_secret_that_expires_once_accessed_is_given_out_once(meridian):
    api = SecretV1Beta1API(sdk(meridian))
    policy = EphemeralPolicy(action=EphemeralPolicyAction.DELETE, time_to_live="3600s", expires_once_accessed=True)
    secret = api.create_secret(name="once", protected=False, ephemeral_policy=policy)
    version = api.create_secret_version(secret_id=secret.id, data=b64(b"gone soon"))
    assert version.ephemeral_properties.expires_at and version.ephemeral_properties.action == EphemeralPolicyAction.DELETE
    assert base64.b64decode(api.access_secret_version(secret_id=secret.id, revision="latest").data) == b"gone soon"
    refused(412, "precondition_failed", api.access_secret_version, secret_id=secret.id, revision="1")
    assert api.get_secret_version(secret_id=secret.id, revision="1").status == SecretVersionStatus.DELETED
    api.delete_secret(secret_id=secret.id)


def test_data_is_reached_with_its_own_right_alone(meridian, bearer):
    owner = SecretV1Beta1API(sdk(meridian))
    secret = owner.create_secret(name="walled", protected=False)
    owner.create_secret_version(secret_id=secret.id, data=b64(b"data"))
    reader, opener = (SecretV1Beta1API(sdk(meridian, **bearer(name)))
                      for name in ("SecretManagerFullAccess", "SecretManagerSecretAccess"))
    assert reader.get_secret(secret_id=secret.id).version_count == 1
    refused(403, "permissions_denied", reader.access_secret_version, secret_id=secret.id, revision="1")
    assert base64.b64decode(opener.access_secret_version(secret_id=secret.id, revision="1").data) == b"data"
    refused(403, "permissions_denied", opener.get_secret, secret_id=secret.id)
    owner.delete_secret(secret_id=secret.id)


def test_a_key_encrypts_rotates_and_seals_secrets_through_the_python_sdk(meridian):
    api, secrets = KeyManagerV1Alpha1API(sdk(meridian)), SecretV1Beta1API(sdk(meridian))
    key = api.create_key(unprotected=True, name="ours", usage=SYMMETRIC, tags=["eu"], rotation_policy=KeyRotationPolicy(rotation_period="7776000s"))
    assert (key.state, key.rotation_count, key.usage.symmetric_encryption) == (KeyState.ENABLED, 0, "aes_256_gcm")
    assert key.rotation_policy.next_rotation_at > key.created_at
    hidden = api.encrypt(key_id=key.id, plaintext=b64(b"hello"), associated_data=b64(b"for you")).ciphertext
    assert api.rotate_key(key_id=key.id).rotation_count == 1
    opened = api.decrypt(key_id=key.id, ciphertext=hidden, associated_data=b64(b"for you"))
    assert base64.b64decode(opened.plaintext) == b"hello" and opened.ciphertext not in (None, hidden)
    refused(400, "invalid_arguments", api.decrypt, key_id=key.id, ciphertext=hidden)
    data_key = api.generate_data_key(key_id=key.id, without_plaintext=False, algorithm=DataKeyAlgorithmSymmetricEncryption.AES_256_GCM)
    assert api.decrypt(key_id=key.id, ciphertext=data_key.ciphertext).plaintext == data_key.plaintext
    secret = secrets.create_secret(name="under a key", protected=False, key_id=key.id)
    secrets.create_secret_version(secret_id=secret.id, data=b64(b"data"))
    api.disable_key(key_id=key.id)
    refused(412, "precondition_failed", secrets.access_secret_version, secret_id=secret.id, revision="1")
    api.enable_key(key_id=key.id)
    assert base64.b64decode(secrets.access_secret_version(secret_id=secret.id, revision="1").data) == b"data"
    assert refused(412, "precondition_failed", api.delete_key, key_id=key.id)["precondition"] == "resource_still_in_use"
    secrets.delete_secret(secret_id=secret.id)
    api.delete_key(key_id=key.id)
    refused(404, "not_found", api.get_key, key_id=key.id)
    assert key.id in [k.id for k in api.list_keys_all(scheduled_for_deletion=True)]
    assert {a.name for a in api.list_algorithms().algorithms} >= {"aes_256_gcm", "rsa_oaep_3072_sha256", "ec_p256_sha256"}


def test_keys_sign_and_take_material_from_outside(meridian, bearer):
    api = KeyManagerV1Alpha1API(sdk(meridian))
    signer = api.create_key(unprotected=True, usage=SIGNING)
    digest = b64(hashlib.sha256(b"message").digest())
    signature = api.sign(key_id=signer.id, digest=digest).signature
    assert api.verify(key_id=signer.id, digest=digest, signature=signature).valid
    assert not api.verify(key_id=signer.id, digest=b64(bytes(32)), signature=signature).valid
    assert "BEGIN PUBLIC KEY" in api.get_public_key(key_id=signer.id).pem
    external = api.create_key(unprotected=True, usage=SYMMETRIC, origin=KeyOrigin.EXTERNAL)
    assert external.state == KeyState.PENDING_KEY_MATERIAL
    refused(412, "precondition_failed", api.encrypt, key_id=external.id, plaintext=b64(b"x"))
    assert api.import_key_material(key_id=external.id, key_material=b64(bytes(range(32)))).state == KeyState.ENABLED
    assert api.encrypt(key_id=external.id, plaintext=b64(b"x")).ciphertext
    api.delete_key_material(key_id=external.id)
    assert api.get_key(key_id=external.id).state == KeyState.PENDING_KEY_MATERIAL
    only = KeyManagerV1Alpha1API(sdk(meridian, **bearer("KeyManagerKeyEncrypt")))
    refused(403, "permissions_denied", only.sign, key_id=signer.id, digest=digest)
    for key in (signer, external):
        api.delete_key(key_id=key.id)


def test_scw_makes_and_deletes_secrets_and_keys(meridian, bearer):
    secret = scw(meridian, "secret", "secret", "create", "name=from scw", "path=/cli", "protected=false")
    version = scw(meridian, "secret", "version", "create", f"secret-id={secret['id']}", "data=a token")
    assert version["revision"] == 1
    assert base64.b64decode(scw(meridian, "secret", "version", "access", f"secret-id={secret['id']}", "revision=latest")["data"]) == b"a token"
    assert [s["id"] for s in scw(meridian, "secret", "secret", "list", "path=/cli", "scheduled-for-deletion=false")] == [secret["id"]]
    key = scw(meridian, "keymanager", "key", "create", "name=from scw", "usage.symmetric-encryption=aes_256_gcm", "unprotected=true")
    hidden = scw(meridian, "keymanager", "key", "encrypt", key["id"], f"plaintext={b64(b'hello')}")["ciphertext"]
    assert scw(meridian, "keymanager", "key", "decrypt", key["id"], f"ciphertext={hidden}")["plaintext"]
    assert scw(meridian, "keymanager", "key", "rotate", key["id"])["rotation_count"] == 1
    reader = bearer("SecretManagerReadOnly")
    assert scw(meridian, "secret", "secret", "get", secret["id"], **reader)["version_count"] == 1
    for refusal in (("secret", "version", "access", f"secret-id={secret['id']}", "revision=1"), ("secret", "secret", "delete", secret["id"]),
                    ("keymanager", "key", "get", key["id"])):
        with pytest.raises(Refused, match="(?i)insufficient permissions|denied"):
            scw(meridian, *refusal, **reader)
    scw(meridian, "keymanager", "key", "delete", key["id"])
    scw(meridian, "secret", "secret", "delete", secret["id"])
    with pytest.raises(Refused):
        scw(meridian, "secret", "secret", "get", secret["id"])


def test_the_javascript_sdk_makes_uses_and_deletes_them(meridian, bearer):
    reader = bearer("SecretManagerReadOnly")
    body = """
      const secrets = new scaleway.Secretv1beta1.API(client);
      const keys = new scaleway.KeyManagerv1alpha1.API(client);
      const key = await keys.createKey({ name: "js", unprotected: true, usage: { symmetricEncryption: "aes_256_gcm" } });
      const secret = await secrets.createSecret({ name: "js", protected: false, keyId: key.id, path: "/js" });
      await secrets.createSecretVersion({ secretId: secret.id, data: btoa("from js") });
      const read = await secrets.accessSecretVersion({ secretId: secret.id, revision: "latest" });
      const hidden = await keys.encrypt({ keyId: key.id, plaintext: btoa("hello") });
      const opened = await keys.decrypt({ keyId: key.id, ciphertext: hidden.ciphertext });
      const items = (await secrets.browseSecrets({ prefix: "/js" })).items.map((item) => item.name);
      let inUse;
      try { await keys.deleteKey({ keyId: key.id }); } catch (error) { inUse = error.name; }
      return { id: secret.id, key: key.id, data: atob(read.data), opened: atob(opened.plaintext), items, inUse };
    """
    made = js(meridian, body)
    assert (made["data"], made["opened"], made["items"], made["inUse"]) == ("from js", "hello", ["js"], "PreconditionFailedError")
    said = js(meridian, f"""
      const secrets = new scaleway.Secretv1beta1.API(client);
      let error;
      try {{ await secrets.accessSecretVersion({{ secretId: "{made['id']}", revision: "1" }}); }} catch (e) {{ error = e.name; }}
      return {{ error, versions: (await secrets.getSecret({{ secretId: "{made['id']}" }})).versionCount }};
    """, **reader)
    assert said == {"error": "PermissionsDeniedError", "versions": 1}
    gone = js(meridian, f"""
      const secrets = new scaleway.Secretv1beta1.API(client);
      const keys = new scaleway.KeyManagerv1alpha1.API(client);
      await secrets.deleteSecret({{ secretId: "{made['id']}" }});
      await keys.deleteKey({{ keyId: "{made['key']}" }});
      try {{ await keys.getKey({{ keyId: "{made['key']}" }}); }} catch (e) {{ return e.name; }}
    """)
    assert gone == "ResourceNotFoundError"
