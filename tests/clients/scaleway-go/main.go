// What people build on Scaleway's Go SDK (Terraform's provider, scw, automation) does with an installation: makes a project, an application, a
// policy and a key, works with the key within what the policy allows and is refused beyond it, and deletes everything. Prints what it saw as
// JSON; the settings come from the environment, as for every program with this SDK.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"

	account "github.com/scaleway/scaleway-sdk-go/api/account/v3"
	iam "github.com/scaleway/scaleway-sdk-go/api/iam/v1alpha1"
	inference "github.com/scaleway/scaleway-sdk-go/api/inference/v1"
	"github.com/scaleway/scaleway-sdk-go/scw"
)

// The kind of an error as the SDK reads it from an answer: its Go type, and the status where the type has one.
func kind(err error) string {
	var denied *scw.PermissionsDeniedError
	var missing *scw.ResourceNotFoundError
	var auth *scw.DeniedAuthenticationError
	var arguments *scw.InvalidArgumentsError
	var answer *scw.ResponseError
	switch {
	case err == nil:
		return "none"
	case errors.As(err, &denied):
		return "permissions denied"
	case errors.As(err, &missing):
		return "not found: " + missing.Resource
	case errors.As(err, &auth):
		return "denied authentication"
	case errors.As(err, &arguments):
		return "invalid argument: " + arguments.Details[0].ArgumentName
	case errors.As(err, &answer):
		return fmt.Sprintf("status %d", answer.StatusCode)
	}
	return err.Error()
}

func must[T any](value T, err error) T {
	done(err)
	return value
}

func done(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func fail(_ any, err error) string { return kind(err) }

func main() {
	seen := map[string]any{}
	owner := must(scw.NewClient(scw.WithEnv()))
	organization, _ := owner.GetDefaultOrganizationID()
	iamAPI, projects := iam.NewAPI(owner), account.NewProjectAPI(owner)

	project := must(projects.CreateProject(&account.ProjectAPICreateProjectRequest{Name: "go", Description: "made by the Go SDK"}))
	app := must(iamAPI.CreateApplication(&iam.CreateApplicationRequest{Name: "go", Tags: []string{"sdk"}}))
	policy := must(iamAPI.CreatePolicy(&iam.CreatePolicyRequest{Name: "go", ApplicationID: &app.ID, Rules: []*iam.RuleSpecs{{
		PermissionSetNames: &[]string{"InferenceReadOnly"}, ProjectIDs: &[]string{project.ID}}}}))
	key := must(iamAPI.CreateAPIKey(&iam.CreateAPIKeyRequest{ApplicationID: &app.ID, DefaultProjectID: &project.ID}))
	seen["rules"] = policy.NbRules

	theirs := must(scw.NewClient(scw.WithEnv(), scw.WithAuth(key.AccessKey, *key.SecretKey)))
	theirIAM, theirProjects, deployments := iam.NewAPI(theirs), account.NewProjectAPI(theirs), inference.NewAPI(theirs)
	visible := must(theirProjects.ListProjects(&account.ProjectAPIListProjectsRequest{OrganizationID: organization}, scw.WithAllPages()))
	seen["its projects"] = visible.TotalCount
	seen["its deployments"] = must(deployments.ListDeployments(&inference.ListDeploymentsRequest{}, scw.WithAllPages())).TotalCount
	seen["models"] = must(deployments.ListModels(&inference.ListModelsRequest{}, scw.WithAllPages())).TotalCount > 0

	firstProject, _ := owner.GetDefaultProjectID()
	refusals := map[string]string{
		"another project":  fail(theirProjects.GetProject(&account.ProjectAPIGetProjectRequest{ProjectID: firstProject})),
		"a new project":    fail(theirProjects.CreateProject(&account.ProjectAPICreateProjectRequest{Name: "mine"})),
		"renaming":         fail(theirProjects.UpdateProject(&account.ProjectAPIUpdateProjectRequest{ProjectID: project.ID, Name: scw.StringPtr("mine")})),
		"users":            fail(theirIAM.ListUsers(&iam.ListUsersRequest{OrganizationID: &organization})),
		"a key of its own": fail(theirIAM.CreateAPIKey(&iam.CreateAPIKeyRequest{ApplicationID: &app.ID})),
		"a deployment": fail(deployments.CreateDeployment(&inference.CreateDeploymentRequest{Name: "x", ModelID: organization, NodeTypeName: "H100",
			Endpoints: []*inference.EndpointSpec{}})),
		"a name that is taken":   fail(projects.CreateProject(&account.ProjectAPICreateProjectRequest{Name: "go"})),
		"a name that is no name": fail(iamAPI.CreateApplication(&iam.CreateApplicationRequest{Name: "what?"})),
	}

	done(iamAPI.DeletePolicy(&iam.DeletePolicyRequest{PolicyID: policy.ID}))
	refusals["without the policy"] = fail(deployments.ListDeployments(&inference.ListDeploymentsRequest{}))
	done(iamAPI.DeleteAPIKey(&iam.DeleteAPIKeyRequest{AccessKey: key.AccessKey}))
	refusals["without the key"] = fail(theirProjects.ListProjects(&account.ProjectAPIListProjectsRequest{OrganizationID: organization}))
	done(iamAPI.DeleteApplication(&iam.DeleteApplicationRequest{ApplicationID: app.ID}))
	done(projects.DeleteProject(&account.ProjectAPIDeleteProjectRequest{ProjectID: project.ID}))
	refusals["what was deleted"] = fail(projects.GetProject(&account.ProjectAPIGetProjectRequest{ProjectID: project.ID}))
	seen["refusals"] = refusals
	done(json.NewEncoder(os.Stdout).Encode(seen))
}
