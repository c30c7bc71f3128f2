#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/provider.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <cstring>
#include <ctime>
#include <nlohmann/json.hpp>

#include "witness/cms.hpp"
#include "witness/openssl_text.hpp"

namespace trimcarve::witness {

namespace {

using openssl::Free;
using BioPtr = std::unique_ptr<BIO, Free<BIO_free_all>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, Free<EVP_PKEY_free>>;
using X509Ptr = std::unique_ptr<X509, Free<X509_free>>;

constexpr std::size_t most_file = std::size_t{1} << 20;  // a PFX is some kilobytes

// A library context of our own: the legacy provider is loaded for nobody else.
class Context {
 public:
  Context() : context_(OSSL_LIB_CTX_new()) {
    default_ = OSSL_PROVIDER_load(context_, "default");
    legacy_ = OSSL_PROVIDER_load(context_, "legacy");
    ERR_clear_error();
  }
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;
  ~Context() {
    if (legacy_ != nullptr) OSSL_PROVIDER_unload(legacy_);
    if (default_ != nullptr) OSSL_PROVIDER_unload(default_);
    OSSL_LIB_CTX_free(context_);
  }
  OSSL_LIB_CTX* get() const noexcept { return context_; }
  bool has_legacy() const noexcept { return legacy_ != nullptr; }

 private:
  OSSL_LIB_CTX* context_;
  OSSL_PROVIDER* default_ = nullptr;
  OSSL_PROVIDER* legacy_ = nullptr;
};

const Context& context() {
  static const Context one;
  return one;
}

// The password as a C string, wiped at the end.
class Password {
 public:
  explicit Password(std::string_view text) : text_(text) {}
  Password(const Password&) = delete;
  Password& operator=(const Password&) = delete;
  ~Password() { OPENSSL_cleanse(text_.data(), text_.size()); }
  const char* get() const noexcept { return text_.c_str(); }
  // As PEM's readers ask for it: they must never ask at the terminal.
  static int give(char* out, int size, int, void* self) {
    const std::string& text = static_cast<const Password*>(self)->text_;
    if (size < 0 || text.size() > static_cast<std::size_t>(size)) return -1;
    std::memcpy(out, text.data(), text.size());
    return static_cast<int>(text.size());
  }

 private:
  std::string text_;
};

// What OpenSSL's queue says, emptied.
std::string why(const char* otherwise) {
  std::string last = otherwise;
  bool unsupported = false;
  while (const unsigned long code = ERR_get_error()) {
    const int library = ERR_GET_LIB(code), reason = ERR_GET_REASON(code);
    if (library == ERR_LIB_PKCS12 && reason == PKCS12_R_MAC_VERIFY_FAILURE) last = "wrong password";
    if (library == ERR_LIB_EVP && (reason == EVP_R_UNSUPPORTED_ALGORITHM || reason == EVP_R_UNSUPPORTED_CIPHER)) unsupported = true;
    if (library == ERR_LIB_EVP && (reason == EVP_R_UNKNOWN_PBE_ALGORITHM || reason == ERR_R_UNSUPPORTED)) unsupported = true;
  }
  if (!unsupported) return last;
  return context().has_legacy() ? "its algorithm is not supported"
                                : "its algorithm is not supported: OpenSSL's legacy provider is not installed";
}

BioPtr reader(ByteView bytes) { return BioPtr(BIO_new_mem_buf(bytes.data(), static_cast<int>(bytes.size()))); }

FileTime time_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (time == nullptr || ASN1_TIME_to_tm(time, &parts) != 1) return no_time;
  char text[40] = {};
  if (std::strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) return no_time;
  return from_iso8601(text).value_or(no_time);
}

}  // namespace

struct Certificate::Parts {
  X509Ptr certificate;
  KeyPtr key;
};

Result<Certificate> Certificate::open_pfx(ByteView bytes, std::string_view password) {
  if (bytes.empty() || bytes.size() > most_file) return fail("not a PFX file");
  ERR_clear_error();
  PKCS12* raw = PKCS12_init_ex(NID_pkcs7_data, context().get(), nullptr);
  const BioPtr in = reader(bytes);
  const bool read = raw != nullptr && d2i_PKCS12_bio(in.get(), &raw) != nullptr;
  const std::unique_ptr<PKCS12, Free<PKCS12_free>> pfx(raw);
  if (!read) return ERR_clear_error(), fail("not a PFX file, or damaged");
  const Password secret(password);
  EVP_PKEY* key = nullptr;
  X509* certificate = nullptr;
  STACK_OF(X509)* others = nullptr;
  const int parsed = PKCS12_parse(pfx.get(), secret.get(), &key, &certificate, &others);
  // Without a key none is the key's: the first is shown.
  if (certificate == nullptr && others != nullptr) certificate = sk_X509_shift(others);
  sk_X509_pop_free(others, X509_free);
  auto parts = std::make_shared<Parts>();
  parts->key.reset(key);
  parts->certificate.reset(certificate);
  if (parsed != 1) return fail("the PFX file cannot be opened: " + why("damaged"));
  if (!parts->certificate) return ERR_clear_error(), fail("the PFX file holds no certificate");
  ERR_clear_error();
  return Certificate(std::move(parts));
}

Result<Certificate> Certificate::open_pem(ByteView bytes, std::string_view password) {
  if (bytes.empty() || bytes.size() > most_file) return fail("not a PEM file");
  ERR_clear_error();
  Password secret(password);
  auto parts = std::make_shared<Parts>();
  const BioPtr key_in = reader(bytes), certificate_in = reader(bytes);
  static constexpr std::string_view key_mark = "PRIVATE KEY-----";
  if (!std::ranges::search(bytes, std::as_bytes(std::span(key_mark))).empty()) {
    parts->key.reset(PEM_read_bio_PrivateKey_ex(key_in.get(), nullptr, Password::give, &secret, context().get(), nullptr));
    if (!parts->key) return fail("the PEM file's key cannot be opened: " + why("wrong password, or damaged"));
  }
  while (X509Ptr next{PEM_read_bio_X509(certificate_in.get(), nullptr, Password::give, &secret)}) {
    if (parts->key && X509_check_private_key(next.get(), parts->key.get()) != 1 && parts->certificate) continue;
    if (parts->certificate && !parts->key) continue;
    if (parts->certificate && X509_check_private_key(parts->certificate.get(), parts->key.get()) == 1) continue;
    parts->certificate = std::move(next);
  }
  ERR_clear_error();
  if (!parts->certificate) return fail("the PEM file holds no certificate");
  if (parts->key && X509_check_private_key(parts->certificate.get(), parts->key.get()) != 1)
    return ERR_clear_error(), fail("the PEM file's key does not belong to its certificate");
  return Certificate(std::move(parts));
}

Result<Certificate> Certificate::open(ByteView bytes, std::string_view password) {
  static constexpr std::string_view mark = "-----BEGIN ";
  const auto pem = std::ranges::search(bytes, std::as_bytes(std::span(mark)));
  return pem.empty() ? open_pfx(bytes, password) : open_pem(bytes, password);
}

std::string Certificate::thumbprint() const {
  unsigned char digest[EVP_MAX_MD_SIZE] = {};
  unsigned length = 0;
  if (X509_digest(parts_->certificate.get(), EVP_sha1(), digest, &length) != 1) return {};
  return openssl::hex(std::as_bytes(std::span(digest, length)));
}

std::string Certificate::subject() const { return openssl::name_text(X509_get_subject_name(parts_->certificate.get())); }
std::string Certificate::issuer() const { return openssl::name_text(X509_get_issuer_name(parts_->certificate.get())); }
std::string Certificate::serial() const { return openssl::integer_text(X509_get0_serialNumber(parts_->certificate.get())); }
FileTime Certificate::not_before() const { return time_of(X509_get0_notBefore(parts_->certificate.get())); }
FileTime Certificate::not_after() const { return time_of(X509_get0_notAfter(parts_->certificate.get())); }
bool Certificate::has_key() const noexcept { return parts_->key != nullptr; }

std::string Certificate::key_id() const {
  const ASN1_OCTET_STRING* id = X509_get0_subject_key_id(parts_->certificate.get());
  if (id == nullptr) return {};
  return openssl::hex(std::as_bytes(std::span(ASN1_STRING_get0_data(id), static_cast<std::size_t>(ASN1_STRING_length(id)))));
}

bool Certificate::matches(const Recipient& recipient) const {
  if (!recipient.key_id.empty()) return recipient.key_id == key_id();
  return !recipient.serial.empty() && recipient.serial == serial() && recipient.issuer == issuer();
}

Result<std::string> decrypt(const Envelope& envelope, const Certificate& certificate) {
  if (envelope.cut) return fail("the protected settings are cut short");
  if (std::ranges::none_of(envelope.recipients, [&](const Recipient& r) { return certificate.matches(r); }))
    return fail("the protected settings are not sealed for this certificate");
  if (!certificate.has_key()) return fail("the certificate comes without its private key");
  ERR_clear_error();
  CMS_ContentInfo* raw = CMS_ContentInfo_new_ex(context().get(), nullptr);
  const auto* at = reinterpret_cast<const unsigned char*>(envelope.der.data());
  const bool read = raw != nullptr && d2i_CMS_ContentInfo(&raw, &at, static_cast<long>(envelope.der.size())) != nullptr;
  const std::unique_ptr<CMS_ContentInfo, Free<CMS_ContentInfo_free>> cms(raw);
  if (!read) return ERR_clear_error(), fail("the protected settings are damaged");
  const BioPtr out(BIO_new(BIO_s_secmem()));  // wiped when freed
  // OpenSSL would else hide a key that does not fit, as a server must: here whoever asks holds the key.
  if (!out || CMS_decrypt(cms.get(), certificate.parts_->key.get(), certificate.parts_->certificate.get(), nullptr, out.get(),
                          CMS_BINARY | CMS_DEBUG_DECRYPT) != 1)
    return fail("the protected settings do not decrypt: " + why("damaged, or sealed with another key"));
  const char* text = nullptr;
  const long length = BIO_get_mem_data(out.get(), &text);
  const std::string_view plain(text == nullptr ? "" : text, text == nullptr || length < 0 ? 0 : static_cast<std::size_t>(length));
  if (!nlohmann::json::accept(plain)) return fail("the protected settings decrypt to what is no JSON: damaged");
  return std::string(plain);
}

}  // namespace trimcarve::witness
