#include <fmt/format.h>

#include "base/real/real.h"
#include "cli/commands.h"
#include "metering/log/bundle.h"
#include "metering/service.h"
#include "terminal.h"

namespace meridian::cli {
namespace {

struct ReceiptOptions {
    std::string id, file, key, chain;
    int limit = 20;
};

int list(const Common& common, int limit) {
    auto api = common.api();
    const auto answer = api.get(fmt::format("/meridian/v1/receipts?page_size={}", limit));
    if (common.json) return print(answer);
    terminal::Table table({"RECEIPT", "KIND", "MODEL", "IN", "OUT", "COST €", "OUTCOME", "ENDED"});
    for (const std::size_t column : {3, 4, 5}) table.right(column);
    for (const auto& r : member(answer, "receipts")->as_array()) {
        const auto* usage = member(r, "usage");
        table.row({field(r, "id"), field(r, "kind"), field(r, "model"), usage ? std::to_string(number(*usage, "input_tokens")) : "",
                   usage ? std::to_string(number(*usage, "output_tokens")) : "", field(r, "cost"), field(r, "outcome"),
                   field(r, "ended_at")});
    }
    fmt::print("{}", table.str());
    return ok;
}

int verify(const Common& common, const ReceiptOptions& o) {
    real::PosixDisk disk;
    metering::Meter::Verdict verdict;
    if (const auto names = disk.list(o.file)) {
        real::ThreadPool helper(1);
        verdict = metering::Meter::verify_directory(disk, o.file, o.key, &helper);
    } else {
        const auto chain = o.chain.empty() ? std::string() : disk.read_file(o.chain);
        if (!chain) throw Failure{not_found, chain.error().said, "save the log's keys from /meridian/v1/log/ZONE/chain"};
        if (metering::is_bundle(disk, o.file)) {
            verdict = metering::verify_bundle(disk, o.file, o.key, *chain);
        } else {
            const auto text = disk.read_file(o.file);
            if (!text) throw Failure{not_found, text.error().said, "save a receipt with: meridian receipts show ID > receipt.json"};
            verdict = metering::Meter::verify_file(*text, o.key, *chain);
        }
    }
    if (common.json) {
        print(JsonObject{
            {"good", verdict.good}, {"said", verdict.said}, {"receipts", verdict.receipts}, {"checkpoints", verdict.checkpoints}});
    } else {
        fmt::print("{} {}\n", verdict.good ? terminal::accent("good") : terminal::bad("bad"), verdict.said);
    }
    return verdict.good ? ok : failed;
}

}  // namespace

void add_receipts(CLI::App& app, Common& common, const Chosen& chosen) {
    auto o = std::make_shared<ReceiptOptions>();
    auto* receipts = app.add_subcommand("receipts", "Receipts of runs: list, show");
    receipts->require_subcommand(1);
    auto* all = receipts->add_subcommand("list", "Newest first");
    all->add_option("--limit", o->limit, "How many")->check(CLI::Range(1, 1000));
    all->callback([&common, chosen, o] { chosen([&common, o] { return list(common, o->limit); }); });
    auto* show = receipts->add_subcommand("show", "One receipt with its proof, as `meridian verify` reads it");
    show->add_option("ID", o->id)->required();
    show->callback([&common, chosen, o] {
        chosen([&common, o] {
            auto api = common.api();
            return print(api.get("/meridian/v1/receipts/" + o->id));
        });
    });
    auto* check =
        app.add_subcommand("verify", "Check a receipt or a change, a file of many receipts, or a whole ledger directory, offline");
    check->add_option("FILE", o->file, "What `receipts show`, `changes show` or `log receipts` gave, or a zone's ledger directory")
        ->required();
    check->add_option("--key", o->key, "A verifier key of the zone's log that you trust (default: the one in the file)");
    check->add_option("--chain", o->chain, "What /meridian/v1/log/ZONE/chain gave, where the log's key has changed since, or before")
        ->needs("--key");
    check->callback([&common, chosen, o] { chosen([&common, o] { return verify(common, *o); }); });
}

}  // namespace meridian::cli
