// Secrets and their versions through the routes.
#include <gtest/gtest.h>

#include "secrets/house.test.h"
#include "secrets/store.h"

namespace meridian::secrets::test {
namespace {

using namespace std::chrono_literals;

struct Secrets : House {};

TEST_F(Secrets, KeepDataInRevisionsUntilTheyAreAsked) {
    const auto secret = new_secret("token", {{"tags", JsonArray{"a", "b"}}, {"description", "for models"}, {"path", "/team/one/"}});
    EXPECT_EQ(data(secret), "404") << "no version yet";
    EXPECT_EQ(add(secret, "first").body.at("revision"), 1);
    const auto second = add(secret, "second", {{"disable_previous", true}, {"data_crc32", 0x3f2e5b35}});
    EXPECT_EQ(said(second), "400 invalid_arguments data_crc32");
    EXPECT_EQ(add(secret, "second", {{"disable_previous", true}, {"data_crc32", 1217812888}}).text("type"), "invalid_arguments");
    EXPECT_EQ(add(secret, "123456789", {{"disable_previous", true}, {"data_crc32", 0xcbf43926}}).body.at("revision"), 2)
        << "the check value of CRC-32";
    EXPECT_EQ(data(secret, "1"), "412") << "disabled with the next";
    EXPECT_EQ(data(secret, "latest"), "123456789");
    EXPECT_EQ(post(secret + "/versions/2/disable").text("status"), "disabled");
    EXPECT_EQ(data(secret, "latest"), "412");
    EXPECT_EQ(data(secret, "latest_enabled"), "404");
    EXPECT_EQ(post(secret + "/versions/1/enable").text("status"), "enabled");
    EXPECT_EQ(data(secret, "latest_enabled"), "first");
    for (const auto* bad : {"0", "3", "-1", "1x", "newest", "99999999999999999999"}) EXPECT_EQ(data(secret, bad), "404") << bad;
    const auto got = ask("GET", secret);
    EXPECT_EQ(got.text("path"), "/team/one");
    EXPECT_EQ(got.body.at("version_count"), 2);
    EXPECT_EQ(got.text("status"), "ready");
    EXPECT_EQ(got.text("type"), "opaque");
    EXPECT_EQ(got.text("region"), "fr-par");
    EXPECT_FALSE(got.body.as_object().contains("organization_id"));
    const auto accessed = ask("GET", in_secrets + "secrets-by-path/versions/1/access?secret_path=/team/one&secret_name=token");
    EXPECT_EQ(unbase64(accessed.text("data")), "first");
    EXPECT_TRUE(accessed.body.at("data_crc32").is_null());
    EXPECT_EQ(ask("GET", in_secrets + "secrets-by-path/versions/1/access?secret_path=/team&secret_name=token").status, 404);
    const auto versions = ask("GET", secret + "/versions?status=disabled&status=deleted");
    EXPECT_EQ(versions.total(), 1);
    EXPECT_EQ(versions.body.at("versions").at(0).at("latest"), true);
}

TEST_F(Secrets, AreSealedForTheirOwnRowAlone) {
    const auto secret = new_secret("token");
    add(secret, "very secret words");
    add(secret, "others");
    store->read_now([](store::Tx& tx) {
        for (const auto& row : tx.query("select data, data_key from secret_versions"))
            EXPECT_FALSE(row.get<store::Blob>("data").bytes.contains("secret words"));
    });
    store->write_now([](store::Tx& tx) {
        tx.run(
            "update secret_versions set data = (select data from secret_versions where revision = 1), data_key = (select data_key from "
            "secret_versions where revision = 1) where revision = 2");
    });
    EXPECT_EQ(data(secret, "1"), "very secret words");
    EXPECT_EQ(data(secret, "2"), "500") << "what was copied to another row does not open";
}

TEST_F(Secrets, RefuseWhatTheyCannotKeep) {
    const struct {
        JsonObject wish;
        std::string said;
    } wishes[] = {
        {{{"name", ""}}, "400 invalid_arguments name"},
        {{{"name", "a/b"}}, "400 invalid_arguments name"},
        {{{"name", std::string(256, 'n')}}, "400 invalid_arguments name"},
        {{{"name", "a"}, {"path", "relative"}}, "400 invalid_arguments path"},
        {{{"name", "a"}, {"path", "/a//b"}}, "400 invalid_arguments path"},
        {{{"name", "a"}, {"path", "/a b"}}, "400 invalid_arguments path"},
        {{{"name", "a"}, {"type", "riddle"}}, "400 invalid_arguments type"},
        {{{"name", "a"}, {"tags", JsonArray{""}}}, "400 invalid_arguments tags"},
        {{{"name", "a"}, {"ephemeral_policy", JsonObject{{"time_to_live", "5s"}}}}, "400 invalid_arguments ephemeral_policy.action"},
        {{{"name", "a"}, {"ephemeral_policy", JsonObject{{"action", "delete"}}}}, "400 invalid_arguments ephemeral_policy"},
        {{{"name", "a"}, {"ephemeral_policy", JsonObject{{"time_to_live", "0.5s"}, {"action", "delete"}}}},
         "400 invalid_arguments ephemeral_policy.time_to_live"},
        {{{"name", "a"}, {"project_id", "11111111-1111-4111-8111-111111111111"}}, "404 not_found"},
        {{{"name", "a"}, {"key_id", "11111111-1111-4111-8111-111111111111"}}, "404 not_found"},
    };
    for (const auto& one : wishes) EXPECT_EQ(said(post(in_secrets + "secrets", one.wish)), one.said) << to_text(one.wish);
    EXPECT_EQ(said(ask("GET", "/secret-manager/v1beta1/regions/nl-ams/secrets")), "400 invalid_arguments region");
    const auto secret = new_secret("a");
    EXPECT_EQ(said(post(in_secrets + "secrets", {{"name", "a"}})), "409 already_exists");
    new_secret("a", {{"path", "/elsewhere"}});
    EXPECT_EQ(said(post(secret + "/versions", {{"data", "no base64!"}})), "400 invalid_arguments data");
    EXPECT_EQ(said(post(secret + "/versions")), "400 invalid_arguments data");
    EXPECT_EQ(add(secret, std::string(64 * 1024, 'x')).status, 200);
    EXPECT_EQ(said(add(secret, std::string(64 * 1024 + 1, 'x'))), "400 invalid_arguments data");
    EXPECT_EQ(said(post(secret + "/add-owner", {{"product", "unknown_product"}})), "400 invalid_arguments product");
    EXPECT_EQ(post(secret + "/add-owner", {{"product", "s2s_vpn"}}).status, 204);
    EXPECT_EQ(ask("GET", secret).body.at("used_by"), (JsonArray{"s2s_vpn"}));
}

TEST_F(Secrets, OfATypeHaveItsForm) {
    const struct {
        std::string type, good, bad, said;
    } types[] = {
        {"key_value", R"({"a":"b"})", "[]", "data"},
        {"basic_credentials", R"({"username":"u","password":"p"})", R"({"username":"u"})", "data.password"},
        {"database_credentials", R"({"engine":"postgres","username":"u","password":"p","host":"h","dbname":"d","port":"5432"})",
         R"({"engine":"postgres","username":"u","password":"p","host":"h","dbname":"d","port":"65536"})", "data.port"},
        {"database_credentials", R"({"engine":"mysql","username":"u","password":"p","host":"h","dbname":"d","port":"0"})",
         R"({"engine":"oracle","username":"u","password":"p","host":"h","dbname":"d","port":"1"})", "data.engine"},
        {"ssh_key", R"({"ssh_private_key":"k"})", "k", "data"},
        {"certificate", "-----BEGIN CERTIFICATE-----\n", "MII", "data"},
    };
    int n = 0;
    for (const auto& one : types) {
        const auto secret = new_secret("typed" + std::to_string(++n), {{"type", one.type}});
        EXPECT_EQ(add(secret, one.good).status, 200) << one.type;
        const auto refused = add(secret, one.bad);
        EXPECT_EQ(said(refused), "400 invalid_arguments " + one.said);
        EXPECT_FALSE(to_text(refused.body).contains("oracle")) << "content is not said back";
    }
    const auto all = ask("GET", in_secrets + "secret-types");
    EXPECT_EQ(all.total(), 5);
    EXPECT_EQ(ask("GET", in_secrets + "secrets?type=ssh_key").total(), 1);
}

TEST_F(Secrets, AreKeptSevenDaysAfterTheyWereToBeDeleted) {
    const auto secret = new_secret("token", {{"protected", true}});
    add(secret, "data");
    EXPECT_EQ(said(ask("DELETE", secret)), "412 precondition_failed");
    EXPECT_EQ(post(secret + "/unprotect").body.at("protected"), false);
    EXPECT_EQ(said(post(secret + "/restore")), "412 precondition_failed") << "nothing to restore";
    EXPECT_EQ(ask("DELETE", secret).status, 204);
    for (const auto* path : {"", "/versions", "/versions/1/access"}) EXPECT_EQ(ask("GET", secret + path).status, 404) << path;
    EXPECT_EQ(ask("GET", in_secrets + "secrets").total(), 0);
    EXPECT_EQ(ask("GET", in_secrets + "secrets?scheduled_for_deletion=True").total(), 1);
    const auto namesake = new_secret("token");
    later(6 * 24h);
    EXPECT_EQ(said(post(secret + "/restore")), "409 already_exists") << "another has its place";
    ask("DELETE", namesake);
    EXPECT_EQ(post(secret + "/restore").status, 200);
    EXPECT_EQ(data(secret), "data");
    ask("DELETE", secret);
    later(7 * 24h);
    EXPECT_EQ(said(post(secret + "/restore")), "404 not_found");
    EXPECT_EQ(ask("GET", in_secrets + "secrets?scheduled_for_deletion=true").total(), 0);
    store->read_now([](store::Tx& tx) { EXPECT_TRUE(tx.query("select id from secret_versions").empty()); });
}

TEST_F(Secrets, VersionsAreKeptSevenDaysToo) {
    const auto secret = new_secret("token");
    add(secret, "one");
    add(secret, "two");
    post(secret + "/versions/2/disable");
    EXPECT_EQ(ask("DELETE", secret + "/versions/latest").status, 204);
    EXPECT_EQ(status(secret, "2"), "scheduled_for_deletion");
    EXPECT_EQ(data(secret, "2"), "412");
    EXPECT_EQ(said(post(secret + "/versions/2/enable")), "412 precondition_failed");
    EXPECT_EQ(said(post(secret + "/versions/1/restore")), "412 precondition_failed");
    EXPECT_EQ(post(secret + "/versions/2/restore").text("status"), "disabled") << "as it was before";
    ask("DELETE", secret + "/versions/2");
    later(7 * 24h);
    EXPECT_EQ(status(secret, "2"), "deleted");
    EXPECT_EQ(said(post(secret + "/versions/2/restore")), "412 precondition_failed");
    EXPECT_EQ(ask("GET", secret).body.at("version_count"), 1);
    EXPECT_EQ(data(secret, "latest"), "one");
    EXPECT_EQ(add(secret, "three").body.at("revision"), 3) << "numbers are not used again";
    store->read_now([](store::Tx& tx) { EXPECT_EQ(tx.query("select id from secret_versions where data is null").size(), 1u); });
}

TEST_F(Secrets, ExpireOnceAccessed) {
    for (const std::string action : {"delete", "disable"}) {
        const auto secret =
            new_secret("once " + action, {{"ephemeral_policy", JsonObject{{"expires_once_accessed", true}, {"action", action}}}});
        const auto made = add(secret, "gone soon");
        EXPECT_EQ(made.body.at("ephemeral_properties").at("action"), Json(action));
        EXPECT_EQ(data(secret, "1"), "gone soon");
        EXPECT_EQ(data(secret, "1"), "412");
        EXPECT_EQ(status(secret, "1"), action + "d");
    }
}

TEST_F(Secrets, AreGivenOutOnceToTwoWhoAskAtTheSameTime) {
    const auto secret = new_secret("once", {{"ephemeral_policy", JsonObject{{"expires_once_accessed", true}, {"action", "delete"}}}});
    add(secret, "gone soon");
    const auto id = SecretId::parse(ask("GET", secret).text("id")).value();
    const auto by = identity::everything(first.organization, first.project, {});
    int given = 0;
    TaskGroup both(world.executor());
    for (int i = 0; i < 2; ++i)
        both.spawn("access", [](SecretManager& all, Caller caller, SecretId wanted, int& count) -> Task<> {
            try {
                (void)co_await all.access(caller, wanted, "1");
                ++count;
            } catch (const Error& error) {
                EXPECT_EQ(error.fault, Fault::precondition);
            }
        }(secrets, by, id, given));
    world.run(both.join());
    EXPECT_EQ(given, 1);
}

TEST_F(Secrets, ExpireAfterTheirTime) {
    const auto secret = new_secret("short", {{"ephemeral_policy", JsonObject{{"time_to_live", "3600s"}, {"action", "disable"}}}});
    add(secret, "data");
    EXPECT_EQ(data(secret), "data");
    world.run_for(1h);
    EXPECT_EQ(data(secret), "412") << "refused before the sweep comes by";
    EXPECT_EQ(status(secret, "1"), "enabled");
    later(0s);
    EXPECT_EQ(status(secret, "1"), "disabled");
    EXPECT_EQ(said(post(secret + "/versions/1/enable")), "412 precondition_failed");
    const auto changed =
        ask("PATCH", secret + "/versions/1", R"({"ephemeral_properties":{"expires_at":"2000-01-01T00:00:00Z","action":"delete"}})");
    EXPECT_EQ(said(changed), "400 invalid_arguments ephemeral_properties.expires_at");
    EXPECT_EQ(ask("PATCH", secret + "/versions/1", R"({"description":"kept","ephemeral_properties":{"action":"unknown_action"}})").status,
              200);
    EXPECT_EQ(post(secret + "/versions/1/enable").text("description"), "kept");
    EXPECT_EQ(data(secret), "data");
    EXPECT_EQ(ask("PATCH", secret, R"({"ephemeral_policy":{"action":"unknown_action"}})").body.at("ephemeral_policy"), nullptr);
}

TEST_F(Secrets, TheSweepWakesByItselfWhenSomethingIsDue) {
    TaskGroup tasks(world.executor());
    tasks.spawn("sweep", sweep.run());
    world.run_for(1s);
    const auto secret = new_secret("short", {{"ephemeral_policy", JsonObject{{"time_to_live", "90s"}, {"action", "delete"}}}});
    add(secret, "data");
    world.run_for(89s);
    EXPECT_EQ(status(secret, "1"), "enabled");
    world.run_for(2s);
    EXPECT_EQ(status(secret, "1"), "deleted");
    tasks.cancel();
    world.run(tasks.join());
}

TEST_F(Secrets, LieInFoldersAndAreFoundByThem) {
    new_secret("root", {{"tags", JsonArray{"x"}}});
    new_secret("a", {{"path", "/team"}, {"tags", JsonArray{"x", "y"}}});
    world.run_for(1s);
    new_secret("b", {{"path", "/team/deep/er"}});
    const auto browse = [&](const std::string& query) {
        const auto answer = ask("GET", in_secrets + "secrets/browse" + query);
        std::string all = answer.text("current_path") + ":";
        for (const auto& item : answer.body.at("items").as_array())
            all += " " + std::string(view(*text_member(item, "name"))) + (member(item, "folder") ? "/" : "");
        return all;
    };
    EXPECT_EQ(browse(""), "/: root team/");
    EXPECT_EQ(browse("?order_by=name_desc"), "/: team/ root");
    EXPECT_EQ(browse("?prefix=/team/"), "/team: a deep/");
    EXPECT_EQ(browse("?prefix=/team&order_by=created_at_desc"), "/team: deep/ a");
    EXPECT_EQ(browse("?prefix=/tea"), "/tea:");
    EXPECT_EQ(browse("?tags=y"), "/: team/");
    EXPECT_EQ(ask("GET", in_secrets + "secrets/browse?page=2&page_size=1").count("items"), 1u);
    EXPECT_EQ(ask("GET", in_secrets + "secrets?tags=x&tags=y").total(), 1);
    EXPECT_EQ(ask("GET", in_secrets + "secrets?path=/team").total(), 1);
    EXPECT_EQ(ask("GET", in_secrets + "secrets?name=b").total(), 1);
    EXPECT_EQ(ask("GET", in_secrets + "secrets?ephemeral=True").total(), 0);
    const auto past = ask("GET", in_secrets + "secrets?page=9");
    EXPECT_EQ(past.count("secrets"), 0u);
    EXPECT_EQ(past.total(), 3);
    EXPECT_EQ(ask("GET", in_secrets + "tags").body.at("tags"), (JsonArray{"x", "y"}));
    EXPECT_EQ(ask("GET", in_secrets + "secrets?order_by=updated_at_desc").body.at("secrets").at(0).at("name"), "b");
    EXPECT_EQ(said(ask("GET", in_secrets + "secrets?order_by=size_asc")), "400 invalid_arguments order_by");
    const auto moved = ask("PATCH", new_secret("c"), R"({"path":"/team","name":"d","tags":[]})");
    EXPECT_EQ(moved.text("path") + " " + moved.text("name"), "/team d");
    EXPECT_EQ(said(ask("PATCH", in_secrets + "secrets/" + moved.text("id"), R"({"name":"a"})")), "409 already_exists");
}

TEST_F(Secrets, GiveTheirDataToWhoMayHaveItAlone) {
    const auto secret = new_secret("token");
    add(secret, "data");
    const auto reader = bearer("SecretManagerReadOnly"), manager = bearer("SecretManagerFullAccess"),
               opener = bearer("SecretManagerSecretAccess"), keeper = bearer("KeyManagerFullAccess");
    const auto access = secret + "/versions/1/access", by_path = in_secrets + "secrets-by-path/versions/1/access?secret_name=token";
    for (const auto& who : {reader, manager, keeper}) {
        EXPECT_EQ(ask_as(who, "GET", access).status, 403);
        EXPECT_EQ(ask_as(who, "GET", by_path).status, 403);
    }
    EXPECT_EQ(ask_as(opener, "GET", access).status, 200);
    EXPECT_EQ(ask_as(opener, "GET", by_path).status, 200);
    EXPECT_EQ(ask_as(opener, "GET", secret).status, 403);
    EXPECT_EQ(ask_as(reader, "GET", secret).status, 200);
    EXPECT_EQ(ask_as(reader, "POST", secret + "/versions", R"({"data":"YQ=="})").status, 403);
    EXPECT_EQ(ask_as(manager, "POST", secret + "/versions", R"({"data":"YQ=="})").status, 200);
    EXPECT_EQ(ask_as(keeper, "GET", secret).status, 403);
}

TEST_F(Secrets, AreUsedByOtherRoomsForWhoMayAccessThem) {
    const auto secret = new_secret("token");
    add(secret, "old");
    add(secret, "new");
    const auto id = SecretId::parse(ask("GET", secret).text("id")).value();
    auto by = identity::everything(first.organization, first.project, {});
    by.reach = by.sight = identity::Reach();  // came with another right
    EXPECT_EQ(world.run(secrets.used(by, id)), "new");
    by.grants = std::make_shared<const identity::Grants>();
    EXPECT_THROW(world.run(secrets.used(by, id)), Error);
    by.grants.reset();
    EXPECT_THROW(world.run(secrets.used(by, id)), Error);
}

TEST_F(Secrets, OfAnotherProjectOrOrganizationAreNotThere) {
    const auto secret = new_secret("token");
    add(secret, "data");
    const auto other = ask("POST", "/account/v3/projects", R"({"name":"walled","description":""})").text("id");
    const auto insider = bearer("AllProductsFullAccess", other);
    for (const auto* path : {"", "/versions", "/versions/1", "/versions/1/access"})
        EXPECT_EQ(ask_as(insider, "GET", secret + path).status, 404) << path;
    for (const auto* path : {"/protect", "/versions/1/disable", "/restore"}) EXPECT_EQ(ask_as(insider, "POST", secret + path).status, 404);
    EXPECT_EQ(ask_as(insider, "DELETE", secret).status, 404);
    EXPECT_EQ(ask_as(insider, "GET", in_secrets + "secrets").total(), 0);
    EXPECT_EQ(ask_as(insider, "GET", in_secrets + "secrets/browse").total(), 0);
    EXPECT_EQ(
        ask_as(insider, "GET", in_secrets + "secrets-by-path/versions/1/access?secret_name=token&project_id=" + first.project.str()).status,
        404);
    const auto id = SecretId::parse(ask("GET", secret).text("id")).value();
    const auto stranger = identity::everything(OrganizationId::random(world.rng()), first.project, {});
    try {
        (void)world.run(secrets.access(stranger, id, "1"));
        ADD_FAILURE() << "another organization reads";
    } catch (const Error& error) {
        EXPECT_EQ(error.fault, Fault::not_found);
    }
}

TEST_F(Secrets, LeaveNoContentInTheRecordOfChanges) {
    const auto secret = new_secret("token", {{"ephemeral_policy", JsonObject{{"expires_once_accessed", true}, {"action", "disable"}}}});
    add(secret, "very secret words");
    (void)data(secret);
    std::size_t lines = 0;
    for (const auto& line : store->outbox("events", 100)) {
        lines += line.payload.contains("\"secrets\"");
        EXPECT_FALSE(line.payload.contains("very secret words") || line.payload.contains(base64("very secret words"))) << line.payload;
    }
    EXPECT_EQ(lines, 3u) << "made, given data, and expired by access";
}

TEST_F(Secrets, AreLimitedInNumber) {
    const auto secret = new_secret("many");
    for (int i = 0; i < limits::versions; ++i) ASSERT_EQ(add(secret, "x").status, 200);
    EXPECT_EQ(said(add(secret, "x")), "403 quotas_exceeded");
}

// --- Under keys of customers.

TEST_F(Secrets, AreSealedUnderACustomersKeyAndOpenWhileItIsEnabled) {
    const auto key = new_key({{"unprotected", true}});
    const auto key_id = ask("GET", key).text("id");
    const auto secret = new_secret("token", {{"key_id", key_id}});
    EXPECT_EQ(ask("GET", secret).text("key_id"), key_id);
    add(secret, "one");
    EXPECT_EQ(post(key + "/rotate").body.at("rotation_count"), 1);
    add(secret, "two");
    EXPECT_EQ(data(secret, "1") + data(secret, "2"), "onetwo") << "also what an older rotation sealed";
    EXPECT_EQ(post(key + "/disable").text("state"), "disabled");
    EXPECT_EQ(data(secret), "412");
    EXPECT_EQ(add(secret, "three").status, 412);
    post(key + "/enable");
    EXPECT_EQ(data(secret), "two");
    const auto in_use = ask("DELETE", key);
    EXPECT_EQ(in_use.text("precondition"), "resource_still_in_use");
    EXPECT_EQ(ask("DELETE", secret).status, 204);
    EXPECT_EQ(ask("DELETE", key).status, 204);
    EXPECT_EQ(said(post(secret + "/restore")), "412 precondition_failed") << "the key first";
    EXPECT_EQ(post(key + "/restore").status, 200);
    EXPECT_EQ(post(secret + "/restore").status, 200);
    EXPECT_EQ(data(secret), "two");
}

TEST_F(Secrets, TakeOnlyASymmetricKeyOfTheirProjectThatTheCallerMayRead) {
    const auto signing = ask("GET", new_key({{"usage", JsonObject{{"asymmetric_signing", "ec_p256_sha256"}}}})).text("id");
    EXPECT_EQ(said(post(in_secrets + "secrets", {{"name", "a"}, {"key_id", signing}})), "400 invalid_arguments key_id");
    const auto other = ask("POST", "/account/v3/projects", R"({"name":"other","description":""})").text("id");
    const auto elsewhere = ask("GET", new_key({{"project_id", other}})).text("id"), here = ask("GET", new_key()).text("id");
    EXPECT_EQ(said(post(in_secrets + "secrets", {{"name", "a"}, {"key_id", elsewhere}})), "404 not_found");
    const auto wish = to_text(JsonObject{{"name", "a"}, {"key_id", here}});
    EXPECT_EQ(ask_as(bearer("SecretManagerFullAccess"), "POST", in_secrets + "secrets", wish).status, 404);
    EXPECT_EQ(post(in_secrets + "secrets", {{"name", "a"}, {"key_id", here}}).status, 200);
}

}  // namespace
}  // namespace meridian::secrets::test
