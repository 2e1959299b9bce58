#include "secrets/payload.h"

#include <fmt/format.h>

#include <charconv>

#include "base/error.h"
#include "base/json.h"
#include "resource/json_bind.h"
#include "secrets/ground.h"

namespace meridian::secrets {

struct BasicCredentials {
    std::string username, password;
};
constexpr auto describe(As<BasicCredentials>) {
    return fields(field("username", &BasicCredentials::username), field("password", &BasicCredentials::password));
}
struct DatabaseCredentials {
    std::string engine, username, password, host, dbname, port;
};
constexpr auto describe(As<DatabaseCredentials>) {
    using D = DatabaseCredentials;
    return fields(field("engine", &D::engine, one_of{"postgres", "mysql", "other"}), field("username", &D::username),
                  field("password", &D::password), field("host", &D::host), field("dbname", &D::dbname), field("port", &D::port));
}
struct SshKey {
    std::string ssh_private_key;
};
constexpr auto describe(As<SshKey>) { return fields(field("ssh_private_key", &SshKey::ssh_private_key)); }

namespace {

Json object_in(SecretType type, std::string_view data) {
    auto read = parse_json(data);
    if (!read || !read->is_object()) wrong("data", fmt::format("The data of a secret of type {} is a JSON object.", word(type)));
    return *std::move(read);
}

template <class T>
T read_as(SecretType type, std::string_view data) {
    return from_json<T>(object_in(type, data), {.at = "data"});
}

void check_port(std::string_view text) {
    std::uint32_t port = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), port);
    if (error != std::errc() || end != text.data() + text.size() || port > 65'535)
        wrong("data.port", "A port is a text of digits, from 0 to 65535.");
}

}  // namespace

void check_payload(SecretType type, std::string_view data) {
    if (data.empty() || data.size() > limits::data_bytes)
        wrong("data", fmt::format("The data of a version is 1 to {} bytes long, before base64.", limits::data_bytes));
    switch (type) {
        case SecretType::unknown_type:
        case SecretType::opaque:
            return;
        case SecretType::certificate:
            if (!data.contains("-----BEGIN CERTIFICATE-----")) wrong("data", "A certificate is in PEM: -----BEGIN CERTIFICATE-----.");
            return;
        case SecretType::key_value:
            (void)object_in(type, data);
            return;
        case SecretType::basic_credentials:
            (void)read_as<BasicCredentials>(type, data);
            return;
        case SecretType::database_credentials:
            check_port(read_as<DatabaseCredentials>(type, data).port);
            return;
        case SecretType::ssh_key:
            (void)read_as<SshKey>(type, data);
            return;
    }
}

}  // namespace meridian::secrets
