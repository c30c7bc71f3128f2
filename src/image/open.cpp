#include "image/open.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <string_view>

#include "image/host_file.hpp"
#include "image/libvhdi_reader.hpp"
#include "image/split.hpp"
#include "image/vhd.hpp"
#include "image/vhdx.hpp"
#include "trimcarve/bytes.hpp"
#include "trimcarve/result.hpp"

namespace trimcarve::image {

namespace {

// Containers that are known but not read. Taken as raw they would be "no disk", or worse, a wrong one.
struct Foreign {
  std::string_view signature;
  std::string_view what;
};
using namespace std::string_view_literals;
constexpr std::array foreign{
    Foreign{"EVF\x09\x0D\x0A\xFF\x00"sv, "an EnCase image (E01)"},
    Foreign{"EVF2\x0D\x0A\x81\x00"sv, "an EnCase image (Ex01)"},
    Foreign{"QFI\xFB"sv, "a qcow2 image"},
    Foreign{"KDMV"sv, "a VMDK image"},
    Foreign{"# Disk DescriptorFile"sv, "a VMDK descriptor"},
    Foreign{"\x1F\x8B\x08"sv, "compressed with gzip: unpack it first"},
    Foreign{"\xFD\x37zXZ\x00"sv, "compressed with xz: unpack it first"},
    Foreign{"BZh"sv, "compressed with bzip2: unpack it first"},
    Foreign{"\x28\xB5\x2F\xFD"sv, "compressed with zstd: unpack it first"},
    Foreign{"PK\x03\x04"sv, "a zip archive: unpack it first"},
    Foreign{"7z\xBC\xAF\x27\x1C"sv, "a 7z archive: unpack it first"},
};

void refuse_foreign(const ByteSource& file, const std::string& path) {
  std::array<std::byte, 512> sector;
  if (!file.read_at(0, sector)) return;
  if (le<std::uint16_t>(sector, 510) == 0xAA55) return;  // a boot sector: a disk, whatever its code begins with
  for (const Foreign& f : foreign)
    if (std::memcmp(sector.data(), f.signature.data(), f.signature.size()) == 0)
      throw RunError(ExitCode::input, path, "this container is not read", "it is " + std::string(f.what));
}

bool ends_with_nocase(const std::string& path, std::string_view ending) {
  if (path.size() < ending.size()) return false;
  return std::equal(ending.begin(), ending.end(), path.end() - static_cast<std::ptrdiff_t>(ending.size()),
                    [](char a, char b) { return a == std::tolower(static_cast<unsigned char>(b)); });
}

Container open_raw(const SourcePtr& file, const std::string& first, std::size_t parts) {
  refuse_foreign(*file, first);
  Container disk;
  disk.disk = make_disk(file, file->size());
  disk.kind = parts > 1 ? "split raw" : "raw";
  // The name is not what decides, but it says what the file was meant to be.
  if (ends_with_nocase(first, ".vhd")) {
    disk.complete = false;
    disk.warnings.push_back({"vhd_footer_missing", "named .vhd but without a footer: cut short or damaged, read as raw", {}});
  } else if (ends_with_nocase(first, ".vhdx")) {
    disk.complete = false;
    disk.warnings.push_back({"vhdx_signature_missing", "named .vhdx but without its signature: damaged, read as raw", {}});
  }
  return disk;
}

// What libvhdi says of the image, and whether it reads the same bytes.
void compare_with_libvhdi(const SourcePtr& file, Container& disk) {
  const auto other = LibvhdiReader::open(file);
  if (!other) {
    disk.warnings.push_back({"libvhdi_refuses", "libvhdi does not open this image: " + other.error().what, {}});
    return;
  }
  const auto differs = [&](const std::string& text, std::vector<Range> ranges = {}) {
    disk.warnings.push_back({"libvhdi_disagrees", text, std::move(ranges)});
  };
  if (other->kind() != disk.kind) differs("libvhdi takes this image for " + std::string(other->kind()));
  if (other->size() != disk.disk->size())
    differs("libvhdi gives a disk of " + std::to_string(other->size()) + " bytes, its tables one of " + std::to_string(disk.disk->size()));
  if (other->identifier() != disk.identifier) differs("libvhdi gives the identifier " + other->identifier());
  std::array<std::byte, 4096> ours, theirs;
  for (const std::uint64_t at : disk.samples) {
    const std::uint64_t end = std::min(disk.disk->size(), other->size());
    if (at >= end) continue;
    const auto length = static_cast<std::size_t>(std::min<std::uint64_t>(ours.size(), end - at));
    const auto mine = std::span(ours).first(length), its = std::span(theirs).first(length);
    if (!disk.disk->read_at(at, mine)) continue;  // known to be unreadable
    if (!other->read_at(at, its))
      differs("libvhdi cannot read what the block table serves", {{disk_space, at, length}});
    else if (!std::ranges::equal(mine, its))
      differs("libvhdi reads other bytes", {{disk_space, at, length}});
  }
}

std::string name_of_parent(const SourcePtr& file) {
  const auto other = LibvhdiReader::open(file);
  return other ? other->parent() : std::string();
}

Container open_container(const SourcePtr& file, const std::string& path, std::size_t parts) {
  Result<Container> disk = fail("");
  const auto footer = find_vhd_footer(*file);
  const bool vhdx = is_vhdx(*file);
  if (vhdx)
    disk = open_vhdx(file);
  else if (footer)
    disk = open_vhd(file, *footer);
  else
    return open_raw(file, path, parts);

  if (!disk) {
    std::string why = disk.error().what;
    if (const std::string parent = name_of_parent(file); !parent.empty()) why += " (parent: " + parent + ")";
    throw RunError(ExitCode::input, path, vhdx ? "cannot read this VHDX" : "cannot read this VHD", why);
  }
  compare_with_libvhdi(file, *disk);
  if (parts > 1) disk->kind = "split " + disk->kind;
  return std::move(*disk);
}

void take_warnings(OpenedImage& opened, std::vector<Warning> warnings) {
  for (auto& w : warnings) {
    opened.info.warnings.push_back(w.text);
    opened.warnings.push_back(std::move(w));
  }
}

}  // namespace

OpenedImage open_image(const std::vector<std::string>& paths) {
  Parts parts = find_parts(paths);
  std::vector<SourcePtr> files;
  files.reserve(parts.paths.size());
  for (std::size_t i = 0; i < parts.paths.size(); ++i)
    files.push_back(open_host_file(parts.paths[i], file_space(static_cast<std::uint32_t>(i))));
  const SourcePtr file = join_sources(std::move(files));
  const std::string& path = parts.paths.front();
  if (file->size() < 512) throw RunError(ExitCode::input, path, "not an image", "it is shorter than one sector");

  Container disk = open_container(file, path, parts.paths.size());
  OpenedImage opened;
  opened.source = std::move(disk.disk);
  opened.complete = disk.complete && parts.complete;
  opened.sector_size = disk.sector_size;
  opened.info.path = path;
  opened.info.container = std::move(disk.kind);
  opened.info.size = opened.source->size();
  opened.info.files = std::move(parts.paths);
  opened.info.identifier = std::move(disk.identifier);
  take_warnings(opened, std::move(parts.warnings));
  take_warnings(opened, std::move(disk.warnings));
  return opened;
}

OpenedImage open_file(const std::string& path, std::uint32_t file_index) {
  OpenedImage opened;
  opened.source = open_host_file(path, file_space(file_index));
  opened.info.path = path;
  opened.info.container = "file";
  opened.info.size = opened.source->size();
  opened.info.files = {path};
  return opened;
}

}  // namespace trimcarve::image
