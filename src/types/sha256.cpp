#include "types/sha256.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>
#include <new>
#include <vector>

namespace trimcarve {

namespace {

constexpr std::size_t piece = std::size_t{1} << 20;

Result<void> add(Sha256& hash, const ByteSource& source, std::uint64_t offset, std::uint64_t length, std::vector<std::byte>& buffer) {
  while (length > 0) {
    const auto step = static_cast<std::size_t>(std::min<std::uint64_t>(length, piece));
    if (buffer.size() < step) buffer.resize(step);
    const std::span<std::byte> part(buffer.data(), step);
    if (auto read = source.read_at(offset, part); !read) return read;
    hash.update(part);
    offset += step;
    length -= step;
  }
  return {};
}

}  // namespace

void Sha256::Free::operator()(void* context) const noexcept { EVP_MD_CTX_free(static_cast<EVP_MD_CTX*>(context)); }

Sha256::Sha256() : context_(EVP_MD_CTX_new()) {
  if (context_ == nullptr) throw std::bad_alloc();
  if (EVP_DigestInit_ex(static_cast<EVP_MD_CTX*>(context_.get()), EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("OpenSSL offers no SHA-256");
}

void Sha256::update(ByteView bytes) { EVP_DigestUpdate(static_cast<EVP_MD_CTX*>(context_.get()), bytes.data(), bytes.size()); }

std::string Sha256::finish() {
  std::array<unsigned char, 32> digest{};
  EVP_DigestFinal_ex(static_cast<EVP_MD_CTX*>(context_.get()), digest.data(), nullptr);
  std::string out;
  out.reserve(64);
  for (const unsigned char b : digest) {
    out.push_back("0123456789abcdef"[b >> 4]);
    out.push_back("0123456789abcdef"[b & 15]);
  }
  return out;
}

Result<std::string> sha256_of(const ByteSource& source) {
  const Range all{0, 0, source.size()};
  return sha256_of(source, std::span(&all, 1));
}

Result<std::string> sha256_of(const ByteSource& source, std::span<const Range> ranges) {
  Sha256 hash;
  std::vector<std::byte> buffer;
  for (const Range& range : ranges)
    if (auto done = add(hash, source, range.offset, range.length, buffer); !done) return std::unexpected(done.error());
  return hash.finish();
}

Result<std::string> sha256_of(std::span<const SourcePtr> spaces, std::span<const Range> ranges) {
  Sha256 hash;
  std::vector<std::byte> buffer;
  for (const Range& range : ranges) {
    if (range.space >= spaces.size() || spaces[range.space] == nullptr) return fail("no such input");
    if (auto done = add(hash, *spaces[range.space], range.offset, range.length, buffer); !done) return std::unexpected(done.error());
  }
  return hash.finish();
}

}  // namespace trimcarve
