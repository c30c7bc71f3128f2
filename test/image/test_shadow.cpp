// Volume shadow copies on a real volume, and on broken ones. What vouches for each fact stands at its test.
#include <libvshadow.h>
#include <string>

#include "image/shadow.hpp"
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
    std::uint64_t kept = 0, changed = 0;
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
        kept += extent.length;
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
    MESSAGE("kept bytes: " << kept << ", stretches that lie elsewhere: " << changed << ", blocks of its own: " << store.blocks);
  }
}
