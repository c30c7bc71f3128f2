#include "witness/stated_number.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>

#include "witness/plain_text.hpp"

namespace trimcarve::witness {

namespace {

constexpr std::size_t npos = std::string_view::npos;

struct Number {
  std::int64_t value = 0;
  std::size_t end = 0;  // behind it, and behind its closing quotation mark
  bool quoted = false;
};

std::optional<Number> read_number(std::string_view text, std::size_t at) noexcept {
  const auto is_between = [](char c) { return c == ' ' || c == ':' || c == '='; };
  while (at < text.size() && is_between(text[at])) ++at;
  Number out;
  if (at < text.size() && text[at] == '\'') {
    out.quoted = true;
    ++at;
  }
  const char* const last = text.data() + text.size();
  const char* stop = nullptr;
  if (at + 2 < text.size() && text[at] == '0' && lower(text[at + 1]) == 'x') {
    std::uint32_t bits = 0;
    const auto [end, error] = std::from_chars(text.data() + at + 2, last, bits, 16);
    if (error != std::errc{}) return std::nullopt;
    out.value = std::bit_cast<std::int32_t>(bits);
    stop = end;
  } else {
    if (at >= text.size()) return std::nullopt;
    const auto [end, error] = std::from_chars(text.data() + at, last, out.value);
    if (error != std::errc{}) return std::nullopt;
    stop = end;
  }
  out.end = static_cast<std::size_t>(stop - text.data());
  if (out.quoted) {
    if (out.end >= text.size() || text[out.end] != '\'') return std::nullopt;
    ++out.end;
    return out;
  }
  const auto goes_on = [](char c) { return (c >= '0' && c <= '9') || (lower(c) >= 'a' && lower(c) <= 'z') || c == '_'; };
  if (out.end < text.size() && goes_on(text[out.end])) return std::nullopt;
  if (out.end + 1 < text.size() && text[out.end] == '.' && goes_on(text[out.end + 1])) return std::nullopt;
  return out;
}

}  // namespace

std::optional<std::int64_t> number_at(std::string_view text, std::size_t at) noexcept {
  const auto number = read_number(text, at);
  return number ? std::optional(number->value) : std::nullopt;
}

std::optional<std::int64_t> exit_code_in(std::string_view message, bool whole) noexcept {
  struct Phrase {
    std::string_view words;
    bool quoted;
  };
  // The longer before those that it begins with.
  static constexpr std::array<Phrase, 3> phrases{{{"exited with code", false}, {"exit code of", true}, {"exit code", false}}};
  const std::size_t quoted_output = find_word(message, "output of");
  if (quoted_output != npos) {
    message = message.substr(0, quoted_output);
    whole = true;
  }
  for (std::size_t at = find_word(message, "exit"); at != npos; at = find_word(message, "exit", at + 1)) {
    const auto phrase =
        std::ranges::find_if(phrases, [&](const Phrase& p) { return find_word(message.substr(at, p.words.size()), p.words) == 0; });
    if (phrase == phrases.end()) continue;
    const auto number = read_number(message, at + phrase->words.size());
    if (!number || (phrase->quoted && !number->quoted) || (!whole && !number->quoted && number->end == message.size())) continue;
    return number->value;
  }
  return std::nullopt;
}

}  // namespace trimcarve::witness
