#include "catalog/import.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "base/error.h"

namespace meridian::catalog {
namespace {

constexpr std::size_t head_bytes = 16 * 1024 * 1024;
constexpr std::size_t piece_bytes = 1024 * 1024;
constexpr std::uint32_t context_usual = 4096;  // a slot's share unless asked otherwise: long contexts cost memory from the first token
constexpr std::uint32_t slots_max = 256;

[[noreturn]] void refuse(std::string_view field, std::string help) {
    throw Error(Fault::invalid, help).with({.name = std::string(field), .reason = FieldProblem::Reason::constraint, .help = help});
}

std::unique_ptr<File> opened(Disk& disk, const std::string& path) {
    auto file = disk.open(path, Disk::Open::read);
    if (file) return std::move(*file);
    // The file is the caller's, not part of our data directory.
    if (file.error().kind == DiskError::Kind::not_found) {
        throw Error(Fault::not_found, fmt::format("There is no file {} on the machine where Meridian runs.", path)).about("file", path);
    }
    if (file.error().kind == DiskError::Kind::denied) refuse("path", fmt::format("Meridian may not read {}. Give it the right to.", path));
    raise(file.error(), "opening the model file");
}

std::vector<Capability> capabilities_of(const AddFile& what, const GgufFacts& facts) {
    if (what.embedding || facts.gives_embeddings) return {Capability::embedding};
    std::vector<Capability> can{Capability::completion, Capability::json_schema};
    if (facts.has_chat_template) can.insert(can.begin(), Capability::chat);
    if (facts.template_has_tools) can.push_back(Capability::tools);
    return can;
}

}  // namespace

GgufFacts read_facts(Disk& disk, const std::string& path) {
    const auto file = opened(disk, path);
    const auto size = file->size();
    if (!size) raise(size.error(), "reading the model file");
    std::string head(std::min<std::uint64_t>(*size, head_bytes), '\0');
    const auto count = file->read(0, head);
    if (!count) raise(count.error(), "reading the model file");
    head.resize(*count);
    auto facts = read_gguf(head);
    if (!facts) refuse("path", fmt::format("{} {}", path, facts.error().said));
    return *std::move(facts);
}

Model planned_from(const AddFile& what, const GgufFacts& facts) {
    Model model;
    model.name = what.name;
    model.title = facts.name.empty() ? what.name : facts.name;
    model.description = fmt::format("Added from the file {}.", file_name_of(what.path));
    model.licence = facts.licence.empty() ? "unknown" : facts.licence;
    model.family = facts.architecture;
    model.project = what.project;
    model.capabilities = capabilities_of(what, facts);
    model.parameters = facts.parameters;
    model.quantization_bits = facts.bits;
    model.context_max = facts.context;
    const std::uint32_t most = facts.context == 0 ? std::numeric_limits<std::uint32_t>::max() : facts.context;
    model.context_default = what.context.value_or(std::min(context_usual, most));
    if (model.context_default == 0 || model.context_default > most)
        refuse("context", fmt::format("This model's context is 1 to {} tokens.", most));
    model.slots_default = what.slots.value_or(model.slots_default);
    model.input_per_million = what.input_per_million.value_or(Money());
    model.output_per_million = what.output_per_million.value_or(Money());
    if (model.slots_default == 0 || model.slots_default > slots_max) refuse("slots", fmt::format("A model has 1 to {} slots.", slots_max));
    return model;
}

std::string file_name_of(const std::string& path) { return path.substr(path.find_last_of('/') + 1); }

Sha256 copy_in(Disk& disk, store::ArtifactStore& artifacts, const std::string& path, const Sha256* wanted,
               const std::function<void(std::uint64_t, std::uint64_t)>& tell) {
    const auto file = opened(disk, path);
    const auto size = file->size();
    if (!size) raise(size.error(), "reading the model file");
    const auto writer = artifacts.begin();
    std::vector<char> piece(piece_bytes);
    for (std::uint64_t done = 0; done < *size;) {
        const auto count = file->read(done, piece);
        if (!count) raise(count.error(), "reading the model file");
        if (*count == 0)
            throw Error(Fault::unavailable, fmt::format("{} became shorter while it was read. Try again when it is complete.", path));
        writer->append({piece.data(), *count});
        done += *count;
        if (tell) tell(done, *size);
    }
    try {
        return writer->commit(wanted);
    } catch (const Error& e) {
        if (e.code != "digest_mismatch") throw;
        throw Error(Fault::unavailable, fmt::format("{} is no longer the file that was added. Add it again under another name.", path))
            .with_code("digest_mismatch");
    }
}

}  // namespace meridian::catalog
