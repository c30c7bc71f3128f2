#include "image/bfio.hpp"

#include <libbfio.h>

#include <algorithm>
#include <span>

namespace trimcarve::image {

namespace {

// The state behind the handle. The callbacks let no exception out.
struct Io {
  SourcePtr file;
  off64_t position = 0;
  bool open = false;
};
// NOLINTNEXTLINE(readability-non-const-parameter): the type in which libbfio hands it to the callbacks
Io& io(intptr_t* handle) { return *reinterpret_cast<Io*>(handle); }

int io_free(intptr_t** handle, libbfio_error_t**) {
  *handle = nullptr;  // owned by BfioHandle
  return 1;
}
int io_clone(intptr_t**, intptr_t*, libbfio_error_t**) { return -1; }
int io_open(intptr_t* handle, int access, libbfio_error_t**) {
  if ((access & LIBBFIO_ACCESS_FLAG_WRITE) != 0) return -1;
  io(handle).open = true;
  io(handle).position = 0;
  return 1;
}
int io_close(intptr_t* handle, libbfio_error_t**) {
  io(handle).open = false;
  return 0;
}
ssize_t io_read(intptr_t* handle, std::uint8_t* buffer, std::size_t size, libbfio_error_t**) {
  Io& state = io(handle);
  const auto position = static_cast<std::uint64_t>(state.position);
  if (position >= state.file->size()) return 0;
  size = static_cast<std::size_t>(std::min<std::uint64_t>(size, state.file->size() - position));
  try {
    if (!state.file->read_at(position, std::as_writable_bytes(std::span(buffer, size)))) return -1;
  } catch (...) {
    return -1;
  }
  state.position += static_cast<off64_t>(size);
  return static_cast<ssize_t>(size);
}
ssize_t io_write(intptr_t*, const std::uint8_t*, std::size_t, libbfio_error_t**) { return -1; }
off64_t io_seek(intptr_t* handle, off64_t offset, int whence, libbfio_error_t**) {
  Io& state = io(handle);
  const off64_t base = whence == SEEK_SET ? 0 : whence == SEEK_CUR ? state.position : static_cast<off64_t>(state.file->size());
  off64_t target = 0;
  if (__builtin_add_overflow(base, offset, &target) || target < 0) return -1;
  return state.position = target;
}
int io_exists(intptr_t*, libbfio_error_t**) { return 1; }
int io_is_open(intptr_t* handle, libbfio_error_t**) { return io(handle).open ? 1 : 0; }
int io_size(intptr_t* handle, size64_t* size, libbfio_error_t**) {
  *size = io(handle).file->size();
  return 1;
}

// The handle does not own `io`.
bool open_handle(Io& io, libbfio_handle_t*& handle) {
  return libbfio_handle_initialize(&handle, reinterpret_cast<intptr_t*>(&io), io_free, io_clone, io_open, io_close, io_read, io_write,
                                   io_seek, io_exists, io_is_open, io_size, LIBBFIO_FLAG_IO_HANDLE_NON_MANAGED, nullptr) == 1;
}

}  // namespace

struct BfioHandle::State {
  Io io;
  libbfio_handle_t* handle = nullptr;
};

BfioHandle::BfioHandle() : state_(std::make_unique<State>()) {}

BfioHandle::~BfioHandle() {
  if (state_->handle != nullptr) libbfio_handle_free(&state_->handle, nullptr);
}

bool BfioHandle::open(SourcePtr file) {
  state_->io.file = std::move(file);
  return open_handle(state_->io, state_->handle);
}

libbfio_handle_t* BfioHandle::get() const noexcept { return state_->handle; }

struct BfioPool::State {
  std::vector<std::unique_ptr<Io>> files;
  libbfio_pool_t* pool = nullptr;
};

BfioPool::BfioPool() : state_(std::make_unique<State>()) {}

BfioPool::~BfioPool() {
  if (state_->pool != nullptr) libbfio_pool_free(&state_->pool, nullptr);  // and its handles
}

bool BfioPool::open(const std::vector<SourcePtr>& files) {
  if (libbfio_pool_initialize(&state_->pool, 0, LIBBFIO_POOL_UNLIMITED_NUMBER_OF_OPEN_HANDLES, nullptr) != 1) return false;
  for (const SourcePtr& file : files) {
    Io& io = *state_->files.emplace_back(std::make_unique<Io>(Io{.file = file}));
    libbfio_handle_t* handle = nullptr;
    int entry = 0;
    if (!open_handle(io, handle)) return false;
    if (libbfio_pool_append_handle(state_->pool, &entry, handle, LIBBFIO_OPEN_READ, nullptr) != 1) {
      libbfio_handle_free(&handle, nullptr);
      return false;
    }
  }
  return true;
}

libbfio_pool_t* BfioPool::get() const noexcept { return state_->pool; }

}  // namespace trimcarve::image
