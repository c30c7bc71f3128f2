// Deleted keys: written and freed by test/fixtures/hive_writer, or deleted by hivex; reglookup-recover, an independent carver, is asked for
// the same.
#include "witness/hive_carve.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>

#include "hive_support.hpp"
#include "witness/hive_cells.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using namespace trimcarve::fixtures;
using witness::HiveKey;

namespace {

constexpr std::uint64_t before = 132'500'000'000'000'000, after = 133'000'000'000'000'000;
const std::string handlers = R"(Microsoft\Windows Azure\HandlerState)";
const std::string custom = "Microsoft.Compute.CustomScriptExtension";

// A handler's key was deleted after the last write to it.
RegistryKey deleted_tree() {
  RegistryKey root{"{root}", after, {}, {}, false};
  make_key(root, handlers + "\\A.Live_2.0", after).values = {text_value("InstallState", "Enabled")};
  auto& gone = make_key(root, handlers + "\\" + custom + "_1.9.5", before);
  gone.values = {text_value("InstallState", "NotInstalled"), number_value("SequenceNumber", 2),
                 text_value("StatusFolder", R"(C:\Packages\Plugins\Microsoft.Compute.CustomScriptExtension\1.9.5\Status)")};
  gone.deleted = true;
  return root;
}

struct Carved {
  std::vector<HiveKey> keys;
  witness::HiveCarveTally tally;
};
Carved carve(const std::vector<std::byte>& hive) {
  Carved out;
  witness::HiveCarveOptions options;
  options.wanted = [](const witness::KeyPath&, bool, bool allocated, std::uint64_t) { return !allocated; };
  options.key = [&](const HiveKey& key) { out.keys.push_back(key); };
  out.tally = witness::carve_hive(hive, options);
  return out;
}
std::size_t find(const std::vector<std::byte>& bytes, std::string_view text) {
  const auto* begin = reinterpret_cast<const char*>(bytes.data());
  return std::string_view(begin, bytes.size()).find(text);
}

}  // namespace

TEST_CASE("a deleted handler's key comes back with its path, values and last write") {
  const HiveRead read = read_hive(write_hive(deleted_tree(), {}));
  const Statement* s = read.one(Deed::registered, custom);
  REQUIRE(s != nullptr);
  CHECK(s->carved);
  CHECK_FALSE(s->cut);
  CHECK(s->text == handlers + "\\" + custom + "_1.9.5");
  CHECK(s->version == "1.9.5");
  CHECK(s->sequence == "2");
  CHECK(s->status == "NotInstalled");
  CHECK(s->time.ticks == before);
  CHECK(field_of(*s, "doubtful path") == "(none)");
  REQUIRE(read.one(Deed::registered, "A.Live") != nullptr);
  CHECK_FALSE(read.one(Deed::registered, "A.Live")->carved);
}

TEST_CASE("an independent carver finds the same deleted keys at the same places") {
  const auto bytes = write_hive(deleted_tree(), {});
  const TemporaryFile file(bytes);
  const std::string text = output_of("reglookup-recover", file.path());
  if (text.empty()) return;
  const Carved ours = carve(bytes);
  REQUIRE(ours.keys.size() == 1);
  char line[64];
  std::snprintf(line, sizeof line, "%08X,%08X,KEY,", static_cast<unsigned>(ours.keys[0].offset),
                static_cast<unsigned>(ours.keys[0].length));
  CHECK(text.find(line) != std::string::npos);
  CHECK(text.find("HandlerState," + custom + "_1.9.5,2020-11-16 11:33:20,3") != std::string::npos);
  CHECK(std::ranges::count(text, '\n') >= 5);  // a heading, the key and its three values
}

TEST_CASE("a tree deleted whole keeps the paths between its keys") {
  RegistryKey root = deleted_tree();
  auto& tree = make_key(root, "One", after);
  make_key(root, "One\\Two\\Three", before);
  tree.deleted = true;
  std::vector<std::string> paths;
  for (const HiveKey& key : carve(write_hive(root, {})).keys)
    if (key.path[0] == "One") {
      std::string path;
      for (const std::string& name : key.path) path += "\\" + name;
      CHECK(key.rooted);
      paths.push_back(path);
    }
  CHECK(paths == std::vector<std::string>{"\\One", "\\One\\Two", "\\One\\Two\\Three"});
}

TEST_CASE("a key whose parent's cell is overwritten is stated by its own name, with its path open") {
  auto bytes = write_hive(deleted_tree(), {});
  const std::size_t name = find(bytes, "HandlerState");  // the parent's record
  REQUIRE(name != std::string_view::npos);
  std::memset(bytes.data() + name - 76, 0, 2);
  const HiveRead read = read_hive(bytes);
  const Statement* s = read.one(Deed::registered, custom);
  REQUIRE(s != nullptr);
  CHECK(s->carved);
  CHECK(s->text == "...\\" + custom + "_1.9.5");
  CHECK(s->version == "1.9.5");

  // With its list of values gone too, the name is all there is: it speaks of a handler, but is not called its registration.
  const std::uint32_t none = 0;
  std::memcpy(bytes.data() + s->offset + 4 + 36, &none, 4);
  const HiveRead bare = read_hive(bytes);
  CHECK(bare.one(Deed::registered, custom) == nullptr);
  CHECK(std::ranges::any_of(bare.statements,
                            [](const Statement& o) { return o.deed == Deed::other && o.text == "...\\" + custom + "_1.9.5"; }));
}

TEST_CASE("parents in a circle end the path") {
  auto bytes = write_hive(deleted_tree(), {});
  const std::size_t azure = find(bytes, "Windows Azure") - 76, state = find(bytes, "HandlerState") - 76;
  const auto cell = static_cast<std::uint32_t>(state - 4 - 4096);
  std::memcpy(bytes.data() + azure + 16, &cell, 4);
  const Carved carved = carve(bytes);
  REQUIRE(carved.keys.size() == 1);
  CHECK_FALSE(carved.keys[0].rooted);
  CHECK(carved.keys[0].path == witness::KeyPath{"Windows Azure", "HandlerState", custom + "_1.9.5"});
}

TEST_CASE("a parent that cannot have had the key makes the path doubtful, and the statement says so") {
  auto bytes = write_hive(deleted_tree(), {});
  const std::size_t state = find(bytes, "HandlerState") - 76;
  const std::uint16_t longest = 4;
  std::memcpy(bytes.data() + state + 52, &longest, 2);
  const HiveRead read = read_hive(bytes);
  const Statement* s = read.one(Deed::registered, custom);
  REQUIRE(s != nullptr);
  CHECK(field_of(*s, "doubtful path").find("never had a key with so long a name") != std::string::npos);
}

TEST_CASE("values whose cells are someone else's by now are left out, and the key is cut") {
  auto bytes = write_hive(deleted_tree(), {});
  // The record of InstallState, with its cell marked as allocated again.
  const Carved whole = carve(bytes);
  REQUIRE(whole.keys.size() == 1);
  REQUIRE(whole.keys[0].values.size() == 3);
  const std::size_t record = find(bytes, "SequenceNumber") - 20;
  REQUIRE(record < bytes.size());
  std::memcpy(bytes.data() + record, "xx", 2);
  const Carved carved = carve(bytes);
  REQUIRE(carved.keys.size() == 1);
  CHECK(carved.keys[0].cut);
  CHECK(carved.keys[0].values.size() == 2);
  CHECK(carved.keys[0].values[0].name == "InstallState");
}

TEST_CASE("a deleted value alone speaks when it names a handler's folder") {
  auto bytes = write_hive(deleted_tree(), {});
  const std::size_t key = find(bytes, custom + "_1.9.5") - 76;
  std::memset(bytes.data() + key, 0, 2);  // the key's record is gone
  const HiveRead read = read_hive(bytes);
  CHECK(read.one(Deed::registered, custom) == nullptr);
  const Statement* s = read.one(Deed::other, R"(1.9.5\Status)");
  REQUIRE(s != nullptr);
  CHECK(s->carved);
  CHECK(s->handler == custom);
  CHECK(s->version == "1.9.5");
  CHECK(std::memcmp(bytes.data() + s->offset + 4, "vk", 2) == 0);
}

TEST_CASE("remains behind the last bin and in a bin whose header is gone are searched too") {
  const auto bytes = write_hive(deleted_tree(), {});
  auto behind = bytes;
  std::memset(behind.data() + 4096, 0, 4);  // the header of the only bin
  CHECK(carve(behind).keys.size() >= 1);
  // The hive shrank: its size in the base block ends before the deleted key's bin.
  RegistryKey root{"{root}", after, {}, {}, false};
  auto small = write_hive(root, {});
  small.insert(small.end(), bytes.begin() + 4096, bytes.end());
  const Carved carved = carve(small);
  CHECK(std::ranges::any_of(carved.keys, [](const HiveKey& k) { return k.path.back() == custom + "_1.9.5"; }));
}

TEST_CASE("an impossible cell size costs the rest of its bin as cells, but not its records") {
  auto bytes = write_hive(deleted_tree(), {});
  const std::size_t live = find(bytes, "A.Live_2.0") - 76 - 4;
  std::memset(bytes.data() + live, 0x7F, 4);
  const Carved carved = carve(bytes);
  CHECK(carved.tally.damaged == 1);
  CHECK(std::ranges::any_of(carved.keys, [](const HiveKey& k) { return k.path.back() == "A.Live_2.0"; }));
}

TEST_CASE("ShimCache entries left in unallocated space are stated") {
  RegistryKey root{"{root}", after, {}, {}, false};
  const std::string path = R"(C:\Packages\Plugins\Microsoft.Compute.CustomScriptExtension\1.9.5\bin\CustomScriptHandler.exe)";
  std::vector<std::byte> data{std::byte{'1'}, std::byte{'0'}, std::byte{'t'}, std::byte{'s'}};
  const auto add = [&data](auto number) {
    const auto* bytes = reinterpret_cast<const std::byte*>(&number);
    data.insert(data.end(), bytes, bytes + sizeof number);
  };
  add(std::uint32_t{0});
  add(static_cast<std::uint32_t>(2 + path.size() * 2 + 12));
  add(static_cast<std::uint16_t>(path.size() * 2));
  for (const char c : path) add(static_cast<char16_t>(c));
  add(before);
  add(std::uint32_t{0});
  auto& gone = make_key(root, "ControlSet001\\Other", before);
  gone.values = {binary_value("x", data)};
  gone.deleted = true;
  const HiveRead read = read_hive(write_hive(root, {}));
  const Statement* s = read.one(Deed::program_seen, "CustomScriptHandler.exe");
  REQUIRE(s != nullptr);
  CHECK(s->carved);
  CHECK(s->time.ticks == before);
  CHECK(s->version == "1.9.5");
}
