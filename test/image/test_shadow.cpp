// Volume shadow copies on a real volume, and on broken ones. What vouches for each fact stands at its test.
#include <libvshadow.h>
#include <string>

#include "image/shadow.hpp"
#include "shadow_volume.hpp"
#include "support.hpp"

using namespace trimcarve;
using namespace trimcarve::test;

namespace {

// Independent reader of a store: libvshadow.
class Libvshadow {
 public:
  Libvshadow(const std::string& path, int newest_first) {
    REQUIRE(libvshadow_volume_initialize(&volume_, nullptr) == 1);
    REQUIRE(libvshadow_volume_open(volume_, path.c_str(), LIBVSHADOW_OPEN_READ, nullptr) == 1);
    REQUIRE(libvshadow_volume_get_number_of_stores(volume_, &stores, nullptr) == 1);
    REQUIRE(newest_first < stores);
    REQUIRE(libvshadow_volume_get_store(volume_, stores - 1 - newest_first, &store_, nullptr) == 1);
  }
  Libvshadow(const Libvshadow&) = delete;
  Libvshadow& operator=(const Libvshadow&) = delete;
  ~Libvshadow() {
    libvshadow_store_free(&store_, nullptr);
    libvshadow_volume_free(&volume_, nullptr);
  }
  void read(std::uint64_t offset, Bytes& out) {
    REQUIRE(libvshadow_store_read_buffer_at_offset(store_, out.data(), out.size(), static_cast<off64_t>(offset), nullptr) ==
            static_cast<ssize_t>(out.size()));
  }
  FileTime created() {
    FileTime time;
    REQUIRE(libvshadow_store_get_creation_time(store_, &time.ticks, nullptr) == 1);
    return time;
  }
  int stores = 0;

 private:
  libvshadow_volume_t* volume_ = nullptr;
  libvshadow_store_t* store_ = nullptr;
};

}  // namespace

// A 1 GiB volume of Windows 7 with two copies (plaso's test data); vshadowinfo lists these identifiers and times, libvshadow vouches for
// each byte that is kept. What a copy did not have to keep it may fill in as it likes: here that is a hole.
TEST_CASE("the copies of a real volume give libvshadow's bytes, and each byte lies where it is said to lie") {
  const std::string image = real_data("ntfs-volumes/vsstest.qcow2");
  if (image.empty() || !have_tool("qemu-img")) return;
  const TemporaryFolder folder;
  const std::string raw = folder / "volume.raw";
  run("qemu-img convert -O raw '" + image + "' '" + raw + "'");
  const auto volume = image::open_host_file(raw, 0);
  const auto shadows = image::read_shadows(volume);
  CHECK(shadows.complete);
  CHECK(shadows.warnings.empty());
  REQUIRE(shadows.stores.size() == 2);
  CHECK(shadows.stores[0].identifier == "600f0b6d-5bdf-11e3-9d6c-005056c00008");
  CHECK(to_iso8601(shadows.stores[0].created) == "2013-12-03T06:37:48.9190583Z");
  CHECK(shadows.stores[1].identifier == "600f0b69-5bdf-11e3-9d6c-005056c00008");
  CHECK(to_iso8601(shadows.stores[1].created) == "2013-12-03T06:35:09.7363787Z");
  for (int n = 0; n < 2; ++n) {
    const auto& store = shadows.stores[static_cast<std::size_t>(n)];
    REQUIRE(store.bytes != nullptr);
    CHECK_FALSE(store.offline);
    CHECK(store.bytes->size() == 1 << 30);
    Libvshadow other(raw, n);
    CHECK(other.stores == 2);
    CHECK(other.created() == store.created);
    Bytes ours(1 << 20), theirs(1 << 20);
    std::uint64_t changed = 0;
    for (std::uint64_t at = 0; at < store.bytes->size(); at += ours.size()) {
      REQUIRE(store.bytes->read_at(at, ours).has_value());
      other.read(at, theirs);
      std::uint64_t covered = at;
      for (const Extent& extent : store.bytes->extents(at, ours.size())) {
        CHECK(extent.offset == covered);
        covered += extent.length;
        const auto from = static_cast<std::size_t>(extent.offset - at), length = static_cast<std::size_t>(extent.length);
        if (extent.kind == ExtentKind::hole) {
          CHECK(all_zero(ByteView(ours).subspan(from, length)));
          continue;
        }
        CAPTURE(extent.offset);
        REQUIRE(std::memcmp(ours.data() + from, theirs.data() + from, length) == 0);
        Bytes located;
        for (const Range& range : store.bytes->locate(extent.offset, extent.length)) {
          changed += range.offset != extent.offset;
          located.resize(located.size() + static_cast<std::size_t>(range.length));
          REQUIRE(volume->read_at(range.offset, std::span(located).last(static_cast<std::size_t>(range.length))).has_value());
        }
        CHECK(ByteView(located).size() == length);
        CHECK(std::memcmp(located.data(), ours.data() + from, length) == 0);
      }
      CHECK(covered == at + ours.size());
    }
    CHECK(changed > 0);
  }
}

namespace {

// The number a block was filled with, 0 for a hole.
int block_of(const ByteSource& source, std::uint64_t block) {
  Bytes bytes(shadow_block);
  REQUIRE(source.read_at(block * shadow_block, bytes).has_value());
  for (const std::byte b : bytes) REQUIRE(b == bytes[0]);
  return static_cast<int>(bytes[0]) - 1;
}

std::vector<image::ShadowStore> stores_of(const ShadowVolumeBytes& volume) { return image::read_shadows(memory(volume.bytes)).stores; }

// All blocks of each copy against libvshadow, those that a copy does not keep left out.
void check_against_libvshadow(const ShadowVolumeBytes& volume) {
  const TemporaryFolder folder;
  write_file(folder / "volume.raw", volume.bytes);
  const auto stores = stores_of(volume);
  for (std::size_t n = 0; n < stores.size(); ++n) {
    REQUIRE(stores[n].bytes != nullptr);
    Libvshadow other(folder / "volume.raw", static_cast<int>(n));
    Bytes ours(shadow_block), theirs(shadow_block);
    for (std::uint64_t b = 0; b < ShadowVolumeBytes::blocks; ++b) {
      if (stores[n].bytes->extents(b * shadow_block, shadow_block).front().kind == ExtentKind::hole) continue;
      REQUIRE(stores[n].bytes->read_at(b * shadow_block, ours).has_value());
      other.read(b * shadow_block, theirs);
      CAPTURE(n);
      CAPTURE(b);
      CHECK(ours == theirs);
    }
  }
}

}  // namespace

// Each of these against libvshadow too.
TEST_CASE("a block that was copied is read from its copy, one that a newer store copied from there, all others from the volume") {
  const ShadowVolumeBytes volume({{.list = {{20, 4, 40}, {21, 5, 41}}}, {.list = {{21, 4, 42}, {22, 5, 43}}}});
  const auto stores = stores_of(volume);
  REQUIRE(stores.size() == 2);
  REQUIRE((stores[0].bytes && stores[1].bytes));
  CHECK(block_of(*stores[0].bytes, 20) == 20);
  CHECK(block_of(*stores[0].bytes, 21) == 42);
  CHECK(block_of(*stores[0].bytes, 22) == 43);
  CHECK(block_of(*stores[1].bytes, 20) == 40);
  CHECK(block_of(*stores[1].bytes, 21) == 41);
  CHECK(block_of(*stores[1].bytes, 22) == 43);
  CHECK(block_of(*stores[1].bytes, 23) == 23);
  CHECK(stores[1].bytes->locate(21 * shadow_block + 100, 2 * shadow_block) ==
        std::vector<Range>{{disk_space, 41 * shadow_block + 100, shadow_block - 100},
                           {disk_space, 43 * shadow_block, shadow_block},
                           {disk_space, 23 * shadow_block, 100}});
  check_against_libvshadow(volume);
}

TEST_CASE("a block that moved is read where it went, and from its copy when it was overwritten there") {
  const ShadowVolumeBytes volume({{.list = {{20, 30, 0, 1}, {24, 31, 0, 1}, {31, 6, 44}, {31, 7, 45}}}, {.list = {{30, 4, 46}}}});
  const auto stores = stores_of(volume);
  REQUIRE(stores.size() == 2);
  REQUIRE(stores[1].bytes);
  CHECK(block_of(*stores[1].bytes, 20) == 46);  // moved to 30, which the newer store has copied
  CHECK(block_of(*stores[1].bytes, 24) == 44);  // moved to 31 and copied from there: the first copy of 31 is its
  CHECK(block_of(*stores[1].bytes, 31) == 45);  // the second is 31's own
  check_against_libvshadow(volume);
}

TEST_CASE("sectors of an overlay go before a copied block, in their own store only; an entry that is not used says nothing") {
  const ShadowVolumeBytes volume({{.list = {{20, 4, 40}}}, {.list = {{20, 5, 42, 2, 0x6}, {20, 6, 43}, {21, 7, 44, 4}}}});
  const auto stores = stores_of(volume);
  REQUIRE(stores.size() == 2);
  REQUIRE((stores[0].bytes && stores[1].bytes));
  Bytes bytes(4 * 512);
  REQUIRE(stores[0].bytes->read_at(20 * shadow_block, bytes).has_value());
  CHECK(bytes[0] == std::byte{44});
  CHECK(bytes[512] == std::byte{43});
  CHECK(bytes[1535] == std::byte{43});
  CHECK(bytes[1536] == std::byte{44});
  CHECK(block_of(*stores[0].bytes, 21) == 21);
  CHECK(block_of(*stores[1].bytes, 20) == 40);
  check_against_libvshadow(volume);
}

// dfir_ntfs: the copy did not keep what no file had, unless it, or a newer one, copied it all the same.
TEST_CASE("a block that no file had is a hole, whatever lies there now") {
  const ShadowVolumeBytes volume({{.list = {{20, 4, 40}}, .unused = {20, 21, 22}}, {.list = {{22, 4, 42}}}});
  const auto stores = stores_of(volume);
  REQUIRE(stores.size() == 2);
  REQUIRE((stores[0].bytes && stores[1].bytes));
  CHECK(block_of(*stores[1].bytes, 20) == 40);
  CHECK(block_of(*stores[1].bytes, 22) == 42);
  CHECK(stores[1].bytes->extents(21 * shadow_block, 10) == std::vector<Extent>{{21 * shadow_block, 10, ExtentKind::hole}});
  CHECK(stores[1].bytes->locate(21 * shadow_block, 10).empty());
  CHECK(block_of(*stores[0].bytes, 21) == 21);
}

TEST_CASE("a store marked offline is read as the others are") {
  const auto stores = stores_of(ShadowVolumeBytes({{.list = {{20, 4, 40}}, .flags = 0x540}}));
  REQUIRE(stores.size() == 1);
  CHECK(stores[0].offline);
  REQUIRE(stores[0].bytes);
  CHECK(block_of(*stores[0].bytes, 20) == 40);
}

TEST_CASE("a store that TRIM or damage has hit gives no bytes, and neither do those that build on it") {
  const std::vector<StoreParts> parts{{.list = {{20, 4, 40}}}, {.list = {{21, 4, 41}}}};
  constexpr std::size_t newer = ShadowVolumeBytes::store_block(1), older = ShadowVolumeBytes::store_block(0);
  const auto broken = [&](std::size_t block, std::size_t at, std::uint64_t value) {
    ShadowVolumeBytes volume(parts);
    volume.put(block * shadow_block + at, value, 8);
    return image::read_shadows(memory(volume.bytes));
  };
  for (const std::size_t part : {std::size_t{0}, std::size_t{1}, std::size_t{3}}) {  // header, block list, bitmap
    const auto both = broken(newer + part, 0, 0);
    CHECK_FALSE(both.complete);
    REQUIRE(both.stores.size() == 2);
    CHECK(both.stores[0].bytes == nullptr);
    CHECK(both.stores[1].bytes == nullptr);
    CHECK(has_warning(both.warnings, "shadow_unreadable"));
    const auto one = broken(older + part, 0, 0);
    REQUIRE(one.stores.size() == 2);
    CHECK(one.stores[0].bytes != nullptr);
    CHECK(one.stores[1].bytes == nullptr);
  }
  for (const auto& [at, value] :
       std::vector<std::pair<std::size_t, std::uint64_t>>{{128, 20 * shadow_block + 512},                   // not a block's begin
                                                          {128, ShadowVolumeBytes::blocks * shadow_block},  // beyond the volume
                                                          {144, ShadowVolumeBytes::blocks * shadow_block},
                                                          {144, ~std::uint64_t{0}},
                                                          {152, 3},                           // a forwarder and an overlay
                                                          {40, (newer + 1) * shadow_block}})  // the list goes on in itself
    CHECK(broken(newer + 1, at, value).stores[0].bytes == nullptr);
  const auto no_catalog = broken(ShadowVolumeBytes::catalog, 0, 0);
  CHECK(no_catalog.stores.empty());
  CHECK(has_warning(no_catalog.warnings, "shadow_catalog_damaged"));
  CHECK_FALSE(no_catalog.complete);
  ShadowVolumeBytes elsewhere(parts);
  elsewhere.put(0x1E00 + 80, 1, 8);
  CHECK(has_warning(image::read_shadows(memory(elsewhere.bytes)).warnings, "shadow_elsewhere"));
}

// A deleted store whose clusters were trimmed: zeros there are no content. Written over, they cannot be told: `freed` says so.
TEST_CASE("of a store whose own blocks are free, those that are zero are unreadable, and it is said") {
  ShadowVolumeBytes volume({{.list = {{20, 4, 40}, {21, 5, 41}, {22, 6, 42}, {23, 7, 43, 2, 1}}}});
  for (const std::size_t b : {std::size_t{40}, std::size_t{42}, std::size_t{43}})
    std::memset(volume.bytes.data() + b * shadow_block, 0, shadow_block);
  const auto shadows = image::read_shadows(memory(volume.bytes), [](std::uint64_t offset) { return offset != 42 * shadow_block; });
  REQUIRE(shadows.stores.size() == 1);
  const auto& store = shadows.stores[0];
  CHECK(store.freed);
  REQUIRE(store.bytes);
  Bytes bytes(shadow_block);
  CHECK_FALSE(store.bytes->read_at(20 * shadow_block, bytes).has_value());
  CHECK(store.bytes->extents(20 * shadow_block, 3 * shadow_block) ==
        std::vector<Extent>{{20 * shadow_block, shadow_block, ExtentKind::unreadable},
                            {21 * shadow_block, 2 * shadow_block, ExtentKind::data}});
  CHECK(store.bytes->locate(20 * shadow_block, shadow_block).empty());
  CHECK(block_of(*store.bytes, 21) == 41);
  CHECK(block_of(*store.bytes, 22) == -1);  // in use on the volume: its zeros are its content
  CHECK_FALSE(store.bytes->read_at(23 * shadow_block, bytes).has_value());
  REQUIRE(store.bytes->read_at(23 * shadow_block + 512, std::span(bytes).first(512)).has_value());
  CHECK(bytes[0] == std::byte{24});
  CHECK_FALSE(image::read_shadows(memory(volume.bytes)).stores[0].freed);
}

TEST_CASE("a volume without copies, or cut short before them, has none") {
  CHECK(image::read_shadows(memory(Bytes(1 << 16))).stores.empty());
  CHECK(image::read_shadows(memory(Bytes(0x1E10))).stores.empty());
  Bytes cut = ShadowVolumeBytes({{.list = {{20, 4, 40}}}}).bytes;
  cut.resize(6 * shadow_block);  // the block list's end, and what it names, are missing
  const auto shadows = image::read_shadows(memory(cut));
  CHECK_FALSE(shadows.complete);
  REQUIRE(shadows.stores.size() == 1);
  CHECK(shadows.stores[0].bytes == nullptr);
}
