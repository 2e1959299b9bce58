// The CLI's blocking client of a running Meridian, and the exit codes that scripts rely on.
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/json.h"

namespace meridian::cli {

// Documented in docs/cli.md.
enum Exit : int { ok = 0, failed = 1, usage = 2, not_found = 3, refused = 4, unreachable = 5 };

// What the server or the way to it said; rendered once, in main.
struct Failure {
    Exit exit = failed;
    std::string said;
    std::string hint;  // what to do
};

struct Connection {
    std::string url, secret, access_key, project, organization, region;
};
// MERIDIAN_URL and MERIDIAN_SECRET_KEY from the environment, else from `<data>/cli.json`, which `meridian up` writes.
Connection connection(const std::string& data);

class Api {
public:
    explicit Api(Connection to);
    ~Api();
    // Throws Failure for anything but 2xx. An empty answer is null.
    Json get(const std::string& path);
    // `quote`: the quote that it is to run by; "" for none.
    Json post(const std::string& path, const Json& body, const std::string& quote = {});
    Json patch(const std::string& path, const Json& body);
    Json del(const std::string& path);
    std::string text(const std::string& path);  // the answer as it came
    // Calls `event` with the data of each server-sent event; `header` once with the X-Meridian-Receipt id.
    void stream(const std::string& path, const Json& body, const std::function<void(std::string_view data)>& event,
                const std::function<void(std::string_view receipt)>& header);
    [[nodiscard]] const Connection& to() const;

private:
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace meridian::cli
