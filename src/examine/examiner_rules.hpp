// The examiner's own YARA rules, held against what came back: contents of files and fragments of text.
//
// Memory is bounded: a content is scanned in one piece of at most `largest` bytes; of a larger one its beginning, which is said. Each scan
// ends after `most_seconds`. One object on one thread.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "trimcarve/byte_source.hpp"
#include "trimcarve/bytes.hpp"
#include "trimcarve/examination.hpp"

namespace trimcarve {

class ExaminerRules {
 public:
  static constexpr std::uint64_t largest = std::uint64_t{64} << 20;
  static constexpr int most_seconds = 10;

  // Throws RunError: {usage} for rules that do not compile, naming the line, and when the build has no libyara; {input} for a file that
  // cannot be read.
  explicit ExaminerRules(const std::string& path);
  ~ExaminerRules();
  ExaminerRules(const ExaminerRules&) = delete;
  ExaminerRules& operator=(const ExaminerRules&) = delete;

  enum class Scan : std::uint8_t { whole, beginning, timed_out, failed };
  // Adds the rules that match. Private rules are not told.
  Scan scan(ByteView bytes, std::vector<RuleMark>& marks) const;

  // Marks every content that came back and every fragment; what could not be scanned whole becomes a warning.
  void mark(Examination& examination) const;

 private:
  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace trimcarve
