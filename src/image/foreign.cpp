#include "image/foreign.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <string_view>

#include "trimcarve/bytes.hpp"
#include "trimcarve/result.hpp"

namespace trimcarve::image {

namespace {

using namespace std::string_view_literals;

[[noreturn]] [[maybe_unused]] void refuse(const std::string& path, std::string_view what, std::string_view library,
                                          std::string_view way_out) {
  throw RunError(ExitCode::input, path, "cannot read " + std::string(what),
                 "this trimcarve was built without " + std::string(library) + " (Debian: " + std::string(library) +
                     "-dev); build it with that, or " + std::string(way_out));
}

}  // namespace

std::optional<Container> open_foreign(const SourcePtr& file, const std::string& path, const OpenBeside& beside) {
  std::array<std::byte, 32> start{};
  if (!file->read_at(0, std::span(start).first(static_cast<std::size_t>(std::min<std::uint64_t>(start.size(), file->size())))))
    return std::nullopt;
  const auto begins = [&](std::string_view signature) { return std::memcmp(start.data(), signature.data(), signature.size()) == 0; };
  if (begins("EVF\x09\x0D\x0A\xFF\x00"sv)) {
    return open_ewf(file, path, beside);
  }
  if (begins("QFI\xFB\x00\x00\x00"sv)) {
    return open_qcow(file, path);
  }
  if (begins("KDMV"sv) || begins("# Disk DescriptorFile"sv)) {
#if TRIMCARVE_VMDK
    return open_vmdk(file, path, beside);
#else
    refuse(path, "this VMDK image", "libvmdk", "convert it to a raw image (qemu-img convert)");
#endif
  }
  return std::nullopt;
}

}  // namespace trimcarve::image
