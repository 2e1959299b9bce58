#include "quantum/service/content.h"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

#include "base/log.h"

namespace meridian::quantum::service {
namespace {

// Where content lies, and whether the row that its name says is there.
struct Folder {
    std::string_view path;
    bool (*has_row)(store::Tx& tx, std::string_view id);
};
constexpr auto is_of_job = [](store::Tx& tx, std::string_view name) {
    const auto id = JobId::parse(name);
    return id && rows::job(tx, *id);
};
constexpr Folder folders[] = {{"quantum/programs",
                               [](store::Tx& tx, std::string_view name) {
                                   const auto id = ProgramId::parse(name);
                                   return id && rows::program(tx, *id);
                               }},
                              {"quantum/circuits", is_of_job},
                              {"quantum/results", is_of_job},
                              {"quantum/keys", is_of_job}};

std::string in_folder(const Folder& folder, std::string_view name) { return fmt::format("{}/{}", folder.path, name); }

// A write whose outcome is not known may have made the row.
bool is_surely_refused(const Error& error) {
    return error.fault == Fault::invalid || error.fault == Fault::not_found || error.fault == Fault::conflict ||
           error.fault == Fault::quota || error.fault == Fault::denied;
}

}  // namespace

std::optional<std::string> too_much(store::Tx& tx, const Keeping& keeping, std::string_view zone, const ProjectId& project,
                                    std::uint64_t bytes) {
    const auto is_over = [bytes](std::uint64_t kept, std::uint64_t most) { return kept >= most || bytes > most - kept; };
    if (const auto kept = rows::kept_bytes(tx, zone, project); is_over(kept, keeping.project_bytes))
        return fmt::format(
            "A project keeps at most {} of models, inputs and results here, and this one has {}. Delete jobs and sessions "
            "that are not needed any more.",
            bytes_words(keeping.project_bytes), bytes_words(kept));
    if (is_over(rows::kept_bytes(tx, zone), keeping.zone_bytes))
        return fmt::format(
            "This zone keeps at most {} of models, inputs and results of all projects, and has no room for this. Delete "
            "jobs and sessions that are not needed any more, or tell the operator.",
            bytes_words(keeping.zone_bytes));
    return std::nullopt;
}

void check_content(store::Tx& tx, const Keeping& keeping, std::string_view zone, const ProjectId& project, std::uint64_t bytes) {
    if (auto said = too_much(tx, keeping, zone, project, bytes)) throw Error(Fault::quota, *std::move(said)).about("content", "");
}

std::shared_ptr<void> Contents::arrive(const std::string& name) {
    const std::lock_guard lock(mutex_);
    ++arriving_[name];
    return {this, [this, name](void*) {
                const std::lock_guard inner(mutex_);
                if (--arriving_[name] == 0) arriving_.erase(name);
            }};
}

bool Contents::is_arriving(const std::string& name) const {
    const std::lock_guard lock(mutex_);
    return arriving_.contains(name);
}

Task<> Contents::take_back(store::ContentHandle key, std::string name, Error why) {
    if (!is_surely_refused(why)) co_return;  // the next start compares it with the rows
    try {
        co_await on(files_, [this, &key, &name] { content_.remove(key, name); });
    } catch (const Error& error) {
        log::warn("quantum", "content that was refused stays until the next start: {} {}", error.said, error.logged);
    }
}

// What is listed and not arriving any more has its row, or will never have one: the rows are read last.
Task<> Contents::clear_orphans(std::string zone, const bool& is_stopping) {
    const auto projects = co_await on(files_, [this] { return content_.projects(); });
    std::size_t removed = 0;
    for (const auto& project : projects) {
        const store::ContentHandle key(project, zone);
        for (const auto& folder : folders) {
            const auto names = co_await on(files_, [this, &key, &folder] { return content_.names(key, folder.path); });
            for (std::size_t first = 0; first < names.size(); first += limits::orphans_at_once) {
                if (is_stopping) co_return;
                std::vector<std::string> orphans;
                for (const auto& name : std::span(names).subspan(first, std::min(limits::orphans_at_once, names.size() - first)))
                    if (!is_arriving(in_folder(folder, name))) orphans.push_back(name);
                orphans = co_await store_.read([&folder, orphans](store::Tx& tx) mutable {
                    std::erase_if(orphans, [&](const std::string& name) { return folder.has_row(tx, name); });
                    return orphans;
                });
                co_await on(files_, [this, &key, &folder, &orphans] {
                    for (const auto& name : orphans) content_.remove(key, in_folder(folder, name));
                });
                removed += orphans.size();
            }
        }
    }
    if (removed > 0) log::info("quantum", "removed {} piece(s) of content that a crash had left without a row", removed);
}

}  // namespace meridian::quantum::service
