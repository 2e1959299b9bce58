// The only SQL about models.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "catalog/service.h"
#include "store/store.h"

namespace meridian::catalog {

enum class Origin { shipped, file, url };
struct StoredModel {
    Model model;
    Origin origin = Origin::shipped;
    std::int64_t version = 1;
};

std::vector<StoredModel> all_models(store::Tx& tx);  // by name
std::optional<StoredModel> find_model(store::Tx& tx, std::string_view name);
std::optional<StoredModel> find_model(store::Tx& tx, const ModelId& id);
void insert_model(store::Tx& tx, const StoredModel& stored);
void update_model(store::Tx& tx, StoredModel stored);
void remove_model(store::Tx& tx, const ModelId& id);
// In all but their ids and times.
bool says_the_same(const Model& a, const Model& b);

}  // namespace meridian::catalog
