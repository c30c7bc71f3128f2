#include "witness/program_cache.hpp"

#include <algorithm>

#include "trimcarve/text.hpp"

namespace trimcarve::witness {

namespace {

constexpr std::uint16_t longest_path = 4096;  // bytes; Windows' own limit is 520 nearly everywhere

std::string text_of(ByteView bytes) {
  std::u16string units;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) units.push_back(le<std::uint16_t>(bytes, i));
  return to_utf8(units);
}

// Windows 7: a table of fixed entries, paths elsewhere in the value. 64-bit entries leave four bytes empty before the path's offset.
void decode_table(ByteView value, ProgramCacheTally& tally, const std::function<void(const CachedProgram&)>& sink) {
  constexpr std::uint64_t header = 128, most_entries = 4096;  // Windows keeps 1024
  const std::uint64_t count = le<std::uint32_t>(value, 4);
  const auto first = slice(value, header, 48);
  const bool wide = first && le<std::uint32_t>(*first, 4) == 0;
  const std::uint64_t size = wide ? 48 : 32;
  for (std::uint64_t i = 0; i < count; ++i) {
    const std::uint64_t at = header + i * size;
    if (i == most_entries || !fits(value, at, size)) {
      tally.damaged += count - i;
      return;
    }
    const auto length = le<std::uint16_t>(value, at);
    const std::uint64_t place = wide ? le<std::uint64_t>(value, at + 8) : le<std::uint32_t>(value, at + 4);
    const auto path = slice(value, place, length);
    if (!path || length % 2 != 0) {
      ++tally.damaged;
      continue;
    }
    ++tally.entries;
    sink({text_of(*path), {le<std::uint64_t>(value, at + (wide ? 16U : 8U))}, at, size, i});
  }
}

}  // namespace

std::optional<CachedProgram> decode_cached_program(ByteView bytes) {
  constexpr std::uint64_t header = 12;
  if (bytes.size() < header + 2) return std::nullopt;
  const bool eight = std::memcmp(bytes.data(), "00ts", 4) == 0;
  if (!eight && std::memcmp(bytes.data(), "10ts", 4) != 0) return std::nullopt;
  const std::uint64_t size = le<std::uint32_t>(bytes, 8);
  const auto body = slice(bytes, header, size);
  if (!body || size < 2) return std::nullopt;
  const auto length = le<std::uint16_t>(*body, 0);
  if (length == 0 || length % 2 != 0 || length > longest_path) return std::nullopt;
  // Behind the path stand, up to the time: nothing (Windows 10), two flags (8), or a package's length, the package and two flags (8.1).
  const std::uint64_t behind = 2 + std::uint64_t{length};
  const auto closes = [&](std::uint64_t gap) {
    const auto data = try_le<std::uint32_t>(*body, behind + gap + 8);
    return data && behind + gap + 12 + *data == size;
  };
  const auto package = try_le<std::uint16_t>(*body, behind);
  std::optional<std::uint64_t> gap;
  if (eight && closes(8)) gap = 8;
  if (!gap && !eight && closes(0)) gap = 0;
  if (!gap && package && closes(2 + std::uint64_t{*package} + 8)) gap = 2 + std::uint64_t{*package} + 8;
  if (!gap) return std::nullopt;
  return CachedProgram{text_of(body->subspan(2, length)), {le<std::uint64_t>(*body, behind + *gap)}, 0, header + size, 0};
}

ProgramCacheTally decode_program_cache(ByteView value, const std::function<void(const CachedProgram&)>& sink) {
  ProgramCacheTally tally;
  if (value.size() < 8) return tally;
  const auto first = le<std::uint32_t>(value, 0);
  if (first == 0xBADC0FEE) {
    tally.format = "Windows 7";
    decode_table(value, tally, sink);
    return tally;
  }
  // Else the header's own size; the entries follow each other.
  if (first < 0x30 || first > 0x80 || first > value.size()) return tally;
  tally.format = first == 0x80 ? "Windows 8" : "Windows 10";
  std::uint64_t position = 0;
  for (std::uint64_t at = first; at < value.size();) {
    if (auto program = decode_cached_program(value.subspan(static_cast<std::size_t>(at)))) {
      program->offset = at;
      program->position = position++;
      at += program->length;
      ++tally.entries;
      sink(*program);
      continue;
    }
    // A broken entry costs itself: the next signature goes on.
    ++tally.damaged;
    ++position;
    constexpr std::string_view signatures[] = {"10ts", "00ts"};
    const char* text = reinterpret_cast<const char*>(value.data());
    const std::string_view rest(text, value.size());
    at = std::min(rest.find(signatures[0], static_cast<std::size_t>(at) + 1), rest.find(signatures[1], static_cast<std::size_t>(at) + 1));
  }
  return tally;
}

}  // namespace trimcarve::witness
