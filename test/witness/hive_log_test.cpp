// Logs are written by test/fixtures/hive_writer in the forms that the format document describes. The vector of the hash is the second hash
// of an entry that Windows 10 wrote (from the public test data of a registry parser, NewDirtyHive1 of yarp).
#include "witness/hive_log.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cstring>

#include "hive_support.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using namespace trimcarve::fixtures;

namespace {

constexpr std::uint64_t at_run = 133'000'000'000'000'000;

RegistryKey tree(const std::string& state, std::uint32_t sequence, bool removed) {
  RegistryKey root{"{root}", at_run, {}, {}, false};
  auto& handler = make_key(root, R"(Microsoft\Windows Azure\HandlerState\A.B_1.2.3)", at_run + sequence);
  handler.values = {text_value("InstallState", state), number_value("SequenceNumber", sequence)};
  handler.deleted = removed;
  make_key(root, "Microsoft\\Filler", at_run).values = {binary_value("x", std::vector<std::byte>(9000, std::byte{1}))};
  make_key(root, "Microsoft\\GuestAgent", at_run).values = {text_value("Incarnation", removed ? "2.7.2" : "2.7.1")};
  return root;
}

std::vector<std::byte> all_bytes(const ByteSource& source) {
  std::vector<std::byte> out(source.size());
  REQUIRE(source.read_at(0, out).has_value());
  return out;
}

}  // namespace

TEST_CASE("the hash of log entries is Windows' own") {
  constexpr std::array<unsigned char, 32> header{'H',  'v',  'L',  'E',  0x00, 0x5e, 0,    0,    0,    0,    0,
                                                 0,    0x02, 0,    0,    0,    0x00, 0x50, 0,    0,    0x01, 0x00,
                                                 0x00, 0x00, 0x31, 0xe4, 0x07, 0x18, 0x66, 0x6c, 0x86, 0x67};
  CHECK(witness::hive_log_hash(std::as_bytes(std::span(header))) == 0xcd44f3cfa7657f02);
}

TEST_CASE("entries of both logs are laid over the hive, which becomes the newer one byte by byte") {
  const DirtyHive dirty =
      write_dirty_hive(tree("Installed", 1, false), tree("Enabled", 2, false), {.sequence = 8, .last_written = at_run}, LogForm::entries);
  for (const bool swapped : {false, true}) {
    CAPTURE(swapped);
    const SourcePtr hive = memory(dirty.hive), log1 = memory(swapped ? dirty.log2 : dirty.log1),
                    log2 = memory(swapped ? dirty.log1 : dirty.log2);
    const auto state = witness::apply_hive_logs(hive, log1, log2);
    CHECK(state.dirty);
    CHECK(state.entries == 2);
    const auto bytes = all_bytes(*state.hive);
    REQUIRE(bytes.size() == dirty.newer.size());
    CHECK(std::equal(bytes.begin() + 512, bytes.end(), dirty.newer.begin() + 512));
    const auto base = witness::decode_base_block(bytes);
    REQUIRE(base.has_value());
    CHECK_FALSE(base->dirty());
    CHECK(state.note.find("laid over it in memory") != std::string::npos);
    CHECK(all_bytes(*hive) == dirty.hive);  // the evidence is as it was
  }
}

TEST_CASE("a dirty hive speaks of the newer state only with its logs, and says so") {
  const DirtyHive dirty =
      write_dirty_hive(tree("Installed", 1, false), tree("Enabled", 2, false), {.last_written = at_run}, LogForm::entries);
  const HiveRead without = read_hive(dirty.hive), with = read_hive(dirty.hive, "", memory(dirty.log1), memory(dirty.log2));
  REQUIRE(without.one(Deed::registered, "A.B") != nullptr);
  REQUIRE(with.one(Deed::registered, "A.B") != nullptr);
  CHECK(without.one(Deed::registered, "A.B")->status == "Installed");
  CHECK(with.one(Deed::registered, "A.B")->status == "Enabled");
  CHECK(with.one(Deed::registered, "A.B")->sequence == "2");
  CHECK(without.tally.note.find("no log was given") != std::string::npos);
  CHECK(with.tally.note.find("LOG1: 1 entry") != std::string::npos);
}

TEST_CASE("a key whose deletion is only in the log is live without it and deleted with it") {
  const DirtyHive dirty = write_dirty_hive(tree("Enabled", 3, false), tree("Enabled", 3, true), {.last_written = at_run}, LogForm::entries);
  const HiveRead without = read_hive(dirty.hive), with = read_hive(dirty.hive, "", memory(dirty.log1), memory(dirty.log2));
  REQUIRE(without.one(Deed::registered, "A.B") != nullptr);
  CHECK_FALSE(without.one(Deed::registered, "A.B")->carved);
  REQUIRE(with.one(Deed::registered, "A.B") != nullptr);
  CHECK(with.one(Deed::registered, "A.B")->carved);
}

TEST_CASE("dirty pages of the old form are laid over the hive whose time they have") {
  const DirtyHive dirty =
      write_dirty_hive(tree("Installed", 1, false), tree("Enabled", 2, false), {.last_written = at_run}, LogForm::dirty_pages);
  const auto state = witness::apply_hive_logs(memory(dirty.hive), memory(dirty.log1), nullptr);
  CHECK(state.entries == 1);
  const auto bytes = all_bytes(*state.hive);
  CHECK(std::equal(bytes.begin() + 4096, bytes.end(), dirty.newer.begin() + 4096));

  DirtyHive other = dirty;  // a log of another flush: its time is not the hive's
  const std::uint64_t time = at_run - 1;
  std::memcpy(other.hive.data() + 12, &time, 8);
  const std::uint32_t sum = witness::base_block_checksum(other.hive);
  std::memcpy(other.hive.data() + 508, &sum, 4);
  const auto refused = witness::apply_hive_logs(memory(other.hive), memory(other.log1), nullptr);
  CHECK(refused.entries == 0);
  CHECK(refused.note.find("nothing in its logs could be applied") != std::string::npos);
}

TEST_CASE("a log that makes the hive longer makes it longer") {
  RegistryKey longer = tree("Enabled", 2, false);
  make_key(longer, "Zzz", at_run).values = {binary_value("x", std::vector<std::byte>(30'000, std::byte{2}))};
  for (const LogForm form : {LogForm::entries, LogForm::dirty_pages}) {
    const DirtyHive dirty = write_dirty_hive(tree("Enabled", 1, false), longer, {.last_written = at_run}, form);
    REQUIRE(dirty.newer.size() > dirty.hive.size());
    const auto state = witness::apply_hive_logs(memory(dirty.hive), memory(dirty.log1), memory(dirty.log2));
    const auto bytes = all_bytes(*state.hive);
    REQUIRE(bytes.size() == dirty.newer.size());
    CHECK(std::equal(bytes.begin() + 4096, bytes.end(), dirty.newer.begin() + 4096));
    CHECK(witness::decode_base_block(bytes)->bins_size == bytes.size() - 4096);
    // Without the second log a part of the longer hive lies nowhere: it is unreadable, not zero.
    if (form != LogForm::entries) continue;
    const auto half = witness::apply_hive_logs(memory(dirty.hive), memory(dirty.log1), nullptr);
    CHECK(half.hive->size() == dirty.newer.size());
    const auto extents = half.hive->extents(0, half.hive->size());
    REQUIRE(extents.back().kind == ExtentKind::unreadable);
    std::vector<std::byte> out(1);
    CHECK_FALSE(half.hive->read_at(extents.back().offset, out).has_value());
    const HiveRead read = read_hive(dirty.hive, "", memory(dirty.log1));
    CHECK(read.tally.gaps.bytes == extents.back().length);
  }
}

TEST_CASE("a log that says the hive has gigabytes that lie nowhere makes it no longer than what is there allows") {
  DirtyHive dirty = write_dirty_hive(tree("Enabled", 1, false), tree("Enabled", 2, false), {.last_written = at_run}, LogForm::entries);
  auto log = dirty.log1;
  const auto put = [&](std::size_t at, auto value) { std::memcpy(log.data() + at, &value, sizeof value); };
  put(512 + 16, std::uint32_t{0xFFFFF000});  // the first entry's size of the hive; its hash covers its first 32 bytes
  put(512 + 32, witness::hive_log_hash(std::span<const std::byte>(log).subspan(512, 32)));
  const auto state = witness::apply_hive_logs(memory(dirty.hive), memory(log), nullptr);
  CHECK(state.entries > 0);
  CHECK(state.hive->size() < dirty.hive.size() + log.size() + (std::size_t{65} << 20));
  CHECK(state.note.find("lie nowhere") != std::string::npos);
  const HiveRead read = read_hive(dirty.hive, "SOFTWARE", memory(log), nullptr);
  CHECK(read.one(Deed::registered, "A.B_1.2.3") != nullptr);
}

TEST_CASE("a clean hive is left alone whatever its logs hold") {
  const DirtyHive dirty = write_dirty_hive(tree("Installed", 1, false), tree("Enabled", 2, false), {}, LogForm::entries);
  const SourcePtr clean = memory(write_hive(tree("Installed", 1, false), {}));
  const auto state = witness::apply_hive_logs(clean, memory(dirty.log1), memory(dirty.log2));
  CHECK(state.hive == clean);
  CHECK_FALSE(state.dirty);
  CHECK(state.note.empty());
}

TEST_CASE("an entry with a wrong hash, or a gap in the numbers, ends the log there") {
  const DirtyHive dirty = write_dirty_hive(tree("Installed", 1, false), tree("Enabled", 2, false), {}, LogForm::entries);
  auto bad = dirty.log1;
  bad[600] ^= std::byte{1};
  const auto first = witness::apply_hive_logs(memory(dirty.hive), memory(bad), nullptr);
  CHECK(first.entries == 0);
  CHECK(first.note.find("its hash is wrong") != std::string::npos);
  CHECK_FALSE(first.hive == nullptr);

  auto log = witness::decode_hive_log(dirty.log1);
  REQUIRE(log.has_value());
  CHECK(log->entries.size() == 1);
  auto twice = dirty.log1;  // the same entry again: its number is not the next
  twice.insert(twice.end(), dirty.log1.begin() + 512, dirty.log1.end());
  log = witness::decode_hive_log(twice);
  REQUIRE(log.has_value());
  CHECK(log->entries.size() == 1);
  CHECK(log->stopped.find("sequence") != std::string::npos);
}

TEST_CASE("a damaged base block is taken from the log") {
  DirtyHive dirty = write_dirty_hive(tree("Installed", 1, false), tree("Enabled", 2, false), {.last_written = at_run}, LogForm::entries);
  std::memset(dirty.hive.data(), 0, 512);
  const HiveRead read = read_hive(dirty.hive, "", memory(dirty.log1), memory(dirty.log2));
  REQUIRE(read.tally.readable);
  CHECK(read.tally.note.find("base block is damaged") != std::string::npos);
  CHECK(read.one(Deed::registered, "A.B") != nullptr);
}

TEST_CASE("locate says whether bytes lie in the hive or in a log") {
  const DirtyHive dirty = write_dirty_hive(tree("Installed", 1, false), tree("Enabled", 2, false), {}, LogForm::entries);
  // Each input lies in a space of its own.
  const auto in_space = [](const std::vector<std::byte>& bytes, std::uint32_t space) {
    class Spaced final : public ByteSource {
     public:
      Spaced(SourcePtr inner, std::uint32_t s) : inner_(std::move(inner)), space_(s) {}
      std::uint64_t size() const noexcept override { return inner_->size(); }
      Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override { return inner_->read_at(offset, out); }
      std::vector<Extent> extents(std::uint64_t offset, std::uint64_t length) const override { return inner_->extents(offset, length); }
      std::vector<Range> locate(std::uint64_t offset, std::uint64_t length) const override { return {{space_, offset, length}}; }

     private:
      SourcePtr inner_;
      std::uint32_t space_;
    };
    return std::make_shared<Spaced>(memory(bytes), space);
  };
  const auto state = witness::apply_hive_logs(in_space(dirty.hive, 1), in_space(dirty.log1, 2), in_space(dirty.log2, 3));
  std::uint64_t at = 0;
  bool from_log = false;
  for (const Range& r : state.hive->locate(0, state.hive->size())) {
    const auto& bytes = r.space == 1 ? dirty.hive : r.space == 2 ? dirty.log1 : dirty.log2;
    REQUIRE(r.offset + r.length <= bytes.size());
    std::vector<std::byte> read(r.length);
    REQUIRE(state.hive->read_at(at, read).has_value());
    // The base block alone is not as it lies there: its numbers are made good.
    const std::size_t skip = at < 512 ? 512 - at : 0;
    CHECK(std::equal(read.begin() + static_cast<std::ptrdiff_t>(skip), read.end(),
                     bytes.begin() + static_cast<std::ptrdiff_t>(r.offset + skip)));
    from_log = from_log || r.space != 1;
    at += r.length;
  }
  CHECK(at == state.hive->size());
  CHECK(from_log);
}
