// What the files of this room share: the keys that are known, and the rules for what a caller may touch. Nobody else includes it.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/hash.h"
#include "identity/failures.h"
#include "identity/known.h"
#include "identity/service.h"
#include "keys/keys.h"
#include "store/store.h"

namespace meridian::identity {

inline constexpr std::size_t description_max = 200;

// A secret has 122 random bits: nobody finds it by trying, so a fast hash is right. (Slow ones protect what people choose.)
Sha256 hash_of(std::string_view secret);

struct Identity::State final : http::Authorizer {
    store::Store& store;
    Clock& clock;
    Rng& rng;
    KnownSecrets keys;
    Failures failures;
    const keys::SigningKey* signing = nullptr;  // of tokens; null: none are given

    State(store::Store& s, Clock& c, Rng& r);

    std::shared_ptr<const http::Principal> authorize(const http::Request& request, const http::Permission& permission) override;

    // A write, after which nothing older is known: whoever gets a key may use it at once, whoever removed one may rely on it.
    template <class F>
    auto change(const Caller& caller, F f) -> Task<std::invoke_result_t<F&, store::Tx&>> {
        return on(store.pool(), [this, by = author_of(caller), f = std::move(f)]() mutable {
            if constexpr (std::is_void_v<std::invoke_result_t<F&, store::Tx&>>) {
                store.write_now(by, f);
                keys.refresh();
            } else {
                auto result = store.write_now(by, f);
                keys.refresh();
                return result;
            }
        });
    }
};

// The rules. Each throws the Error that says what to do.
[[noreturn]] void refuse(std::string_view field, std::string help);
[[noreturn]] void no_such(std::string_view what, std::string id);
void check_description(std::string_view text);
// The routes ask for the right; this holds for callers inside the program too.
void need(const Caller& by, std::string_view action, std::string_view scope);
Organization visible_organization(store::Tx& tx, const Caller& by, const OrganizationId& id);
// The organization that a request names, if it names one, is the caller's.
void check_organization(const Caller& by, const std::optional<OrganizationId>& asked);
Project visible_project(store::Tx& tx, const Caller& by, const ProjectId& id);
// The key that the caller came with, or one that its rights reach. Error{not_found}.
ApiKey visible_key(store::Tx& tx, const Caller& by, const std::string& access_key);
// A complete key but for its names, and one that is stored with them.
ApiKey planned_key(store::Tx& tx, const Caller& by, const KeyWish& wish, Timestamp now);
NewKey insert_new_key(store::Tx& tx, ApiKey key, Rng& rng);

}  // namespace meridian::identity
