// verify's reading of a findings.json that somebody else may have written.
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>

#include "report/verify_document.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const int fd = ::memfd_create("findings", MFD_CLOEXEC);
  if (fd < 0) return 0;
  if (::write(fd, data, size) == static_cast<ssize_t>(size)) {
    ::lseek(fd, 0, SEEK_SET);
    (void)trimcarve::report::read_cited(fd);
  }
  ::close(fd);
  return 0;
}
