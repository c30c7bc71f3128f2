// BitLocker by libbde. Source: libbde's "BitLocker Drive Encryption (BDE) format" document.
//
// The functions that take a libbfio handle are declared only with this.
#define HAVE_LIBBFIO 1
#define LIBBDE_HAVE_BFIO 1
#include <libbde.h>

#include <algorithm>
#include <array>
#include <mutex>

#include "image/bfio.hpp"
#include "image/bitlocker.hpp"
#include "image/host_file.hpp"
#include "image/libyal_error.hpp"

namespace trimcarve::image {

namespace {

using BdeError = LibyalError<libbde_error_free, libbde_error_backtrace_sprint>;

constexpr std::uint64_t unit = 4096;  // in which stored zeros are told from cipher text; the smallest cluster of a usual volume

constexpr std::uint64_t header_units = 16;  // 64 KiB, of which the first 8 KiB are moved as a rule

std::string method_of(std::uint16_t method) {
  switch (method) {
    case LIBBDE_ENCRYPTION_METHOD_AES_128_CBC_DIFFUSER: return "AES-CBC 128 with diffuser";
    case LIBBDE_ENCRYPTION_METHOD_AES_256_CBC_DIFFUSER: return "AES-CBC 256 with diffuser";
    case LIBBDE_ENCRYPTION_METHOD_AES_128_CBC: return "AES-CBC 128";
    case LIBBDE_ENCRYPTION_METHOD_AES_256_CBC: return "AES-CBC 256";
    case LIBBDE_ENCRYPTION_METHOD_AES_128_XTS: return "AES-XTS 128";
    case LIBBDE_ENCRYPTION_METHOD_AES_256_XTS: return "AES-XTS 256";
    default: return {};
  }
}

class Plain final : public ByteSource {
 public:
  explicit Plain(SourcePtr cipher) : cipher_(std::move(cipher)) {}
  Plain(const Plain&) = delete;
  Plain& operator=(const Plain&) = delete;
  ~Plain() override {
    if (volume_ != nullptr) libbde_volume_free(&volume_, nullptr);  // closes what is open
  }

  Result<std::string> open(const BitlockerKeys& keys) {
    BdeError error;
    const auto text = [](const std::string& s) { return reinterpret_cast<const std::uint8_t*>(s.data()); };
    if (!io_.open(cipher_) || libbde_volume_initialize(&volume_, error.out()) != 1) return fail("no file handle");
    if (!keys.recovery_password.empty() &&
        libbde_volume_set_utf8_recovery_password(volume_, text(keys.recovery_password), keys.recovery_password.size(), error.out()) != 1)
      return fail("the recovery password is none: " + error.text());
    if (!keys.password.empty() && libbde_volume_set_utf8_password(volume_, text(keys.password), keys.password.size(), error.out()) != 1)
      return fail("the password cannot be used: " + error.text());
    if (keys.startup_key != nullptr &&
        (!key_io_.open(keys.startup_key) || libbde_volume_read_startup_key_file_io_handle(volume_, key_io_.get(), error.out()) != 1))
      return fail("the startup key cannot be read: " + error.text());
    // 0: it was read, but no key fits.
    const int opened = libbde_volume_open_file_io_handle(volume_, io_.get(), LIBBDE_OPEN_READ, error.out());
    if (opened < 0 && error.text() != "no reason given") return fail("libbde: " + error.text());
    if (opened != 1 || libbde_volume_is_locked(volume_, error.out()) != 0)
      return fail(keys.any() ? "no key that was given fits it" : "give --recovery-key, --startup-key or --bitlocker-password-fd");
    std::uint16_t method = 0;
    if (libbde_volume_get_encryption_method(volume_, &method, error.out()) != 1 ||
        libbde_volume_get_size(volume_, &size_, error.out()) != 1)
      return fail("libbde: " + error.text());
    if (method_of(method).empty()) return fail("it is encrypted by a method that is not read");
    size_ = std::min<std::uint64_t>(size_, cipher_->size());
    return method_of(method);
  }

  std::uint64_t size() const noexcept override { return size_; }

  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(size_, offset, out.size())) return fail("past the end of the volume");
    while (!out.empty()) {
      const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(out.size(), unit - offset % unit));
      const auto piece = out.first(length);
      const auto kind = state(offset / unit).kind;
      if (kind == ExtentKind::unreadable || kind == ExtentKind::data) {
        // A part of an unreadable unit may be read all the same: what libbde makes of what it cannot read is an error.
        if (auto read = decrypted(offset, piece); !read) return read;
      } else {
        std::ranges::fill(piece, std::byte{0});
      }
      offset += length;
      out = out.subspan(length);
    }
    return {};
  }

  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    std::vector<Extent> found;
    if (offset >= size_) return found;
    const std::uint64_t end = offset + std::min(length, size_ - offset);
    while (offset < end) {
      const std::uint64_t stop = std::min(end, offset - offset % unit + unit);
      const Extent stored = state(offset / unit);
      add_extent(found, offset, stop - offset, stored.kind, stored.partial);
      offset = stop;
    }
    return found;
  }

  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override {
    if (offset >= size_) return {};
    return cipher_->locate(offset, std::min(length, size_ - offset));
  }

 private:
  // What the container says of a unit, where it says anything but `data` of all of it; else whether it is stored as zeros.
  Extent state(std::uint64_t number) const {
    const std::uint64_t at = number * unit, length = std::min(unit, cipher_->size() - at);
    // The volume's first sectors are kept elsewhere: what lies in their place says nothing of them.
    if (number < header_units) return {at, length, ExtentKind::data};
    const auto extents = cipher_->extents(at, length);
    if (extents.size() == 1 && extents.front().kind != ExtentKind::data) return extents.front();
    const bool partial = std::ranges::any_of(extents, &Extent::partial);
    if (std::ranges::any_of(extents, [](const Extent& e) { return e.kind == ExtentKind::unreadable; }))
      return {at, length, ExtentKind::unreadable, partial};
    std::array<std::byte, unit> bytes;
    const auto stored = std::span(bytes).first(static_cast<std::size_t>(length));
    if (!cipher_->read_at(at, stored)) return {at, length, ExtentKind::unreadable, partial};
    return {at, length, all_zero(stored) ? ExtentKind::hole : ExtentKind::data, partial};
  }

  Result<void> decrypted(std::uint64_t offset, std::span<std::byte> out) const {
    const std::lock_guard lock(mutex_);
    BdeError error;
    while (!out.empty()) {
      const ssize_t got = libbde_volume_read_buffer_at_offset(volume_, out.data(), out.size(), static_cast<off64_t>(offset), error.out());
      if (got <= 0 || static_cast<std::size_t>(got) > out.size()) return fail("at " + std::to_string(offset) + ": libbde: " + error.text());
      offset += static_cast<std::uint64_t>(got);
      out = out.subspan(static_cast<std::size_t>(got));
    }
    return {};
  }

  SourcePtr cipher_;
  BfioHandle io_, key_io_;  // must outlive the volume: it is closed in the destructor above
  libbde_volume_t* volume_ = nullptr;
  size64_t size_ = 0;
  mutable std::mutex mutex_;
};

}  // namespace

Result<BitlockerVolume> unlock_bitlocker(const SourcePtr& partition, const BitlockerKeys& keys) {
  auto plain = std::make_shared<Plain>(partition);
  auto method = plain->open(keys);
  if (!method) return std::unexpected(method.error());
  return BitlockerVolume{std::move(plain), *std::move(method)};
}

}  // namespace trimcarve::image
