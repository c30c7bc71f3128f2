#include "image/ewf_notes.hpp"

#include <zlib.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <string_view>

#include "trimcarve/file_time.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::image {

namespace {

constexpr std::size_t most_text = 256 << 10;  // EnCase takes up to 3000 characters for each value

std::optional<std::vector<std::byte>> unpack(ByteView body) {
  std::vector<std::byte> text(most_text);
  auto length = static_cast<uLongf>(text.size());
  if (uncompress(reinterpret_cast<Bytef*>(text.data()), &length, reinterpret_cast<const Bytef*>(body.data()),
                 static_cast<uLong>(body.size())) != Z_OK)
    return std::nullopt;
  text.resize(length);
  return text;
}

std::vector<std::u16string_view> split(std::u16string_view text, char16_t at) {
  std::vector<std::u16string_view> parts;
  while (true) {
    const auto end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::u16string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

// "header2" has seconds since 1970, "header" the parts of a local time.
std::string date(const std::string& value) {
  std::uint32_t seconds = 0;
  const char* const end = value.data() + value.size();
  if (const auto [stop, error] = std::from_chars(value.data(), end, seconds); error == std::errc() && stop == end)
    return to_iso8601(FileTime{unix_epoch_ticks + std::uint64_t{seconds} * 10'000'000});
  return value + " (year, month, day, hour, minute, second of an unknown time zone)";
}

}  // namespace

std::optional<std::vector<std::string>> read_ewf_notes(ByteView body, bool wide) {
  const auto bytes = unpack(body);
  if (!bytes) return std::nullopt;
  std::u16string text;
  if (wide) {
    const bool big = bytes->size() >= 2 && (*bytes)[0] == std::byte{0xFE};
    for (std::size_t i = 2; i + 2 <= bytes->size(); i += 2)  // behind the byte order mark
      text += static_cast<char16_t>(big ? load<Big<std::uint16_t>>(*bytes, i).value() : le<std::uint16_t>(*bytes, i));
  } else {
    for (const std::byte b : *bytes) text += static_cast<char16_t>(b);  // its code page is not stated: Latin-1
  }
  std::erase(text, u'\r');
  const auto lines = split(text, u'\n');
  const auto main = std::ranges::find(lines, std::u16string_view(u"main"));
  if (lines.end() - main < 3) return std::nullopt;
  const auto names = split(main[1], u'\t'), values = split(main[2], u'\t');
  struct Label {
    std::u16string_view name;
    std::string_view label;
  };
  static constexpr std::array<Label, 10> labels{{{u"c", "case number"},
                                                 {u"n", "evidence number"},
                                                 {u"a", "description"},
                                                 {u"e", "examiner"},
                                                 {u"t", "notes"},
                                                 {u"md", "model"},
                                                 {u"sn", "serial number"},
                                                 {u"m", "acquired"},
                                                 {u"av", "software"},
                                                 {u"ov", "system"}}};
  std::vector<std::string> notes;
  for (const Label& label : labels) {
    const auto at = static_cast<std::size_t>(std::ranges::find(names, label.name) - names.begin());
    if (at >= names.size() || at >= values.size() || values[at].empty()) continue;
    const std::string value = to_utf8(values[at]);
    notes.push_back(std::string(label.label) + ": " + (label.name == u"m" ? date(value) : value));
  }
  return notes;
}

}  // namespace trimcarve::image
