#include "witness/certificate.hpp"

#include <fmt/format.h>
#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>

#include "trimcarve/text.hpp"

namespace trimcarve::witness {

namespace {

constexpr std::uint32_t key_provider = 2, friendly_name = 11, certificate = 32;

struct Freer {
  void operator()(X509* x) const { X509_free(x); }
  void operator()(BIO* b) const { BIO_free(b); }
  void operator()(BIGNUM* n) const { BN_free(n); }
  void operator()(char* text) const { OPENSSL_free(text); }
};

// UTF-16 up to its zero.
std::string text_at(ByteView bytes, std::uint64_t at) {
  std::u16string units;
  for (; at + 2 <= bytes.size(); at += 2) {
    const auto unit = le<std::uint16_t>(bytes, at);
    if (unit == 0) break;
    units.push_back(unit);
  }
  return to_utf8(units);
}

std::string name_text(const X509_NAME* name) {
  const std::unique_ptr<BIO, Freer> out(BIO_new(BIO_s_mem()));
  if (!out || X509_NAME_print_ex(out.get(), name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) < 0) return {};
  const char* text = nullptr;
  const long length = BIO_get_mem_data(out.get(), &text);
  return length > 0 ? std::string(text, static_cast<std::size_t>(length)) : std::string();
}

std::string time_text(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                     parts.tm_min, parts.tm_sec);
}

std::string serial_text(const ASN1_INTEGER* serial) {
  const std::unique_ptr<BIGNUM, Freer> number(ASN1_INTEGER_to_BN(serial, nullptr));
  if (!number) return {};
  const std::unique_ptr<char, Freer> text(BN_bn2hex(number.get()));
  return text ? std::string(text.get()) : std::string();
}

}  // namespace

StoredCertificate decode_stored_certificate(ByteView blob) {
  StoredCertificate out;
  constexpr std::uint64_t header = 12;
  for (std::uint64_t at = 0; fits(blob, at, header);) {
    const auto property = le<std::uint32_t>(blob, at);
    const std::uint64_t length = le<std::uint32_t>(blob, at + 8);
    const auto data = slice(blob, at + header, length);
    if (!data) break;
    if (property == certificate && !out.der) out.der = *data;
    if (property == friendly_name) out.friendly_name = text_at(*data, 0);
    // CRYPT_KEY_PROV_INFO: the offset of the container's name stands first.
    if (property == key_provider)
      if (const auto place = try_le<std::uint32_t>(*data, 0)) out.key_container = text_at(*data, *place);
    at += header + length;
  }
  return out;
}

std::vector<std::pair<std::string, std::string>> describe_certificate(ByteView der) {
  std::vector<std::pair<std::string, std::string>> out;
  const auto add = [&out](const char* name, std::string text) {
    if (!text.empty()) out.emplace_back(name, std::move(text));
  };
  constexpr std::size_t longest = std::size_t{1} << 20;
  const auto* bytes = reinterpret_cast<const unsigned char*>(der.data());
  const unsigned char* at = bytes;
  const std::unique_ptr<X509, Freer> parsed(der.size() <= longest ? d2i_X509(nullptr, &at, static_cast<long>(der.size())) : nullptr);
  if (parsed) {
    add("subject", name_text(X509_get_subject_name(parsed.get())));
    add("issuer", name_text(X509_get_issuer_name(parsed.get())));
    add("serial", serial_text(X509_get0_serialNumber(parsed.get())));
    add("not before", time_text(X509_get0_notBefore(parsed.get())));
    add("not after", time_text(X509_get0_notAfter(parsed.get())));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(bytes, der.size(), digest.data(), &size, EVP_sha1(), nullptr) == 1) {
    std::string hex;
    for (unsigned int i = 0; i < size; ++i) hex += fmt::format("{:02X}", digest[i]);
    add("sha1", std::move(hex));
  }
  return out;
}

}  // namespace trimcarve::witness
