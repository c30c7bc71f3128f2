// The functions that take a libbfio handle are declared only with this.
#define HAVE_LIBBFIO 1
#include "image/libvhdi_reader.hpp"

#include <libvhdi.h>

#include <algorithm>
#include <array>

#include "image/bfio.hpp"
#include "image/guid.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::image {

namespace {

// Collects the error of a failing call and frees it.
class CallError {
 public:
  CallError() = default;
  CallError(const CallError&) = delete;
  CallError& operator=(const CallError&) = delete;
  ~CallError() { libvhdi_error_free(&error_); }
  libvhdi_error_t** out() noexcept {
    libvhdi_error_free(&error_);
    return &error_;
  }
  // The innermost reason, the last line of the library's backtrace.
  std::string text() const {
    std::array<char, 4096> buffer{};
    if (error_ == nullptr || libvhdi_error_backtrace_sprint(error_, buffer.data(), buffer.size()) <= 0) return "no reason given";
    std::string all(buffer.data());
    while (!all.empty() && all.back() == '\n') all.pop_back();
    const auto first_line = all.substr(0, all.find('\n'));
    return first_line.empty() ? "no reason given" : first_line;
  }

 private:
  libvhdi_error_t* error_ = nullptr;
};

}  // namespace

struct LibvhdiReader::Handles {
  BfioHandle io;
  libvhdi_file_t* file = nullptr;

  Handles() = default;
  Handles(const Handles&) = delete;
  Handles& operator=(const Handles&) = delete;
  ~Handles() {
    if (file != nullptr) libvhdi_file_free(&file, nullptr);  // closes what is open
  }
};

LibvhdiReader::LibvhdiReader() : handles_(std::make_unique<Handles>()) {}
LibvhdiReader::LibvhdiReader(LibvhdiReader&&) noexcept = default;
LibvhdiReader& LibvhdiReader::operator=(LibvhdiReader&&) noexcept = default;
LibvhdiReader::~LibvhdiReader() = default;

Result<LibvhdiReader> LibvhdiReader::open(SourcePtr file) {
  LibvhdiReader reader;
  Handles& h = *reader.handles_;
  CallError error;
  if (!h.io.open(std::move(file))) return fail("no file handle");
  if (libvhdi_file_initialize(&h.file, error.out()) != 1 ||
      libvhdi_file_open_file_io_handle(h.file, h.io.get(), LIBVHDI_OPEN_READ, error.out()) != 1)
    return fail(error.text());

  int format = 0;
  std::uint32_t type = 0;
  std::array<std::uint8_t, 16> identifier{};
  if (libvhdi_file_get_file_type(h.file, &format, error.out()) != 1 || libvhdi_file_get_disk_type(h.file, &type, error.out()) != 1 ||
      libvhdi_file_get_media_size(h.file, &reader.size_, error.out()) != 1 ||
      libvhdi_file_get_identifier(h.file, identifier.data(), identifier.size(), error.out()) != 1)
    return fail(error.text());
  reader.kind_ = format == LIBVHDI_FILE_TYPE_VHDX ? "vhdx " : "vhd ";
  reader.kind_ += type == LIBVHDI_DISK_TYPE_FIXED ? "fixed" : type == LIBVHDI_DISK_TYPE_DYNAMIC ? "dynamic" : "differencing";
  // libvhdi hands out the bytes of both formats in the order in which they are written.
  reader.identifier_ = guid_text(std::as_bytes(std::span(identifier)), GuidOrder::big);

  if (type == LIBVHDI_DISK_TYPE_DIFFERENTIAL) {
    std::size_t length = 0;
    constexpr std::size_t longest = 65536;
    if (libvhdi_file_get_utf8_parent_filename_size(h.file, &length, error.out()) == 1 && length > 1 && length <= longest) {
      std::string name(length, '\0');
      if (libvhdi_file_get_utf8_parent_filename(h.file, reinterpret_cast<std::uint8_t*>(name.data()), length, error.out()) == 1) {
        name.pop_back();  // the terminating zero
        reader.parent_ = std::move(name);
      }
    }
  }
  return reader;
}

Result<void> LibvhdiReader::read_at(std::uint64_t offset, std::span<std::byte> out) const {
  CallError error;
  if (!fits(size_, offset, out.size())) return fail("past the end of the disk");
  while (!out.empty()) {
    const ssize_t got =
        libvhdi_file_read_buffer_at_offset(handles_->file, out.data(), out.size(), static_cast<off64_t>(offset), error.out());
    if (got <= 0) return fail(error.text());
    offset += static_cast<std::uint64_t>(got);
    out = out.subspan(static_cast<std::size_t>(got));
  }
  return {};
}

}  // namespace trimcarve::image
