// How much memory an examination may take: where data grows it is asked whether the process still keeps to it, and when not, what was being
// read is read no further, and the report says so.
#pragma once

#include <cstdint>

namespace trimcarve {

// Threads: may be asked from any.
class MemoryBudget {
 public:
  // Bytes that the process may hold in memory; 0: no limit.
  explicit MemoryBudget(std::uint64_t limit) noexcept : limit_(limit) {}

  std::uint64_t limit() const noexcept { return limit_; }
  // Does the process hold more? A system call: to be asked once for many records. What the system does not tell is no excess.
  bool exceeded() const noexcept;

 private:
  std::uint64_t limit_;
};

}  // namespace trimcarve
