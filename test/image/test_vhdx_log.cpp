// The pending log of a VHDX: which entries count, what they change, and what cannot be trusted without them.
//
// What vouches: `qemu-img check -r all` on a copy replays the log; what the copy then converts to is compared byte for byte.
#include "chain_builder.hpp"
#include "image/open.hpp"
#include "image/overlay.hpp"
#include "image/partitions.hpp"
#include "image/vhdx_log.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using image::open_image;

namespace {

constexpr std::uint64_t mib = 1 << 20;

Bytes read(const ByteSource& disk, std::uint64_t offset, std::size_t size) {
  Bytes out(size);
  REQUIRE(disk.read_at(offset, out).has_value());
  return out;
}

std::string refusal(const std::string& path) {
  try {
    (void)open_image({path});
  } catch (const RunError& error) {
    CHECK(error.code() == ExitCode::input);
    return error.what();
  }
  return {};
}

// The file's log replayed into a copy by qemu-img, and the copy's disk.
SourcePtr replayed_by_qemu(const TemporaryFolder& folder, const std::string& path) {
  const std::string copy = folder / "copy.vhdx";
  std::filesystem::copy_file(path, copy, std::filesystem::copy_options::overwrite_existing);
  std::filesystem::permissions(copy, std::filesystem::perms::owner_all);
  run("qemu-img check -f vhdx -r all '" + copy + "'");
  run("qemu-img convert -f vhdx -O raw '" + copy + "' '" + (folder / "copy.raw") + "'");
  return image::open_host_file(folder / "copy.raw", 0);
}

// Eight blocks of 1 MiB, the first, second and last stored from 8 MiB on; three more MiB of the file are not referred to. The log is
// pending.
Bytes image_with_log(std::uint32_t sector_size = 512) {
  VhdxShape shape;
  shape.sector_size = sector_size;
  shape.log = true;
  shape.entries = {present(8 * mib), present(9 * mib), 0, 0, 0, 0, 0, present(10 * mib)};
  Bytes file = vhdx(shape);
  file.resize(8 * mib);
  const Bytes payload = pattern(6 * mib, 3);
  file.insert(file.end(), payload.begin(), payload.end());
  return file;
}

Bytes sector_of(const Bytes& file, std::uint64_t offset) {
  return Bytes(file.begin() + static_cast<std::ptrdiff_t>(offset), file.begin() + static_cast<std::ptrdiff_t>(offset + 4096));
}

}  // namespace

// Fifth of the five: libvhdi shows the state before, without a hint. qemu-img is asked where it can be: it opens no sectors of 4096, and of
// a sequence that goes round the end of the ring it replays only what stands at the ring's start, for it does not look at an entry's tail.
TEST_CASE("a pending log is replayed in memory: payload, zeros and table entries are as qemu-img leaves them") {
  for (const auto& [sector_size, begin] : {std::pair<std::uint32_t, std::size_t>{512, 0}, {512, mib - 3 * 4096}, {4096, mib - 3 * 4096}}) {
    CAPTURE(begin);
    const TemporaryFolder folder;
    Bytes file = image_with_log(sector_size);
    Bytes table = sector_of(file, vhdx_table_offset);
    put_le(table, 8 * 2, present(11 * mib), 8);
    put_le(table, 8 * 7, 3, 8);
    std::size_t at = 0;
    // An earlier use of the ring, an entry that was overtaken, then the sequence.
    put_log_entry(file, 512 << 10, 90, 512 << 10, {{.offset = 8 * mib, .sector = pattern(4096, 90)}},
                  "77777777-2222-3333-4444-555555555555");
    put_log_entry(file, 256 << 10, 3, 256 << 10, {{.offset = 9 * mib, .sector = pattern(4096, 91)}});
    at = put_log_entry(file, begin, 7, begin,
                       {{.offset = 8 * mib + 4096, .sector = pattern(4096, 71)}, {.offset = 9 * mib, .zeros = 65536}});
    at = put_log_entry(file, at, 8, begin,
                       {{.offset = 9 * mib + 4096, .sector = pattern(4096, 72)}, {.offset = vhdx_table_offset, .sector = table}});
    at = put_log_entry(file, at, 9, begin, {{.offset = 8 * mib + 4096, .sector = pattern(4096, 73)}});
    const Bytes before = file;
    // A torn entry after the sequence: one of its data sectors is older.
    put_log_entry(file, at, 10, begin, {{.offset = 8 * mib, .sector = pattern(4096, 74)}});
    file[6 * mib + at + 4096 + 100] ^= std::byte{1};
    write_file(folder / "log.vhdx", file);

    const auto disk = open_image({folder / "log.vhdx"});
    CHECK(disk.complete);
    REQUIRE(disk.warnings.size() == 2);
    CHECK(disk.warnings[0].code == "vhdx_log_replayed");
    CHECK(disk.warnings[1].code == "file_space_unreferenced");  // blocks that the log's table no longer names
    REQUIRE(disk.info.log.has_value());
    const LogReplay& log = *disk.info.log;
    CHECK(log.replayed);
    CHECK(log.entries == 3);
    CHECK(log.sectors == 1 + 16 + 1 + 1 + 1);
    CHECK(log.changed == 1 + 16 + 1);
    CHECK(log.changed_table == 1);
    CHECK(log.changed_payload == 17);
    CHECK(log.changed_metadata + log.changed_bitmaps + log.changed_other == 0);
    CHECK(log.ranges ==
          std::vector<Range>{{disk_space, 4096, 4096}, {disk_space, mib, 65536}, {disk_space, 2 * mib, mib}, {disk_space, 7 * mib, mib}});
    CHECK(read(*disk.source, 4096, 4096) == pattern(4096, 73));
    CHECK(read(*disk.source, mib, 4096) == Bytes(4096));
    CHECK(read(*disk.source, mib + 4096, 4096) == pattern(4096, 72));
    CHECK((read(*disk.source, 2 * mib, mib) == Bytes(before.begin() + 11 * mib, before.begin() + 12 * mib)));
    CHECK(disk.source->extents(7 * mib, mib) == std::vector<Extent>{{7 * mib, mib, ExtentKind::unmapped}});
    CHECK(read_file(folder / "log.vhdx") == file);  // the evidence is untouched
    if (sector_size == 512 && begin == 0 && have_tool("qemu-img")) {
      const auto qemu = replayed_by_qemu(folder, folder / "log.vhdx");
      CHECK(qemu->size() == disk.info.size);
      CHECK(first_difference(*disk.source, *qemu, qemu->size()) == qemu->size());
    }

    const auto old = open_image({folder / "log.vhdx"}, {.replay_log = false});
    CHECK(has_warning(old.warnings, "vhdx_log_pending"));
    REQUIRE(old.info.log.has_value());
    CHECK_FALSE(old.info.log->replayed);
    CHECK(old.info.log->changed == 18);
    CHECK(old.info.log->ranges == log.ranges);
    CHECK((read(*old.source, 0, mib) == Bytes(before.begin() + 8 * mib, before.begin() + 9 * mib)));
    CHECK(old.source->extents(2 * mib, mib) == std::vector<Extent>{{2 * mib, mib, ExtentKind::not_present}});
  }
}

// QEMU wrote and left this image; qemu-img check reports its dirty log.
TEST_CASE("QEMU's image with a dirty log gives the bytes that qemu-img gives once it has replayed the log") {
  const std::string path = unpacked_data("vhd-other/iotest-dirtylog-10G-4M.vhdx.bz2");
  if (path.empty() || !have_tool("qemu-img")) return;
  const TemporaryFolder folder;
  const auto qemu = replayed_by_qemu(folder, path);
  const auto disk = open_image({path});
  CHECK(disk.info.size == qemu->size());
  CHECK(first_difference(*disk.source, *qemu, qemu->size()) == qemu->size());
  REQUIRE(disk.info.log.has_value());
  CHECK(disk.info.log->entries > 0);
  CHECK(disk.info.log->changed_table > 0);
  const auto old = open_image({path}, {.replay_log = false});
  CHECK(first_difference(*old.source, *qemu, qemu->size()) < qemu->size());
}

TEST_CASE("a pending log that is damaged or cut away is refused: what stands without it is not the disk's last state") {
  const TemporaryFolder folder;
  const std::string path = folder / "log.vhdx";
  Bytes file = image_with_log();
  write_file(path, file);  // the ring is empty
  const std::string why = refusal(path);
  CHECK(why.find("no whole sequence of entries") != std::string::npos);
  CHECK(why.find("--no-log-replay") != std::string::npos);
  const auto old = open_image({path}, {.replay_log = false});
  CHECK(has_warning(old.warnings, "vhdx_log_damaged"));
  CHECK(read(*old.source, 0, 4096) == sector_of(file, 8 * mib));

  // The only sequence has lost its first entry.
  std::size_t at = put_log_entry(file, 0, 1, 0, {{.offset = 8 * mib, .sector = pattern(4096, 1)}});
  put_log_entry(file, at, 2, 0, {{.offset = 8 * mib, .sector = pattern(4096, 2)}});
  write_file(path, file);
  CHECK(read(*open_image({path}).source, 0, 4096) == pattern(4096, 2));
  file[6 * mib + 64] ^= std::byte{1};
  write_file(path, file);
  CHECK(refusal(path).find("no whole sequence of entries") != std::string::npos);
}

TEST_CASE("a file shorter than its log says it was is not complete") {
  const TemporaryFolder folder;
  Bytes file = image_with_log();
  put_log_entry(file, 0, 1, 0, {{.offset = 8 * mib, .sector = pattern(4096, 1)}});
  file.resize(10 * mib + 4096);
  write_file(folder / "log.vhdx", file);
  const auto disk = open_image({folder / "log.vhdx"});
  CHECK_FALSE(disk.complete);
  CHECK(has_warning(disk.warnings, "vhdx_cut_short"));
  CHECK(read(*disk.source, 0, 4096) == pattern(4096, 1));
  CHECK(disk.source->extents(7 * mib + 4096, 4096) == std::vector<Extent>{{7 * mib + 4096, 4096, ExtentKind::unreadable}});
}

TEST_CASE("a part of the log that cannot be read may hold the last changes: the image is not complete") {
  Bytes file = image_with_log();
  put_log_entry(file, 0, 1, 0, {{.offset = 8 * mib, .sector = pattern(4096, 1)}});
  const auto log = image::read_vhdx_log(*memory(file, {6 * mib + 64 * 4096, 512}), {[] {
                                                                                      std::array<std::byte, 16> id{};
                                                                                      Bytes raw(16);
                                                                                      put_guid(raw, 0, log_guid);
                                                                                      std::ranges::copy(raw, id.begin());
                                                                                      return id;
                                                                                    }(),
                                                                                    6 * mib, mib, 0});
  REQUIRE(log.has_value());
  CHECK(log->entries == 1);
  CHECK(log->unreadable);
}

TEST_CASE("later patches lie over earlier ones, and zeros are cut where bytes are laid into them") {
  image::Patches patches;
  image::Patch zeros{.end = 10 * 4096};
  patches.add(4096, zeros);
  image::Patch bytes{.end = 4 * 4096, .zero = false, .body = 20 * 4096};
  bytes.leading.fill(std::byte{7});
  bytes.trailing.fill(std::byte{9});
  patches.add(3 * 4096, bytes);
  patches.add(9 * 4096, image::Patch{.end = 12 * 4096});
  const Bytes file = pattern(25 * 4096);
  const auto source = image::overlay(memory(file), patches);
  Bytes expected = file;
  std::fill(expected.begin() + 4096, expected.begin() + 12 * 4096, std::byte{0});
  std::copy_n(file.begin() + 20 * 4096, 4084, expected.begin() + 3 * 4096 + 8);
  std::fill_n(expected.begin() + 3 * 4096, 8, std::byte{7});
  std::fill_n(expected.begin() + 4 * 4096 - 4, 4, std::byte{9});
  CHECK((read(*source, 0, 25 * 4096) == expected));
  for (std::size_t at = 4000; at < 13 * 4096; at += 1111)
    CHECK(read(*source, at, 3000) ==
          Bytes(expected.begin() + static_cast<std::ptrdiff_t>(at), expected.begin() + static_cast<std::ptrdiff_t>(at + 3000)));
  // Past the end of the file only what is patched is there.
  image::Patches beyond;
  beyond.add(30 * 4096, image::Patch{.end = 31 * 4096});
  const auto longer = image::overlay(memory(file), beyond);
  CHECK(longer->size() == 31 * 4096);
  CHECK(longer->extents(24 * 4096, 7 * 4096) == std::vector<Extent>{{24 * 4096, 4096, ExtentKind::data},
                                                                    {25 * 4096, 5 * 4096, ExtentKind::unreadable},
                                                                    {30 * 4096, 4096, ExtentKind::data}});
  Bytes out(4096);
  CHECK_FALSE(longer->read_at(25 * 4096, out).has_value());
}

TEST_CASE("what a parent's log changes is told as its own, and so is its file space that no block covers") {
  const TemporaryFolder folder;
  Bytes parent = image_with_log();
  put_log_entry(parent, 0, 1, 0, {{.offset = 8 * mib, .sector = pattern(4096, 1)}});
  const std::size_t left_over = parent.size();
  const Bytes earlier = pattern(mib, 5);
  parent.insert(parent.end(), earlier.begin(), earlier.end());
  write_file(folder / "base.vhdx", parent);
  VhdxShape shape;
  shape.flags = 2;
  shape.entries.assign(4097, 0);
  Bytes child = vhdx(shape);
  child.resize(7 * mib);
  put_parent(child, {{"parent_linkage", "{11111111-2222-3333-4444-555555555555}"}, {"relative_path", "base.vhdx"}});
  set_vhdx_identifier(child, "cccccccc-2222-3333-4444-555555555555");
  write_file(folder / "child.vhdx", child);
  const auto disk = open_image({folder / "child.vhdx"});
  CHECK_FALSE(disk.info.log.has_value());
  REQUIRE(disk.info.parents_logs.size() == 1);
  CHECK(disk.info.parents_logs[0].file == folder / "base.vhdx");
  CHECK(disk.info.parents_logs[0].replayed);
  CHECK(disk.info.parents_logs[0].changed == 1);
  CHECK(disk.info.parents_logs[0].ranges == std::vector<Range>{{disk_space, 0, 4096}});
  CHECK(read(*disk.source, 0, 4096) == pattern(4096, 1));
  const auto told = std::ranges::find(disk.warnings, "file_space_unreferenced", &Warning::code);
  REQUIRE(told != disk.warnings.end());
  CHECK(std::ranges::any_of(told->ranges, [&](const Range& r) {
    return r.space == file_space(1) && r.offset <= left_over && r.offset + r.length == left_over + mib;
  }));
}

// Any stop in the middle of a copy: whatever is left gives the whole image's bytes or none, and says that it is not all.
TEST_CASE("an image cut at any MiB gives right bytes or none, and is never called complete") {
  const TemporaryFolder folder;
  Bytes logged = image_with_log();
  Bytes table = sector_of(logged, vhdx_table_offset);
  put_le(table, 8 * 2, present(11 * mib), 8);
  put_le(table, 8 * 3, present(13 * mib), 8);
  put_log_entry(logged, 0, 1, 0, {{.offset = 8 * mib, .sector = pattern(4096, 1)}, {.offset = vhdx_table_offset, .sector = table}});
  Bytes fixed = pattern(4 * mib, 5);
  const Bytes footer = vhd_footer(2, 4 * mib);
  fixed.insert(fixed.end(), footer.begin(), footer.end());
  const std::vector<std::pair<std::string, Bytes>> images{
      {"log.vhdx", logged},
      {"dynamic.vhd", dynamic_vhd(8 * mib, {pattern(2 * mib, 1), {}, pattern(2 * mib, 2), pattern(2 * mib, 3)})},
      {"fixed.vhd", fixed}};
  for (const auto& [name, bytes] : images) {
    write_file(folder / name, bytes);
    const auto whole = open_image({folder / name});
    CHECK(whole.complete);
    const Bytes expected = read(*whole.source, 0, whole.info.size);
    for (std::size_t cut = mib; cut < bytes.size(); cut += mib) {
      CAPTURE(name);
      CAPTURE(cut);
      const std::string part = folder / ("cut-" + name);
      write_file(part, ByteView(bytes).first(cut));
      try {
        const auto disk = open_image({part});
        CHECK_FALSE(disk.complete);
        Bytes out(512);
        std::size_t wrong = 0;
        for (std::uint64_t at = 0; at + 512 <= std::min<std::uint64_t>(disk.info.size, expected.size()); at += 512)
          if (disk.source->read_at(at, out) && !std::equal(out.begin(), out.end(), expected.begin() + static_cast<std::ptrdiff_t>(at)))
            ++wrong;
        CHECK(wrong == 0);
      } catch (const RunError& error) {
        CHECK(error.code() == ExitCode::input);
      }
    }
  }
}
