// EnCase images (E01). ewfacquire writes them; the raw disk they were made from vouches for every byte, ewfinfo for what they state.
#include <zlib.h>

#include "foreign_support.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using image::open_image;

namespace {

struct Section {
  std::string type;
  std::size_t at = 0, next = 0;
  std::size_t body() const { return at + 76; }
};

// Walks the descriptors, as the format's document lays them out.
std::vector<Section> sections(const Bytes& file) {
  std::vector<Section> found;
  for (std::size_t at = 13; at + 76 <= file.size();) {
    const auto next = static_cast<std::size_t>(le<std::uint64_t>(file, at + 16));
    found.push_back({reinterpret_cast<const char*>(file.data() + at), at, next});
    if (next <= at) break;
    at = next;
  }
  return found;
}

Section section(const Bytes& file, const std::string& type) {
  const auto all = sections(file);
  const auto at = std::ranges::find(all, type, &Section::type);
  REQUIRE(at != all.end());
  return *at;
}

void put_checksum(Bytes& file, std::size_t from, std::size_t length) {
  put_le(file, from + length, adler32(1, reinterpret_cast<const Bytef*>(file.data() + from), static_cast<uInt>(length)), 4);
}

Bytes descriptor(const std::string& type, std::size_t at, std::size_t length, bool end = false) {
  Bytes bytes(76);
  put_text(bytes, 0, type);
  put_le(bytes, 16, end ? at : at + length, 8);
  put_le(bytes, 24, end ? 0 : length, 8);
  put_checksum(bytes, 0, 72);
  return bytes;
}

void flip(Bytes& file, std::size_t at) { file.at(at) ^= std::byte{0x55}; }

}  // namespace

TEST_CASE("an E01 gives the disk that was acquired, whatever its form, name and number of segments") {
  if (!have_tool("ewfacquire")) return;
  const Workshop w;
  for (const std::string options : {"-f encase6 -c deflate:none -S 2097152", "-f encase7 -c deflate:fast",
                                    "-f encase5 -c deflate:best -b 128", "-f ftk -c deflate:empty-block -b 16", "-f linen6"}) {
    CAPTURE(options);
    const std::string path = w.acquire("a", options);
    const auto image = open_image({path});
    CHECK(image.info.container == "e01");
    CHECK(image.complete);
    CHECK(image.warnings.empty());
    check_bytes(image, w.disk);
    for (const std::string& file : image.info.files) std::filesystem::remove(file);
  }
  // One segment under a name that says nothing.
  std::filesystem::rename(w.acquire("b", "-c deflate:fast"), w.folder / "evidence.bin");
  check_bytes(open_image({w.folder / "evidence.bin"}), w.disk);
}

// ewfinfo prints the hashes that ewfacquire stored.
TEST_CASE("the hashes stored in an E01 are those ewfinfo prints") {
  if (!have_tool("ewfacquire")) return;
  const Workshop w;
  const std::string path = w.acquire("a", "");
  const std::string told = run("ewfinfo '" + path + "'");
  const std::string hashes = open_image({path}).info.acquisition_hashes;
  REQUIRE(hashes.size() == 4 + 32 + 2 + 6 + 40);
  CHECK(told.find(hashes.substr(4, 32)) != std::string::npos);
  CHECK(told.find(hashes.substr(44)) != std::string::npos);
}

// The words given to ewfacquire; ewfinfo prints the same.
TEST_CASE("the notes of an acquisition are told") {
  if (!have_tool("ewfacquire")) return;
  const Workshop w;
  for (const std::string form : {"encase6", "encase1"}) {
    CAPTURE(form);
    const std::string path = w.acquire(form, "-f " + form + " -C 'case 7' -E 'ev 3' -e 'A. Examiner' -N 'a note'");
    const auto notes = open_image({path}).info.acquisition_notes;
    for (const std::string note : {"case number: case 7", "evidence number: ev 3", "examiner: A. Examiner", "notes: a note"})
      CHECK(std::ranges::count(notes, note) == 1);
    const auto date = std::ranges::find_if(notes, [](const std::string& note) { return note.starts_with("acquired: 20"); });
    REQUIRE(date != notes.end());
    CHECK(date->ends_with("time zone)") == (form == "encase1"));
  }
}

TEST_CASE("a chunk of an E01 whose checksum is wrong is unreadable, not zeros") {
  if (!have_tool("ewfacquire")) return;
  const Workshop w;
  for (const std::string compression : {"none", "fast"}) {
    CAPTURE(compression);
    const std::string path = w.acquire(compression, "-c deflate:" + compression);
    const std::size_t noise = find(read_file(path), ByteView(w.disk).subspan(4 * mib, 64));
    const auto image = open_image({w.damaged(path, "bad.E01", noise + 20, 0x10)});
    CHECK(image.complete);
    CHECK(sectors_lost(image, w.disk) == 64);
    CHECK(sectors_lost(image, w.disk) == 64);  // nor is it zeros when it is read again
  }
}

TEST_CASE("without its last segments an E01 gives what the others hold, and says which is missing") {
  if (!have_tool("ewfacquire")) return;
  const Workshop w;
  const std::string path = w.acquire("a", "-c deflate:none -S 2097152");
  REQUIRE(open_image({path}).info.files.size() == 5);
  std::filesystem::remove(w.folder / "a.E05");
  std::filesystem::rename(w.folder / "a.E04", w.folder / "elsewhere");
  const auto image = open_image({path});
  CHECK_FALSE(image.complete);
  REQUIRE(has_warning(image.warnings, "ewf_segment_missing"));
  CHECK(image.warnings[0].text.find("a.E04") != std::string::npos);
  const auto extents = image.source->extents(0, image.info.size);
  REQUIRE(extents.size() == 2);
  CHECK(extents[1].kind == ExtentKind::unreadable);
  const std::size_t lost = sectors_lost(image, w.disk);
  CHECK(lost * 512 >= extents[1].length);
  CHECK(lost * 512 <= extents[1].length + 2 * 32768);

  CHECK(refusal(w.folder / "a.E02").find("segment 2 of an image: give the first") != std::string::npos);
  std::filesystem::rename(w.folder / "a.E03", w.folder / "a.E04");
  std::filesystem::rename(w.folder / "a.E02", w.folder / "a.E03");
  std::filesystem::copy_file(w.folder / "a.E04", w.folder / "a.E02");
  CHECK(refusal(path).find("its name is that of segment 2, but it is segment 3") != std::string::npos);
}

TEST_CASE("every form that ewfacquire writes is read, also of a disk whose last chunk is short") {
  if (!have_tool("ewfacquire")) return;
  Workshop w;
  w.disk = pattern(9 * 32768 + 7 * 512);
  std::fill_n(w.disk.begin() + 70000, 100000, std::byte{0});
  w.disk.back() = std::byte{9};
  write_file(w.folder / "disk.raw", w.disk);
  for (const std::string form : {"ewf", "smart", "ftk", "encase1", "encase2", "encase3", "encase4", "encase5", "encase6", "encase7",
                                 "linen5", "linen6", "linen7", "ewfx"})
    for (const std::string level : {"none", "best"}) {
      CAPTURE(form);
      w.acquire(form + level, "-f " + form + " -c deflate:" + level);
      const std::string stem = w.folder / (form + level);
      const auto image = open_image({stem + (form == "smart" ? ".s01" : form.starts_with("ewf") ? ".e01" : ".E01")});
      CHECK(image.complete);
      CHECK(image.warnings.empty());
      check_bytes(image, w.disk);
    }
}

TEST_CASE("a damaged table of an E01 is read from its copy; where that is damaged too, only chunks of wrong entries are lost") {
  if (!have_tool("ewfacquire")) return;
  const Workshop w;
  const std::string path = w.acquire("a", "-c deflate:none");
  const Bytes good = read_file(path);
  const Section table = section(good, "table"), copy = section(good, "table2");
  for (const std::size_t at : {table.body(), table.body() + 24 + 4 * 20}) {  // the count, an entry
    Bytes bytes = good;
    flip(bytes, at);
    write_file(w.folder / "bad.E01", bytes);
    const auto image = open_image({w.folder / "bad.E01"});
    CHECK_FALSE(image.complete);
    CHECK(has_warning(image.warnings, "ewf_table_copy"));
    check_bytes(image, w.disk);
  }
  Bytes bytes = good;
  flip(bytes, table.body() + 24 + 4 * 130);
  flip(bytes, copy.body() + 24 + 4 * 140);
  write_file(w.folder / "bad.E01", bytes);
  const auto image = open_image({w.folder / "bad.E01"});
  CHECK(has_warning(image.warnings, "ewf_table_damaged"));
  CHECK(sectors_lost(image, w.disk) == 64);
  // The offset of an entry behind the end of the file: told by extents too.
  flip(bytes, table.body() + 24 + 4 * 150 + 3);
  write_file(w.folder / "bad.E01", bytes);
  const auto behind = open_image({w.folder / "bad.E01"});
  CHECK(sectors_lost(behind, w.disk) == 128);
}

TEST_CASE("an E01 whose tables are lost in one segment is read in all others") {
  if (!have_tool("ewfacquire")) return;
  const Workshop w;
  const std::string path = w.acquire("a", "-c deflate:none -S 2097152");
  REQUIRE(open_image({path}).info.files.size() == 5);
  const std::string second = w.folder / "a.E02";
  const Bytes good = read_file(second);
  const Section table = section(good, "table"), copy = section(good, "table2");
  const std::size_t chunks = le<std::uint32_t>(good, table.body());
  for (const bool descriptor_too : {false, true}) {
    CAPTURE(descriptor_too);
    Bytes bytes = good;
    if (descriptor_too) {
      flip(bytes, table.at);  // nothing of the segment is known behind it
    } else {
      flip(bytes, table.body());
      flip(bytes, copy.body());
    }
    write_file(second, bytes);
    const auto image = open_image({path});
    CHECK_FALSE(image.complete);
    CHECK(has_warning(image.warnings, descriptor_too ? "ewf_segment_missing" : "ewf_table_damaged"));
    CHECK(sectors_lost(image, w.disk) == chunks * 64);
    std::uint64_t unreadable = 0;
    for (const Extent& e : image.source->extents(0, w.disk.size()))
      if (e.kind == ExtentKind::unreadable) unreadable += e.length;
    CHECK(unreadable == chunks * 32768);
  }
}

TEST_CASE("the size of the disk in an E01 is read from its copy when the first is damaged; without both the image is refused") {
  if (!have_tool("ewfacquire")) return;
  const Workshop w;
  const std::string path = w.acquire("a", "-c deflate:fast");
  Bytes bytes = read_file(path);
  flip(bytes, section(bytes, "volume").body() + 16);
  write_file(path, bytes);
  const auto image = open_image({path});
  CHECK(has_warning(image.warnings, "ewf_volume_copy"));
  check_bytes(image, w.disk);
  flip(bytes, section(bytes, "data").body() + 16);
  write_file(path, bytes);
  CHECK(refusal(path).find("no section tells the size of the disk") != std::string::npos);
}

// ewfinfo lists the same sectors.
TEST_CASE("sectors that an acquisition could not read are unreadable, whatever the E01 holds there") {
  if (!have_tool("ewfacquire")) return;
  const Workshop w;
  const std::string path = w.acquire("a", "-c deflate:fast");
  Bytes bytes = read_file(path);
  const std::size_t at = section(bytes, "done").at;
  bytes.resize(at);
  Bytes errors(520 + 2 * 8 + 4);
  put_le(errors, 0, 2, 4);
  put_checksum(errors, 0, 516);
  put_le(errors, 520, 9000, 4);
  put_le(errors, 524, 4, 4);
  put_le(errors, 528, 100, 4);
  put_le(errors, 532, 64, 4);
  put_checksum(errors, 520, 16);
  std::ranges::copy(descriptor("error2", at, 76 + errors.size()), std::back_inserter(bytes));
  std::ranges::copy(errors, std::back_inserter(bytes));
  std::ranges::copy(descriptor("done", bytes.size(), 76, true), std::back_inserter(bytes));
  write_file(path, bytes);
  const std::string told = run("ewfinfo '" + path + "'");
  CHECK(told.find("9000 - 9003") != std::string::npos);
  CHECK(told.find("100 - 163") != std::string::npos);

  const auto image = open_image({path});
  CHECK_FALSE(image.complete);
  CHECK(has_warning(image.warnings, "acquisition_errors"));
  CHECK(sectors_lost(image, w.disk) == 68);
  const auto extents = image.source->extents(0, w.disk.size());
  REQUIRE(extents.size() == 5);
  CHECK(extents[1] == Extent{100 * 512, 64 * 512, ExtentKind::unreadable});
  CHECK(extents[3] == Extent{9000 * 512, 4 * 512, ExtentKind::unreadable});

  flip(bytes, at + 76 + 2);
  write_file(path, bytes);
  CHECK(has_warning(open_image({path}).warnings, "acquisition_errors_damaged"));
}

// ewfexport reads the same bytes.
TEST_CASE("the offsets of an E01 that EnCase 6.7 let overflow at 2 GiB are followed") {
  if (!have_tool("ewfacquire")) return;
  const TemporaryFolder folder;
  const std::size_t chunk = 32768, limit = std::size_t{1} << 31;
  const Bytes disk = pattern(5 * chunk);
  write_file(folder / "disk.raw", disk);
  run("ewfacquire -u -q -f encase5 -c deflate:none -t '" + (folder / "a") + "' '" + (folder / "disk.raw") + "' </dev/null");
  const Bytes small = read_file(folder / "a.E01");
  const Section sectors = section(small, "sectors");
  // The same sections, with a hole of nearly 2 GiB in front of the chunks: the third one lies across the limit.
  const std::size_t first = limit - 2 * (chunk + 4) - 100, end = first + 5 * (chunk + 4);
  Bytes tail;
  for (const std::string type : {"table", "table2"}) {
    Bytes bytes(24 + 5 * 4 + 4);
    put_le(bytes, 0, 5, 4);
    put_checksum(bytes, 0, 20);
    for (std::size_t i = 0; i < 5; ++i) put_le(bytes, 24 + 4 * i, first + i * (chunk + 4), 4);
    put_checksum(bytes, 24, 20);
    std::ranges::copy(descriptor(type, end + tail.size(), 76 + bytes.size()), std::back_inserter(tail));
    std::ranges::copy(bytes, std::back_inserter(tail));
  }
  std::ranges::copy(descriptor("done", end + tail.size(), 76, true), std::back_inserter(tail));
  const std::string path = folder / "b.E01";
  {
    std::ofstream out(path, std::ios::binary);
    const auto put = [&](ByteView bytes) {
      out.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
    };
    put(ByteView(small).first(sectors.at));
    put(descriptor("sectors", sectors.at, end - sectors.at));
    out.seekp(static_cast<std::streamoff>(first));
    put(ByteView(small).subspan(sectors.body(), 5 * (chunk + 4)));
    put(tail);
    REQUIRE(out);
  }
  const auto image = open_image({path});
  CHECK(image.complete);
  check_bytes(image, disk);
  run("ewfexport -u -q -f raw -t '" + (folder / "out") + "' '" + path + "' </dev/null");
  CHECK(read_file(folder / "out.raw") == disk);
}

TEST_CASE("an E01 that was cut anywhere gives no wrong byte") {
  if (!have_tool("ewfacquire")) return;
  const Workshop w;
  for (const std::string form : {"encase6", "encase1"}) {
    CAPTURE(form);
    const std::string path = w.acquire(form, "-c deflate:fast -f " + form);
    const Bytes bytes = read_file(path);
    for (std::size_t length = bytes.size() - 10; length > mib; length -= mib / 2) {
      CAPTURE(length);
      write_file(w.folder / "cut.bin", ByteView(bytes).first(length));
      const auto image = open_image({w.folder / "cut.bin"});
      CHECK_FALSE(image.complete);
      CHECK(has_warning(image.warnings, "ewf_segment_missing"));
      (void)sectors_lost(image, w.disk);
    }
  }
}

TEST_CASE("an E01 with any byte changed gives no wrong byte, and what is lost is said") {
  if (!have_tool("ewfacquire")) return;
  Workshop w;
  w.disk = pattern(3 * 8192 + 512);
  std::fill_n(w.disk.begin() + 9000, 7000, std::byte{0});
  write_file(w.folder / "disk.raw", w.disk);
  std::size_t refused = 0;
  for (const std::string form : {"encase6", "encase1", "smart"}) {
    CAPTURE(form);
    w.acquire(form, "-c deflate:fast -b 16 -f " + form);
    const Bytes good = read_file(w.folder / (form + (form == "smart" ? ".s01" : ".E01")));
    for (std::size_t at = 13; at < good.size(); at += at < 3000 || at + 3000 > good.size() ? 7U : 97U) {
      CAPTURE(at);
      Bytes bytes = good;
      bytes[at] ^= std::byte{0x81};
      write_file(w.folder / "bad.bin", bytes);
      try {
        const auto image = open_image({w.folder / "bad.bin"});
        if (image.info.size != w.disk.size()) FAIL("another size");
        const bool told = !image.complete;
        const std::size_t lost = sectors_lost(image, w.disk);
        // A chunk's damage shows when it is read.
        if (lost > 17) CHECK(told);
      } catch (const RunError&) {
        ++refused;
      }
    }
  }
  CHECK(refused > 0);  // where the size of the disk stands once only
}
