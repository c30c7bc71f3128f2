#include "report/digest.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <new>

namespace trimcarve::report {

void Digest::Free::operator()(evp_md_ctx_st* context) const noexcept { EVP_MD_CTX_free(context); }

Digest::Digest() : context_(EVP_MD_CTX_new()) {
  if (!context_ || EVP_DigestInit_ex(context_.get(), EVP_sha256(), nullptr) != 1) throw std::bad_alloc();
}

void Digest::add(ByteView bytes) { EVP_DigestUpdate(context_.get(), bytes.data(), bytes.size()); }

std::string Digest::hex() {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned length = 0;
  EVP_DigestFinal_ex(context_.get(), out, &length);
  std::string text;
  text.reserve(std::size_t{length} * 2);
  for (unsigned i = 0; i < length; ++i) text += fmt::format("{:02x}", out[i]);
  return text;
}

std::string sha256_hex(ByteView bytes) {
  Digest digest;
  digest.add(bytes);
  return digest.hex();
}

}  // namespace trimcarve::report
