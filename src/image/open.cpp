#include "image/open.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>
#include <iterator>
#include <optional>
#include <string_view>

#include "image/foreign.hpp"
#include "image/host_file.hpp"
#include "image/libvhdi_reader.hpp"
#include "image/page_ranges.hpp"
#include "image/parents.hpp"
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
    Foreign{"EVF2\x0D\x0A\x81\x00"sv, "an EnCase image (Ex01): export it as E01 or raw first"},
    Foreign{"LVF\x09\x0D\x0A\xFF\x00"sv, "a logical EnCase image (L01), which holds files, not a disk"},
    Foreign{"COWD"sv, "a VMDK image of an ESX server's snapshot: convert it to a raw image (qemu-img convert)"},
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

// What libvhdi says of the image, and whether it reads the same bytes. Bytes are compared where it is known to be right: not in
// differencing images, nor in a fixed VHDX past the first entry of a sector bitmap.
void compare_with_libvhdi(Container& disk) {
  const auto other = LibvhdiReader::open(disk.file);
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
  if (!disk.parent.empty()) return;
  std::uint64_t end = std::min(disk.disk->size(), other->size());
  if (disk.kind == "vhdx fixed") end = std::min(end, std::uint64_t{disk.sector_size} << 23);
  std::array<std::byte, 4096> ours, theirs;
  for (const std::uint64_t at : disk.samples) {
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

// The listing of a page blob, and the file with what it says laid over it.
PageList read_page_list(const std::string& path) {
  const SourcePtr file = open_host_file(path, 0);
  constexpr std::uint64_t largest = std::uint64_t{1} << 30;
  if (file->size() > largest) throw RunError(ExitCode::input, path, "not a page listing", "it is larger than 1 GiB");
  std::vector<std::byte> text(static_cast<std::size_t>(file->size()));
  if (auto result = file->read_at(0, text); !result) throw RunError(ExitCode::input, path, "cannot read", result.error().what);
  auto list = parse_page_ranges(text);
  if (!list) throw RunError(ExitCode::input, path, "not a page listing", list.error().what);
  return std::move(*list);
}

// Whether bytes are all the same: what pads tables and fills what was never used.
bool is_filler(ByteView bytes) { return std::ranges::adjacent_find(bytes, std::ranges::not_equal_to()) == bytes.end(); }

// Tells of the stretches that hold more than filler, each cut down to the sectors that do.
std::optional<Warning> tell_unreferenced(const std::vector<SourcePtr>& files, const std::vector<Range>& unreferenced) {
  constexpr std::uint64_t piece = 65536, most_read = std::uint64_t{4} << 30;
  constexpr std::size_t most_ranges = 64;
  std::uint64_t read = 0, with_data = 0, total = 0;
  std::vector<Range> ranges;
  std::vector<std::byte> buffer(piece);
  for (const Range& r : unreferenced) total += r.length;
  for (const Range& r : unreferenced) {
    const SourcePtr& file = files.at(r.space - file_space(0));
    for (std::uint64_t done = 0; done < r.length && read < most_read; done += piece) {
      const auto bytes = std::span(buffer).first(static_cast<std::size_t>(std::min(piece, r.length - done)));
      read += bytes.size();
      if (!file->read_at(r.offset + done, bytes) || is_filler(bytes)) continue;
      for (std::uint64_t at = 0; at < bytes.size(); at += 512) {
        const std::uint64_t sector = std::min<std::uint64_t>(512, bytes.size() - at), begin = r.offset + done + at;
        if (is_filler(ByteView(bytes).subspan(static_cast<std::size_t>(at), static_cast<std::size_t>(sector)))) continue;
        with_data += sector;
        if (!ranges.empty() && ranges.back().space == r.space && ranges.back().offset + ranges.back().length == begin)
          ranges.back().length += sector;
        else if (ranges.size() < most_ranges)
          ranges.push_back({r.space, begin, sector});
      }
    }
  }
  if (with_data == 0 && read == total) return std::nullopt;
  return Warning{"file_space_unreferenced",
                 std::to_string(with_data) +
                     " bytes of the container's files hold data though neither a structure nor a live block covers "
                     "them: what is left of earlier blocks; they are no part of the disk" +
                     (read == total ? "" : " (" + std::to_string(total - read) + " more such bytes were not looked at)"),
                 std::move(ranges)};
}

// Stretches of a file of which none of `used` covers anything, without its holes.
std::vector<Range> unreferenced(const ByteSource& file, std::vector<Extent> used) {
  std::vector<Range> found;
  const auto add = [&](std::uint64_t from, std::uint64_t until) {
    for (const Extent& e : file.extents(from, until - from))
      if (e.kind == ExtentKind::data) std::ranges::copy(file.locate(e.offset, e.length), std::back_inserter(found));
  };
  std::ranges::sort(used, {}, &Extent::offset);
  std::uint64_t done = 0;
  for (const Extent& e : used) {
    if (e.offset >= file.size()) break;
    if (e.offset > done) add(done, e.offset);
    done = std::max(done, e.offset + std::min(e.length, file.size() - e.offset));
  }
  if (done < file.size()) add(done, file.size());
  return found;
}

void take_warnings(OpenedImage& opened, std::vector<Warning> warnings) {
  for (auto& w : warnings) {
    opened.info.warnings.push_back(w.text);
    opened.warnings.push_back(std::move(w));
  }
}

// Opens an image and, for a differencing one, its parents, each by the one before.
class Opener {
 public:
  explicit Opener(const OpenOptions& options) : options_(options) {}

  OpenedImage open(const std::vector<std::string>& paths) {
    Parts parts = find_parts(paths);
    const std::string path = parts.paths.front();
    SourcePtr file = open_parts(parts.paths);
    if (file->size() < 512) throw RunError(ExitCode::input, path, "not an image", "it is shorter than one sector");
    const SourcePtr bare = file;
    std::optional<PageList> pages;
    if (!options_.page_ranges.empty()) {
      pages = read_page_list(options_.page_ranges);
      file = with_page_ranges(file, *pages);
    }
    chain_.push_back(path);
    Container disk = open_container(file, path, parts.paths.size());
    if (pages) {
      if (!disk.kind.ends_with("raw") && !disk.kind.ends_with("vhd fixed"))
        throw RunError(ExitCode::usage, options_.page_ranges, "no page listing can apply",
                       "pages are of a raw disk or fixed VHD as it was stored in a page blob; " + path + " is " + disk.kind);
      std::ranges::move(check_page_ranges(*bare, *pages), std::back_inserter(disk.warnings));
      opened_.info.page_ranges = options_.page_ranges;
    }

    opened_.complete = opened_.complete && disk.complete && parts.complete;
    opened_.sector_size = disk.sector_size;
    if (disk.blocks) opened_.unreferenced = unreferenced(*bare, std::move(disk.used));
    std::ranges::move(parents_unreferenced_, std::back_inserter(opened_.unreferenced));
    opened_.source = std::move(disk.disk);
    opened_.info.path = path;
    opened_.info.container = std::move(disk.kind);
    opened_.info.size = opened_.source->size();
    opened_.info.identifier = std::move(disk.identifier);
    opened_.info.acquisition_hashes = std::move(disk.acquisition_hashes);
    opened_.info.acquisition_notes = std::move(disk.acquisition_notes);
    opened_.info.blocks = disk.blocks;
    opened_.info.log = std::move(disk.log);
    if (opened_.info.log) opened_.info.log->file = path;
    if (auto told = tell_unreferenced(files_, opened_.unreferenced)) disk.warnings.push_back(*std::move(told));
    opened_.files = files_;
    opened_.info.checks = take_checks(std::move(disk.checks), path);
    std::ranges::move(parents_checks_, std::back_inserter(opened_.info.checks));
    take_warnings(opened_, std::move(parts.warnings));
    take_warnings(opened_, std::move(disk.warnings));
    take_warnings(opened_, std::move(parents_warnings_));
    for (const std::string& given : options_.parents)
      if (std::ranges::find(opened_.info.parents, given) == opened_.info.parents.end())
        take_warnings(opened_, {{"parent_not_used", "given as a parent, but no image of this chain names it: " + given, {}}});
    return std::move(opened_);
  }

 private:
  SourcePtr open_parts(const std::vector<std::string>& paths) {
    std::vector<SourcePtr> files;
    files.reserve(paths.size());
    for (const std::string& path : paths) {
      files.push_back(open_host_file(path, file_space(static_cast<std::uint32_t>(opened_.info.files.size()))));
      files_.push_back(files.back());
      opened_.info.files.push_back(path);
    }
    return join_sources(std::move(files));
  }

  // NOLINTNEXTLINE(misc-no-recursion): as deep as the chain, which is bounded
  Container open_container(const SourcePtr& file, const std::string& path, std::size_t parts) {
    Container disk = decode_container(file, path, parts);
    constexpr std::uint64_t largest = std::uint64_t{1} << 50;  // no disk is; work and memory are bounded by this
    if (disk.disk->size() > largest)
      throw RunError(ExitCode::input, path, "not a disk", "it states " + std::to_string(disk.disk->size()) + " bytes, more than 1024 TiB");
    return disk;
  }

  // NOLINTNEXTLINE(misc-no-recursion): as deep as the chain, which is bounded
  Container decode_container(const SourcePtr& file, const std::string& path, std::size_t parts) {
    const auto parent = [&](const ParentLink& link) { return open_parent(path, link); };
    if (parts == 1)
      if (auto disk = open_foreign(file, path, [this](const std::string& beside) { return open_parts({beside}); })) return std::move(*disk);
    const auto footer = find_vhd_footer(*file);
    const bool vhdx = is_vhdx(*file);
    if (!vhdx && !footer) return open_raw(file, path, parts);
    auto disk = vhdx ? open_vhdx(file, parent, options_.replay_log) : open_vhd(file, *footer, parent);
    if (!disk) throw RunError(ExitCode::input, path, vhdx ? "cannot read this VHDX" : "cannot read this VHD", disk.error().what);
    compare_with_libvhdi(*disk);
    if (parts > 1) disk->kind = "split " + disk->kind;
    return std::move(*disk);
  }

  // NOLINTNEXTLINE(misc-no-recursion): as deep as the chain, which is bounded
  SourcePtr open_parent(const std::string& child, const ParentLink& link) {
    constexpr std::size_t longest = 64;
    if (chain_.size() >= longest)
      throw RunError(ExitCode::input, child, "cannot open its parent", "the chain of parents is longer than 64");
    const std::string path = find_parent(child, link, options_.parents, chain_);
    chain_.push_back(path);
    opened_.info.parents.push_back(path);
    const Parts parts = find_parts({path});
    const SourcePtr file = open_parts(parts.paths);
    Container disk = open_container(file, path, parts.paths.size());
    if (disk.blocks) std::ranges::move(unreferenced(*file, std::move(disk.used)), std::back_inserter(parents_unreferenced_));
    opened_.complete = opened_.complete && disk.complete && parts.complete;
    for (Warning& w : disk.warnings) {
      w.text = "parent " + path + ": " + w.text;
      parents_warnings_.push_back(std::move(w));
    }
    std::ranges::move(take_checks(std::move(disk.checks), path), std::back_inserter(parents_checks_));
    if (disk.log) {
      disk.log->file = path;
      opened_.info.parents_logs.insert(opened_.info.parents_logs.begin(), *std::move(disk.log));  // its own parent's came before
    }
    return std::move(disk.disk);
  }

  static std::vector<StructureCheck> take_checks(std::vector<StructureCheck> checks, const std::string& path) {
    for (StructureCheck& check : checks) check.file = path;
    return checks;
  }

  const OpenOptions& options_;
  OpenedImage opened_;
  std::vector<std::string> chain_;
  std::vector<Warning> parents_warnings_;
  std::vector<StructureCheck> parents_checks_;
  std::vector<Range> parents_unreferenced_;
  std::vector<SourcePtr> files_;  // by their `file:N` spaces
};

}  // namespace

OpenedImage open_image(const std::vector<std::string>& paths, const OpenOptions& options) { return Opener(options).open(paths); }

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
