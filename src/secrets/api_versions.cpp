// secret-manager/v1beta1: versions, and access to their data.
#include "secrets/api.h"

namespace meridian::secrets {
namespace {

using http::Call;

SecretId id_in(const http::Called& call) { return http::id_param<SecretId>(call, "secret_id"); }

struct AccessView {
    SecretId secret_id;
    std::uint32_t revision = 0;
    Bytes data;
    std::optional<std::uint32_t> data_crc32;
    SecretType type = SecretType::opaque;
};
constexpr auto schema_name(As<AccessView>) { return std::string_view("secret.AccessSecretVersionResponse"); }
constexpr auto describe(As<AccessView>) {
    using A = AccessView;
    return fields(field("secret_id", &A::secret_id), field("revision", &A::revision), field("data", &A::data),
                  field("data_crc32", &A::data_crc32), field("type", &A::type));
}
AccessView view_of(Accessed accessed) {
    return {accessed.version.secret, accessed.version.revision, {std::move(accessed.data)}, accessed.version.crc32, accessed.type};
}

struct ByPath {
    std::string secret_path = "/", secret_name;
    std::optional<ProjectId> project_id;
};
constexpr auto describe(As<ByPath>) {
    return fields(field("secret_path", &ByPath::secret_path, defaulted), field("secret_name", &ByPath::secret_name),
                  field("project_id", &ByPath::project_id));
}

struct Filter {
    std::vector<std::string> status;
};
constexpr auto describe(As<Filter>) { return fields(field("status", &Filter::status)); }

using VersionList = http::Listed<"versions", SecretVersion>;

Task<VersionList> list(SecretManager& secrets, Call<Filter> call) {
    std::vector<VersionStatus> wanted;
    for (const auto& text : call.in.status) {
        if (const auto status = from_word<VersionStatus>(text))
            wanted.push_back(*status);
        else if (text != "unknown_status")
            wrong("status", "A version is enabled, disabled, deleted or scheduled_for_deletion.");
    }
    co_return VersionList(co_await secrets.versions(call.caller_as<Caller>(), id_in(call), std::move(wanted), call.page()));
}

Task<http::Created<SecretVersion>> create(SecretManager& secrets, Call<CreateVersion> call) {
    co_return http::Created<SecretVersion>{co_await secrets.create_version(call.caller_as<Caller>(), id_in(call), std::move(call.in))};
}

Task<SecretVersion> get(SecretManager& secrets, Call<> call) {
    co_return co_await secrets.version(call.caller_as<Caller>(), id_in(call), call.param("revision"));
}

Task<SecretVersion> update(SecretManager& secrets, Call<UpdateVersion> call) {
    co_return co_await secrets.change_version(call.caller_as<Caller>(), id_in(call), call.param("revision"), call.in);
}

Task<http::NoContent> remove(SecretManager& secrets, Call<> call) {
    co_await secrets.schedule_version_deletion(call.caller_as<Caller>(), id_in(call), call.param("revision"));
    co_return http::NoContent{};
}

Task<SecretVersion> enable(SecretManager& secrets, Call<> call) {
    co_return co_await secrets.enable_version(call.caller_as<Caller>(), id_in(call), call.param("revision"), true);
}
Task<SecretVersion> disable(SecretManager& secrets, Call<> call) {
    co_return co_await secrets.enable_version(call.caller_as<Caller>(), id_in(call), call.param("revision"), false);
}
Task<SecretVersion> restore(SecretManager& secrets, Call<> call) {
    co_return co_await secrets.restore_version(call.caller_as<Caller>(), id_in(call), call.param("revision"));
}

Task<AccessView> access(SecretManager& secrets, Call<> call) {
    co_return view_of(co_await secrets.access(call.caller_as<Caller>(), id_in(call), call.param("revision")));
}
Task<AccessView> access_by_path(SecretManager& secrets, Call<ByPath> call) {
    co_return view_of(co_await secrets.access_by_path(call.caller_as<Caller>(), call.in.project_id, call.in.secret_path,
                                                      call.in.secret_name, call.param("revision")));
}

}  // namespace

void add_version_routes(http::Router& router, SecretManager& secrets) {
    using http::NoContent;
    using http::Nothing;
    const auto all = secret_base + "secrets/{secret_id}/versions", one = all + "/{revision}";
    const auto doc = [](std::string id, std::string summary) { return http::doc(std::move(id), std::move(summary), "secret-manager"); };
    add_route<Filter, VersionList>(router, secrets, "GET", all, {"read", "secrets"}, doc("ListSecretVersions", "Versions, newest first"),
                                   list);
    add_route<CreateVersion, http::Created<SecretVersion>>(router, secrets, "POST", all, {"update", "secrets"},
                                                           doc("CreateSecretVersion", "Give a secret new data"), create);
    add_route<Nothing, SecretVersion>(router, secrets, "GET", one, {"read", "secrets"},
                                      doc("GetSecretVersion", "What is said of a version: by number, latest or latest_enabled"), get);
    add_route<UpdateVersion, SecretVersion>(router, secrets, "PATCH", one, {"update", "secrets"},
                                            doc("UpdateSecretVersion", "Change what is said of a version"), update);
    add_route<Nothing, NoContent>(router, secrets, "DELETE", one, {"remove", "secrets"},
                                  doc("DeleteSecretVersion", "Schedule a version for deletion"), remove);
    add_route<Nothing, SecretVersion>(router, secrets, "POST", one + "/enable", {"update", "secrets"},
                                      doc("EnableSecretVersion", "Make a version accessible"), enable);
    add_route<Nothing, SecretVersion>(router, secrets, "POST", one + "/disable", {"update", "secrets"},
                                      doc("DisableSecretVersion", "Make a version inaccessible"), disable);
    add_route<Nothing, SecretVersion>(router, secrets, "POST", one + "/restore", {"update", "secrets"},
                                      doc("RestoreSecretVersion", "Keep a version that was to be deleted"), restore);
    add_route<Nothing, AccessView>(router, secrets, "GET", one + "/access", {"access", "secrets"},
                                   doc("AccessSecretVersion", "The data of a version"), access);
    add_route<ByPath, AccessView>(router, secrets, "GET", secret_base + "secrets-by-path/versions/{revision}/access", {"access", "secrets"},
                                  doc("AccessSecretVersionByPath", "The data of a version, by the secret's path and name"), access_by_path);
}

}  // namespace meridian::secrets
