// OpenSSL's objects: freed, and as text. Names as RFC 4514 writes them, numbers as hex in upper case.
#pragma once

#include <openssl/asn1.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/x509.h>

#include <memory>
#include <string>

#include "trimcarve/bytes.hpp"

namespace trimcarve::witness::openssl {

template <auto Function>
struct Free {
  template <class T>
  void operator()(T* object) const noexcept {
    Function(object);
  }
};

inline std::string hex(ByteView bytes) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const std::byte b : bytes) {
    out.push_back(digits[std::to_integer<unsigned>(b) >> 4]);
    out.push_back(digits[std::to_integer<unsigned>(b) & 15U]);
  }
  return out;
}

inline std::string name_text(const X509_NAME* name) {
  const std::unique_ptr<BIO, Free<BIO_free_all>> out(BIO_new(BIO_s_mem()));
  // Without the escape of what is not ASCII: UTF-8 is what the library prints.
  if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~static_cast<unsigned long>(ASN1_STRFLGS_ESC_MSB)) < 0) return {};
  const char* text = nullptr;
  const long length = BIO_get_mem_data(out.get(), &text);
  return text == nullptr || length <= 0 ? std::string() : std::string(text, static_cast<std::size_t>(length));
}

inline std::string integer_text(const ASN1_INTEGER* number) {
  const std::unique_ptr<BIGNUM, Free<BN_free>> value(ASN1_INTEGER_to_BN(number, nullptr));
  if (!value) return {};
  char* text = BN_bn2hex(value.get());
  std::string out = text == nullptr ? "" : text;
  OPENSSL_free(text);
  return out;
}

}  // namespace trimcarve::witness::openssl
