// Preloaded into the program by the tests: its reads of files come back as those of a failing disk. FAILING_READS says how:
//   short            at most 700 bytes a read, and every third read is interrupted first
//   eio:FROM:LENGTH  reads that touch these bytes of a file fail with EIO
//   end:FROM:READS   after so many reads files have no bytes from FROM on, as one that shrinks
#include <dlfcn.h>
#include <sys/types.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace {

using Read = ssize_t (*)(int, void*, size_t, off_t);

std::atomic<unsigned long> reads{0};

ssize_t fail_as_told(int file, void* out, size_t length, off_t offset) {
  // dlsym gives a function as an object pointer.
  static const Read real = [] {
    void* found = ::dlsym(RTLD_NEXT, "pread64");
    Read read = nullptr;
    std::memcpy(&read, &found, sizeof read);
    return read;
  }();
  static const char* const how = std::getenv("FAILING_READS");
  const unsigned long number = reads++;
  unsigned long long from = 0, second = 0;
  const auto begin = static_cast<unsigned long long>(offset);
  if (how != nullptr && std::strcmp(how, "short") == 0) {
    if (number % 3 == 2) {
      errno = EINTR;
      return -1;
    }
    length = std::min<size_t>(length, 700);
  } else if (how != nullptr && std::sscanf(how, "eio:%llu:%llu", &from, &second) == 2) {
    if (begin < from + second && from < begin + length) {
      errno = EIO;
      return -1;
    }
  } else if (how != nullptr && std::sscanf(how, "end:%llu:%llu", &from, &second) == 2 && number >= second) {
    length = begin >= from ? 0 : std::min<size_t>(length, from - begin);
  }
  return real(file, out, length, offset);
}

}  // namespace

// With 64-bit offsets this is pread64, as all that read with them call it.
extern "C" ssize_t pread(int file, void* out, size_t length, off_t offset) { return fail_as_told(file, out, length, offset); }
