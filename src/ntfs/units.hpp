// UTF-16LE units in a buffer, at any alignment: how names lie on disk. Owns nothing; any unit may occur, unpaired surrogates and NUL too.
#pragma once

#include <string>
#include <string_view>

#include "trimcarve/bytes.hpp"

namespace trimcarve::ntfs {

class Units {
 public:
  constexpr Units() noexcept = default;
  // An odd last byte is dropped.
  constexpr explicit Units(ByteView bytes) noexcept : bytes_(bytes.first(bytes.size() / 2 * 2)) {}

  constexpr std::size_t size() const noexcept { return bytes_.size() / 2; }
  constexpr bool empty() const noexcept { return bytes_.empty(); }
  constexpr ByteView bytes() const noexcept { return bytes_; }
  // Precondition: i < size().
  constexpr char16_t operator[](std::size_t i) const noexcept {
    return static_cast<char16_t>(std::to_integer<unsigned>(bytes_[2 * i]) | (std::to_integer<unsigned>(bytes_[2 * i + 1]) << 8));
  }
  bool equals(std::u16string_view text) const noexcept {
    if (text.size() != size()) return false;
    for (std::size_t i = 0; i < text.size(); ++i)
      if ((*this)[i] != text[i]) return false;
    return true;
  }
  void append_to(std::u16string& out) const {
    const std::size_t before = out.size();
    out.resize(before + size());
    for (std::size_t i = 0; i < size(); ++i) out[before + i] = (*this)[i];
  }
  std::u16string str() const {
    std::u16string out;
    append_to(out);
    return out;
  }

 private:
  ByteView bytes_;
};

}  // namespace trimcarve::ntfs
