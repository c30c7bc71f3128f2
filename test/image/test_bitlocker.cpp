// BitLocker: the recovery key in the text that holds it, and volumes that Windows encrypted.
#include "image/bitlocker.hpp"
#include "image/open.hpp"
#include "support.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using image::find_recovery_password;
using image::open_image;

namespace {

Bytes bytes_of(std::string_view text, bool utf16 = false) {
  Bytes bytes;
  if (utf16) bytes = {std::byte{0xFF}, std::byte{0xFE}};
  for (const char c : text) {
    bytes.push_back(static_cast<std::byte>(c));
    if (utf16) bytes.push_back(std::byte{0});
  }
  return bytes;
}

// Public: of cryptsetup's test image bitlk-aes-xts-128.
constexpr std::string_view recovery = "235818-357951-253979-013365-241120-245575-342914-591910";

}  // namespace

// Each group is a multiple of 11 below 2^16 * 11 (libbde's format document, "Recovery password").
TEST_CASE("the recovery key is found in the text Windows saves, in UTF-16 or UTF-8, or alone") {
  const std::string text =
      "BitLocker Drive Encryption recovery key\r\n\r\nIdentifier:\r\n\r\n\t64311DEA-4587-4029-924A-BA299647998E\r\n\r\n\t" +
      std::string(recovery) + "\r\n";
  CHECK(find_recovery_password(bytes_of(text, true)) == recovery);
  CHECK(find_recovery_password(bytes_of(text)) == recovery);
  CHECK(find_recovery_password(bytes_of(recovery)) == recovery);
}
TEST_CASE("digits that cannot be a recovery key are none") {
  std::string wrong(recovery);
  wrong[5] = '9';  // 235819 is no multiple of 11
  CHECK(find_recovery_password(bytes_of(wrong)).empty());
  CHECK(find_recovery_password(bytes_of("720896" + std::string(recovery.substr(6)))).empty());  // 65536 * 11
  CHECK(find_recovery_password(bytes_of(recovery.substr(1))).empty());
  CHECK(find_recovery_password({}).empty());
}

#if TRIMCARVE_BDE
// bitlk-aes-xts-128.img of cryptsetup's tests, whose images.conf states the key and the SHA-256 of the decrypted volume. Much of that image
// was set to zero where it is stored, as TRIM does: the decrypted volume is noise there, and must be read as holes.
TEST_CASE("a volume that Windows encrypted is read decrypted, and what is zero where it is stored is a hole") {
  const std::string path = unpacked_data("bitlocker/bitlk-aes-xts-128.img.xz");
  if (path.empty()) return;
  const auto cipher = open_image({path}).source;
  CHECK(image::unlock_bitlocker(cipher, {}).error().what.find("--recovery-key") != std::string::npos);
  CHECK(image::unlock_bitlocker(cipher, {.password = "wrong"}).error().what.find("no key that was given fits") != std::string::npos);
  for (const auto& keys :
       {image::BitlockerKeys{.recovery_password = std::string(recovery)}, image::BitlockerKeys{.password = "anaconda"}}) {
    const auto volume = image::unlock_bitlocker(cipher, keys);
    REQUIRE(volume.has_value());
    CHECK(volume->method == "AES-XTS 128");
    const ByteSource& plain = *volume->plain;
    std::array<std::byte, 8> name;
    REQUIRE(plain.read_at(3, name));
    CHECK(std::memcmp(name.data(), "NTFS    ", 8) == 0);
    CHECK(plain.locate(1 << 20, 4096) == std::vector<Range>{{disk_space, 1 << 20, 4096}});
    std::uint64_t covered = 0, holes = 0;
    Bytes stored(4096), read(4096);
    for (const Extent& e : plain.extents(0, plain.size())) {
      CHECK(e.offset == covered);
      covered += e.length;
      if (e.kind == ExtentKind::hole) holes += e.length;
      const bool is_hole = e.kind == ExtentKind::hole;
      for (std::uint64_t at = e.offset; at < e.offset + e.length; at += 4096) {
        REQUIRE(cipher->read_at(at, stored));
        REQUIRE(plain.read_at(at, read));
        if (at >= 65536) REQUIRE(all_zero(stored) == is_hole);
        if (is_hole) REQUIRE(all_zero(read));
      }
    }
    CHECK(covered == plain.size());
    CHECK(holes > covered / 2);
  }
}
#endif
