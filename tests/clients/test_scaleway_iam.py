"""People, policies and keys through Scaleway's own clients: made, used within what they allow and no further, and deleted."""
import pytest
from scaleway.iam.v1alpha1 import IamV1Alpha1API
from scaleway.iam.v1alpha1.types import RuleSpecs
from scaleway.account.v3 import AccountV3ProjectAPI
from scaleway_core.api import ScalewayException

from support.scaleway import Refused, js, scw, sdk


def refused(status, call, *arguments, **more):
    with pytest.raises(ScalewayException) as answer:
        call(*arguments, **more)
    assert answer.value.status_code == status, answer.value


def test_an_application_works_within_its_policy_through_the_python_sdk(meridian):
    iam = IamV1Alpha1API(sdk(meridian))
    organization, project = meridian.facts["organization_id"], meridian.facts["project_id"]
    other = AccountV3ProjectAPI(sdk(meridian)).create_project(description="", name="other place")
    app = iam.create_application(description="", name="reader", tags=["sdk"])
    policy = iam.create_policy(name="reader", description="", application_id=app.id,
                               rules=[RuleSpecs(condition="", permission_set_names=["InferenceReadOnly", "SSHKeysReadOnly"], project_ids=[project])])
    assert (policy.nb_rules, policy.nb_permission_sets, policy.application_id) == (1, 2, app.id)
    key = iam.create_api_key(description="", application_id=app.id)
    assert key.secret_key and iam.get_application(application_id=app.id).nb_api_keys == 1
    mine = sdk(meridian, secret=key.secret_key, access_key=key.access_key)
    assert [p.id for p in AccountV3ProjectAPI(mine).list_projects_all()] == [project]
    refused(404, AccountV3ProjectAPI(mine).get_project, project_id=other.id)
    refused(403, AccountV3ProjectAPI(mine).update_project, project_id=project, name="taken")
    refused(403, IamV1Alpha1API(mine).list_users_all)
    refused(403, IamV1Alpha1API(mine).create_api_key, description="", application_id=app.id)
    assert IamV1Alpha1API(mine).get_api_key(access_key=key.access_key).application_id == app.id
    assert len(iam.list_rules_all(policy_id=policy.id)) == 1
    names = [s.name for s in iam.list_permission_sets_all(organization_id=organization)]
    assert {"InferenceFullAccess", "QaaSFullAccess", "IAMManager"} <= set(names) and names == sorted(names)
    iam.delete_policy(policy_id=policy.id)
    refused(403, AccountV3ProjectAPI(mine).list_projects_all)
    iam.delete_application(application_id=app.id)
    refused(401, AccountV3ProjectAPI(mine).list_projects_all)
    refused(404, iam.get_application, application_id=app.id)
    AccountV3ProjectAPI(sdk(meridian)).delete_project(project_id=other.id)


def test_scw_manages_groups_users_and_ssh_keys(meridian):
    user = scw(meridian, "iam", "user", "create", "email=ada@example.org")
    group = scw(meridian, "iam", "group", "create", "name=quantum lab")
    scw(meridian, "iam", "group", "add-member", f"group-id={group['id']}", f"user-id={user['id']}")
    assert scw(meridian, "iam", "group", "get", group["id"])["user_ids"] == [user["id"]]
    policy = scw(meridian, "iam", "policy", "create", "name=lab", f"group-id={group['id']}", "rules.0.permission-set-names.0=QaaSFullAccess",
                 f"rules.0.project-ids.0={meridian.facts['project_id']}")
    assert [p["id"] for p in scw(meridian, "iam", "policy", "list")] == [policy["id"]]
    public = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIK+XCESM/oHaIO/DS5rDWqx5jH5qbBnnb8+eFdl5wtV9 ada"
    key = scw(meridian, "iam", "ssh-key", "create", "name=laptop", f"public-key={public}")
    assert key["fingerprint"] == "SHA256:NNc5cUsacJ747fDxBQ6mExg4tFSuRSkXwLxyVzARS/o"
    with pytest.raises(Refused):
        scw(meridian, "iam", "ssh-key", "create", "name=broken", "public-key=ssh-ed25519 AAAA")
    scw(meridian, "iam", "ssh-key", "delete", key["id"])
    scw(meridian, "iam", "policy", "delete", policy["id"])
    scw(meridian, "iam", "group", "delete", group["id"])
    scw(meridian, "iam", "user", "delete", user["id"])
    with pytest.raises(Refused):
        scw(meridian, "iam", "user", "get", user["id"])


def test_the_javascript_sdk_reads_what_was_refused_as_its_own_errors(meridian):
    said = js(meridian, """
      const iam = new scaleway.Iamv1alpha1.API(client);
      const app = await iam.createApplication({ name: "js", description: "" });
      const key = await iam.createAPIKey({ applicationId: app.id, description: "" });
      const theirs = new scaleway.Iamv1alpha1.API(createClient({ accessKey: key.accessKey, secretKey: key.secretKey, apiURL: process.env.SCW_API_URL,
        defaultOrganizationId: process.env.SCW_DEFAULT_ORGANIZATION_ID, defaultProjectId: process.env.SCW_DEFAULT_PROJECT_ID }));
      let error;
      try { await theirs.listUsers(); } catch (e) { error = e; }
      const policy = await iam.createPolicy({ name: "js", description: "", applicationId: app.id,
        rules: [{ permissionSetNames: ["IAMReadOnly"], organizationId: process.env.SCW_DEFAULT_ORGANIZATION_ID, condition: "" }] });
      const users = (await theirs.listUsers()).users.length;
      await iam.deletePolicy({ policyId: policy.id });
      await iam.deleteApplication({ applicationId: app.id });
      return { error: error.name, status: error.status, users };
    """)
    assert said == {"error": "PermissionsDeniedError", "status": 403, "users": 1}
