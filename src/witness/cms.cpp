#include "witness/cms.hpp"

#include <openssl/asn1.h>
#include <openssl/bn.h>
#include <openssl/objects.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstddef>

#include "witness/openssl_text.hpp"

namespace trimcarve::witness {

namespace {

int base64_value(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

int hex_value(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

struct Decoded {
  std::vector<std::byte> bytes;
  bool cut = false;  // ends within a group of four
};

Decoded decode_base64(std::string_view text) {
  Decoded out;
  std::uint32_t bits = 0;
  unsigned have = 0;
  std::size_t digits = 0, padding = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    char c = text[i];
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
    if (c == '\\' && i + 1 < text.size() && text[i + 1] == '/') c = text[++i];
    if (c == '\\' && i + 5 < text.size() && text.substr(i + 1, 3) == "u00" && hex_value(text[i + 4]) >= 0 && hex_value(text[i + 5]) >= 0) {
      c = static_cast<char>(hex_value(text[i + 4]) * 16 + hex_value(text[i + 5]));
      i += 5;
    } else if (c == '\\' && i + 1 < text.size() && (text[i + 1] == 'r' || text[i + 1] == 'n')) {
      ++i;  // a line end, as JSON writes it
      continue;
    }
    if (c == '=') {
      ++padding;
      continue;
    }
    const int value = base64_value(c);
    if (value < 0 || padding != 0) break;
    ++digits;
    bits = (bits << 6) | static_cast<std::uint32_t>(value);
    have += 6;
    if (have >= 8) {
      have -= 8;
      out.bytes.push_back(static_cast<std::byte>((bits >> have) & 0xFFU));
    }
  }
  out.cut = (digits + padding) % 4 != 0;
  return out;
}

// A DER element whose contents may be missing their end.
struct Element {
  std::uint8_t tag = 0;
  bool indefinite = false;
  std::uint64_t stated = 0;  // length as it says
  ByteView header_and_value, value;
};

// Reads the elements of a constructed value in order. X.690, 8.1; BER's indefinite lengths as CMS may have them.
class Elements {
 public:
  Elements(ByteView bytes, bool& cut) : bytes_(bytes), cut_(cut) {}

  bool next(Element& out) {
    if (at_ + 2 > bytes_.size()) {
      if (at_ < bytes_.size()) cut_ = true;
      return false;
    }
    const auto tag = std::to_integer<std::uint8_t>(bytes_[at_]);
    if ((tag & 0x1FU) == 0x1FU) return false;  // CMS has no tags beyond 30
    std::uint64_t length = std::to_integer<std::uint8_t>(bytes_[at_ + 1]);
    std::size_t header = 2;
    out.tag = tag;
    out.indefinite = length == 0x80;
    if (out.indefinite) {
      if ((tag & 0x20U) == 0) return false;
      const std::size_t end = end_of_contents(at_ + header, 0);
      out.value = bytes_.subspan(at_ + header, end - (at_ + header));
      out.stated = out.value.size();
      out.header_and_value = bytes_.subspan(at_, end - at_);
      at_ = std::min(end + 2, bytes_.size());
      return true;
    }
    if (length > 0x80) {
      const std::size_t count = length & 0x7FU;
      if (count > 4 || at_ + 2 + count > bytes_.size()) {
        cut_ = cut_ || count <= 4;
        return false;
      }
      length = 0;
      for (std::size_t i = 0; i < count; ++i) length = (length << 8) | std::to_integer<std::uint8_t>(bytes_[at_ + 2 + i]);
      header += count;
    }
    const std::size_t there = bytes_.size() - at_ - header;
    if (length > there) cut_ = true;
    const auto taken = static_cast<std::size_t>(std::min<std::uint64_t>(length, there));
    out.stated = length;
    out.value = bytes_.subspan(at_ + header, taken);
    out.header_and_value = bytes_.subspan(at_, header + taken);
    at_ += header + taken;
    return true;
  }

 private:
  // Where the end-of-contents octets of an indefinite length stand, or the end of the bytes.
  std::size_t end_of_contents(std::size_t at, int depth) {
    while (at + 2 <= bytes_.size() && depth < 16) {
      const auto tag = std::to_integer<std::uint8_t>(bytes_[at]), first = std::to_integer<std::uint8_t>(bytes_[at + 1]);
      if (tag == 0 && first == 0) return at;
      std::size_t header = 2;
      std::uint64_t length = first;
      if (first == 0x80) {
        at = end_of_contents(at + 2, depth + 1);
        if (at == bytes_.size()) return at;
        at += 2;
        continue;
      }
      if (first > 0x80) {
        const std::size_t count = first & 0x7FU;
        if (count > 4 || at + 2 + count > bytes_.size()) break;
        length = 0;
        for (std::size_t i = 0; i < count; ++i) length = (length << 8) | std::to_integer<std::uint8_t>(bytes_[at + 2 + i]);
        header += count;
      }
      if (length > bytes_.size() - at - header) break;
      at += header + static_cast<std::size_t>(length);
    }
    cut_ = true;
    return bytes_.size();
  }

  ByteView bytes_;
  bool& cut_;
  std::size_t at_ = 0;
};

constexpr std::uint8_t sequence = 0x30, set_of = 0x31, integer = 0x02, octets = 0x04, object_id = 0x06;
constexpr std::uint8_t context(unsigned number, bool constructed) {
  return static_cast<std::uint8_t>((constructed ? 0xA0U : 0x80U) | number);
}
// id-envelopedData, 1.2.840.113549.1.7.3 (RFC 5652, 6.1).
constexpr std::uint8_t enveloped_data[] = {0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x07, 0x03};
constexpr std::size_t most_recipients = 64;

bool is_whole(const Element& e) { return e.value.size() == e.stated; }

// The name of an AlgorithmIdentifier's algorithm, or its number.
std::string algorithm_of(const Element& identifier) {
  bool cut = false;
  Element oid;
  if (identifier.tag != sequence || !Elements(identifier.value, cut).next(oid) || oid.tag != object_id || !is_whole(oid)) return {};
  const auto* at = reinterpret_cast<const unsigned char*>(oid.header_and_value.data());
  const std::unique_ptr<ASN1_OBJECT, openssl::Free<ASN1_OBJECT_free>> object(
      d2i_ASN1_OBJECT(nullptr, &at, static_cast<long>(oid.header_and_value.size())));
  if (!object) return {};
  if (const int nid = OBJ_obj2nid(object.get()); nid != NID_undef) {
    std::string name = OBJ_nid2ln(nid);
    return name;
  }
  char number[128] = {};
  OBJ_obj2txt(number, sizeof(number), object.get(), 1);
  return number;
}

// IssuerAndSerialNumber ::= SEQUENCE { issuer Name, serialNumber INTEGER }
void read_issuer(const Element& rid, Recipient& out, bool& cut) {
  Elements parts(rid.value, cut);
  Element name, serial;
  if (!parts.next(name) || name.tag != sequence || !is_whole(name)) return;
  const auto* at = reinterpret_cast<const unsigned char*>(name.header_and_value.data());
  const std::unique_ptr<X509_NAME, openssl::Free<X509_NAME_free>> issuer(
      d2i_X509_NAME(nullptr, &at, static_cast<long>(name.header_and_value.size())));
  if (issuer) out.issuer = openssl::name_text(issuer.get());
  if (!parts.next(serial) || serial.tag != integer || !is_whole(serial)) return;
  at = reinterpret_cast<const unsigned char*>(serial.header_and_value.data());
  const std::unique_ptr<ASN1_INTEGER, openssl::Free<ASN1_INTEGER_free>> number(
      d2i_ASN1_INTEGER(nullptr, &at, static_cast<long>(serial.header_and_value.size())));
  if (number) out.serial = openssl::integer_text(number.get());
}

// KeyTransRecipientInfo ::= SEQUENCE { version, rid, keyEncryptionAlgorithm, encryptedKey }
Recipient read_recipient(const Element& info, bool& cut) {
  static constexpr const char* others[] = {"", "kari", "kekri", "pwri", "ori"};
  Recipient out;
  if (info.tag != sequence) {
    const unsigned number = info.tag & 0x1FU;
    if ((info.tag & 0xC0U) == 0x80U && number >= 1 && number <= 4) out.key_algorithm = others[number];
    return out;
  }
  Elements parts(info.value, cut);
  Element version, rid, algorithm, key;
  if (!parts.next(version) || version.tag != integer || !parts.next(rid)) return out;
  if (rid.tag == sequence) read_issuer(rid, out, cut);
  if (rid.tag == context(0, false) && is_whole(rid)) out.key_id = openssl::hex(rid.value);
  if (parts.next(algorithm)) out.key_algorithm = algorithm_of(algorithm);
  parts.next(key);  // whether it is all there
  return out;
}

// EncryptedContentInfo ::= SEQUENCE { contentType, contentEncryptionAlgorithm, encryptedContent [0] IMPLICIT OCTET STRING OPTIONAL }
void read_content(const Element& info, Envelope& out) {
  Elements parts(info.value, out.cut);
  Element type, algorithm, content, piece;
  if (!parts.next(type) || !parts.next(algorithm)) return;
  out.content_algorithm = algorithm_of(algorithm);
  if (!parts.next(content)) return;
  if (content.tag == context(0, false)) out.content_length = content.stated;
  if (content.tag != context(0, true)) return;
  for (Elements pieces(content.value, out.cut); pieces.next(piece) && piece.tag == octets;) out.content_length += piece.stated;
}

}  // namespace

Result<Envelope> read_envelope(std::string_view base64_text) {
  Decoded decoded = decode_base64(base64_text);
  Envelope out;
  out.der = std::move(decoded.bytes);
  out.cut = decoded.cut;
  bool cut = false;
  Element content_info, type, wrapped, data, part;
  Elements top(out.der, cut);
  if (!top.next(content_info) || content_info.tag != sequence) return fail("not base64 of a CMS structure");
  Elements info(content_info.value, cut);
  if (!info.next(type) || type.tag != object_id || !std::ranges::equal(type.value, std::as_bytes(std::span(enveloped_data))))
    return fail("not a CMS EnvelopedData");
  const bool there =
      info.next(wrapped) && wrapped.tag == context(0, true) && Elements(wrapped.value, cut).next(data) && data.tag == sequence;
  out.cut = out.cut || cut || !there;
  if (!there) return out;
  // EnvelopedData ::= SEQUENCE { version, originatorInfo [0] OPTIONAL, recipientInfos SET, encryptedContentInfo, unprotectedAttrs [1]
  // OPTIONAL }
  bool content_seen = false;
  for (Elements parts(data.value, out.cut); parts.next(part);) {
    if (part.tag == set_of) {
      Element recipient;
      for (Elements list(part.value, out.cut); out.recipients.size() < most_recipients && list.next(recipient);)
        out.recipients.push_back(read_recipient(recipient, out.cut));
    } else if (part.tag == sequence) {
      read_content(part, out);
      content_seen = true;
    }
  }
  out.cut = out.cut || !content_seen;
  return out;
}

}  // namespace trimcarve::witness
