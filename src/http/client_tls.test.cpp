#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "http/client.test.h"
#include "http/tls.h"

namespace meridian::http::test {
namespace {

struct Identity {
    std::string certificate, key;
};

std::string taken(BIO* bio) {
    BUF_MEM* memory = nullptr;
    BIO_get_mem_ptr(bio, &memory);
    std::string out(memory->data, memory->length);
    BIO_free(bio);
    return out;
}

// Signs itself for a.example; valid on any day.
Identity make_identity() {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* certificate = X509_new();
    X509_set_version(certificate, 2);
    ASN1_TIME_set_string_X509(X509_getm_notBefore(certificate), "20000101000000Z");
    ASN1_TIME_set_string_X509(X509_getm_notAfter(certificate), "99981231235959Z");
    X509_set_pubkey(certificate, key);
    X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, "DNS:a.example");
    X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    auto* name = X509_get_subject_name(certificate);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("a.example"), -1, -1, 0);
    X509_set_issuer_name(certificate, name);
    X509_sign(certificate, key, EVP_sha256());
    BIO *certificate_text = BIO_new(BIO_s_mem()), *key_text = BIO_new(BIO_s_mem());
    PEM_write_bio_X509(certificate_text, certificate);
    PEM_write_bio_PrivateKey(key_text, key, nullptr, nullptr, 0, nullptr, nullptr);
    X509_free(certificate);
    EVP_PKEY_free(key);
    return {taken(certificate_text), taken(key_text)};
}

Task<> accept_secured(Listener& listener, std::shared_ptr<TlsContext> context, Script script, Clock& clock, Site& site) {
    for (;;) {
        auto raw = co_await listener.accept();
        if (!raw) co_return;
        ++site.connections;
        auto stream = co_await tls_accept(std::move(*raw), context);
        if (stream) co_await play(std::move(*stream), script, clock, site);
    }
}

class ClientTlsTest : public ClientTest {
protected:
    ClientTlsTest() {
        for (const char* name : {"a.example", "b.example"}) world.network().name(name, {asio::ip::make_address("8.8.8.8")});
    }
    Site& serve_secured(Script script) {
        auto listener = world.network().listen(world.executor(), *Address::parse("8.8.8.8:443"));
        listeners.push_back(std::move(*listener));
        auto& site = *sites.emplace_back(std::make_unique<Site>());
        const auto context = TlsContext::from_text(identity.certificate, identity.key);
        group.spawn("site", accept_secured(*listeners.back(), *context, std::move(script), world.clock(), site));
        client.emplace(network, world.clock(), world.executor(), EgressPolicy(), limits, *TlsClientContext::make(identity.certificate));
        return site;
    }

    Identity identity = make_identity();
    Target secured{true, "a.example", 443, {}};
};

TEST_F(ClientTlsTest, ReusesASecuredConnection) {
    auto& site = serve_secured({reads(), answers("1"), reads(), answers(std::string(100'000, 'x')), waits_for_close()});
    EXPECT_EQ(text(get(secured)), "1");
    EXPECT_EQ(text(get(secured)), std::string(100'000, 'x'));
    EXPECT_EQ(site.connections, 1U);
}

TEST_F(ClientTlsTest, RefusesACertificateForAnotherName) {
    auto& site = serve_secured({reads(), answers("1")});
    secured.host = "b.example";
    const auto got = get(secured);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, Kind::connect);
    EXPECT_TRUE(site.requests.empty());
}

TEST_F(ClientTlsTest, RefusesACertificateThatNobodyVouchesFor) {
    auto& site = serve_secured({reads(), answers("1")});
    client.emplace(network, world.clock(), world.executor(), EgressPolicy(), limits, *TlsClientContext::make(make_identity().certificate));
    const auto got = get(secured);
    ASSERT_FALSE(got);
    EXPECT_EQ(got.error().kind, Kind::connect);
    EXPECT_TRUE(site.requests.empty());
}

TEST_F(ClientTlsTest, EndsAHandshakeThatHangs) {
    limits.connect_time = 2s;
    auto& site = serve("8.8.8.8:443", {{waits_for_close()}});
    const auto late = get(secured);
    ASSERT_FALSE(late);
    EXPECT_EQ(late.error().kind, Kind::timed_out);
    world.run_for(5ms);
    EXPECT_EQ(site.closed_by_client, 1U);

    auto cancel = std::make_shared<Cancel>();
    std::optional<Sent> out;
    start(out, secured, cancel);
    world.run_for(100ms);
    cancel->fire();
    world.run_for(5ms);
    ASSERT_TRUE(out && !*out);
    EXPECT_EQ(out->error().kind, Kind::cancelled);
    EXPECT_EQ(site.closed_by_client, 2U);
}

}  // namespace
}  // namespace meridian::http::test
