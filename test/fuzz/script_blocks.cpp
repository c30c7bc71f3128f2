// Script blocks from any parts in any order. Text is neither invented nor joined across a gap, and what is missing is exactly what is not
// there.
#include <cstddef>
#include <cstdint>
#include <string>

#include "witness/script_blocks.hpp"

namespace {
void require(bool holds) {
  if (!holds) __builtin_trap();
}
}  // namespace

// Each four bytes: id, part, total, text length and kind.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trimcarve;
  witness::ScriptBlocks joiner(4096);
  std::size_t added = 0, text = 0;
  for (std::size_t at = 0; at + 4 <= size; at += 4) {
    Statement statement;
    statement.deed = Deed::script_text;
    statement.carved = (data[at + 3] & 0x80) != 0;
    statement.time = {data[at]};
    statement.text = std::string(data[at + 3] & 0x0F, static_cast<char>('a' + (data[at + 3] >> 4 & 3)));
    if ((data[at + 3] & 0x40) != 0) statement.text += (data[at + 3] & 1) != 0 ? "\\ud83d" : "\\ude00";
    statement.fields = {{"ScriptBlockId", std::string(1, static_cast<char>('a' + data[at] % 4))},
                        {"MessageNumber", data[at + 1] == 255 ? "4294967295" : std::to_string(data[at + 1])},
                        {"MessageTotal", data[at + 2] == 255 ? "4294967295" : std::to_string(data[at + 2])}};
    text += statement.text.size();
    joiner.add(statement, static_cast<std::uint32_t>(added++));
  }
  std::size_t numbers = 0, given = 0;
  for (const witness::ScriptBlock& block : joiner.finish()) {
    numbers += block.numbers.size();
    given += block.text.size();
    require(block.first_time <= block.last_time);
    require(block.missing.empty() || block.text.empty());
    require(!block.missing.empty() || block.stretches.empty());
    std::uint64_t parts = 0, last = 0;
    for (const witness::ScriptStretch& stretch : block.stretches) {
      given += stretch.text.size();
      require(stretch.parts.first > last && (last == 0 || stretch.parts.first > last + 1) && stretch.parts.last >= stretch.parts.first);
      last = stretch.parts.last;
      parts += std::uint64_t{stretch.parts.last} - stretch.parts.first + 1;
    }
    const std::uint64_t total = block.total == 0 ? 1 : block.total;
    require(last <= total);
    for (const witness::PartRange& range : block.missing) {
      require(range.first >= 1 && range.last >= range.first && range.last <= total);
      parts += std::uint64_t{range.last} - range.first + 1;
    }
    require(block.missing.empty() || parts == total);
    for (const witness::ContestedPart& other : block.contested) given += other.text.size();
  }
  require(numbers == added && given <= text);
  return 0;
}
