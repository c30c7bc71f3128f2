#include "witness/plain_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>
#include <vector>

#include "trimcarve/text.hpp"
#include "witness/witness.hpp"

namespace trimcarve::witness {

namespace {

unsigned char byte_of(char c) { return static_cast<unsigned char>(c); }

// The length of the well-formed character at `at`; 0 when it is malformed (Unicode 15, table 3-7).
std::size_t character_length(std::string_view text, std::size_t at) {
  const unsigned char lead = byte_of(text[at]);
  if (lead < 0x80) return 1;
  const std::size_t length = lead >= 0xC2 && lead < 0xE0 ? 2 : lead >= 0xE0 && lead < 0xF0 ? 3 : lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
  if (length == 0 || text.size() - at < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte_of(text[at + i]) & 0xC0) != 0x80) return 0;
  const unsigned char second = byte_of(text[at + 1]);
  if ((lead == 0xE0 && second < 0xA0) || (lead == 0xED && second > 0x9F) || (lead == 0xF0 && second < 0x90) ||
      (lead == 0xF4 && second > 0x8F))
    return 0;
  return length;
}

}  // namespace

std::string to_clean_utf8(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (std::size_t at = 0; at < bytes.size();) {
    std::size_t end = at;
    while (end < bytes.size()) {
      const std::size_t length = character_length(bytes, end);
      if (length == 0) break;
      end += length;
    }
    out.append(bytes.substr(at, end - at));
    if (end < bytes.size()) out += fmt::format("\\udc{:02x}", static_cast<unsigned>(byte_of(bytes[end++])));
    at = end;
  }
  return out;
}

std::string from_utf16le(std::string_view bytes) {
  std::u16string units;
  units.reserve(bytes.size() / 2);
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2)
    units.push_back(static_cast<char16_t>(byte_of(bytes[i]) | (byte_of(bytes[i + 1]) << 8)));
  return to_utf8(units);
}

char lower(char c) noexcept { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

bool same_word(std::string_view a, std::string_view b) noexcept { return std::ranges::equal(a, b, {}, lower, lower); }

std::size_t find_word(std::string_view text, std::string_view part, std::size_t from) noexcept {
  if (part.empty() || from > text.size()) return std::string_view::npos;
  const char low = part[0], high = low >= 'a' && low <= 'z' ? static_cast<char>(low - 32) : low;
  for (std::size_t at = from; part.size() <= text.size() - at; ++at) {
    if (text[at] != low && text[at] != high) continue;
    std::size_t i = 1;
    while (i < part.size() && lower(text[at + i]) == part[i]) ++i;
    if (i == part.size()) return at;
  }
  return std::string_view::npos;
}

bool contains(std::string_view text, std::string_view part) noexcept { return find_word(text, part) != std::string_view::npos; }

std::string_view trim(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::string_view file_name_of(std::string_view path) noexcept {
  const std::size_t slash = path.find_last_of("/\\");
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

Document read_document(const ByteSource& file) {
  Document out;
  const std::uint64_t size = std::min<std::uint64_t>(file.size(), most_text);
  out.cut = size < file.size();
  std::string bytes(static_cast<std::size_t>(size), '\0');
  std::vector<Unread> unread;
  if (!read_tolerant(file, 0, std::as_writable_bytes(std::span(bytes)), unread)) out.cut = true;
  while (!bytes.empty() && bytes.back() == '\0') bytes.pop_back();
  out.used = bytes.size();
  const auto ascii = [&](std::size_t i) { return bytes[i] != '\0' && byte_of(bytes[i]) < 0x80 && bytes[i + 1] == '\0'; };
  if (bytes.starts_with("\xFF\xFE") || (bytes.size() >= 4 && ascii(0) && ascii(2))) {
    if (bytes.size() % 2 != 0) bytes.push_back('\0'), ++out.used;  // the high byte of the last character
    out.text_at = bytes.starts_with("\xFF\xFE") ? 2 : 0;
    out.text = from_utf16le(std::string_view(bytes).substr(static_cast<std::size_t>(out.text_at)));
    out.same_bytes = false;
  } else {
    out.text_at = bytes.starts_with("\xEF\xBB\xBF") ? 3 : 0;
    bytes.erase(0, static_cast<std::size_t>(out.text_at));
    out.text = std::move(bytes);
  }
  return out;
}

std::optional<StatedTime> read_iso_time(std::string_view text) {
  text = trim(text);
  if (const auto time = from_iso8601(text)) return StatedTime{*time, true};
  if (const auto time = from_iso8601(std::string(text) + "Z")) return StatedTime{*time, false};
  if (text.size() < 25) return std::nullopt;  // yyyy-MM-ddTHH:mm:ss+hh:mm
  const std::string_view zone = text.substr(text.size() - 6);
  const auto digit = [&](std::size_t i) { return zone[i] >= '0' && zone[i] <= '9'; };
  if ((zone[0] != '+' && zone[0] != '-') || zone[3] != ':' || !digit(1) || !digit(2) || !digit(4) || !digit(5)) return std::nullopt;
  const auto time = from_iso8601(std::string(text.substr(0, text.size() - 6)) + "Z");
  const auto value = [&](std::size_t i) { return static_cast<std::uint64_t>(zone[i] - '0'); };
  const std::uint64_t ticks = ((value(1) * 10 + value(2)) * 60 + value(4) * 10 + value(5)) * 60 * ticks_per_second;
  if (!time || (zone[0] == '+' && time->ticks < ticks)) return std::nullopt;
  return StatedTime{FileTime{zone[0] == '+' ? time->ticks - ticks : time->ticks + ticks}, true};
}

}  // namespace trimcarve::witness
