// iam/v1alpha1: how long the tokens and keys of an organization may live.
#include "identity/api.h"
#include "identity/failures.h"
#include "identity/sessions.h"

namespace meridian::identity {
namespace {

using http::Call;
using State = Identity::State;

// There are no passwords to renew, and nobody is locked out by the attempts of others: an address that fails too often waits.
struct SettingsView {
    bool enforce_password_renewal = false;
    std::optional<Duration> grace_period_duration;
    std::uint32_t login_attempts_before_locked = failures_max;
    std::optional<Duration> max_login_session_duration, max_api_key_expiration_duration;
};
constexpr auto schema_name(As<SettingsView>) { return std::string_view("iam.OrganizationSecuritySettings"); }
constexpr auto describe(As<SettingsView>) {
    return fields(field("enforce_password_renewal", &SettingsView::enforce_password_renewal),
                  field("grace_period_duration", &SettingsView::grace_period_duration),
                  field("login_attempts_before_locked", &SettingsView::login_attempts_before_locked),
                  field("max_login_session_duration", &SettingsView::max_login_session_duration),
                  field("max_api_key_expiration_duration", &SettingsView::max_api_key_expiration_duration));
}

SettingsView view_of(const SecuritySettings& settings) {
    SettingsView view;
    view.max_login_session_duration = settings.session_length.value_or(default_session_length);
    view.max_api_key_expiration_duration = settings.key_length;
    return view;
}

OrganizationId own(const Call<>& call, const Caller& by) {
    const auto id = http::id_param<OrganizationId>(call, "organization_id");
    check_organization(by, id);
    return id;
}

Task<SettingsView> get(State& state, Call<> call) {
    const auto id = own(call, call.caller_as<Caller>());
    co_return co_await state.store.read([id](store::Tx& tx) { return view_of(security_settings(tx, id)); });
}

struct UpdateSettings {
    std::optional<bool> enforce_password_renewal;
    std::optional<Duration> grace_period_duration, max_login_session_duration, max_api_key_expiration_duration;
    std::optional<std::uint32_t> login_attempts_before_locked;
};
constexpr auto schema_name(As<UpdateSettings>) { return std::string_view("iam.UpdateOrganizationSecuritySettingsRequest"); }
constexpr auto describe(As<UpdateSettings>) {
    return fields(
        field("enforce_password_renewal", &UpdateSettings::enforce_password_renewal),
        field("grace_period_duration", &UpdateSettings::grace_period_duration),
        field("login_attempts_before_locked", &UpdateSettings::login_attempts_before_locked),
        field("max_login_session_duration", &UpdateSettings::max_login_session_duration),
        field("max_api_key_expiration_duration", &UpdateSettings::max_api_key_expiration_duration, help("0s: keys need not expire.")));
}

Task<SettingsView> update(State& state, Call<UpdateSettings> call) {
    const auto by = call.caller_as<Caller>();
    const auto id = http::id_param<OrganizationId>(call, "organization_id");
    check_organization(by, id);
    const auto in = call.in;
    if (in.enforce_password_renewal == true) refuse("enforce_password_renewal", "Meridian keeps no passwords: the identity provider does.");
    if (in.grace_period_duration && *in.grace_period_duration != Duration())
        refuse("grace_period_duration", "Meridian keeps no passwords, so nothing is waited for.");
    if (in.login_attempts_before_locked && *in.login_attempts_before_locked != failures_max)
        refuse("login_attempts_before_locked", "An address that fails this often in a minute has to wait; the number is fixed.");
    co_return co_await state.change(by, [in, id](store::Tx& tx) {
        auto settings = security_settings(tx, id);
        if (in.max_login_session_duration) settings.session_length = in.max_login_session_duration;
        if (const auto& length = in.max_api_key_expiration_duration) settings.key_length = *length == Duration() ? std::nullopt : length;
        set_security_settings(tx, id, settings);
        return view_of(settings);
    });
}

}  // namespace

void add_security_routes(http::Router& router, Identity& identity) {
    using http::doc;
    const auto path = iam_base + "organizations/{organization_id}/security-settings";
    add_route<http::Nothing, SettingsView>(router, identity, "GET", path, {"read", "organization"},
                                           doc("GetOrganizationSecuritySettings", "Get how long tokens and keys may live", "iam"), get);
    add_route<UpdateSettings, SettingsView>(router, identity, "PATCH", path, {"update", "organization"},
                                            doc("UpdateOrganizationSecuritySettings", "Change how long tokens and keys may live", "iam"),
                                            update);
}

}  // namespace meridian::identity
