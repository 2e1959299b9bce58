// The operator's dated declaration of where a zone stands and what its nodes draw, kept as `<zone directory>/declaration.json`.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "base/disk.h"
#include "geography/types.h"

namespace meridian::geography {

namespace limits {
inline constexpr std::uint32_t node_watts = 100'000;
inline constexpr std::uint32_t carbon_grams_per_kwh = 5'000, water_millilitres_per_kwh = 1'000'000;
}  // namespace limits

std::string declaration_text(const Declaration& declared);
// Strict: the texts, of the numbers those that were declared, nothing else. The diagnostic says what to write.
expected<Declaration> parse_declaration(std::string_view text);

class DeclarationFile {
public:
    DeclarationFile(Disk& disk, std::string zone_directory) : disk_(disk), path_(std::move(zone_directory) + "/declaration.json") {}
    // Nothing when none was made. A file that cannot be understood is a complaint, never `undeclared`.
    [[nodiscard]] expected<std::optional<Declaration>> read() const;
    [[nodiscard]] expected<void> write(const Declaration& declared) const;  // durable when it returns
    [[nodiscard]] const std::string& path() const { return path_; }

private:
    Disk& disk_;
    std::string path_;
};

}  // namespace meridian::geography
