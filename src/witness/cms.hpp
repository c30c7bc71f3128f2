// protectedSettings: base64 of a CMS EnvelopedData (RFC 5652), sealed for the machine's certificate. What it says of itself is read here
// without a key; with the certificate's key it is opened, through OpenSSL.
//
// Nothing secret is written anywhere. Keys and passwords are wiped when done with; the decrypted text is the caller's to guard.
// Threads: everything here may be called on any thread; one Certificate on one thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "trimcarve/bytes.hpp"
#include "trimcarve/file_time.hpp"
#include "trimcarve/result.hpp"

namespace trimcarve::witness {

// For whom it is sealed: issuer and serial number, or a key id. All three empty: another kind of recipient than a certificate's key.
struct Recipient {
  std::string issuer;         // as RFC 4514 writes names
  std::string serial;         // hex, upper case
  std::string key_id;         // hex, upper case: subject key identifier
  std::string key_algorithm;  // "rsaEncryption", ...; or the kind of another recipient ("kari", "kekri", "pwri", "ori")
};

struct Envelope {
  std::vector<Recipient> recipients;
  std::string content_algorithm;     // "des-ede3-cbc", "aes-256-cbc", ...; empty when it is cut before
  std::uint64_t content_length = 0;  // of the encrypted content as it says, bytes
  bool cut = false;                  // the text or the structure ends early: the beginning is shown, it cannot be opened
  std::vector<std::byte> der;        // what was decoded
};

// White space, "\/" and "\u00XX" are tolerated; the text ends at the first other character that is none of base64's. Fails when the
// beginning is no EnvelopedData.
Result<Envelope> read_envelope(std::string_view base64_text);

class Certificate {
 public:
  // With its private key, if it is there. Azure's exports are sealed with RC2-40 and 3DES: OpenSSL's legacy provider is used where needed.
  static Result<Certificate> open_pfx(ByteView bytes, std::string_view password);
  static Result<Certificate> open_pem(ByteView bytes, std::string_view password);
  static Result<Certificate> open(ByteView bytes, std::string_view password);  // whichever it is

  std::string thumbprint() const;  // SHA-1, hex, upper case: as protectedSettingsCertThumbprint
  std::string subject() const;
  std::string issuer() const;
  std::string serial() const;
  std::string key_id() const;  // empty when it has none
  FileTime not_before() const;
  FileTime not_after() const;
  bool has_key() const noexcept;
  bool matches(const Recipient& recipient) const;

 private:
  friend Result<std::string> decrypt(const Envelope& envelope, const Certificate& certificate);
  struct Parts;
  explicit Certificate(std::shared_ptr<const Parts> parts) : parts_(std::move(parts)) {}
  std::shared_ptr<const Parts> parts_;
};

// The protected settings: JSON text. Fails when the certificate is no recipient, has no key, or the content does not decrypt to JSON.
Result<std::string> decrypt(const Envelope& envelope, const Certificate& certificate);

}  // namespace trimcarve::witness
