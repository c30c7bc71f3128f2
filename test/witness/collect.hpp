// Statements of a reader, kept; bytes given as text.
#pragma once

#include <cstddef>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "ntfs/stream.hpp"
#include "witness/witness.hpp"

namespace trimcarve::test {

inline SourcePtr source_of(std::string_view text) {
  std::vector<std::byte> bytes(text.size());
  if (!text.empty()) std::memcpy(bytes.data(), text.data(), text.size());
  return ntfs::make_buffer(std::move(bytes), nullptr, 0);
}

struct Collected {
  std::vector<Statement> statements;
  witness::StatementSink sink = [this](const Statement& s) { statements.push_back(s); };
  Collected() = default;
  Collected(const Collected&) = delete;
  Collected& operator=(const Collected&) = delete;
};

// The value of the first field of this name; "" when there is none.
inline std::string field(const Statement& s, std::string_view name) {
  for (const auto& [key, value] : s.fields)
    if (key == name) return value;
  return {};
}

inline std::string utf16le(std::string_view ascii) {
  std::string out;
  for (const char c : ascii) {
    out.push_back(c);
    out.push_back('\0');
  }
  return out;
}

}  // namespace trimcarve::test
