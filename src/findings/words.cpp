#include "findings/words.hpp"

#include <algorithm>
#include <array>

#include "findings/ascii.hpp"

namespace trimcarve::findings {

bool runnable(std::string_view name) {
  static constexpr std::array<std::string_view, 11> endings{".ps1", ".psm1", ".cmd", ".bat", ".vbs", ".js",
                                                            ".wsf", ".py",   ".sh",  ".exe", ".msi"};
  return std::ranges::any_of(endings, [&](std::string_view ending) { return name.size() > ending.size() && name.ends_with(ending); });
}

std::string percent_decoded(std::string_view text) {
  const auto digit = [](char c) {
    const char folded = fold_ascii(c);
    return c >= '0' && c <= '9' ? c - '0' : folded >= 'a' && folded <= 'f' ? folded - 'a' + 10 : -1;
  };
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && text.size() - i > 2 && digit(text[i + 1]) >= 0 && digit(text[i + 2]) >= 0) {
      out.push_back(static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2])));
      i += 2;
    } else {
      out.push_back(text[i]);
    }
  }
  return out;
}

bool stands_in(std::string_view text, std::string_view name) {
  const auto part_of_name = [](char c) {
    return c == '.' || c == '-' || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || static_cast<unsigned char>(c) >= 0x80;
  };
  if (name.empty()) return false;
  for (std::size_t at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const std::size_t end = at + name.size();
    // A full stop behind it may end the sentence; one before it may be ".\".
    const bool begins = at == 0 || !part_of_name(text[at - 1]);
    const bool ends =
        end == text.size() || !part_of_name(text[end]) || (text[end] == '.' && (end + 1 == text.size() || !part_of_name(text[end + 1])));
    if (begins && ends) return true;
  }
  return false;
}

}  // namespace trimcarve::findings
