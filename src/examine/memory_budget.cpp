#include "examine/memory_budget.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

namespace trimcarve {

bool MemoryBudget::exceeded() const noexcept {
  if (limit_ == 0) return false;
  // proc(5), /proc/pid/statm: total size, then what is resident, in pages.
  const int file = ::open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
  if (file < 0) return false;
  std::array<char, 128> text{};
  const ssize_t got = ::read(file, text.data(), text.size() - 1);
  ::close(file);
  if (got <= 0) return false;
  char* rest = nullptr;
  std::strtoull(text.data(), &rest, 10);
  const std::uint64_t pages = std::strtoull(rest, nullptr, 10);
  return pages > limit_ / static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace trimcarve
