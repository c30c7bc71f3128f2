// What vouches: the sources below, whose every byte and every bad sector is known.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <set>

#include "trimcarve/byte_source.hpp"

using namespace trimcarve;

namespace trimcarve {
static bool operator==(const Unread& a, const Unread& b) { return a.offset == b.offset && a.length == b.length; }
}  // namespace trimcarve

namespace {

constexpr std::uint64_t sector = 512;
constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();

std::byte byte_at(std::uint64_t offset) { return static_cast<std::byte>(offset / sector * 7 + offset % 251 + 1); }

// Reads fail when they touch a bad sector or leave the source. It counts them.
class Source final : public ByteSource {
 public:
  Source(std::uint64_t size, std::set<std::uint64_t> bad) : size_(size), bad_(std::move(bad)) {}
  std::uint64_t size() const noexcept override { return size_; }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    ++reads;
    if (offset > size_ || out.size() > size_ - offset) return fail("past the end");
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (bad_.contains((offset + i) / sector)) return fail("bad sector");
      out[i] = byte_at(offset + i);
    }
    return {};
  }
  std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override {
    if (offset >= size_) return {};
    return {{offset, std::min(length, size_ - offset), kind}};
  }
  std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override {
    if (offset >= size_) return {};
    return {{disk_space, 1'000'000 + offset, std::min(length, size_ - offset)}};
  }
  ExtentKind kind = ExtentKind::data;
  mutable int reads = 0;

 private:
  std::uint64_t size_;
  std::set<std::uint64_t> bad_;
};

// True when `out`, read from `offset`, holds the source's bytes outside `unread` and zeros inside it.
bool as_expected(std::uint64_t offset, std::span<const std::byte> out, const std::vector<Unread>& unread) {
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::uint64_t at = offset + i;
    const bool lost = std::ranges::any_of(unread, [at](const Unread& u) { return at >= u.offset && at - u.offset < u.length; });
    if (out[i] != (lost ? std::byte{0} : byte_at(at))) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("a tolerant read of a sound source is one read and reports nothing") {
  const Source source(1 << 16, {});
  std::vector<std::byte> out(40'000, std::byte{0xEE});
  std::vector<Unread> unread;
  CHECK(read_tolerant(source, 1'000, out, unread));
  CHECK(unread.empty());
  CHECK(source.reads == 1);
  CHECK(as_expected(1'000, out, unread));
}

TEST_CASE("one bad sector costs one sector, however the read is aligned") {
  for (const std::uint64_t offset : {0ULL, 1ULL, 100ULL, 511ULL, 512ULL, 5'000ULL, 5'119ULL}) {
    for (const std::size_t length : {512U, 513U, 1'024U, 6'000U, 16'384U}) {
      const Source source(1 << 16, {10});
      std::vector<std::byte> out(length, std::byte{0xEE});
      std::vector<Unread> unread;
      const std::uint64_t from = std::max<std::uint64_t>(offset, 5'120), until = std::min<std::uint64_t>(offset + length, 5'632);
      CAPTURE(offset);
      CAPTURE(length);
      CHECK(read_tolerant(source, offset, out, unread) == (from >= until));
      CHECK(unread == (from < until ? std::vector<Unread>{{from, until - from}} : std::vector<Unread>{}));
      CHECK(as_expected(offset, out, unread));
    }
  }
}

TEST_CASE("neighbouring bad sectors are reported as one stretch, distant ones apart") {
  const Source source(1 << 16, {3, 4, 5, 20});
  std::vector<std::byte> out(1 << 16);
  std::vector<Unread> unread;
  CHECK_FALSE(read_tolerant(source, 0, out, unread));
  CHECK(unread == std::vector<Unread>{{3 * sector, 3 * sector}, {20 * sector, sector}});
  CHECK(as_expected(0, out, unread));
}

TEST_CASE("what is unread in a second read is appended, joined where the first one ended") {
  const Source source(1 << 16, {7, 8});
  std::vector<std::byte> out(sector);
  std::vector<Unread> unread;
  CHECK_FALSE(read_tolerant(source, 7 * sector, out, unread));
  CHECK_FALSE(read_tolerant(source, 8 * sector, out, unread));
  CHECK(unread == std::vector<Unread>{{7 * sector, 2 * sector}});
}

TEST_CASE("bytes past the end are unread, are not looked for sector by sector, and do not wrap around") {
  const Source source(1'300, {});
  std::vector<std::byte> out(1 << 20, std::byte{0xEE});
  std::vector<Unread> unread;
  CHECK_FALSE(read_tolerant(source, 1'000, out, unread));
  CHECK(unread == std::vector<Unread>{{1'300, 1'000 + out.size() - 1'300}});
  CHECK(as_expected(1'000, out, unread));
  CHECK(source.reads == 1);

  std::vector<std::byte> small(4'096, std::byte{0xEE});
  for (const std::uint64_t offset : {std::uint64_t{1'300}, most - 10}) {
    unread.clear();
    CHECK_FALSE(read_tolerant(source, offset, small, unread));
    CHECK(unread == std::vector<Unread>{{offset, small.size()}});
    CHECK(std::ranges::all_of(small, [](std::byte b) { return b == std::byte{0}; }));
  }
}

TEST_CASE("an empty read is complete anywhere") {
  const Source source(10, {});
  std::vector<Unread> unread;
  CHECK(read_tolerant(source, 0, {}, unread));
  CHECK(read_tolerant(source, most, {}, unread));
  CHECK(unread.empty());
}

TEST_CASE("a view shows the bytes from its offset, and locates them in the evidence") {
  const auto base = std::make_shared<Source>(1 << 16, std::set<std::uint64_t>{});
  const SourcePtr view = make_view(base, 1'000, 5'000);
  CHECK(view->size() == 5'000);
  std::vector<std::byte> out(100);
  REQUIRE(view->read_at(4'900, out));
  CHECK(out[0] == byte_at(5'900));
  CHECK_FALSE(view->read_at(4'901, out));  // its own end counts, though the base goes on
  CHECK_FALSE(view->read_at(most - 50, out));
  CHECK(view->locate(10, 20) == std::vector<Range>{{disk_space, 1'001'010, 20}});
  CHECK(view->locate(4'990, 100) == std::vector<Range>{{disk_space, 1'005'990, 10}});
  CHECK(view->locate(5'000, 1).empty());
  CHECK(view->extents(10, 20) == std::vector<Extent>{{10, 20, ExtentKind::data}});
  CHECK(view->extents(4'990, most) == std::vector<Extent>{{4'990, 10, ExtentKind::data}});
}

TEST_CASE("the part of a view beyond its base is unreadable, not zero") {
  const auto base = std::make_shared<Source>(4'096, std::set<std::uint64_t>{});
  const SourcePtr view = make_view(base, 1'000, 10'000);
  CHECK(view->extents(0, 10'000) == std::vector<Extent>{{0, 3'096, ExtentKind::data}, {3'096, 6'904, ExtentKind::unreadable}});
  CHECK(view->extents(5'000, 10) == std::vector<Extent>{{5'000, 10, ExtentKind::unreadable}});
  std::vector<std::byte> out(200);
  CHECK(view->read_at(2'896, out));
  CHECK_FALSE(view->read_at(2'897, out));
  CHECK(view->locate(3'000, 500) == std::vector<Range>{{disk_space, 1'004'000, 96}});
  CHECK(view->locate(5'000, 10).empty());

  base->kind = ExtentKind::unreadable;  // joined with an unreadable end of the base
  CHECK(view->extents(0, 10'000) == std::vector<Extent>{{0, 10'000, ExtentKind::unreadable}});
}

TEST_CASE("a view at an absurd offset reads nothing: sums do not wrap into the base") {
  const auto base = std::make_shared<Source>(4'096, std::set<std::uint64_t>{});
  const SourcePtr view = make_view(base, most - 99, most);
  std::vector<std::byte> out(16);
  CHECK_FALSE(view->read_at(0, out));
  CHECK_FALSE(view->read_at(100, out));  // would be offset 0 of the base
  CHECK(view->locate(100, 16).empty());
  CHECK(view->extents(100, 16) == std::vector<Extent>{{100, 16, ExtentKind::unreadable}});
}

TEST_CASE("a view of a view keeps its place in the evidence") {
  const auto base = std::make_shared<Source>(1 << 16, std::set<std::uint64_t>{});
  const SourcePtr inner = make_view(make_view(base, 1'000, 5'000), 2'000, 100);
  std::vector<std::byte> out(1);
  REQUIRE(inner->read_at(5, out));
  CHECK(out[0] == byte_at(3'005));
  CHECK(inner->locate(5, 1) == std::vector<Range>{{disk_space, 1'003'005, 1}});
}
