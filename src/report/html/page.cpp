#include "report/html/page.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "trimcarve/text.hpp"

namespace trimcarve::report {

namespace {

constexpr std::size_t piece = 1 << 16;

void append_escaped(std::string& out, std::string_view text) {
  for (const char c : text) switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
}

bool looks_like_text(std::string_view utf8) {
  std::size_t odd = 0;
  for (const char c : utf8) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte == 0) return false;
    if (byte < 0x20 && byte != '\n' && byte != '\r' && byte != '\t' && byte != '\f') ++odd;
  }
  // Valid as UTF-8, but for a last character that is cut.
  for (std::size_t i = 0; i < utf8.size();) {
    const auto lead = static_cast<unsigned char>(utf8[i++]);
    const std::size_t more = lead < 0x80 ? 0 : lead >= 0xC2 && lead < 0xE0 ? 1 : lead >= 0xE0 && lead < 0xF0 ? 2 : lead < 0xF5 ? 3 : 4;
    if (more == 4 || (lead >= 0x80 && lead < 0xC2)) return false;
    for (std::size_t k = 0; k < more && i < utf8.size(); ++k, ++i)
      if ((static_cast<unsigned char>(utf8[i]) & 0xC0) != 0x80) return false;
  }
  return odd * 50 <= utf8.size();
}

}  // namespace

std::string html_text(std::string_view utf8) {
  std::string out;
  out.reserve(utf8.size() + utf8.size() / 8);
  append_escaped(out, for_terminal(utf8));
  return out;
}

std::string visible_lines(std::string_view utf8) {
  std::string out;
  out.reserve(utf8.size() + utf8.size() / 8);
  while (!utf8.empty()) {
    const std::size_t end = std::min(utf8.find_first_of("\n\t"), utf8.size());
    std::string_view part = utf8.substr(0, end);
    if (end < utf8.size() && utf8[end] == '\n' && part.ends_with('\r')) part.remove_suffix(1);
    out += for_terminal(part);
    if (end == utf8.size()) break;
    out += utf8[end];
    utf8.remove_prefix(end + 1);
  }
  return out;
}

std::string html_lines(std::string_view utf8) {
  std::string out;
  append_escaped(out, visible_lines(utf8));
  return out;
}

Sink json_in_html(const Sink& sink) {
  return [&sink](std::string_view text) {
    while (!text.empty()) {
      const std::size_t at = std::min(text.find('<'), text.size());
      sink(text.substr(0, at));
      if (at == text.size()) break;
      sink("\\u003c");
      text.remove_prefix(at + 1);
    }
  };
}

std::string html_time(FileTime time) {
  const std::string iso = to_iso8601(time);
  const std::size_t day = iso.find('T'), fraction = iso.find('.');
  if (day == std::string::npos || fraction == std::string::npos) return html_text(iso);
  return fmt::format("<time datetime=\"{0}\">{1}&nbsp;{2}<small>{3}</small></time>", iso, iso.substr(0, day),
                     iso.substr(day + 1, fraction - day - 1), iso.substr(fraction));
}

std::string html_interval(const std::optional<FileTime>& first, const std::optional<FileTime>& last) {
  const bool begins = first && *first != no_time, ends = last && *last != no_time;
  if (begins && ends) return *first == *last ? html_time(*first) : html_time(*first) + " to " + html_time(*last);
  if (begins) return "after " + html_time(*first);
  if (ends) return "before " + html_time(*last);
  return "";
}

std::string html_grade(Grade grade) { return fmt::format("<span class=\"chip g-{0}\">{0}</span>", to_string(grade)); }

std::string html_state(std::string_view state) { return fmt::format("<span class=\"chip s-{0}\">{0}</span>", state); }

std::string html_field(std::string_view label, const std::string& value) {
  return value.empty() ? std::string() : fmt::format("<dt>{}</dt><dd>{}</dd>\n", label, value);
}

void Page::put(std::string_view markup) {
  buffer_ += markup;
  if (buffer_.size() >= piece) flush();
}

void Page::flush() {
  sink_(buffer_);
  buffer_.clear();
}

const Sink& Page::sink() {
  flush();
  return sink_;
}

std::string cited_bytes(const Examination& examination, const std::vector<Range>& ranges, std::size_t most) {
  std::string bytes;
  for (const Range& range : ranges) {
    if (bytes.size() >= most) break;
    if (range.space >= examination.spaces.size() || examination.spaces[range.space] == nullptr) return {};
    const std::size_t at = bytes.size();
    bytes.resize(at + static_cast<std::size_t>(std::min<std::uint64_t>(range.length, most - at)));
    const auto out = std::as_writable_bytes(std::span(bytes)).subspan(at);
    if (!examination.spaces[range.space]->read_at(range.offset, out)) return {};
  }
  return bytes;
}

std::string base64(std::string_view bytes) {
  static constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    for (std::size_t k = 0; k < 3; ++k) group = (group << 8) | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    const std::size_t used = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 4; ++k) out += k <= used ? digits[(group >> (18 - 6 * k)) & 63] : '=';
  }
  return out;
}

std::optional<std::string> as_text(std::string_view bytes) {
  if (bytes.starts_with("\xEF\xBB\xBF")) bytes.remove_prefix(3);
  if (bytes.size() >= 2 && (bytes.starts_with("\xFF\xFE") || bytes.starts_with("\xFE\xFF"))) {
    const std::size_t low = bytes[0] == '\xFF' ? 0 : 1;
    std::u16string units;
    for (std::size_t i = 2; i + 1 < bytes.size(); i += 2)
      units += static_cast<char16_t>(static_cast<unsigned char>(bytes[i + low]) | (static_cast<unsigned char>(bytes[i + 1 - low]) << 8));
    std::string utf8 = to_utf8(units);
    if (looks_like_text(utf8)) return utf8;
    return std::nullopt;
  }
  if (!looks_like_text(bytes)) return std::nullopt;
  return std::string(bytes);
}

std::optional<std::string> text_of(const RecoveredPart& part, std::size_t most) {
  if (part.bytes == nullptr || part.length == 0) return std::nullopt;
  std::string bytes(static_cast<std::size_t>(std::min<std::uint64_t>(part.length, most)), '\0');
  if (!part.bytes->read_at(0, std::as_writable_bytes(std::span(bytes)))) return std::nullopt;
  return as_text(bytes);
}

std::string html_path(const FileReport& file) { return html_text(to_utf8(file.path.empty() ? file.name : file.path)); }

}  // namespace trimcarve::report
