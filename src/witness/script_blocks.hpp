// PowerShell's script blocks, whole: event 4104 carries a long one in parts ("MessageNumber" of "MessageTotal").
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "trimcarve/statement.hpp"

namespace trimcarve::witness {

struct PartRange {
  std::uint32_t first = 0, last = 0;  // part numbers, both included; the first part is 1
  friend bool operator==(const PartRange&, const PartRange&) = default;
};

struct ScriptStretch {
  PartRange parts;
  std::string text;  // of all of them, joined
};

// A part of which a log holds two texts.
struct ContestedPart {
  std::uint32_t part = 0;
  std::uint32_t number = 0;  // of the statement whose text this is
  std::string text;          // the other one is in the block's own text
};

struct ScriptBlock {
  std::string id;    // ScriptBlockId
  std::string path;  // of the script's file; empty for what was typed or passed as a command
  std::string text;  // whole, exactly; empty when parts are missing
  FileTime first_time, last_time;
  std::uint32_t total = 0;  // parts, as the records say; 0 when a record does not say which part it is, and stands alone
  std::vector<PartRange> missing;
  std::vector<ScriptStretch> stretches;     // what is there when parts are missing, in order; never joined across a gap
  std::vector<ContestedPart> contested;     // by part and number; a live record's text goes before a recovered one's, then the first
  std::vector<std::uint32_t> other_totals;  // that records also claim, ascending; `total` is the largest
  std::vector<std::uint32_t> numbers;       // the caller's numbers of the statements, duplicates too, ascending
  std::string computer, user, process_id;
  bool carved = false;   // some of its text comes from recovered records only
  bool dropped = false;  // parts were there, but are missing here: the limit on memory was reached
};

// Takes statements in any order. Parts of one block have the same id, log, computer and process. Memory: the texts, each once, up to a
// limit, and a few numbers for each statement.
class ScriptBlocks {
 public:
  explicit ScriptBlocks(std::uint64_t most_bytes = std::uint64_t{512} << 20) : room_(most_bytes) {}

  // Statements other than script_text are passed over. `number`: how the caller will find the statement again.
  void add(const Statement& statement, std::uint32_t number);

  // The blocks in order of their first statement. What was added is used up.
  std::vector<ScriptBlock> finish();

 private:
  struct Part {
    std::string text;
    std::uint32_t number = 0;
    bool carved = false;
  };
  struct Pending {
    ScriptBlock block;
    std::map<std::uint32_t, Part> parts;
    // The other texts of a part, each with its statement's number: found by text, as a log may hold a hundred thousand.
    std::map<std::uint32_t, std::map<std::string, std::uint32_t>> contested;
    std::set<std::uint32_t> totals;
  };
  bool take_room(std::size_t bytes);
  Pending& find(const Statement& statement, const std::string& id);
  void add_part(Pending& pending, std::uint32_t part, const Statement& statement, std::uint32_t number);

  std::uint64_t room_;
  std::vector<Pending> pending_;
  std::map<std::string, std::size_t> places_;  // by log, computer, process and id
};

}  // namespace trimcarve::witness
