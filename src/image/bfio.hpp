// A ByteSource as the file that a libyal library reads: through callbacks, so the library neither opens nor touches the evidence itself.
//
// Source of the interface: libbfio's manual page. One handle per thread (seek and read are two calls).
#pragma once

#include <memory>
#include <vector>

#include "trimcarve/byte_source.hpp"

using libbfio_handle_t = intptr_t;
using libbfio_pool_t = intptr_t;

namespace trimcarve::image {

class BfioHandle {
 public:
  BfioHandle();
  BfioHandle(const BfioHandle&) = delete;
  BfioHandle& operator=(const BfioHandle&) = delete;
  ~BfioHandle();

  // False when the library has no memory. Once. The library that reads through it must be closed before this goes.
  bool open(SourcePtr file);
  libbfio_handle_t* get() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Several files as the pool that a library of split images reads.
class BfioPool {
 public:
  BfioPool();
  BfioPool(const BfioPool&) = delete;
  BfioPool& operator=(const BfioPool&) = delete;
  ~BfioPool();

  // As BfioHandle::open. The files keep their order.
  bool open(const std::vector<SourcePtr>& files);
  libbfio_pool_t* get() const noexcept;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace trimcarve::image
