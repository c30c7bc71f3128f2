// Text without regard to the case of ASCII letters: the layout of handlers, JSON and logs have no others.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace trimcarve::findings {

template <class C>
constexpr C fold_ascii(C c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<C>(c + 32) : c;
}

template <class C>
constexpr bool same_ascii(std::basic_string_view<C> a, std::basic_string_view<C> b) noexcept {
  return std::ranges::equal(a, b, {}, fold_ascii<C>, fold_ascii<C>);
}
inline bool same_ascii(std::string_view a, std::string_view b) noexcept { return same_ascii<char>(a, b); }
inline bool same_ascii(std::u16string_view a, std::u16string_view b) noexcept { return same_ascii<char16_t>(a, b); }

inline std::string lower_ascii(std::string text) {
  std::ranges::transform(text, text.begin(), fold_ascii<char>);
  return text;
}

}  // namespace trimcarve::findings
