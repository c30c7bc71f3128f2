#include "witness/hive_key.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "trimcarve/bytes.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::witness {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

}  // namespace

const HiveValue* find_value(const HiveKey& key, std::string_view name) noexcept {
  const auto found =
      std::ranges::find_if(key.values, [&](const HiveValue& v) { return std::ranges::equal(v.name, name, {}, lower, lower); });
  return found == key.values.end() ? nullptr : &*found;
}

std::optional<std::uint64_t> to_number(const HiveValue& value) noexcept {
  if (value.data.size() == 8) return le<std::uint64_t>(value.data, 0);
  if (value.data.size() == 4) return le<std::uint32_t>(value.data, 0);
  return std::nullopt;
}

std::string to_text(const HiveValue& value) {
  constexpr std::uint32_t string = 1, expanded = 2, number = 4, link = 6, strings = 7, long_number = 11;
  constexpr std::size_t most_units = 1U << 20, most_bytes = 4096;
  const bool textual = value.type == string || value.type == expanded || value.type == link || value.type == strings;
  if (textual) {
    std::u16string units;
    for (std::size_t i = 0; i + 1 < value.data.size() && units.size() < most_units; i += 2)
      units.push_back(le<std::uint16_t>(value.data, i));
    while (!units.empty() && units.back() == 0) units.pop_back();
    if (value.type == strings) std::ranges::replace(units, u'\0', u'\n');
    return to_utf8(units) + (value.data.size() > most_units * 2 ? "..." : "");
  }
  if (((value.type == number && value.data.size() == 4) || (value.type == long_number && value.data.size() == 8)))
    return fmt::format("{}", to_number(value).value_or(0));
  std::string hex;
  for (std::size_t i = 0; i < std::min(value.data.size(), most_bytes); ++i)
    hex += fmt::format("{:02x}", static_cast<unsigned>(value.data[i]));
  return hex + (value.data.size() > most_bytes ? "..." : "");
}

}  // namespace trimcarve::witness
