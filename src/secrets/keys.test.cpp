// Keys of customers through the routes.
#include <gtest/gtest.h>

#include "secrets/house.test.h"

namespace meridian::secrets::test {
namespace {

using namespace std::chrono_literals;

JsonObject use(std::string_view usage, std::string_view algorithm) { return {{"usage", JsonObject{{usage, algorithm}}}}; }

struct Keys : House {
    std::string encrypt(const std::string& key, const std::string& plaintext, const std::string& associated = "") {
        const auto answer = post(key + "/encrypt", {{"plaintext", base64(plaintext)}, {"associated_data", base64(associated)}});
        EXPECT_EQ(answer.status, 200) << to_text(answer.body);
        return answer.text("ciphertext");
    }
    Answer decrypt(const std::string& key, const std::string& ciphertext, const std::string& associated = "") {
        return post(key + "/decrypt", {{"ciphertext", ciphertext}, {"associated_data", base64(associated)}});
    }
    std::string opened(const std::string& key, const std::string& ciphertext, const std::string& associated = "") {
        const auto answer = decrypt(key, ciphertext, associated);
        return answer.status == 200 ? unbase64(answer.text("plaintext")).value() : said(answer);
    }
};

TEST_F(Keys, EncryptForThemselvesAndTheirAssociatedData) {
    const auto key = new_key({{"name", "mine"}, {"tags", JsonArray{"a"}}}), other = new_key();
    const auto hidden = encrypt(key, "hello", "for you");
    EXPECT_EQ(opened(key, hidden, "for you"), "hello");
    const std::string refused = "400 invalid_arguments ciphertext";
    EXPECT_EQ(opened(key, hidden, "for me"), refused);
    EXPECT_EQ(opened(key, hidden), refused);
    EXPECT_EQ(opened(other, hidden, "for you"), refused);
    EXPECT_EQ(opened(key, base64("MK\x01 rubbish that is longer than a head")), refused);
    auto bytes = unbase64(hidden).value();
    bytes.back() ^= 1;
    EXPECT_EQ(opened(key, base64(bytes), "for you"), refused);
    const auto got = ask("GET", key);
    EXPECT_EQ(got.text("state"), "enabled");
    EXPECT_EQ(got.body.at("usage").at("symmetric_encryption"), "aes_256_gcm");
    EXPECT_EQ(got.body.at("protected"), true);
    EXPECT_EQ(got.text("origin"), "scaleway_kms");
    EXPECT_EQ(got.text("protection_level"), "software");
    for (const auto* hidden_column : {"organization_id", "algorithm", "newest", "current", "import_until"})
        EXPECT_FALSE(got.body.as_object().contains(hidden_column)) << hidden_column;
}

TEST_F(Keys, KeepOldMaterialWhenTheyRotate) {
    const auto key = new_key();
    const auto old = encrypt(key, "hello", "a");
    EXPECT_TRUE(decrypt(key, old, "a").body.at("ciphertext").is_null()) << "it is under the newest already";
    EXPECT_EQ(post(key + "/rotate").body.at("rotation_count"), 1);
    const auto answer = decrypt(key, old, "a");
    EXPECT_EQ(unbase64(answer.text("plaintext")), "hello");
    const auto fresh = answer.text("ciphertext");
    EXPECT_NE(fresh, old);
    EXPECT_TRUE(decrypt(key, fresh, "a").body.at("ciphertext").is_null());
    EXPECT_EQ(opened(key, fresh, "a"), "hello");
    const auto list = ask("GET", key + "/rotations?order_by=created_at_desc&status=enabled");
    EXPECT_EQ(list.total(), 2);
    EXPECT_EQ(ask("GET", key + "/rotations?status=deleted").total(), 0);
    EXPECT_EQ(ask("GET", key + "/rotations?status=unknown_status").total(), 2);
    store->read_now([](store::Tx& tx) {
        for (const auto& row : tx.query("select material from customer_key_rotations"))
            EXPECT_EQ(row.get<store::Blob>("material").bytes.size(), 1u + 12 + 32 + 16) << "sealed";
    });
}

TEST_F(Keys, RotateByThemselvesWhenTheirPolicySaysSo) {
    const auto key = new_key({{"rotation_policy", JsonObject{{"rotation_period", "86400s"}}}});
    const auto disabled = new_key({{"rotation_policy", JsonObject{{"rotation_period", "86400.000000000s"}}}});
    post(disabled + "/disable");
    EXPECT_EQ(ask("GET", key).body.at("rotation_policy").at("rotation_period"), "86400s");
    const auto next = ask("GET", key).body.at("rotation_policy").at("next_rotation_at");
    later(23h);
    EXPECT_EQ(ask("GET", key).body.at("rotation_count"), 0);
    later(1h);
    EXPECT_EQ(ask("GET", key).body.at("rotation_count"), 1);
    EXPECT_NE(ask("GET", key).body.at("rotation_policy").at("next_rotation_at"), next);
    EXPECT_EQ(ask("GET", key + "/rotations?order_by=created_at_desc").body.at("rotations").at(0).at("manually_rotated"), false);
    later(3 * 24h);
    EXPECT_EQ(ask("GET", key).body.at("rotation_count"), 2) << "what was missed is not made up for";
    EXPECT_EQ(ask("GET", disabled).body.at("rotation_count"), 0);
    EXPECT_EQ(ask("PATCH", key, R"({"rotation_policy":{}})").body.at("rotation_policy"), nullptr);
    later(48h);
    EXPECT_EQ(ask("GET", key).body.at("rotation_count"), 2);
}

TEST_F(Keys, OfTwoHalvesDecryptWhatAnybodyEncrypted) {
    const auto key = new_key(use("asymmetric_encryption", "rsa_oaep_2048_sha256"));
    const auto hidden = encrypt(key, "hello");
    EXPECT_EQ(unbase64(hidden)->size(), 256u) << "bare, as it is made outside";
    EXPECT_EQ(opened(key, hidden), "hello");
    EXPECT_EQ(opened(key, base64(std::string(256, 'x'))), "400 invalid_arguments ciphertext");
    EXPECT_EQ(said(post(key + "/encrypt", {{"plaintext", base64(std::string(191, 'x'))}})), "400 invalid_arguments plaintext");
    EXPECT_EQ(said(decrypt(key, hidden, "a")), "400 invalid_arguments associated_data");
    EXPECT_TRUE(ask("GET", key + "/public-key").text("pem").starts_with("-----BEGIN PUBLIC KEY-----"));
    EXPECT_EQ(said(post(key + "/rotate")), "412 precondition_failed");
    EXPECT_EQ(said(post(key + "/sign", {{"digest", base64(std::string(32, 'd'))}})), "412 precondition_failed");
    EXPECT_EQ(said(post(key + "/generate-data-key")), "412 precondition_failed");
    EXPECT_EQ(said(post(key + "/wrap", {{"plaintext", "YQ=="}})), "412 precondition_failed");
}

TEST_F(Keys, SignInEveryAlgorithmThatIsListed) {
    for (const auto& one : algorithms()) {
        if (one.usage != Usage::asymmetric_signing || one.kind.bits > 2048) continue;
        const auto key = new_key(use("asymmetric_signing", one.name));
        const std::string digest(digest_bytes(one.kind), 'd');
        const auto signature = post(key + "/sign", {{"digest", base64(digest)}}).text("signature");
        const auto valid = [&](const std::string& of, const std::string& with) {
            return post(key + "/verify", {{"digest", base64(of)}, {"signature", with}}).body.at("valid");
        };
        EXPECT_EQ(valid(digest, signature), true) << one.name;
        EXPECT_EQ(valid(std::string(digest.size(), 'e'), signature), false);
        EXPECT_EQ(valid(digest, base64("rubbish")), false);
        EXPECT_EQ(said(post(key + "/sign", {{"digest", base64(digest + "d")}})), "400 invalid_arguments digest");
        EXPECT_EQ(said(post(key + "/encrypt", {{"plaintext", "YQ=="}})), "412 precondition_failed");
    }
    EXPECT_EQ(said(ask("GET", new_key() + "/public-key")), "412 precondition_failed");
}

TEST_F(Keys, MakeDataKeysAndWrapOthers) {
    const auto key = new_key();
    const auto made = post(key + "/generate-data-key", {{"algorithm", "aes_256_gcm"}, {"without_plaintext", false}});
    EXPECT_EQ(unbase64(made.text("plaintext"))->size(), 32u);
    EXPECT_EQ(opened(key, made.text("ciphertext")), unbase64(made.text("plaintext")));
    EXPECT_TRUE(post(key + "/generate-data-key", {{"without_plaintext", true}}).body.at("plaintext").is_null());
    const auto wrapped = post(key + "/wrap", {{"plaintext", base64("a key")}, {"associated_data", base64("for you")}}).text("ciphertext");
    EXPECT_EQ(unbase64(post(key + "/unwrap", {{"ciphertext", wrapped}, {"associated_data", base64("for you")}}).text("plaintext")),
              "a key");
    EXPECT_EQ(said(post(key + "/unwrap", {{"ciphertext", wrapped}})), "400 invalid_arguments ciphertext");
    EXPECT_EQ(said(post(key + "/wrap", {{"plaintext", base64(std::string(2049, 'x'))}})), "400 invalid_arguments plaintext");
    EXPECT_EQ(post(key + "/encrypt", {{"plaintext", base64(std::string(65'535, 'x'))}}).status, 200);
    EXPECT_EQ(said(post(key + "/encrypt", {{"plaintext", base64(std::string(65'536, 'x'))}})), "400 invalid_arguments plaintext");
    EXPECT_EQ(said(post(key + "/encrypt")), "400 invalid_arguments plaintext");
    EXPECT_EQ(said(decrypt(key, base64(std::string(131'072, 'x')))), "400 invalid_arguments ciphertext");
}

TEST_F(Keys, AreOfAnAlgorithmThatIsThere) {
    const auto usage = [&](JsonObject wish) { return said(post(in_keys, {{"usage", std::move(wish)}})); };
    EXPECT_EQ(usage({{"asymmetric_signing", "ml_dsa_44"}}), "400 invalid_arguments usage.asymmetric_signing");
    EXPECT_EQ(usage({{"key_encapsulation", "ml_kem_768"}}), "400 invalid_arguments usage.key_encapsulation");
    EXPECT_EQ(usage({{"asymmetric_signing", "rsa_oaep_2048_sha256"}}), "400 invalid_arguments usage.asymmetric_signing");
    EXPECT_EQ(usage({{"symmetric_encryption", "unknown_symmetric_encryption"}}), "400 invalid_arguments usage");
    EXPECT_EQ(usage({{"symmetric_encryption", "aes_256_gcm"}, {"asymmetric_signing", "ec_p256_sha256"}}), "400 invalid_arguments usage");
    EXPECT_TRUE(post(in_keys, use("asymmetric_signing", "ml_dsa_65")).text("message").contains("OpenSSL 3.5"));
    EXPECT_EQ(said(post(in_keys, {{"protection_level", "hsm"}})), "400 invalid_arguments protection_level");
    const std::string algorithms_path = "/key-manager/v1alpha1/regions/fr-par/algorithms";
    EXPECT_EQ(ask("GET", algorithms_path).count("algorithms"), algorithms().size());
    EXPECT_FALSE(to_text(ask("GET", algorithms_path).body).contains("ml_"));
    EXPECT_EQ(ask("GET", algorithms_path + "?usages=symmetric_encryption&usages=key_encapsulation").count("algorithms"), 1u);
    EXPECT_EQ(said(ask("GET", "/key-manager/v1alpha1/regions/nl-ams/keys")), "400 invalid_arguments region");
}

TEST_F(Keys, RefusePoliciesThatCannotBeKept) {
    const auto policy = [&](JsonObject wish, JsonObject more = {}) {
        more["rotation_policy"] = std::move(wish);
        return said(post(in_keys, more));
    };
    EXPECT_EQ(policy({{"rotation_period", "86399s"}}), "400 invalid_arguments rotation_policy.rotation_period");
    EXPECT_EQ(policy({{"rotation_period", "3153600001s"}}), "400 invalid_arguments rotation_policy.rotation_period");
    EXPECT_EQ(policy({{"next_rotation_at", "2100-01-01T00:00:00Z"}}), "400 invalid_arguments rotation_policy.rotation_period");
    EXPECT_EQ(policy({{"rotation_period", "86400s"}, {"next_rotation_at", "2000-01-01T00:00:00Z"}}),
              "400 invalid_arguments rotation_policy.next_rotation_at");
    EXPECT_EQ(policy({{"rotation_period", "86400s"}}, {{"origin", "external"}}), "400 invalid_arguments rotation_policy");
    EXPECT_EQ(policy({{"rotation_period", "86400s"}}, use("asymmetric_signing", "ec_p256_sha256")),
              "400 invalid_arguments rotation_policy");
}

TEST_F(Keys, AreDisabledProtectedAndDeletedWithTime) {
    const auto key = new_key();
    const auto hidden = encrypt(key, "hello");
    EXPECT_EQ(said(ask("DELETE", key)), "412 precondition_failed");
    post(key + "/unprotect");
    EXPECT_EQ(post(key + "/disable").text("state"), "disabled");
    EXPECT_EQ(said(decrypt(key, hidden)), "412 precondition_failed");
    EXPECT_EQ(said(post(key + "/rotate")), "412 precondition_failed");
    EXPECT_EQ(post(key + "/enable").text("state"), "enabled");
    EXPECT_EQ(said(post(key + "/restore")), "412 precondition_failed");
    EXPECT_EQ(ask("DELETE", key).status, 204);
    EXPECT_EQ(ask("GET", key).status, 404);
    EXPECT_EQ(decrypt(key, hidden).status, 404);
    EXPECT_EQ(ask("GET", in_keys).total(), 0);
    EXPECT_EQ(ask("GET", in_keys + "?scheduled_for_deletion=True").body.at("keys").at(0).at("state"), "scheduled_for_deletion");
    later(6 * 24h);
    EXPECT_EQ(post(key + "/restore").text("state"), "enabled");
    EXPECT_EQ(opened(key, hidden), "hello");
    ask("DELETE", key);
    later(7 * 24h);
    EXPECT_EQ(said(post(key + "/restore")), "404 not_found");
    store->read_now([](store::Tx& tx) { EXPECT_TRUE(tx.query("select id from customer_key_rotations").empty()); });
}

TEST_F(Keys, AreListedByWhatIsSaidOfThem) {
    new_key({{"name", "b"}, {"tags", JsonArray{"x"}}, {"description", "d"}});
    auto signer = use("asymmetric_signing", "ec_p256_sha256");
    signer["name"] = "a";
    new_key(signer);
    EXPECT_EQ(ask("GET", in_keys).body.at("keys").at(0).at("name"), "a");
    EXPECT_EQ(ask("GET", in_keys + "?order_by=created_at_desc").total(), 2);
    EXPECT_EQ(ask("GET", in_keys + "?usage=asymmetric_signing").total(), 1);
    EXPECT_EQ(ask("GET", in_keys + "?usage=key_encapsulation").total(), 0);
    EXPECT_EQ(ask("GET", in_keys + "?tags=x&name=b&protection_level=software").total(), 1);
    EXPECT_EQ(ask("GET", in_keys + "?protection_level=hsm").total(), 0);
    EXPECT_EQ(ask("GET", in_keys + "?page=7").total(), 2);
    EXPECT_EQ(ask("GET", in_keys + "?organization_id=11111111-1111-4111-8111-111111111111").status, 404);
    EXPECT_EQ(ask("PATCH", in_keys + "/" + std::string(view(*text_member(ask("GET", in_keys).body.at("keys").at(0), "id"))),
                  R"({"name":"c","tags":["y"],"description":"e"})")
                  .text("description"),
              "e");
    EXPECT_EQ(ask("GET", in_keys + "?tags=y").body.at("keys").at(0).at("name"), "c");
}

TEST_F(Keys, OpenNothingWithoutTheRightForIt) {
    const auto key = new_key(), signer = new_key(use("asymmetric_signing", "ec_p256_sha256"));
    const auto hidden = encrypt(key, "hello");
    const auto encrypts = bearer("KeyManagerKeyEncrypt"), decrypts = bearer("KeyManagerKeyDecrypt"), reads = bearer("KeyManagerReadOnly");
    const auto plain = to_text(JsonObject{{"plaintext", "YQ=="}}), cipher = to_text(JsonObject{{"ciphertext", hidden}}),
               digest = to_text(JsonObject{{"digest", base64(std::string(32, 'd'))}});
    EXPECT_EQ(ask_as(encrypts, "POST", key + "/encrypt", plain).status, 200);
    EXPECT_EQ(ask_as(encrypts, "POST", key + "/generate-data-key", "{}").status, 200);
    EXPECT_EQ(ask_as(encrypts, "POST", key + "/decrypt", cipher).status, 403);
    EXPECT_EQ(ask_as(decrypts, "POST", key + "/decrypt", cipher).status, 200);
    EXPECT_EQ(ask_as(decrypts, "POST", key + "/encrypt", plain).status, 403);
    EXPECT_EQ(ask_as(reads, "POST", key + "/decrypt", cipher).status, 403);
    EXPECT_EQ(ask_as(reads, "GET", signer + "/public-key").status, 200);
    EXPECT_EQ(ask_as(decrypts, "POST", signer + "/sign", digest).status, 403);
    EXPECT_EQ(ask_as(bearer("KeyManagerFullAccess"), "POST", signer + "/sign", digest).status, 200);
    const auto other = ask("POST", "/account/v3/projects", R"({"name":"walled","description":""})").text("id");
    const auto insider = bearer("AllProductsFullAccess", other);
    EXPECT_EQ(ask_as(insider, "POST", key + "/decrypt", cipher).status, 404);
    EXPECT_EQ(ask_as(insider, "GET", key).status, 404);
    EXPECT_EQ(ask_as(insider, "DELETE", key).status, 404);
    EXPECT_EQ(ask_as(insider, "GET", in_keys).total(), 0);
}

TEST_F(Keys, AreMadeSoManyAtATime) {
    Turns turns(world.pool(), 2);
    int made = 0, refused = 0;
    TaskGroup all(world.executor());
    for (int i = 0; i < 5; ++i)
        all.spawn("turn", [](Turns& mine, int& done, int& busy) -> Task<> {
            try {
                co_await mine.run([] {});
                ++done;
            } catch (const Error& error) {
                EXPECT_EQ(error.fault, Fault::busy);
                ++busy;
            }
        }(turns, made, refused));
    world.run(all.join());
    EXPECT_EQ(made, 2);
    EXPECT_EQ(refused, 3);
    world.run(turns.run([] {}));
}

// --- Material from outside.

TEST_F(Keys, OfExternalOriginWaitForTheirMaterial) {
    const auto key = new_key({{"origin", "external"}, {"unprotected", true}});
    EXPECT_EQ(ask("GET", key).text("state"), "pending_key_material");
    EXPECT_EQ(said(post(key + "/encrypt", {{"plaintext", "YQ=="}})), "412 precondition_failed");
    EXPECT_EQ(said(post(key + "/enable")), "412 precondition_failed");
    EXPECT_EQ(said(post(key + "/import-key-material", {{"key_material", base64("short")}})), "400 invalid_arguments key_material");
    EXPECT_EQ(said(post(key + "/import-key-material", {{"key_material", base64("short")}, {"salt", "YQ=="}})),
              "400 invalid_arguments key_material");
    EXPECT_EQ(post(key + "/import-key-material", {{"key_material", base64(std::string(32, 'm'))}}).text("state"), "enabled");
    const auto first_text = encrypt(key, "one");
    EXPECT_EQ(post(key + "/import-key-material", {{"key_material", base64(std::string(40, 'n'))}, {"salt", base64("s")}}).status, 200);
    const auto second_text = encrypt(key, "two");
    EXPECT_EQ(opened(key, first_text) + opened(key, second_text), "onetwo");
    EXPECT_EQ(said(post(key + "/rotate")), "412 precondition_failed");
    EXPECT_EQ(post(key + "/delete-key-material", {{"key_rotation_index", 1}}).status, 204);
    EXPECT_EQ(said(decrypt(key, first_text)), "412 precondition_failed") << "its material is gone";
    EXPECT_EQ(opened(key, second_text), "two");
    EXPECT_EQ(ask("GET", key + "/rotations?status=deleted").total(), 1);
    EXPECT_EQ(said(post(key + "/delete-key-material", {{"key_rotation_index", 1}})), "404 not_found");
    EXPECT_EQ(post(key + "/delete-key-material").status, 204);
    EXPECT_EQ(ask("GET", key).text("state"), "pending_key_material");
    EXPECT_EQ(said(post(new_key() + "/import-key-material", {{"key_material", base64(std::string(32, 'm'))}})), "412 precondition_failed");
    EXPECT_EQ(said(post(new_key() + "/import-parameters", {{"wrapping_algorithm", "rsa_oaep_2048_sha256"}})), "412 precondition_failed");
}

TEST_F(Keys, TakeWrappedMaterialForTheParametersInForce) {
    const auto key = new_key({{"origin", "external"}});
    EXPECT_EQ(said(post(key + "/import-parameters", {{"wrapping_algorithm", "rot13"}})), "400 invalid_arguments wrapping_algorithm");
    const auto parameters = post(key + "/import-parameters", {{"wrapping_algorithm", "rsa_oaep_2048_sha256"}});
    EXPECT_EQ(unbase64(parameters.text("public_key"))->substr(0, 1), "\x30") << "DER";
    const auto bring = [&](const std::string& material, const std::string& token) {
        return post(key + "/import-key-material", {{"key_material", base64(material)}, {"import_token", token}});
    };
    EXPECT_EQ(said(bring(std::string(32, 'm'), base64("not the token"))), "400 invalid_arguments import_token");
    EXPECT_EQ(said(bring(std::string(32, 'm'), parameters.text("import_token"))), "400 invalid_arguments key_material") << "not wrapped";
    // The pair is ours alone; what a client would do with its public half, the stored one does here.
    const auto id = KeyId::parse(ask("GET", key).text("id")).value();
    const auto sealed = store->read_now([](store::Tx& tx) {
        return tx.query("select import_key from customer_keys where import_key is not null").at(0).get<store::Blob>("import_key").bytes;
    });
    const auto pair = keys::AsymmetricKey::from_pkcs8(sealing.open(sealed, "import of key " + id.str()).value(),
                                                      {keys::Scheme::rsa_oaep, 2048, "", "SHA256"})
                          .value();
    EXPECT_EQ(base64(pair.public_der()), parameters.text("public_key"));
    const auto wrapped = pair.encrypt(std::string(32, 'm')).value();
    EXPECT_EQ(bring(wrapped, parameters.text("import_token")).text("state"), "enabled");
    EXPECT_EQ(said(bring(wrapped, "")), "400 invalid_arguments key_material") << "the parameters were used up";
    post(key + "/import-parameters", {{"wrapping_algorithm", "rsa_aes_key_wrap_2048_sha256"}});
    later(25h);
    EXPECT_EQ(bring(std::string(32, 'o'), "").body.at("rotation_count"), 1) << "they are over after a day";
}

TEST_F(Keys, OfTwoHalvesAreImportedOnce) {
    auto wish = use("asymmetric_signing", "ec_p256_sha256");
    wish["origin"] = "external";
    wish["unprotected"] = true;
    const auto key = new_key(wish);
    const auto mine = keys::AsymmetricKey::generate({keys::Scheme::ecdsa, 0, "P-256", "SHA256"});
    const auto other = keys::AsymmetricKey::generate({keys::Scheme::ecdsa, 0, "P-384", "SHA384"});
    const auto bring = [&](const std::string& der, JsonObject more = {}) {
        more["key_material"] = base64(der);
        return post(key + "/import-key-material", more);
    };
    EXPECT_EQ(said(bring(other.pkcs8())), "400 invalid_arguments key_material");
    EXPECT_EQ(said(bring(mine.pkcs8(), {{"salt", "YQ=="}})), "400 invalid_arguments salt");
    EXPECT_EQ(bring(mine.pkcs8()).text("state"), "enabled");
    EXPECT_EQ(ask("GET", key + "/public-key").text("pem"), mine.public_pem());
    EXPECT_EQ(said(bring(mine.pkcs8())), "412 precondition_failed");
    const std::string digest(32, 'd');
    EXPECT_TRUE(mine.verify(digest, unbase64(post(key + "/sign", {{"digest", base64(digest)}}).text("signature")).value()));
}

}  // namespace
}  // namespace meridian::secrets::test
