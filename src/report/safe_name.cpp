#include "report/safe_name.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include "report/files.hpp"
#include "trimcarve/bytes.hpp"
#include "trimcarve/text.hpp"

namespace trimcarve::report {

namespace {

constexpr bool is_surrogate(char16_t c) { return c >= 0xD800 && c <= 0xDFFF; }

// Characters that must not stand in a name: Win32's forbidden ones, our escape character, and what hides or reorders text.
bool unsafe(char16_t c) {
  constexpr std::u16string_view forbidden = u"<>:\"/\\|?*%";
  return c < 0x20 || (c >= 0x7F && c < 0xA0) || forbidden.find(c) != std::u16string_view::npos || c == 0xAD || c == 0x61C ||
         (c >= 0x200B && c <= 0x200F) || (c >= 0x2028 && c <= 0x202E) || (c >= 0x2060 && c <= 0x206F) || c == 0xFEFF || c >= 0xFFF0;
}

void append_escaped(std::string& out, std::string_view utf8) {
  for (const char c : utf8) out += fmt::format("%{:02X}", static_cast<unsigned>(static_cast<unsigned char>(c)));
}

// Win32 device names, which stay reserved with any extension (and with blanks before it).
bool reserved(std::string_view name) {
  std::string base(name.substr(0, name.find('.')));
  while (!base.empty() && base.back() == ' ') base.pop_back();
  std::ranges::transform(base, base.begin(), [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c; });
  constexpr std::array<std::string_view, 7> words{"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "CLOCK$"};
  if (std::ranges::find(words, base) != words.end()) return true;
  if (!base.starts_with("COM") && !base.starts_with("LPT")) return false;
  const std::string_view rest = std::string_view(base).substr(3);
  return (rest.size() == 1 && rest[0] >= '0' && rest[0] <= '9') || rest == "\u00B9" || rest == "\u00B2" || rest == "\u00B3";
}

// Cuts at a character (and never inside an escape), and marks the cut with the hash of the whole.
std::string shortened(std::string name, std::size_t limit) {
  if (name.size() <= limit) return name;
  const std::string mark = "~" + sha256_of_text(name).substr(0, 12);
  // The extension is worth keeping: it says what the file is.
  std::string extension;
  if (const auto dot = name.rfind('.'); dot != std::string::npos && name.size() - dot <= 10) extension = name.substr(dot);
  std::size_t cut = limit - mark.size() - extension.size();
  while (cut > 0 && (static_cast<unsigned char>(name[cut]) & 0xC0) == 0x80) --cut;
  const auto escape = name.rfind('%', cut);
  if (escape != std::string::npos && escape < cut && cut - escape < 6) cut = escape;
  return name.substr(0, cut) + mark + extension;
}

// What two names have in common when a file system might take them for one. Beyond ASCII, folding and normalisation differ from system to
// system, so there any two characters count as equal: that costs a suffix now and then, never a file.
std::string folded(std::string_view path) {
  std::string key;
  for (const char c : path) {
    if (static_cast<unsigned char>(c) >= 0x80) {
      if (key.empty() || key.back() != '\x01') key.push_back('\x01');
    } else {
      key.push_back(c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c);
    }
  }
  return key;
}

}  // namespace

std::string safe_component(std::u16string_view name) {
  std::string out;
  for (std::size_t i = 0; i < name.size(); ++i) {
    const char16_t c = name[i];
    const bool last = i + 1 == name.size();
    if (c >= 0xD800 && c <= 0xDBFF && !last && name[i + 1] >= 0xDC00 && name[i + 1] <= 0xDFFF) {
      out += to_utf8(name.substr(i, 2));
      ++i;
    } else if (is_surrogate(c)) {
      out += fmt::format("%u{:04X}", static_cast<unsigned>(c));
    } else if (unsafe(c) || (last && (c == u'.' || c == u' ')) || (i == 0 && (c == u'-' || c == u' '))) {
      append_escaped(out, to_utf8(name.substr(i, 1)));
    } else {
      out += to_utf8(name.substr(i, 1));
    }
  }
  if (out.empty()) return "%";
  if (reserved(out)) {
    std::string first;
    append_escaped(first, std::string_view(out).substr(0, 1));
    out = first + out.substr(1);
  }
  return shortened(std::move(out), max_name);
}

std::string SafePaths::give(FileId id, std::u16string_view path, std::u16string_view stream, std::string_view suffix) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < path.size();) {
    const auto end = std::min(path.find(u'\\', at), path.size());
    if (end > at) parts.push_back(safe_component(path.substr(at, end - at)));
    at = end + 1;
  }
  const std::string reference = fmt::format("{}-{}", id.reference.entry(), id.reference.sequence());
  std::string name = parts.empty() ? reference : parts.back();
  if (!parts.empty()) parts.pop_back();
  if (!stream.empty()) name = shortened(name + "%3A" + safe_component(stream), max_name);

  std::string folder = fmt::format("volume{}", id.volume);
  std::size_t length = folder.size() + name.size() + suffix.size() + 2;
  for (const std::string& part : parts) length += part.size() + 1;
  if (length > max_path) parts = {"long paths"};
  const auto enter = [&](const std::string& part) {
    std::string next = folder + "/" + part;
    for (unsigned n = 2;; ++n) {
      const auto [at, fresh] = taken_.try_emplace(folded(next), Use::folder);
      if (fresh || at->second == Use::folder) break;
      next = fmt::format("{}/{}~{}", folder, part, n);
    }
    folder = std::move(next);
  };
  taken_.try_emplace(folder, Use::folder);
  for (const std::string& part : parts) enter(part);

  std::string full = fmt::format("{}/{}{}", folder, name, suffix);
  const auto dot = std::min(name.rfind('.'), name.size());
  for (unsigned n = 1; !taken_.try_emplace(folded(full), Use::file).second; ++n) {
    const std::string mark = n == 1 ? reference : fmt::format("{}.{}", reference, n);
    full = fmt::format("{}/{}~{}{}{}", folder, name.substr(0, dot), mark, name.substr(dot), suffix);
  }
  return full;
}

}  // namespace trimcarve::report
