// Partition tables that sfdisk and sgdisk write, against mmls.
#include <sstream>

#include "image/open.hpp"
#include "image/partitions.hpp"
#include "support.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using image::read_partitions;

namespace {

// Start and length of each allocated volume, in sectors, in the order of the disk.
using Places = std::vector<std::pair<std::uint64_t, std::uint64_t>>;

Places mmls(const std::string& path, const std::string& options = {}) {
  std::istringstream lines(run("mmls -a -M " + options + " '" + path + "'"));
  Places places;
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string number, slot;
    std::uint64_t start = 0, end = 0, length = 0;
    if (words >> number >> slot >> start >> end >> length && number.back() == ':') places.emplace_back(start, length);
  }
  std::ranges::sort(places);
  return places;
}

Places ours(const image::PartitionTable& table) {
  Places places;
  for (const auto& p : table.partitions) places.emplace_back(p.offset / table.sector_size, p.size / table.sector_size);
  std::ranges::sort(places);
  return places;
}

std::string disk_file(const TemporaryFolder& folder, std::uint64_t size) {
  const std::string path = folder / "disk.dd";
  std::ofstream(path).close();
  std::filesystem::resize_file(path, size);
  return path;
}

}  // namespace

TEST_CASE("primary and logical partitions of an MBR lie where mmls finds them") {
  if (!have_tool("sfdisk") || !have_tool("mmls")) return;
  const TemporaryFolder folder;
  const std::string path = disk_file(folder, 100 << 20);
  run("printf 'label: dos\\n,10M,7\\n,5M,c\\n,,5\\n,8M,7\\n,8M,83\\n,8M,7\\n,4M,82\\n' | sfdisk -q '" + path + "'");
  const auto table = read_partitions(*image::open_host_file(path, 0));
  CHECK(table.scheme == image::Scheme::mbr);
  CHECK(table.complete);
  CHECK(table.warnings.empty());
  REQUIRE(table.partitions.size() == 6);
  CHECK(ours(table) == mmls(path));
  std::string types;
  for (const auto& p : table.partitions) types += p.type + " ";
  CHECK(types == "0x07 0x0C 0x07 0x83 0x07 0x82 ");
  CHECK(table.partitions[5].index == 5);
}

TEST_CASE("the partitions of a GPT lie where mmls finds them, with their names and types") {
  if (!have_tool("sgdisk") || !have_tool("mmls")) return;
  const TemporaryFolder folder;
  const std::string path = disk_file(folder, 100 << 20);
  run("sgdisk -n 1:2048:+10M -t 1:ef00 -n 2:0:+16M -t 2:0c01 -n 3:0:+40M -t 3:0700 -c '3:Basic data \xC3\xA4\xE2\x82\xAC' -n 9:0:0 -t "
      "9:2700 '" +
      path + "'");
  const auto table = read_partitions(*image::open_host_file(path, 0));
  CHECK(table.scheme == image::Scheme::gpt);
  CHECK(table.complete);
  CHECK(table.warnings.empty());
  CHECK(ours(table) == mmls(path));
  REQUIRE(table.partitions.size() == 4);
  CHECK(table.partitions[2].name == "Basic data \xC3\xA4\xE2\x82\xAC");
  CHECK(table.partitions[2].type == "EBD0A0A2-B9E5-4433-87C0-68B6B72699C7");
  CHECK(table.partitions[2].type_name == "Microsoft basic data");
  CHECK(table.partitions[0].type_name == "EFI system");
  CHECK(table.partitions[1].type_name == "Microsoft reserved");
  CHECK(table.partitions[3].type_name == "Windows recovery");
}

TEST_CASE("a GPT is read by its copy when the first is damaged, and by the first when the copy is") {
  if (!have_tool("sgdisk")) return;
  const TemporaryFolder folder;
  const std::string path = disk_file(folder, 20 << 20);
  run("sgdisk -n 1:2048:+4M -n 2:0:+4M '" + path + "'");
  const Bytes good = read_file(path);
  const auto expected = ours(read_partitions(*memory(good)));
  REQUIRE(expected.size() == 2);

  struct Damage {
    std::size_t at;
    const char* code;
  };
  const std::size_t last = good.size() - 512;
  for (const auto& [at, code] : {Damage{512 + 40, "gpt_primary_damaged"},   // a field of the header
                                 Damage{512, "gpt_primary_damaged"},        // its signature
                                 Damage{1024 + 32, "gpt_primary_damaged"},  // an entry
                                 Damage{last + 40, "gpt_backup_damaged"}, Damage{last - 32 * 512 + 32, "gpt_backup_damaged"}}) {
    Bytes bytes = good;
    bytes[at] ^= std::byte{1};
    const auto table = read_partitions(*memory(bytes));
    CAPTURE(at);
    CHECK(has_warning(table.warnings, code));
    CHECK(table.warnings.size() == 1);
    CHECK(ours(table) == expected);
    CHECK(table.complete);
  }

  // The first three sectors zeroed, the protective MBR with them.
  Bytes bytes = good;
  std::fill_n(bytes.begin(), 3 * 512, std::byte{0});
  CHECK(ours(read_partitions(*memory(bytes))) == expected);

  // The same sectors unreadable instead of zero.
  const auto unread = read_partitions(*memory(good, {0, 3 * 512}));
  CHECK(ours(unread) == expected);
  CHECK_FALSE(unread.complete);

  // Both damaged: the entries that are there, and a mark that this is not sure.
  bytes = good;
  bytes[512 + 40] ^= std::byte{1};
  bytes[last + 40] ^= std::byte{1};
  const auto both = read_partitions(*memory(bytes));
  CHECK(ours(both) == expected);
  CHECK_FALSE(both.complete);
}

TEST_CASE("a disk that grew keeps the copy of its GPT where the first header says") {
  if (!have_tool("sgdisk")) return;
  const TemporaryFolder folder;
  const std::string path = disk_file(folder, 20 << 20);
  run("sgdisk -n 1:2048:+4M '" + path + "'");
  Bytes bytes = read_file(path);
  bytes.resize(bytes.size() + (4 << 20));
  const auto table = read_partitions(*memory(bytes));
  CHECK(table.partitions.size() == 1);
  CHECK(table.warnings.empty());
}

TEST_CASE("a GPT disk cut short is not complete, though its partitions are inside") {
  if (!have_tool("sgdisk")) return;
  const TemporaryFolder folder;
  const std::string path = disk_file(folder, 20 << 20);
  run("sgdisk -n 1:2048:+4M '" + path + "'");
  Bytes bytes = read_file(path);
  bytes.resize(15 << 20);
  const auto table = read_partitions(*memory(bytes));
  CHECK(table.partitions.size() == 1);
  CHECK_FALSE(table.complete);
  CHECK(has_warning(table.warnings, "disk_cut_short"));
}
