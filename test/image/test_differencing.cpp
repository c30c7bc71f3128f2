// Differencing VHD and VHDX: which file each sector comes from, and which file is the parent.
//
// What vouches: the expected bytes are composed sector by sector from the states the format documents give (VHD specification 1.0, "Block
// Allocation Table and Data Blocks"; [MS-VHDX] 2.5.1.1), apart from the reader's code. libvhdi is compared where it is right, and where it
// is known to be wrong the test says what it gives. qemu-img opens no differencing images.
#include "chain_builder.hpp"
#include "image/open.hpp"
#include "libvhdi_chain.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using image::open_image;

namespace {

constexpr std::uint64_t mib = 1 << 20;
constexpr std::string_view parent_guid = "aaaaaaaa-2222-3333-4444-555555555555";

Bytes read(const ByteSource& disk, std::uint64_t offset, std::size_t size) {
  Bytes out(size);
  REQUIRE(disk.read_at(offset, out).has_value());
  return out;
}

std::string refusal(const std::string& path, const image::OpenOptions& options = {}) {
  try {
    (void)open_image({path}, options);
  } catch (const RunError& error) {
    CHECK(error.code() == ExitCode::input);
    return error.what();
  }
  return {};
}

bool mentions(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

// A dynamic parent of 6 MiB and a child: block 0 with a mixed bitmap, block 1 the parent's, block 2 wholly the child's.
struct VhdPair {
  Bytes parent_disk = pattern(6 * mib, 1), child_data = pattern(2 * mib, 2), parent, child, expected;
  explicit VhdPair(const Bytes& bits) {
    const auto block = [&](std::size_t i) {
      return Bytes(parent_disk.begin() + static_cast<std::ptrdiff_t>(i * 2 * mib),
                   parent_disk.begin() + static_cast<std::ptrdiff_t>((i + 1) * 2 * mib));
    };
    parent = dynamic_vhd(6 * mib, {block(0), block(1), block(2)});
    set_vhd_identifier(parent, "the-parents-uuid");
    child = differencing_vhd(6 * mib, "the-parents-uuid", "C:\\Some Where\\Base.vhd",
                             {VhdBlock{bits, child_data}, std::nullopt, VhdBlock{Bytes(512, std::byte{0xFF}), child_data}});
    expected = parent_disk;
    for (std::size_t sector = 0; sector < 4096; ++sector) {
      const bool in_child = sector / 8 < bits.size() && (static_cast<unsigned>(bits[sector / 8]) >> (7 - sector % 8) & 1U) != 0;
      if (in_child)
        std::copy_n(child_data.begin() + static_cast<std::ptrdiff_t>(sector * 512), 512,
                    expected.begin() + static_cast<std::ptrdiff_t>(sector * 512));
    }
    std::ranges::copy(child_data, expected.begin() + static_cast<std::ptrdiff_t>(4 * mib));
  }
};

struct Entry {
  unsigned state = 0;
  std::uint64_t offset = 0;
};

// The disk of a VHDX with a parent, by the meaning of each state: sector by sector.
Bytes compose(const Bytes& parent, const Bytes& child_file, const std::vector<Entry>& blocks, std::uint32_t sector_size,
              std::uint64_t bitmap) {
  Bytes disk = parent;
  for (std::size_t i = 0; i < blocks.size(); ++i)
    for (std::uint64_t s = 0; s < mib / sector_size; ++s) {
      const std::uint64_t bit = i * (mib / sector_size) + s, at = bit * sector_size;
      const auto out = disk.begin() + static_cast<std::ptrdiff_t>(at);
      const auto own = [&] {
        std::copy_n(child_file.begin() + static_cast<std::ptrdiff_t>(blocks[i].offset + s * sector_size), sector_size, out);
      };
      switch (blocks[i].state) {
        case 0: break;
        case 6: own(); break;
        case 7:
          if ((static_cast<unsigned>(child_file[bitmap + bit / 8]) >> (bit % 8) & 1U) != 0) own();
          break;
        default: std::fill_n(out, sector_size, std::byte{0});
      }
    }
  return disk;
}

struct VhdxPair {
  Bytes parent_disk = pattern(8 * mib, 1), parent, child, expected;

  // Block states of the child; payload from 8 MiB on, the sector bitmap at 7 MiB unless there is none.
  explicit VhdxPair(const std::vector<unsigned>& states, std::uint32_t sector_size = 512, bool bitmap = true) {
    VhdxShape shape;
    shape.sector_size = sector_size;
    for (std::uint64_t i = 0; i < 8; ++i) shape.entries.push_back(present(vhdx_payload + 5 * mib + i * mib));
    parent = vhdx(shape);
    parent.resize(8 * mib);
    parent.insert(parent.end(), parent_disk.begin(), parent_disk.end());
    set_vhdx_identifier(parent, parent_guid);

    const std::uint64_t chunk = (std::uint64_t{1} << 23) * sector_size / mib;
    shape.flags = 2;
    shape.entries.assign(chunk + 1, 0);
    std::vector<Entry> entries;
    Bytes payload;
    for (std::size_t i = 0; i < states.size(); ++i) {
      entries.push_back({states[i], states[i] >= 6 ? 8 * mib + payload.size() : 0});
      shape.entries[i] = entries.back().offset | states[i];
      const Bytes block = pattern(mib, static_cast<std::uint32_t>(50 + i));
      if (states[i] >= 6) payload.insert(payload.end(), block.begin(), block.end());
    }
    if (bitmap) shape.entries[chunk] = 7 * mib | 6;
    child = vhdx(shape);
    child.resize(8 * mib);
    if (bitmap) std::ranges::copy(pattern(mib, 77), child.begin() + static_cast<std::ptrdiff_t>(7 * mib));
    child.insert(child.end(), payload.begin(), payload.end());
    put_parent(child, {{"parent_linkage", "{" + std::string(parent_guid) + "}"},
                       {"relative_path", ".\\base.vhdx"},
                       {"absolute_win32_path", "C:\\Disks\\base.vhdx"}});
    expected = compose(parent_disk, child, entries, sector_size, 7 * mib);
  }
  void write(const TemporaryFolder& folder) const {
    write_file(folder / "base.vhdx", parent);
    write_file(folder / "child.vhdx", child);
  }
};

}  // namespace

// Second of the five: bytes of a bitmap with some bits set. libvhdi is right where all bits of each byte agree.
TEST_CASE("a differencing VHD takes each sector from the file its bit says, also where a byte of the bitmap is mixed") {
  const TemporaryFolder folder;
  for (const bool mixed : {false, true}) {
    Bytes bits(512);
    bits[0] = std::byte{static_cast<unsigned char>(mixed ? 0x80 : 0xFF)};
    bits[1] = std::byte{static_cast<unsigned char>(mixed ? 0x18 : 0x00)};
    bits[300] = std::byte{0xFF};
    const VhdPair pair(bits);
    write_file(folder / "base.vhd", pair.parent);  // the locator says Base.vhd: Windows does not tell them apart
    write_file(folder / "child.vhd", pair.child);
    const auto disk = open_image({folder / "child.vhd"});
    CHECK(disk.complete);
    REQUIRE(disk.warnings.size() == 1);  // what the child's data holds under clear bits
    CHECK(disk.warnings[0].code == "sectors_hidden");
    CHECK(disk.info.container == "vhd differencing");
    CHECK(disk.info.parents == std::vector<std::string>{folder / "base.vhd"});
    CHECK(disk.info.files == std::vector<std::string>{folder / "child.vhd", folder / "base.vhd"});
    CHECK((read(*disk.source, 0, 6 * mib) == pair.expected));
    for (const std::uint64_t at : std::array<std::uint64_t, 5>{511, 512, 8 * 512 + 100, 300 * 8 * 512 - 1, 2 * mib - 1})
      CHECK(read(*disk.source, at, 2000) ==
            Bytes(pair.expected.begin() + static_cast<std::ptrdiff_t>(at), pair.expected.begin() + static_cast<std::ptrdiff_t>(at + 2000)));
    LibvhdiChain other(folder / "child.vhd", folder / "base.vhd");
    CHECK((other.read(0, 2 * mib) == read(*disk.source, 0, 2 * mib)) == !mixed);
  }
}

// The bits of blocks that are not partial mean nothing; here they are noise.
TEST_CASE("a differencing VHDX hides its parent where a block is zero, unmapped or undefined, and takes partial blocks sector by sector") {
  const TemporaryFolder folder;
  for (const std::uint32_t sector_size : {512U, 4096U}) {
    const VhdxPair pair({7, 0, 6, 1, 2, 3, 5, 7}, sector_size);
    pair.write(folder);
    const auto disk = open_image({folder / "child.vhdx"});
    CHECK(disk.complete);
    REQUIRE(disk.warnings.size() == 1);  // what the child's data holds under clear bits
    CHECK(disk.warnings[0].code == "sectors_hidden");
    CHECK(disk.info.container == "vhdx differencing");
    CHECK(disk.sector_size == sector_size);
    CHECK(disk.info.parents == std::vector<std::string>{folder / "base.vhdx"});
    CHECK((read(*disk.source, 0, 8 * mib) == pair.expected));
    REQUIRE(disk.info.blocks.has_value());
    CHECK(disk.info.blocks->partially_present == 2);
    CHECK(disk.info.blocks->unmapped == 2);
    std::vector<Extent> empty;
    for (const Extent& e : disk.source->extents(0, 8 * mib))
      if (e.kind != ExtentKind::data) empty.push_back(e);
    std::uint64_t partial = 0;
    for (const Extent& e : disk.source->extents(0, 8 * mib))
      if (e.partial) partial += e.length;
    CHECK(partial == 2 * mib);
    CHECK(empty == std::vector<Extent>{{3 * mib, mib, ExtentKind::undefined},
                                       {4 * mib, mib, ExtentKind::container_zero},
                                       {5 * mib, 2 * mib, ExtentKind::unmapped}});
  }
}

// Fourth of the five. libvhdi looks at the bitmap whatever a block's state is, so it is right where the bits agree with the states.
TEST_CASE("what libvhdi reads right in a differencing VHDX reads the same, and what TRIM removed does not come back from the parent") {
  const TemporaryFolder folder;
  VhdxPair pair({7, 0, 6, 0, 2, 3, 0, 7});
  for (std::size_t block = 0; block < 8; ++block)
    for (std::size_t i = 0; i < 256; ++i) {
      std::byte& bits = pair.child[7 * mib + block * 256 + i];
      bits = block == 2 || ((block == 0 || block == 7) && i % 3 == 0) ? std::byte{0xFF} : std::byte{0};
    }
  pair.write(folder);
  const auto disk = open_image({folder / "child.vhdx"});
  LibvhdiChain other(folder / "child.vhdx", folder / "base.vhdx");
  for (const std::uint64_t block : {0ULL, 1ULL, 2ULL, 3ULL, 6ULL, 7ULL}) {
    CAPTURE(block);
    CHECK((other.read(block * mib, mib) == read(*disk.source, block * mib, mib)));
  }
  for (const std::uint64_t block : {4ULL, 5ULL}) {
    CHECK(read(*disk.source, block * mib, mib) == Bytes(mib));
    const auto begin = pair.parent_disk.begin() + static_cast<std::ptrdiff_t>(block * mib);
    CHECK((other.read(block * mib, mib) == Bytes(begin, begin + mib)));
  }
}

// Third of the five.
TEST_CASE("a differencing VHDX without a sector bitmap gives its whole blocks, and a partial block without one is unreadable") {
  const TemporaryFolder folder;
  const VhdxPair whole({6, 0, 6, 2}, 512, false);
  whole.write(folder);
  {
    const auto disk = open_image({folder / "child.vhdx"});
    CHECK(disk.complete);
    CHECK((read(*disk.source, 0, 8 * mib) == whole.expected));
    LibvhdiChain other(folder / "child.vhdx", folder / "base.vhdx");
    CHECK_FALSE((other.read(0, 8 * mib) == whole.expected));
  }
  const VhdxPair partial({6, 7, 6, 0}, 512, false);
  partial.write(folder);
  const auto disk = open_image({folder / "child.vhdx"});
  CHECK_FALSE(disk.complete);
  CHECK(has_warning(disk.warnings, "blocks_unreadable"));
  CHECK(disk.source->extents(mib, mib) == std::vector<Extent>{{mib, mib, ExtentKind::unreadable}});
  Bytes out(512);
  CHECK_FALSE(disk.source->read_at(mib, out).has_value());
  CHECK((read(*disk.source, 2 * mib, mib) == Bytes(partial.expected.begin() + 2 * mib, partial.expected.begin() + 3 * mib)));
}

TEST_CASE("a chain of three is read through, and what a parent says of a block shows in the child") {
  const TemporaryFolder folder;
  VhdxPair pair({7, 0, 3, 0, 0, 0, 0, 0});
  pair.write(folder);
  VhdxShape shape;
  shape.flags = 2;
  shape.entries.assign(4097, 0);
  shape.entries[1] = 8 * mib | 6;
  Bytes top = vhdx(shape);
  top.resize(8 * mib);
  const Bytes block = pattern(mib, 9);
  top.insert(top.end(), block.begin(), block.end());
  put_parent(top, {{"parent_linkage", "{11111111-2222-3333-4444-555555555555}"}, {"relative_path", "child.vhdx"}});
  set_vhdx_identifier(top, "cccccccc-2222-3333-4444-555555555555");
  write_file(folder / "top.avhdx", top);
  const auto disk = open_image({folder / "top.avhdx"});
  Bytes expected = pair.expected;
  std::ranges::copy(block, expected.begin() + static_cast<std::ptrdiff_t>(mib));
  CHECK((read(*disk.source, 0, 8 * mib) == expected));
  CHECK(disk.info.parents == std::vector<std::string>{folder / "child.vhdx", folder / "base.vhdx"});
  CHECK(disk.source->extents(2 * mib, mib) == std::vector<Extent>{{2 * mib, mib, ExtentKind::unmapped}});
}

TEST_CASE("a missing parent is an error that names it, and --parent finds it elsewhere under another name") {
  const TemporaryFolder folder, elsewhere;
  const VhdxPair pair({7, 0, 6, 0});
  write_file(folder / "child.vhdx", pair.child);
  write_file(elsewhere / "renamed", pair.parent);
  const std::string why = refusal(folder / "child.vhdx");
  CHECK(mentions(why, "child.vhdx: its parent is missing: base.vhdx"));
  CHECK(mentions(why, parent_guid));
  const auto disk = open_image({folder / "child.vhdx"}, {.parents = {elsewhere / "renamed"}});
  CHECK((read(*disk.source, 0, 8 * mib) == pair.expected));
  CHECK(mentions(refusal(folder / "child.vhdx", {.parents = {elsewhere / "gone"}}), "gone: cannot open: no such file"));
}

TEST_CASE("a file with the parent's name and another identifier is refused by name, never read through") {
  const TemporaryFolder folder;
  const VhdxPair pair({7, 0, 6, 0});
  Bytes changed = pair.parent;
  set_vhdx_identifier(changed, "bbbbbbbb-2222-3333-4444-555555555555");
  write_file(folder / "base.vhdx", changed);
  write_file(folder / "child.vhdx", pair.child);
  const std::string why = refusal(folder / "child.vhdx");
  CHECK(mentions(why, "base.vhdx: it is not the parent of"));
  CHECK(mentions(why, "bbbbbbbb-2222-3333-4444-555555555555"));
  write_file(folder / "base.vhdx", pattern(4096));
  CHECK(mentions(refusal(folder / "child.vhdx"), "neither a VHD nor a VHDX"));
  // A right one that is given counts before a wrong one beside the child.
  write_file(folder / "right", pair.parent);
  const auto disk = open_image({folder / "child.vhdx"}, {.parents = {folder / "right"}});
  CHECK((read(*disk.source, 0, 8 * mib) == pair.expected));
  // A given one that no child asks for is said.
  write_file(folder / "other.vhdx", changed);
  CHECK(
      has_warning(open_image({folder / "child.vhdx"}, {.parents = {folder / "other.vhdx", folder / "right"}}).warnings, "parent_not_used"));

  Bytes bits(512, std::byte{0xFF});
  VhdPair vhd(bits);
  set_vhd_identifier(vhd.parent, "another-identity");
  write_file(folder / "Base.vhd", vhd.parent);
  write_file(folder / "child.vhd", vhd.child);
  CHECK(mentions(refusal(folder / "child.vhd"), "Base.vhd: it is not the parent of"));
}

TEST_CASE("an image that names itself as its parent is refused, not followed for ever") {
  const TemporaryFolder folder;
  VhdxPair pair({0, 0, 0, 0});
  set_vhdx_identifier(pair.child, parent_guid);
  write_file(folder / "base.vhdx", pair.child);
  CHECK(mentions(refusal(folder / "base.vhdx"), "its parent is missing"));
  std::filesystem::create_hard_link(folder / "base.vhdx", folder / "again.vhdx");
  CHECK(mentions(refusal(folder / "again.vhdx"), "its parent is missing"));
}

TEST_CASE("names of a parent that lead out of the folder are taken by their last part only") {
  const TemporaryFolder folder;
  VhdxPair pair({7, 0, 6, 0});
  put_parent(pair.child, {{"parent_linkage", "{" + std::string(parent_guid) + "}"},
                          {"relative_path", "..\\..\\..\\base.vhdx"},
                          {"volume_path", "\\\\?\\Volume{1}\\.."}});
  pair.write(folder);
  CHECK(open_image({folder / "child.vhdx"}).info.parents == std::vector<std::string>{folder / "base.vhdx"});
}

TEST_CASE("beyond the end of a smaller parent nothing is present") {
  const TemporaryFolder folder;
  VhdPair pair(Bytes(512));
  Bytes small = dynamic_vhd(3 * mib, {Bytes(pair.parent_disk.begin(), pair.parent_disk.begin() + 2 * mib),
                                      Bytes(pair.parent_disk.begin() + 2 * mib, pair.parent_disk.begin() + 4 * mib)});
  set_vhd_identifier(small, "the-parents-uuid");
  write_file(folder / "Base.vhd", small);
  write_file(folder / "child.vhd", pair.child);
  const auto disk = open_image({folder / "child.vhd"});
  const Bytes got = read(*disk.source, 0, 4 * mib);
  CHECK(std::equal(got.begin(), got.begin() + 3 * mib, pair.parent_disk.begin()));
  CHECK(all_zero(ByteView(got).subspan(3 * mib)));
  CHECK(disk.source->extents(3 * mib, mib) == std::vector<Extent>{{3 * mib, mib, ExtentKind::not_present}});
}

TEST_CASE("a parent whose copy is cut short makes the child incomplete, not wrong") {
  const TemporaryFolder folder;
  VhdxPair pair({7, 0, 6, 0, 0, 0, 0, 0});
  pair.parent.resize(13 * mib);  // its last three blocks are gone
  pair.write(folder);
  const auto disk = open_image({folder / "child.vhdx"});
  CHECK_FALSE(disk.complete);
  CHECK(has_warning(disk.warnings, "blocks_unreadable"));
  CHECK((read(*disk.source, 0, 5 * mib) == Bytes(pair.expected.begin(), pair.expected.begin() + 5 * mib)));
  Bytes out(512);
  CHECK_FALSE(disk.source->read_at(5 * mib, out).has_value());
  CHECK(disk.source->extents(5 * mib, 3 * mib) == std::vector<Extent>{{5 * mib, 3 * mib, ExtentKind::unreadable}});
}
