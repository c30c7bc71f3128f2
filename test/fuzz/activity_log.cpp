// The Azure Activity Log in any shape. What is emitted lies inside the input, in order and apart from all else; its text is well-formed.
#include "witness/activity_log.hpp"

#include "memory_source.hpp"
#include "trimcarve/text.hpp"
#include "witness/activity_match.hpp"

namespace {
void require(bool holds) {
  if (!holds) __builtin_trap();
}
void check(const std::string& text) { require(trimcarve::to_utf8(trimcarve::to_utf16(text)) == text); }
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace trimcarve;
  const fuzz::MemorySource source(data, size);
  std::vector<Statement> statements;
  std::uint64_t behind = 0;
  const witness::Tally tally = witness::read_activity_log(source, [&](const Statement& s) {
    require(s.offset >= behind && s.length > 0 && fits(size, s.offset, s.length));
    behind = s.offset + s.length;
    require(!s.event.empty());
    for (const std::string* text :
         {&s.user, &s.status, &s.command, &s.settings, &s.handler, &s.version, &s.time_text, &s.text, &s.computer})
      check(*text);
    for (const auto& [name, value] : s.fields) check(value);
    require(s.deed != Deed::cloud_machine || !witness::listed_extensions(s).empty());
    statements.push_back(s);
  });
  require(tally.emitted == statements.size() || !tally.readable);
  require(tally.emitted <= tally.records && tally.damaged <= tally.records);
  std::uint64_t gap_end = 0;
  for (const auto& gap : tally.gaps.kept) {
    require(gap.offset >= gap_end && gap.length > 0 && fits(size, gap.offset, gap.length));
    gap_end = gap.offset + gap.length;
    for (const Statement& s : statements) require(s.offset >= gap_end || s.offset + s.length <= gap.offset);
  }
  std::size_t grouped = 0;
  for (const auto& operation : witness::group_operations(statements)) grouped += operation.numbers.size();
  require(grouped <= statements.size());
  return 0;
}
