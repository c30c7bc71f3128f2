// Views of raw bytes and the integers inside them.
//
// Every decoder takes a ByteView and checks each offset and length against it before it reads. `fits` is that check; it cannot wrap.
// `Little<T>` and `Big<T>` are for on-disk structures: alignment 1, so a catalogue struct can be copied out of a view with `load`.
// Ownership: a ByteView owns nothing; it is valid as long as the buffer it was made from. Threads: all functions here are pure.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <type_traits>

namespace trimcarve {

using ByteView = std::span<const std::byte>;

// True when [offset, offset + length) lies inside a buffer of `size` bytes.
constexpr bool fits(std::uint64_t size, std::uint64_t offset, std::uint64_t length) noexcept {
  return offset <= size && length <= size - offset;
}
constexpr bool fits(ByteView view, std::uint64_t offset, std::uint64_t length) noexcept { return fits(view.size(), offset, length); }

// The part [offset, offset + length) of a view, or nothing when it does not lie inside.
constexpr std::optional<ByteView> slice(ByteView view, std::uint64_t offset, std::uint64_t length) noexcept {
  if (!fits(view, offset, length)) return std::nullopt;
  return view.subspan(static_cast<std::size_t>(offset), static_cast<std::size_t>(length));
}

// True of an empty view too.
inline bool all_zero(ByteView view) noexcept {
  return view.empty() || (view[0] == std::byte{0} && std::memcmp(view.data(), view.data() + 1, view.size() - 1) == 0);
}

namespace detail {
template <class T>
constexpr T byte_swap(T value) noexcept {
  using U = std::make_unsigned_t<T>;
  U in = static_cast<U>(value), out = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    out = static_cast<U>((static_cast<std::uint64_t>(out) << 8) | (in & 0xFFU));
    in = static_cast<U>(static_cast<std::uint64_t>(in) >> 8);
  }
  return static_cast<T>(out);
}

template <class T, std::endian Order>
class Stored {
 public:
  constexpr operator T() const noexcept { return value(); }  // NOLINT(google-explicit-constructor): reads as the integer it is
  constexpr T value() const noexcept {
    T raw = std::bit_cast<T>(bytes_);
    if constexpr (std::endian::native != Order) raw = byte_swap(raw);
    return raw;
  }

 private:
  struct Raw {
    unsigned char b[sizeof(T)];
  } bytes_;
};
}  // namespace detail

template <class T>
using Little = detail::Stored<T, std::endian::little>;
template <class T>
using Big = detail::Stored<T, std::endian::big>;

// Copies an on-disk structure (or integer wrapper) out of a view. Precondition: fits(view, offset, sizeof(T)).
template <class T>
T load(ByteView view, std::uint64_t offset = 0) noexcept {
  static_assert(std::is_trivially_copyable_v<T>);
  T out;
  std::memcpy(&out, view.data() + offset, sizeof(T));
  return out;
}

// The little-endian integer at an offset. Precondition: fits(view, offset, sizeof(T)).
template <class T>
T le(ByteView view, std::uint64_t offset) noexcept {
  return load<Little<T>>(view, offset).value();
}

// The same, checked: nothing when the integer would leave the view.
template <class T>
std::optional<T> try_le(ByteView view, std::uint64_t offset) noexcept {
  if (!fits(view, offset, sizeof(T))) return std::nullopt;
  return le<T>(view, offset);
}

}  // namespace trimcarve
