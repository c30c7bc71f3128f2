// Oracle: the examples NIST publishes for SHA-256 (FIPS 180-4), and sha256sum for the others.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <limits>
#include <string>
#include <string_view>

#include "types/sha256.hpp"

using namespace trimcarve;

namespace {

class Text final : public ByteSource {
 public:
  explicit Text(std::string text) : text_(std::move(text)) {}
  std::uint64_t size() const noexcept override { return text_.size(); }
  Result<void> read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    if (!fits(text_.size(), offset, out.size())) return fail("past the end");
    std::ranges::copy(std::as_bytes(std::span(text_)).subspan(offset, out.size()), out.begin());
    return {};
  }
  std::vector<Extent> extents(std::uint64_t, std::uint64_t) const override { return {}; }
  std::vector<Range> locate(std::uint64_t, std::uint64_t) const override { return {}; }

 private:
  std::string text_;
};

constexpr std::string_view abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";

}  // namespace

TEST_CASE("known messages give their published digests") {
  CHECK(sha256_of(Text("")) == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_of(Text("abc")) == abc);
  CHECK(sha256_of(Text("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")) ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST_CASE("a source longer than the read buffer is hashed whole") {
  // head -c 3000000 /dev/zero | tr '\0' a | sha256sum
  CHECK(sha256_of(Text(std::string(3'000'000, 'a'))) == "2a152c894398719c0570f83fac34ac03a0f6e8e474b995c2403aa5434f7b9dd4");
}

TEST_CASE("ranges are hashed in the order given, as one message") {
  const Text text("cXXab");
  const std::array<Range, 2> ranges{Range{disk_space, 3, 2}, Range{disk_space, 0, 1}};
  CHECK(sha256_of(text, ranges) == abc);
}

TEST_CASE("a digest in pieces is the digest of the whole") {
  const std::string text = "abc";
  Sha256 hash;
  for (const char& c : text) hash.update(std::as_bytes(std::span(&c, 1)));
  CHECK(hash.finish() == abc);
}

TEST_CASE("a range that cannot be read gives an error, not the digest of what could be") {
  const Text text("abc");
  for (const Range range :
       {Range{disk_space, 1, 3}, Range{disk_space, 4, 1}, Range{disk_space, std::numeric_limits<std::uint64_t>::max(), 2}})
    CHECK_FALSE(sha256_of(text, std::span(&range, 1)));
}

TEST_CASE("stretches of several inputs are hashed in order, and a missing input is an error") {
  // FIPS 180-2: SHA-256 of "abc".
  const std::vector<SourcePtr> spaces{std::make_shared<Text>("xxc"), nullptr, std::make_shared<Text>("ab")};
  const std::vector<Range> ranges{{2, 0, 2}, {0, 2, 1}};
  CHECK(sha256_of(std::span(spaces), std::span(ranges)) == abc);
  const std::vector<Range> missing{{1, 0, 1}};
  CHECK_FALSE(sha256_of(std::span(spaces), std::span(missing)));
  const std::vector<Range> beyond{{3, 0, 1}};
  CHECK_FALSE(sha256_of(std::span(spaces), std::span(beyond)));
}
