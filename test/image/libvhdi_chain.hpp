// A differencing image with its parent as libvhdi reads it: the second reader where it is right, and the one that shows which images it
// reads wrong.
#pragma once

#include <libvhdi.h>

#include "support.hpp"

namespace trimcarve::test {

class LibvhdiChain {
 public:
  LibvhdiChain(const std::string& child, const std::string& parent) {
    REQUIRE(libvhdi_file_initialize(&parent_, nullptr) == 1);
    REQUIRE(libvhdi_file_open(parent_, parent.c_str(), LIBVHDI_OPEN_READ, nullptr) == 1);
    REQUIRE(libvhdi_file_initialize(&child_, nullptr) == 1);
    REQUIRE(libvhdi_file_open(child_, child.c_str(), LIBVHDI_OPEN_READ, nullptr) == 1);
    REQUIRE(libvhdi_file_set_parent_file(child_, parent_, nullptr) == 1);
  }
  LibvhdiChain(const LibvhdiChain&) = delete;
  LibvhdiChain& operator=(const LibvhdiChain&) = delete;
  ~LibvhdiChain() {
    libvhdi_file_free(&child_, nullptr);
    libvhdi_file_free(&parent_, nullptr);
  }
  // Empty when it fails.
  Bytes read(std::uint64_t offset, std::size_t size) {
    Bytes out(size);
    std::size_t done = 0;
    while (done < size) {
      const auto got =
          libvhdi_file_read_buffer_at_offset(child_, out.data() + done, size - done, static_cast<off64_t>(offset + done), nullptr);
      if (got <= 0) return {};
      done += static_cast<std::size_t>(got);
    }
    return out;
  }

 private:
  libvhdi_file_t *child_ = nullptr, *parent_ = nullptr;
};

}  // namespace trimcarve::test
