#include "witness/certificate.hpp"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <memory>
#include <span>

#include "trimcarve/text.hpp"
#include "witness/openssl_text.hpp"

namespace trimcarve::witness {

namespace {

constexpr std::uint32_t key_provider = 2, friendly_name = 11, certificate = 32;

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

std::string time_text(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1) return {};
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", parts.tm_year + 1900, parts.tm_mon + 1, parts.tm_mday, parts.tm_hour,
                     parts.tm_min, parts.tm_sec);
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
  const std::unique_ptr<X509, openssl::Free<X509_free>> parsed(der.size() <= longest ? d2i_X509(nullptr, &at, static_cast<long>(der.size()))
                                                                                     : nullptr);
  if (parsed) {
    add("subject", openssl::name_text(X509_get_subject_name(parsed.get())));
    add("issuer", openssl::name_text(X509_get_issuer_name(parsed.get())));
    add("serial", openssl::integer_text(X509_get0_serialNumber(parsed.get())));
    add("not before", time_text(X509_get0_notBefore(parsed.get())));
    add("not after", time_text(X509_get0_notAfter(parsed.get())));
  }
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int size = 0;
  if (EVP_Digest(bytes, der.size(), digest.data(), &size, EVP_sha1(), nullptr) == 1)
    add("sha1", openssl::hex(std::as_bytes(std::span(digest)).first(size)));
  return out;
}

}  // namespace trimcarve::witness
