// Whether an event's binary XML may be handed to libevtx, and where its strings lie.
//
// libevtx 20181227 trusts some of it: a count of template values wraps its check and is allocated (8 GiB seen) and read past the chunk, a
// value that substitutes itself recurses without end, values that contain each other multiply, an element's size is taken down below zero.
// So a record goes to it only when all that it will follow lies inside the chunk, at sizes that agree, and expands to a bounded text.
//
// Source of the format: libevtx, "Windows XML Event Log (EVTX) format", section 4 (binary XML).
#pragma once

#include <cstdint>
#include <vector>

#include "trimcarve/bytes.hpp"

namespace trimcarve::witness {

struct TextSpan {
  std::uint32_t offset = 0, size = 0;  // in the chunk, bytes of UTF-16
  bool array = false;                  // several strings, each with its zero
};

// `chunk`: a whole chunk, for names and templates are shared inside it. `offset`: where the record's binary XML begins. Bounded.
// `texts`: when given, where the strings among the record's values lie is appended, some more than once.
// Returns where the binary XML ends, 0 when it is not sound.
std::uint64_t end_of_binary_xml(ByteView chunk, std::uint64_t offset, std::vector<TextSpan>* texts = nullptr);

}  // namespace trimcarve::witness
