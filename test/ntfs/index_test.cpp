#include "ntfs/index.hpp"

#include <doctest/doctest.h>

#include <set>

#include "ntfs/file_name.hpp"
#include "ntfs/file_name_scan.hpp"
#include "support.hpp"

using namespace trimcarve;
using namespace trimcarve::ntfs;
using namespace trimcarve::test;

namespace {

struct Names {
  std::set<std::u16string> live, slack;
  std::size_t live_entries = 0, faults = 0;
};

Names names_of(const std::string& path) {
  Names out;
  Bytes bytes = read_file(path);
  for (std::size_t at = 0; at + 4096 <= bytes.size(); at += 4096) {
    const auto block = std::span(bytes).subspan(at, 4096);
    const FixUp fix = apply_fix_up(block);
    const auto index = decode_index_block(block);
    REQUIRE(index);
    CHECK(index->node.sane);
    CHECK(index->vcn * 4096 == at);  // one block a cluster there
    CHECK(fix.bad.empty());
    IndexWalk walk(block, index->node);
    for (IndexEntry e; walk.next(e);) {
      const auto name = decode_file_name(e.key);
      REQUIRE(name);
      ++out.live_entries;
      out.live.insert(name->name.str());
    }
    CHECK(walk.end() == IndexWalkEnd::last_entry);
    CHECK(walk.slack_begin() == index->node.used_end);
    out.faults += walk.skipped();
    FileNameScan scan(block, walk.slack_begin(), index->node.allocated_end);
    for (FileNameCandidate c; scan.next(c);) out.slack.insert(c.file_name.name.str());
  }
  return out;
}

// An INDX block of 4096 bytes with two entries of 104 bytes and a last one, hand-made.
Bytes made_block() {
  Bytes b(4096);
  std::memcpy(b.data(), "INDX", 4);
  put<std::uint16_t>(b, 4, 0x28);
  put<std::uint16_t>(b, 6, 9);
  put<std::uint32_t>(b, 0x18, 0x28);
  put<std::uint32_t>(b, 0x1C, 0x28 + 2 * 104 + 16);
  put<std::uint32_t>(b, 0x20, 0xFE8);
  for (std::size_t i = 0; i < 2; ++i) {
    const std::size_t at = 0x40 + i * 104;
    put<std::uint64_t>(b, at, FileReference::of(30 + i, 1).value);
    put<std::uint16_t>(b, at + 8, 104);
    put<std::uint16_t>(b, at + 10, 68);
    b[at + 16 + 64] = std::byte{1};
    b[at + 16 + 66] = static_cast<std::byte>('a' + i);
  }
  put<std::uint16_t>(b, 0x40 + 208 + 8, 16);
  put<std::uint16_t>(b, 0x40 + 208 + 12, 2);
  return b;
}

std::size_t entries(const Bytes& b, IndexWalkEnd end, std::uint32_t skipped = 0) {
  const auto index = decode_index_block(b);
  REQUIRE(index);
  IndexWalk walk(b, index->node);
  std::size_t n = 0;
  for (IndexEntry e; walk.next(e);) ++n;
  CHECK(walk.end() == end);
  CHECK(walk.skipped() == skipped);
  CHECK(walk.slack_begin() <= b.size());
  return n;
}

}  // namespace

TEST_CASE("a directory's index has its 50 and then its 20 live entries") {
  // Vouched for by the listing in the shared data: 50 then 20 live entries.
  const std::string start = real_data("index/I30-start/I30.bin"), later = real_data("index/I30-first-delete/I30.bin");
  if (start.empty() || later.empty()) return;
  const Names before = names_of(start), after = names_of(later);
  CHECK(before.live_entries == 50);
  CHECK(before.live.size() == 50);
  CHECK(after.live_entries == 20);
  CHECK(before.faults + after.faults == 0);
}

TEST_CASE("36 of the 50 names are found again after deletions, live or in slack, and no other name appears") {
  // Vouched for by the listing in the shared data: 36 of 50 are physically present; Folder3, Folder4, SomeFile1.txt are overwritten.
  const std::string start = real_data("index/I30-start/I30.bin"), later = real_data("index/I30-first-delete/I30.bin");
  if (start.empty() || later.empty()) return;
  const Names before = names_of(start), after = names_of(later);
  std::set<std::u16string> found = after.live;
  found.insert(after.slack.begin(), after.slack.end());
  std::size_t again = 0;
  for (const auto& name : before.live) again += found.contains(name) ? 1U : 0U;
  CHECK(again == 36);
  for (const char16_t* lost : {u"Folder3", u"Folder4", u"SomeFile1.txt"}) CHECK_FALSE(found.contains(lost));
}

TEST_CASE("an entry whose key does not fit costs that entry, a bad length ends the walk where it is") {
  // Hand-made.
  CHECK(entries(made_block(), IndexWalkEnd::last_entry) == 2);
  Bytes b = made_block();
  put<std::uint16_t>(b, 0x40 + 10, 0xFFFF);
  CHECK(entries(b, IndexWalkEnd::last_entry, 1) == 1);
  b = made_block();
  put<std::uint16_t>(b, 0x40 + 104 + 8, 0);
  CHECK(entries(b, IndexWalkEnd::bad) == 1);
  b = made_block();
  put<std::uint16_t>(b, 0x40 + 104 + 8, 0xFFF8);
  CHECK(entries(b, IndexWalkEnd::bad) == 1);
}

TEST_CASE("senseless node offsets are clipped to the block and said to be so") {
  // Hand-made: 2^32 - 1 and 0 in each field.
  for (const std::size_t field : {0x18UL, 0x1CUL, 0x20UL})
    for (const std::uint32_t value : {0U, 0xFFFF'FFFFU, 0x1001U}) {
      Bytes b = made_block();
      put<std::uint32_t>(b, field, value);
      const auto index = decode_index_block(b);
      REQUIRE(index);
      CHECK_FALSE(index->node.sane);
      CHECK(index->node.first_entry == 0x40);
      CHECK(index->node.used_end <= 4096);
      CHECK(index->node.allocated_end <= 4096);
      CHECK(entries(b, IndexWalkEnd::last_entry) == 2);
    }
}

TEST_CASE("what is no index block or root is refused") {
  CHECK_FALSE(decode_index_block(Bytes(4096)));
  CHECK_FALSE(decode_index_block(ByteView(made_block()).first(20)));
  CHECK_FALSE(decode_index_root(Bytes(31)));
  Bytes root(32);
  put<std::uint32_t>(root, 0, 0x30);
  put<std::uint32_t>(root, 16, 16);
  put<std::uint32_t>(root, 20, 16);
  put<std::uint32_t>(root, 24, 16);
  const auto decoded = decode_index_root(root);
  REQUIRE(decoded);
  CHECK(decoded->directory());
  CHECK(decoded->node.sane);
  IndexWalk walk(root, decoded->node);
  IndexEntry e;
  CHECK_FALSE(walk.next(e));
  CHECK(walk.end() == IndexWalkEnd::used_end);
}

TEST_CASE("the index bitmap is read bit by bit and ends where it ends") {
  const Bytes bits = hex({0x05, 0x80});
  CHECK(index_block_in_use(bits, 0));
  CHECK_FALSE(index_block_in_use(bits, 1));
  CHECK(index_block_in_use(bits, 2));
  CHECK(index_block_in_use(bits, 15));
  CHECK_FALSE(index_block_in_use(bits, 16));
  CHECK_FALSE(index_block_in_use(bits, ~0ULL));
}
