// Bins without their hive's first page. What vouches: libregf's reading of the whole hive, and reglookup, an independent reader.
#include "witness/hive_bins.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>

#include "hive_support.hpp"
#include "trimcarve/bytes.hpp"
#include "witness/hive_cells.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using namespace trimcarve::fixtures;

namespace {

constexpr std::uint64_t written = 133'000'000'000'000'000;
const std::string handlers = R"(Microsoft\Windows Azure\HandlerState)";
const std::string custom = "Microsoft.Compute.CustomScriptExtension";

// A hive of several bins: other keys before, between and behind those of the handlers.
RegistryKey tree(const std::string& version = "1.10.20") {
  RegistryKey root{"{root}", written, {}, {}, false};
  for (int i = 0; i < 60; ++i)
    make_key(root, "Classes\\Kind " + std::to_string(i), written + static_cast<std::uint64_t>(i)).values = {
        text_value("", std::string(60, 'x'))};
  auto& key = make_key(root, handlers + "\\" + custom + "_" + version, written + 77);
  key.values = {text_value("InstallState", "Enabled"), number_value("SequenceNumber", 3),
                text_value("StatusFolder", R"(C:\Packages\Plugins\Microsoft.Compute.CustomScriptExtension\)" + version + R"(\Status)")};
  for (int i = 0; i < 60; ++i)
    make_key(root, "Software\\Name " + std::to_string(i), written + static_cast<std::uint64_t>(i)).values = {
        text_value("", std::string(60, 'y'))};
  return root;
}

using Bytes = std::vector<std::byte>;
Bytes bins_of(const Bytes& hive) { return {hive.begin() + witness::base_block_size, hive.end()}; }

HiveRead read_bins(const Bytes& bins) {
  HiveRead out;
  out.tally = witness::read_hive_bins(*memory(bins), [&out](const Statement& s) { out.statements.push_back(s); });
  return out;
}

std::string said(const Statement& s) {
  std::string out = std::to_string(s.time.ticks) + ' ' + s.handler + ' ' + s.version + ' ' + s.sequence + ' ' + s.status;
  for (const auto& [name, value] : s.fields) out += ' ' + name + '=' + value;
  return out;
}
std::set<std::string> all_said(const HiveRead& read) {
  std::set<std::string> out;
  for (const Statement& s : read.statements)
    if (s.deed == Deed::registered) out.insert(said(s));
  return out;
}

}  // namespace

TEST_CASE("all bins of a hive tell what the hive tells, as carved") {
  const Bytes hive = write_hive(tree(), {});
  const HiveRead whole = read_hive(hive), bins = read_bins(bins_of(hive));
  CHECK(bins.tally.readable);
  REQUIRE(all_said(whole).size() == 1);
  CHECK(all_said(bins) == all_said(whole));
  const Statement* s = bins.one(Deed::registered, custom);
  REQUIRE(s != nullptr);
  CHECK(s->carved);
  CHECK(s->text == handlers + "\\" + custom + "_1.10.20");  // the root's key is among the bins, so the path is whole
  // Offsets are of the bins: the hive's less its first page.
  const Statement* live = whole.one(Deed::registered, custom);
  REQUIRE(live != nullptr);
  CHECK(s->offset + witness::base_block_size == live->offset);
  CHECK(s->length == live->length);
}

TEST_CASE("without the first bins a path is told as far as its parents are there") {
  const Bytes hive = write_hive(tree(), {});
  const HiveRead whole = read_hive(hive);
  const Statement* live = whole.one(Deed::registered, custom);
  REQUIRE(live != nullptr);
  // From the bin of the handler's own key on.
  const std::uint64_t from = live->offset / 4096 * 4096;
  REQUIRE(from > 2 * 4096);
  const HiveRead part = read_bins(Bytes(hive.begin() + static_cast<std::ptrdiff_t>(from), hive.end()));
  const Statement* s = part.one(Deed::registered, custom);
  REQUIRE(s != nullptr);
  CHECK(said(*s) == said(*live));
  CHECK(s->text.starts_with("...\\"));
  CHECK(live->text.ends_with(s->text.substr(4)));
  CHECK(s->offset + from == live->offset);
}

TEST_CASE("a key in a place of another hive's bins is no parent") {
  // Bins of two hives, side by side: the second's continue where the first's would, but by their own places.
  const Bytes a = bins_of(write_hive(tree("1.9.5"), {})), b = bins_of(write_hive(tree("1.10.20"), {}));
  Bytes mixed = a;
  mixed.insert(mixed.end(), b.begin() + 4096, b.end());  // without its first bin, in which the root stands
  const HiveRead read = read_bins(mixed);
  const Statement* own = read.one(Deed::registered, custom + "_1.9.5");
  const Statement* other = read.one(Deed::registered, custom + "_1.10.20");
  REQUIRE(own != nullptr);
  REQUIRE(other != nullptr);
  CHECK(own->text == handlers + "\\" + custom + "_1.9.5");
  CHECK(other->text.starts_with("...\\"));

  // The parent's cell holds another key now: one that does not list the child, or that never had one.
  Bytes changed = bins_of(write_hive(tree(), {}));
  const auto parent = [&]() -> std::size_t {
    for (std::size_t at = 0; at + 200 < changed.size(); at += 8)
      if (const auto key = witness::decode_key_node(ByteView(changed).subspan(at + 4, 160)); key && key->name == "HandlerState") return at;
    return 0;
  }();
  REQUIRE(parent != 0);
  SUBCASE("no keys below it") { std::fill_n(changed.begin() + static_cast<std::ptrdiff_t>(parent + 4 + 20), 4, std::byte{0}); }
  SUBCASE("its list names another") {
    const auto key = witness::decode_key_node(ByteView(changed).subspan(parent + 4, 160));
    changed[key->subkey_list + 4 + 4] ^= std::byte{8};
  }
  const HiveRead after = read_bins(changed);
  const Statement* s = after.one(Deed::registered, custom);
  REQUIRE(s != nullptr);
  CHECK(s->text == "...\\" + custom + "_1.10.20");
}

TEST_CASE("a deleted key in bins alone is told, and a bin that is cut tells what is left of it") {
  RegistryKey root = tree();
  make_key(root, handlers + "\\" + custom + "_1.9.5", written + 5).values = {text_value("InstallState", "NotInstalled"),
                                                                             number_value("SequenceNumber", 1)};
  for (RegistryKey& key : root.children)
    if (key.name == "Microsoft")
      for (RegistryKey& child : key.children.front().children.front().children)
        if (child.name.ends_with("1.9.5")) child.deleted = true;
  const Bytes hive = write_hive(root, {});
  const HiveRead whole = read_hive(hive), bins = read_bins(bins_of(hive));
  REQUIRE(all_said(whole).size() == 2);
  CHECK(all_said(bins) == all_said(whole));

  const Statement* live = whole.one(Deed::registered, custom + "_1.10.20");
  REQUIRE(live != nullptr);
  Bytes cut = bins_of(hive);
  cut.resize(static_cast<std::size_t>(live->offset - witness::base_block_size + live->length + 512));
  CHECK(read_bins(cut).one(Deed::registered, custom + "_1.10.20") != nullptr);
  CHECK(read_bins(Bytes(4096, std::byte{0x55})).tally.readable == false);
}

TEST_CASE("every path that bins tell is one that an independent reader sees in the hive") {
  const Bytes hive = write_hive(tree(), {});
  const TemporaryFile file(hive);
  const std::string listed = output_of("reglookup", file.path());
  if (listed.empty()) return;
  std::size_t told = 0;
  for (std::size_t from = witness::base_block_size; from < hive.size(); from += 4096)
    for (const Statement& s : read_bins(Bytes(hive.begin() + static_cast<std::ptrdiff_t>(from), hive.end())).statements) {
      std::string path = s.text.starts_with("...\\") ? s.text.substr(3) : "\\" + s.text;
      std::ranges::replace(path, '\\', '/');
      CHECK(listed.find(path + ",KEY,") != std::string::npos);
      ++told;
    }
  CHECK(told > 2);
}
