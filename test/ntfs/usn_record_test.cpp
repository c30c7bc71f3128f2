#include "ntfs/usn_record.hpp"

#include <doctest/doctest.h>

#include <map>
#include <sstream>

#include "support.hpp"
#include "trimcarve/sighting.hpp"
#include "trimcarve/text.hpp"

using namespace trimcarve;
using namespace trimcarve::ntfs;
using namespace trimcarve::test;

namespace {

// All records of a journal file, stepping 8 bytes over what is none.
std::vector<UsnRecord> records_of(ByteView bytes) {
  std::vector<UsnRecord> out;
  for (std::size_t at = 0; at < bytes.size();) {
    const auto record = decode_usn_record(bytes.subspan(at));
    if (record) out.push_back(*record);
    at += record ? record->length : 8;
  }
  return out;
}

Bytes made_v2() {
  Bytes b(64);
  put<std::uint32_t>(b, 0, 64);
  put<std::uint16_t>(b, 4, 2);
  put<std::uint64_t>(b, 8, FileReference::of(40, 2).value);
  put<std::uint64_t>(b, 16, FileReference::of(5, 5).value);
  put<std::uint64_t>(b, 24, 4096);
  put<std::uint32_t>(b, 40, usn_reason::file_create);
  put<std::uint16_t>(b, 56, 4);
  put<std::uint16_t>(b, 58, 60);
  put<std::uint16_t>(b, 60, 'a');
  put<std::uint16_t>(b, 62, 'b');
  return b;
}

}  // namespace

TEST_CASE("a Windows 10 journal has its 264 V2 and 7 V4 records") {
  // Vouched for by the listing in the shared data.
  const std::string path = real_data("usnjrnl/usnjrnlj.bin");
  if (path.empty()) return;
  const Bytes bytes = read_file(path);
  std::map<int, int> versions;
  for (const auto& r : records_of(bytes)) ++versions[r.version];
  CHECK(versions[2] == 264);
  CHECK(versions[4] == 7);
}

TEST_CASE("the records say what Windows' fsutil says of them") {
  // Vouched for by usnjrnlj.fsutil.txt, Windows' own listing: name, reason, ids, whole seconds, attributes; V2 shown as V3, length + 16.
  const std::string path = real_data("usnjrnl/usnjrnlj.bin"), listing = real_data("usnjrnl/usnjrnlj.fsutil.txt");
  if (path.empty() || listing.empty()) return;
  std::map<std::uint64_t, std::map<std::string, std::string>> theirs;
  std::istringstream in(text(read_file(listing)));
  std::map<std::string, std::string>* record = nullptr;
  for (std::string line; std::getline(in, line);) {
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    const auto colon = line.find(" : ");
    if (colon == std::string::npos) continue;
    const std::string key = line.substr(0, line.find_last_not_of(' ', colon) + 1), value = line.substr(colon + 3);
    if (key == "Usn") record = &theirs[std::stoull(value)];
    if (record != nullptr) (*record)[key] = value;
  }
  REQUIRE(theirs.size() > 250);
  const auto id = [](FileReference r) {
    char buffer[33];
    std::snprintf(buffer, sizeof buffer, "%032llx", static_cast<unsigned long long>(r.value));
    return std::string(buffer);
  };
  const auto number = [](const std::string& s) { return std::stoull(s, nullptr, 0); };
  std::size_t compared = 0;
  const Bytes bytes = read_file(path);
  for (const auto& r : records_of(bytes)) {
    const auto found = theirs.find(r.usn);
    if (found == theirs.end()) {
      CHECK((r.usn == 29792 || r.usn == 29880 || r.usn == 29968));  // written after the listing was made
      continue;
    }
    ++compared;
    auto& t = found->second;
    CHECK(id(r.reference) == t["File ID"]);
    CHECK(id(r.parent) == t["Parent file ID"]);
    CHECK(r.reason == number(t["Reason"]));
    CHECK(r.source_info == number(t["Source info"]));
    if (r.version == 4) continue;
    CHECK(to_utf8(r.name.str()) == t["File name"]);
    CHECK(r.attributes == number(t["File attributes"]));
    CHECK(r.length + 16 == number(t["Record length"]));
    // `1/22/2019 21:36:10`
    unsigned month = 0, day = 0, year = 0, hour = 0, minute = 0, second = 0;
    REQUIRE(std::sscanf(t["Time stamp"].c_str(), "%u/%u/%u %u:%u:%u", &month, &day, &year, &hour, &minute, &second) == 6);
    char iso[32];
    std::snprintf(iso, sizeof iso, "%04u-%02u-%02uT%02u:%02u:%02u", year, month, day, hour, minute, second);
    CHECK(to_iso8601(r.time).substr(0, 19) == iso);
  }
  CHECK(compared == 268);
}

TEST_CASE("the other real journals have their records") {
  // Vouched for by the listings in the shared data: 208 records of which 27 deletes; 62 records.
  const std::string go = real_data("usnjrnl/go-ntfs-sample.bin"), xp = real_data("usnjrnl/usnjrnl_winxp");
  if (go.empty() || xp.empty()) return;
  const Bytes go_bytes = read_file(go), xp_bytes = read_file(xp);
  std::size_t deletes = 0;
  const auto records = records_of(go_bytes);
  for (const auto& r : records) deletes += (r.reason & usn_reason::file_delete) != 0 ? 1U : 0U;
  CHECK(records.size() == 208);
  CHECK(deletes == 27);
  CHECK(records_of(xp_bytes).size() == 62);
}

TEST_CASE("a V3 record with 128-bit references is read, and a high half is said to be there") {
  // Hand-made after Microsoft's USN_RECORD_V3: no journal at hand stores V3.
  Bytes b(80);
  put<std::uint32_t>(b, 0, 80);
  put<std::uint16_t>(b, 4, 3);
  put<std::uint64_t>(b, 8, FileReference::of(40, 2).value);
  put<std::uint64_t>(b, 24, FileReference::of(5, 5).value);
  put<std::uint64_t>(b, 40, 4096);
  put<std::uint64_t>(b, 48, 7);
  put<std::uint32_t>(b, 56, usn_reason::file_delete | usn_reason::close);
  put<std::uint16_t>(b, 72, 2);
  put<std::uint16_t>(b, 74, 76);
  put<std::uint16_t>(b, 76, 'x');
  auto r = decode_usn_record(b);
  REQUIRE(r);
  CHECK(r->reference == FileReference::of(40, 2));
  CHECK(r->parent == FileReference::of(5, 5));
  CHECK(r->usn == 4096);
  CHECK(r->time.ticks == 7);
  CHECK(r->name.str() == u"x");
  CHECK_FALSE(r->wide_reference);
  put<std::uint64_t>(b, 16, 1);
  r = decode_usn_record(b);
  REQUIRE(r);
  CHECK(r->wide_reference);
}

TEST_CASE("each senseless field refuses the record") {
  // Hand-made.
  REQUIRE(decode_usn_record(made_v2()));
  const auto refused = [](auto&& change) {
    Bytes b = made_v2();
    change(b);
    return !decode_usn_record(b);
  };
  CHECK(refused([](Bytes& b) { put<std::uint32_t>(b, 0, 72); }));          // past the end
  CHECK(refused([](Bytes& b) { put<std::uint32_t>(b, 0, 60); }));          // no multiple of 8
  CHECK(refused([](Bytes& b) { put<std::uint32_t>(b, 0, 0xFFFFFFF8); }));  // 2^32 - 8
  CHECK(refused([](Bytes& b) { put<std::uint32_t>(b, 0, 0); }));
  CHECK(refused([](Bytes& b) { put<std::uint16_t>(b, 4, 1); }));  // version
  CHECK(refused([](Bytes& b) { put<std::uint16_t>(b, 4, 5); }));
  CHECK(refused([](Bytes& b) { put<std::uint16_t>(b, 6, 1); }));  // minor version
  CHECK(refused([](Bytes& b) { put<std::uint64_t>(b, 8, 0); }));  // reference
  CHECK(refused([](Bytes& b) { put<std::uint64_t>(b, 16, 0xFFFFFFFFFFFFULL); }));
  CHECK(refused([](Bytes& b) { put<std::uint64_t>(b, 24, 4097); }));  // USN
  CHECK(refused([](Bytes& b) { put<std::uint32_t>(b, 40, 0); }));     // reason
  CHECK(refused([](Bytes& b) { put<std::uint32_t>(b, 40, 0x08000000); }));
  CHECK(refused([](Bytes& b) { put<std::uint32_t>(b, 44, 0x10); }));  // source
  CHECK(refused([](Bytes& b) { put<std::uint16_t>(b, 56, 3); }));     // odd name length
  CHECK(refused([](Bytes& b) { put<std::uint16_t>(b, 56, 0xFFFE); }));
  CHECK(refused([](Bytes& b) { put<std::uint16_t>(b, 58, 0xFFFF); }));
  CHECK(refused([](Bytes& b) { put<std::uint16_t>(b, 60, 0); }));  // NUL in the name
  CHECK_FALSE(decode_usn_record(ByteView(made_v2()).first(59)));
  CHECK_FALSE(decode_usn_record({}));
}

TEST_CASE("a time is never a reason to refuse") {
  // Hand-made: design rule, score, never filter by date.
  for (const std::uint64_t time : {0ULL, 1ULL, ~0ULL}) {
    Bytes b = made_v2();
    put<std::uint64_t>(b, 32, time);
    const auto r = decode_usn_record(b);
    REQUIRE(r);
    CHECK(r->time.ticks == time);
  }
}

TEST_CASE("$Max needs its 32 bytes") {
  // Layout: USN_JOURNAL_DATA's fields as stored; a real one is compared in volume_test.cpp.
  CHECK_FALSE(decode_usn_max(Bytes(31)));
  Bytes b(32);
  put<std::uint64_t>(b, 0, 32U << 20);
  put<std::uint64_t>(b, 8, 8U << 20);
  put<std::uint64_t>(b, 16, 0x01d4b29a6f9cc0e9ULL);
  put<std::uint64_t>(b, 24, 77);
  const auto max = decode_usn_max(b);
  REQUIRE(max);
  CHECK(max->max_size == 32U << 20);
  CHECK(max->allocation_delta == 8U << 20);
  CHECK(max->journal_id == 0x01d4b29a6f9cc0e9ULL);
  CHECK(max->lowest_valid_usn == 77);
}
