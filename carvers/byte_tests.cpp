#include "carvers/byte_tests.hpp"

#include <algorithm>
#include <cstring>

namespace trimcarve::carvers {

namespace {

// Vectors of GCC and clang, which both lower them to whatever the target has. The bodies are compiled into each of the functions below;
// their vectors stay inside, since those wider than the target's own have no calling convention.
#define TRIMCARVE_INLINE [[gnu::always_inline]] inline

template <std::size_t Width>
struct Vectors {
  using Words [[gnu::vector_size(Width)]] = std::uint64_t;
  using Bytes [[gnu::vector_size(Width)]] = std::uint8_t;
};
constexpr std::size_t step = 64;

// The top bit of a lane of (x - 1) & ~x is set when that lane of x is zero.
template <std::size_t Width>
TRIMCARVE_INLINE bool top_bit(const typename Vectors<Width>::Words& words) noexcept {
  std::uint64_t out = 0;
  for (std::size_t k = 0; k < Width / 8; ++k) out |= words[k];
  return out >> 63 != 0;
}

template <std::size_t Width>
TRIMCARVE_INLINE bool journal_body(ByteView bytes) noexcept {
  typename Vectors<Width>::Words found{}, w;
  for (std::size_t at = 0; at + step <= bytes.size(); at += step)
    for (std::size_t k = 0; k < step; k += Width) {
      std::memcpy(&w, bytes.data() + at + k, Width);
      const auto x = w & 0xFFFF'FFF8'FFFF'FC07ULL;
      found |= (x - 1) & ~x & (w << 30 | w << 29);
    }
  return top_bit<Width>(found);
}

template <std::size_t Width>
TRIMCARVE_INLINE TextSeeds seeds_body(const std::byte* piece) noexcept {
  typename Vectors<Width>::Words bytes{}, units{}, w;
  for (std::size_t at = 0; at < seed_piece; at += Width) {
    std::memcpy(&w, piece + at, Width);
    // seed_of_bytes, seed_of_units_at_even, seed_of_units_at_odd
    const auto b = (w | ~(w + 0x7777'7777'7777'7777ULL)) & 0x8080'8080'8080'8080ULL;
    const auto even = (w & 0xFF80'FF80'FF80'FF80ULL) | (~(w + 0x0077'0077'0077'0077ULL) & 0x0080'0080'0080'0080ULL);
    const auto odd = (w & 0x80FF'80FF'80FF'80FFULL) | (~(w + 0x7700'7700'7700'7700ULL) & 0x8000'8000'8000'8000ULL);
    bytes |= (b - 1) & ~b;
    units |= ((even - 1) & ~even) | ((odd - 1) & ~odd);
  }
  return {top_bit<Width>(bytes), top_bit<Width>(units)};
}

template <std::size_t Width>
TRIMCARVE_INLINE std::size_t sum(const typename Vectors<Width>::Bytes& counts) noexcept {
  std::size_t out = 0;
  for (std::size_t k = 0; k < Width; ++k) out += counts[k];
  return out;
}

// Whole steps of text; ends before the first with anything else in it. Of each four vectors one is counted: so much text is alike.
template <std::size_t Width>
TRIMCARVE_INLINE void measure_body(ByteView bytes, TextMeasure& out) noexcept {
  using Bytes = typename Vectors<Width>::Bytes;
  using Words = typename Vectors<Width>::Words;
  constexpr std::size_t counted_of = 4, stride = counted_of * Width;
  bool ended = false;
  while (!ended && out.length + stride <= bytes.size()) {
    Bytes letters{}, signs{}, line_ends{}, high{}, c;
    const std::size_t begin = out.length;
    // As many as a count of 8 bits holds.
    for (std::size_t n = 0; n < 255 && out.length + stride <= bytes.size(); ++n) {
      Words stop{};
      for (std::size_t k = stride; k != 0;) {
        k -= Width;
        std::memcpy(&c, bytes.data() + out.length + k, Width);
        const auto blank = (c == '\n') | (c == '\t') | (c == '\r') | (c == '\f');
        stop |= reinterpret_cast<Words>(((c < 0x20) & ~blank) | (c == 0x7F));
      }
      std::uint64_t stops = 0;
      for (std::size_t k = 0; k < Width / 8; ++k) stops |= stop[k];
      if (stops != 0) {
        ended = true;
        break;
      }
      // `c` is the first of them.
      const Bytes low = c | 0x20, from_a = low - 'a', from_0 = c - '0', from_visible = c - 0x21, from_comma = c - ',';
      const auto letter = from_a < 26;
      const auto of_prose = (from_comma < 3) | (c == '?');  // , - . ?
      const auto sign = (from_visible < 0x5E) & ~(letter | (from_0 < 10) | of_prose);
      // A comparison that holds is -1.
      letters -= reinterpret_cast<Bytes>(letter | (c == ' '));
      signs -= reinterpret_cast<Bytes>(sign);
      line_ends -= reinterpret_cast<Bytes>(c == '\n');
      high -= reinterpret_cast<Bytes>(c >= 0x80);
      out.length += stride;
    }
    if (out.length == begin) return;
    out.letters += counted_of * sum<Width>(letters);
    out.signs += counted_of * sum<Width>(signs);
    out.line_ends += counted_of * sum<Width>(line_ends);
    out.high += counted_of * sum<Width>(high);
  }
}

#if defined(__x86_64__)
[[gnu::target("avx2")]] bool journal_wide(ByteView bytes) noexcept { return journal_body<32>(bytes); }
[[gnu::target("avx2")]] TextSeeds seeds_wide(const std::byte* piece) noexcept { return seeds_body<32>(piece); }
[[gnu::target("avx2")]] void measure_wide(ByteView bytes, TextMeasure& out) noexcept { measure_body<32>(bytes, out); }
bool wide = __builtin_cpu_supports("avx2");
#define TRIMCARVE_EITHER(name, ...) (wide ? name##_wide(__VA_ARGS__) : name##_body<16>(__VA_ARGS__))
#else
#define TRIMCARVE_EITHER(name, ...) name##_body<16>(__VA_ARGS__)
#endif

// What a byte adds to a TextMeasure: four counts of 16 bits in one word. `stop`: it is no text.
constexpr std::uint64_t stop = ~std::uint64_t{0};
constexpr auto additions = [] {
  std::array<std::uint64_t, 256> out{};
  for (std::size_t c = 0; c < out.size(); ++c) {
    const ByteKind kind = kind_of(c);
    out[c] = kind == ByteKind::none       ? stop
             : kind == ByteKind::letter   ? 1
             : kind == ByteKind::sign     ? std::uint64_t{1} << 16
             : kind == ByteKind::line_end ? std::uint64_t{1} << 32
             : kind == ByteKind::high     ? std::uint64_t{1} << 48
                                          : 0;
  }
  return out;
}();

// Byte by byte, up to `end` or to what is no text: false then. Precondition: less than 32,768 bytes.
bool measure_each(ByteView bytes, std::size_t end, TextMeasure& out) noexcept {
  std::uint64_t counts = 0;
  bool text = true;
  for (; out.length < end; ++out.length) {
    const std::uint64_t add = additions[std::to_integer<std::size_t>(bytes[out.length])];
    if (add == stop) {
      text = false;
      break;
    }
    counts += add;
  }
  out.letters += counts & 0xFFFF;
  out.signs += counts >> 16 & 0xFFFF;
  out.line_ends += counts >> 32 & 0xFFFF;
  out.high += counts >> 48;
  return text;
}

}  // namespace

bool may_hold_journal_record(ByteView bytes) noexcept { return TRIMCARVE_EITHER(journal, bytes); }

TextSeeds text_seeds(std::span<const std::byte, seed_piece> piece) noexcept { return TRIMCARVE_EITHER(seeds, piece.data()); }

TextMeasure measure_text(ByteView bytes) noexcept {
  TextMeasure out;
  // Most are short.
  if (!measure_each(bytes, std::min(bytes.size(), 2 * step), out)) return out;
  TRIMCARVE_EITHER(measure, bytes, out);
  measure_each(bytes, bytes.size(), out);
  return out;
}

bool use_wide_vectors([[maybe_unused]] bool wanted) noexcept {
#if defined(__x86_64__)
  wide = wanted && __builtin_cpu_supports("avx2");
  return wide;
#else
  return false;
#endif
}

}  // namespace trimcarve::carvers
