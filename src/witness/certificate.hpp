// A certificate as a Windows certificate store keeps it in the registry: a list of properties, one of which is the certificate itself.
//
// Source: Microsoft's documentation of CertSetCertificateContextProperty for the properties' numbers; each is stored as its number, one
// more 32-bit number, the length and the bytes.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "trimcarve/bytes.hpp"

namespace trimcarve::witness {

struct StoredCertificate {
  std::optional<ByteView> der;  // property 32; in the value given
  std::string friendly_name;    // property 11
  std::string key_container;    // property 2: where its private key is; the text in it
};
StoredCertificate decode_stored_certificate(ByteView blob);

// subject, issuer, serial, not before, not after, sha1, as far as it parses; at least sha1.
std::vector<std::pair<std::string, std::string>> describe_certificate(ByteView der);

}  // namespace trimcarve::witness
