// libvhdi as the second reader of VHD and VHDX: it identifies an image, and its bytes are compared with ours at sampled places.
//
// It reads through our own file handle, so it neither opens nor touches the evidence itself. One thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "trimcarve/byte_source.hpp"
#include "trimcarve/result.hpp"

namespace trimcarve::image {

class LibvhdiReader {
 public:
  // Fails when libvhdi refuses the image; the error is its own message.
  static Result<LibvhdiReader> open(SourcePtr file);

  LibvhdiReader(LibvhdiReader&&) noexcept;
  LibvhdiReader& operator=(LibvhdiReader&&) noexcept;
  ~LibvhdiReader();

  std::string_view kind() const noexcept { return kind_; }  // as SourceInfo::container: "vhd fixed", "vhdx dynamic", ...
  std::uint64_t size() const noexcept { return size_; }
  const std::string& identifier() const noexcept { return identifier_; }
  const std::string& parent() const noexcept { return parent_; }  // of a differencing image: its parent's file name, else empty

  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const;

 private:
  struct Handles;
  LibvhdiReader();

  std::unique_ptr<Handles> handles_;
  std::string kind_, identifier_, parent_;
  std::uint64_t size_ = 0;
};

}  // namespace trimcarve::image
