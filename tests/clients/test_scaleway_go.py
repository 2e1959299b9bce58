"""Scaleway's Go SDK, unmodified, in a program of our own: everything it makes works within its policy, is refused beyond it, and is deleted."""
from support.scaleway import go


def test_the_go_sdk_makes_uses_is_refused_and_deletes(meridian):
    seen = go(meridian)
    assert {name: value for name, value in seen.items() if name != "refusals"} == {
        "rules": 1, "its projects": 1, "its deployments": 0, "models": True}
    denied, missing = "permissions denied", "not found: project"
    assert seen["refusals"] == {
        "another project": missing, "a new project": denied, "renaming": denied, "users": denied, "a key of its own": denied, "a deployment": denied,
        "a name that is taken": "status 409", "a name that is no name": "invalid argument: name", "without the policy": denied,
        "without the key": "denied authentication", "what was deleted": missing}
