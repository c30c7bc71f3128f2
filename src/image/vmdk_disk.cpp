// VMDK images of one or several extents, by libvmdk; which grains are stored at all, by the extents' own tables.
//
// Source: VMware's "Virtual Disk Format 5.0". libvmdk does not tell a grain that was never written from one it cannot find, and reads an
// extent that was cut short as zeros: the tables are read here, and only what they call stored is asked of it.
// The functions that take a libbfio handle are declared only with this.
#define HAVE_LIBBFIO 1
#include <libvmdk.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <mutex>
#include <string_view>
#include <vector>

#include "image/bfio.hpp"
#include "image/foreign.hpp"
#include "image/host_file.hpp"
#include "image/libyal_error.hpp"
#include "trimcarve/bytes.hpp"

namespace trimcarve::image {

namespace {

using VmdkError = LibyalError<libvmdk_error_free, libvmdk_error_backtrace_sprint>;

constexpr std::uint64_t sector = 512;
constexpr std::uint32_t entries_per_table = 512, no_parent = 0xFFFFFFFF;
constexpr int most_extents = 8192;  // 16 TiB in pieces of 2 GiB

[[noreturn]] void refuse(const std::string& path, const std::string& why) {
  throw RunError(ExitCode::input, path, "cannot read this VMDK", why);
}

std::string_view kind_of(int type) {
  switch (type) {
    case LIBVMDK_DISK_TYPE_MONOLITHIC_SPARSE: return "vmdk monolithic sparse";
    case LIBVMDK_DISK_TYPE_STREAM_OPTIMIZED: return "vmdk stream optimized";
    case LIBVMDK_DISK_TYPE_2GB_EXTENT_SPARSE: return "vmdk split sparse";
    case LIBVMDK_DISK_TYPE_2GB_EXTENT_FLAT: return "vmdk split flat";
    case LIBVMDK_DISK_TYPE_MONOLITHIC_FLAT: return "vmdk monolithic flat";
    case LIBVMDK_DISK_TYPE_VMFS_FLAT:
    case LIBVMDK_DISK_TYPE_VMFS_FLAT_PRE_ALLOCATED:
    case LIBVMDK_DISK_TYPE_VMFS_FLAT_ZEROED: return "vmdk vmfs flat";
    default: return {};
  }
}

// A sparse file that stands for itself holds the text that describes the disk.
bool holds_descriptor(const ByteSource& file, std::uint64_t at) {
  constexpr std::string_view text = "# Disk DescriptorFile";
  std::array<std::byte, text.size()> bytes;
  return at != 0 && at <= file.size() / sector && fits(file.size(), at * sector, bytes.size()) && file.read_at(at * sector, bytes) &&
         std::memcmp(bytes.data(), text.data(), text.size()) == 0;
}

// The table of one sparse extent: which grains of it are stored.
class Grains {
 public:
  // Reads the directory of an extent of `size` bytes. Returns why it cannot be used; empty: it can. Once.
  std::string open(SourcePtr file, std::uint64_t size) {
    file_ = std::move(file);
    std::array<std::byte, sector> header;
    if (!file_->read_at(0, header) || std::memcmp(header.data(), "KDMV", 4) != 0) return "it has no sparse header";
    std::uint64_t directory = le<std::uint64_t>(header, 56);
    if (directory == ~std::uint64_t{0}) {
      // A stream: the directory was not known yet; the copy of the header at the end knows it.
      std::array<std::byte, sector> footer;
      if (file_->size() < 3 * sector || !file_->read_at(file_->size() / sector * sector - 2 * sector, footer) ||
          std::memcmp(footer.data(), "KDMV", 4) != 0)
        return "the copy of the header at its end is missing: it is cut short";
      header = footer;
      directory = le<std::uint64_t>(header, 56);
    }
    flags_ = le<std::uint32_t>(header, 8);
    const std::uint64_t grain_sectors = le<std::uint64_t>(header, 20);
    if (grain_sectors < 8 || grain_sectors > 8192 || (grain_sectors & (grain_sectors - 1)) != 0 ||
        le<std::uint32_t>(header, 44) != entries_per_table)
      return "its header states grains or tables of a size that cannot be";
    grain_ = grain_sectors * sector;
    compressed_ = (flags_ & 0x10000U) != 0;
    const std::uint64_t covered = grain_ * entries_per_table, tables = size / covered + (size % covered != 0 ? 1 : 0);
    if (directory > file_->size() / sector || !fits(file_->size(), directory * sector, tables * 4))
      return "its directory of grains lies behind the end of the file: it is cut short";
    std::vector<std::byte> bytes(static_cast<std::size_t>(tables * 4));
    if (auto read = file_->read_at(directory * sector, bytes); !read) return read.error().what;
    for (std::size_t i = 0; i < tables; ++i) directory_.push_back(le<std::uint32_t>(bytes, i * 4));
    return {};
  }

  std::uint64_t grain() const noexcept { return grain_; }

  // Of the grain that holds `offset` of the extent. `length`: how long one is.
  ExtentKind state(std::uint64_t offset, std::uint64_t length) const {
    const std::uint64_t number = offset / grain_, table = number / entries_per_table;
    if (table >= directory_.size()) return ExtentKind::unreadable;
    const std::uint64_t at = std::uint64_t{directory_[static_cast<std::size_t>(table)]} * sector;
    if (at == 0) return ExtentKind::not_present;
    if (table_at_ != at) {
      table_at_ = at;
      table_good_ = fits(file_->size(), at, table_.size()) && file_->read_at(at, table_).has_value();
    }
    if (!table_good_) return ExtentKind::unreadable;
    const std::uint32_t entry = le<std::uint32_t>(table_, number % entries_per_table * 4);
    if (entry == 0) return ExtentKind::not_present;
    if (entry == 1 && (flags_ & 4U) != 0) return ExtentKind::container_zero;
    if (compressed_) return whole_marker(entry * sector, number) ? ExtentKind::data : ExtentKind::unreadable;
    return fits(file_->size(), entry * sector, length) ? ExtentKind::data : ExtentKind::unreadable;
  }

 private:
  // A compressed grain begins with its first sector's number and its length.
  bool whole_marker(std::uint64_t at, std::uint64_t number) const {
    std::array<std::byte, 12> marker;
    return fits(file_->size(), at, marker.size()) && file_->read_at(at, marker) &&
           le<std::uint64_t>(marker, 0) == number * (grain_ / sector) &&
           fits(file_->size(), at + marker.size(), le<std::uint32_t>(marker, 8));
  }

  SourcePtr file_;
  std::uint32_t flags_ = 0;
  std::uint64_t grain_ = 0;
  bool compressed_ = false;
  std::vector<std::uint32_t> directory_;  // sectors of the tables, 0: none
  mutable std::uint64_t table_at_ = 0;    // the table held, the extent's mutex guards it
  mutable bool table_good_ = false;
  mutable std::array<std::byte, entries_per_table * 4> table_{};
};

// One extent: a stretch of the disk in one file.
struct Piece {
  std::uint64_t begin = 0, size = 0;  // in the disk
  std::uint64_t stored = 0;           // flat: so many of its bytes are in the file
  std::unique_ptr<Grains> grains;     // sparse
};

class VmdkDisk final : public ByteSource {
 public:
  VmdkDisk() = default;
  VmdkDisk(const VmdkDisk&) = delete;
  VmdkDisk& operator=(const VmdkDisk&) = delete;
  ~VmdkDisk() override {
    if (handle_ != nullptr) libvmdk_handle_free(&handle_, nullptr);  // closes what is open
  }

  void open(const SourcePtr& file, const std::string& path, const OpenBeside& beside) {
    VmdkError error;
    const auto check = [&](bool good) {
      if (!good) refuse(path, "libvmdk: " + error.text());
    };
    std::array<std::byte, sector> start{};
    const bool own = file->size() >= sector && file->read_at(0, start).has_value() && std::memcmp(start.data(), "KDMV", 4) == 0;
    if (own && !holds_descriptor(*file, le<std::uint64_t>(start, 28)))
      refuse(path, "it is one of several extents: give the descriptor, the small text file that names them");
    if (!io_.open(file)) refuse(path, "no file handle");
    std::uint32_t parent = 0;
    int type = 0, count = 0;
    check(libvmdk_handle_initialize(&handle_, error.out()) == 1);
    check(libvmdk_handle_open_file_io_handle(handle_, io_.get(), LIBVMDK_OPEN_READ, error.out()) == 1);
    check(libvmdk_handle_get_parent_content_identifier(handle_, &parent, error.out()) == 1);
    if (parent != no_parent)
      refuse(path,
             "it is a snapshot, whose parent holds the rest of the disk: convert it to a raw image (qemu-img convert), which follows it");
    check(libvmdk_handle_get_disk_type(handle_, &type, error.out()) == 1);
    kind_ = kind_of(type);
    if (kind_.empty()) refuse(path, "a VMDK of this type is not read: convert it to a raw image (qemu-img convert)");
    check(libvmdk_handle_get_number_of_extents(handle_, &count, error.out()) == 1);
    if (count < 1 || count > most_extents) refuse(path, "it states " + std::to_string(count) + " extents");
    if (own && count != 1) refuse(path, "it is one of several extents: give the descriptor, the small text file that names them");
    std::vector<SourcePtr> files;
    for (int i = 0; i < count; ++i) files.push_back(add_piece(i, file, path, own, beside));
    if (!pool_.open(files)) refuse(path, "no file handle");
    check(libvmdk_handle_open_extent_data_files_file_io_pool(handle_, pool_.get(), error.out()) == 1);
    size64_t stated = 0;
    check(libvmdk_handle_get_media_size(handle_, &stated, error.out()) == 1);
    if (stated != size_)
      refuse(path, "libvmdk gives a disk of " + std::to_string(stated) + " bytes, its extents one of " + std::to_string(size_));
  }

  std::string_view kind() const noexcept { return kind_; }
  bool cut_short() const noexcept { return cut_short_; }
  std::uint64_t size() const noexcept override { return size_; }

  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(size_, offset, out.size())) return fail("past the end of the disk");
    const std::lock_guard lock(mutex_);
    while (!out.empty()) {
      const auto [kind, length] = stretch(offset, out.size());
      const auto piece = out.first(static_cast<std::size_t>(length));
      if (kind == ExtentKind::unreadable)
        return fail("the table of grains is damaged, or the file is cut short: at " + std::to_string(offset));
      if (kind != ExtentKind::data)
        std::ranges::fill(piece, std::byte{0});
      else if (auto read = stored(offset, piece); !read)
        return read;
      out = out.subspan(piece.size());
      offset += length;
    }
    return {};
  }

  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    std::vector<Extent> found;
    if (offset >= size_) return found;
    const std::uint64_t end = offset + std::min(length, size_ - offset);
    const std::lock_guard lock(mutex_);
    while (offset < end) {
      const auto [kind, part] = stretch(offset, end - offset);
      add_extent(found, offset, part, kind);
      offset += part;
    }
    return found;
  }

  std::vector<Range> locate(std::uint64_t, std::uint64_t) const override { return {}; }  // make_disk's view answers

 private:
  // Reads what extent `i` is and opens its file: the image itself when it holds its own descriptor, else the one beside it.
  SourcePtr add_piece(int i, const SourcePtr& file, const std::string& path, bool own, const OpenBeside& beside) {
    libvmdk_extent_descriptor_t* extent = nullptr;
    VmdkError error;
    if (libvmdk_handle_get_extent_descriptor(handle_, i, &extent, error.out()) != 1) refuse(path, "libvmdk: " + error.text());
    int type = 0;
    off64_t offset = 0;
    size64_t size = 0;
    std::string name(4096, '\0');
    std::size_t name_size = 0;
    const bool ranged = libvmdk_extent_descriptor_get_type(extent, &type, error.out()) == 1 &&
                        libvmdk_extent_descriptor_get_range(extent, &offset, &size, error.out()) == 1;
    const bool named =
        libvmdk_extent_descriptor_get_utf8_filename_size(extent, &name_size, error.out()) == 1 && name_size > 1 &&
        name_size <= name.size() &&
        libvmdk_extent_descriptor_get_utf8_filename(extent, reinterpret_cast<std::uint8_t*>(name.data()), name.size(), error.out()) == 1;
    libvmdk_extent_descriptor_free(&extent, nullptr);
    if (!ranged) refuse(path, "libvmdk: " + error.text());
    const bool flat = type == LIBVMDK_EXTENT_TYPE_FLAT || type == LIBVMDK_EXTENT_TYPE_VMFS_FLAT;
    if (!flat && type != LIBVMDK_EXTENT_TYPE_SPARSE)
      refuse(path, "an extent of it is of a kind that is not read: convert it to a raw image (qemu-img convert)");
    if (offset != 0 || size == 0 || size > (std::uint64_t{1} << 62) - size_)
      refuse(path, "its descriptor states an extent of " + std::to_string(size) + " bytes at " + std::to_string(offset) + " of its file");
    SourcePtr extent_file = file;
    if (!own) {
      name.resize(named ? name_size - 1 : 0);
      const auto base = file_name_of(name);
      if (!base) refuse(path, "its descriptor does not name the file of extent " + std::to_string(i + 1));
      const auto slash = path.rfind('/');
      extent_file = beside(slash == std::string::npos ? *base : path.substr(0, slash + 1) + *base);
    }
    Piece piece{size_, size, 0, nullptr};
    if (flat) {
      piece.stored = std::min(size, extent_file->size());
      // libvmdk refuses an extent that is shorter than stated; a view of that size fails only where there is nothing.
      if (piece.stored < size) extent_file = make_view(extent_file, 0, size);
      cut_short_ = cut_short_ || piece.stored < size;
    } else {
      piece.grains = std::make_unique<Grains>();
      if (const std::string why = piece.grains->open(extent_file, size); !why.empty())
        refuse(path, "extent " + std::to_string(i + 1) + ": " + why);
    }
    size_ += size;
    pieces_.push_back(std::move(piece));
    return extent_file;
  }

  // What lies at `offset`, and how far it goes at most `length`.
  std::pair<ExtentKind, std::uint64_t> stretch(std::uint64_t offset, std::uint64_t length) const {
    const auto after = std::ranges::upper_bound(pieces_, offset, {}, &Piece::begin);
    const Piece& piece = *std::prev(after);
    const std::uint64_t at = offset - piece.begin;
    length = std::min(length, piece.size - at);
    if (!piece.grains)
      return at < piece.stored ? std::pair{ExtentKind::data, std::min(length, piece.stored - at)}
                               : std::pair{ExtentKind::unreadable, length};
    const std::uint64_t grain = piece.grains->grain(), begin = at - at % grain;
    return {piece.grains->state(at, std::min(grain, piece.size - begin)), std::min(length, grain - at % grain)};
  }

  Result<void> stored(std::uint64_t offset, std::span<std::byte> out) const {
    VmdkError error;
    while (!out.empty()) {
      const ssize_t got = libvmdk_handle_read_buffer_at_offset(handle_, out.data(), out.size(), static_cast<off64_t>(offset), error.out());
      if (got <= 0 || static_cast<std::size_t>(got) > out.size())
        return fail("the grain at " + std::to_string(offset) + ": libvmdk: " + error.text());
      offset += static_cast<std::uint64_t>(got);
      out = out.subspan(static_cast<std::size_t>(got));
    }
    return {};
  }

  BfioHandle io_;  // these two must outlive the handle: it is closed in the destructor above
  BfioPool pool_;
  libvmdk_handle_t* handle_ = nullptr;
  std::string_view kind_;
  std::uint64_t size_ = 0;
  bool cut_short_ = false;
  std::vector<Piece> pieces_;  // in the order of the disk
  mutable std::mutex mutex_;
};

}  // namespace

Container open_vmdk(const SourcePtr& file, const std::string& path, const OpenBeside& beside) {
  auto disk = std::make_shared<VmdkDisk>();
  disk->open(file, path, beside);
  Container out;
  out.kind = disk->kind();
  out.file = file;
  if (disk->cut_short()) {
    out.warnings.push_back(
        {"vmdk_cut_short", "the file of an extent is shorter than its descriptor states: the rest of it is unreadable", {}});
    out.complete = false;
  }
  const std::uint64_t size = disk->size();
  out.disk = make_disk(std::move(disk), size);
  return out;
}

}  // namespace trimcarve::image
