// Vouched for by the openssl command line: it prints the real blob's recipient and algorithms (`openssl cms -cmsout -print`), and makes the
// certificates, PFX files and envelopes that are opened here.
#include "witness/cms.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

#include "real_data.hpp"

using namespace trimcarve;
using witness::Certificate;

namespace {

std::string slurp(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

ByteView view(const std::string& text) { return std::as_bytes(std::span(text)); }

// The protectedSettings in the Custom Script Extension's own telemetry.
std::string real_blob() {
  const std::string path = test::real_data("azure/extension_events/1591905451.json");
  if (path.empty()) return {};
  static constexpr std::string_view lead = "ProtectedSettings: {";
  for (const auto& event : nlohmann::json::parse(slurp(path))) {
    const std::string message = event.at("Message");
    const std::size_t at = message.find(lead);
    if (at != std::string::npos) return message.substr(at + lead.size(), message.find('}', at) - at - lead.size());
  }
  return {};
}

// A folder with what openssl makes: k.pem, c.pem (for "CN=vm,DC=Windows Azure CRP Certificate Generator"), x.pem (another key and
// certificate of the same names), PFX files old (RC2-40 and 3DES) and new, and settings.json.
class Made {
 public:
  Made() : folder_(std::filesystem::temp_directory_path() / ("trimcarve-cms-" + std::to_string(::getpid()))) {
    if (std::system("openssl version >/dev/null 2>&1") != 0) {
      std::printf("SKIPPED: openssl is not on this machine\n");
      return;
    }
    std::filesystem::create_directories(folder_);
    std::ofstream(folder_ / "settings.json") << settings();
    const std::string req = "openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj '/DC=Windows Azure CRP Certificate Generator/CN=vm' ";
    there_ = run(req + "-set_serial 0x1063DE757D8F4109 -keyout k.pem -out c.pem") &&
             run(req + "-set_serial 0x1063DE757D8F4109 -keyout xk.pem -out xc.pem") && run("cat k.pem c.pem > both.pem") &&
             run("cat xk.pem xc.pem > x.pem") && run("cat xk.pem c.pem > mixed.pem") &&
             run("openssl rsa -aes256 -passout pass:secret -in k.pem -out sealed.key") && run("cat c.pem sealed.key > sealed.pem") &&
             run("openssl pkcs12 -export -inkey k.pem -in c.pem -passout pass:secret -out new.pfx") &&
             run("openssl pkcs12 -export -legacy -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-RC2-40 -inkey k.pem -in c.pem -passout "
                 "pass:secret -out old.pfx") &&
             run("openssl pkcs12 -export -legacy -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-RC2-40 -inkey k.pem -in c.pem -passout pass: -out "
                 "empty.pfx") &&
             run("openssl pkcs12 -export -nokeys -in c.pem -passout pass:secret -out nokey.pfx");
    CHECK(there_);
  }
  Made(const Made&) = delete;
  Made& operator=(const Made&) = delete;
  ~Made() {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }
  explicit operator bool() const { return there_; }
  bool run(const std::string& command) const {
    return std::system(("cd '" + folder_.string() + "' && (" + command + ") 2>/dev/null").c_str()) == 0;
  }
  std::string file(const std::string& name) const { return slurp(folder_ / name); }
  static std::string settings() {
    return R"({"commandToExecute":"powershell -File x.ps1 -Key \"0123456789\"","storageAccountName":"stage"})";
  }
  // The settings sealed for c.pem.
  std::string sealed(const std::string& options) const {
    CHECK(run("openssl cms -encrypt -binary -in settings.json -outform DER " + options + " c.pem | openssl base64 -A > blob"));
    return file("blob");
  }

 private:
  std::filesystem::path folder_;
  bool there_ = false;
};

}  // namespace

TEST_CASE("a real protectedSettings shows its recipient and algorithms") {
  const std::string blob = real_blob();
  if (blob.empty()) return;
  const auto envelope = witness::read_envelope(blob);
  REQUIRE(envelope);
  CHECK_FALSE(envelope->cut);
  REQUIRE(envelope->recipients.size() == 1);
  CHECK(envelope->recipients[0].issuer == "DC=Windows Azure CRP Certificate Generator");
  CHECK(envelope->recipients[0].serial == "63DE757D8F4109B4484DE338A2471AD5");  // 132748644475080327089142115169078811349
  CHECK(envelope->recipients[0].key_id.empty());
  CHECK(envelope->recipients[0].key_algorithm == "rsaEncryption");
  CHECK(envelope->content_algorithm == "des-ede3-cbc");
  CHECK(envelope->content_length == 40);
}

TEST_CASE("JSON's escapes and line ends in the text change nothing") {
  const std::string blob = real_blob();
  if (blob.empty()) return;
  std::string escaped;
  for (std::size_t i = 0; i < blob.size(); ++i) {
    if (i % 64 == 0) escaped += "\r\n ";
    escaped += blob[i] == '/' ? "\\/" : blob[i] == '+' ? "\\u002B" : std::string(1, blob[i]);
  }
  const auto plain = witness::read_envelope(blob), other = witness::read_envelope(escaped + "\", ");
  REQUIRE(plain);
  REQUIRE(other);
  CHECK(plain->der == other->der);
  CHECK_FALSE(other->cut);
}

TEST_CASE("a text cut short still shows what its beginning holds, and says that it is cut") {
  const std::string blob = real_blob();
  if (blob.empty()) return;
  for (std::size_t length = 0; length < blob.size(); ++length) {
    CAPTURE(length);
    const auto envelope = witness::read_envelope(std::string_view(blob).substr(0, length));
    if (length < 20) {  // the content type ends at byte 15
      CHECK_FALSE(envelope);
      continue;
    }
    REQUIRE(envelope);
    CHECK(envelope->cut);
    if (length > 171) {  // ... and the key's algorithm at byte 129
      REQUIRE(envelope->recipients.size() == 1);
      CHECK(envelope->recipients[0].serial == "63DE757D8F4109B4484DE338A2471AD5");
      CHECK(envelope->recipients[0].key_algorithm == "rsaEncryption");
    }
    if (length > 580) CHECK(envelope->content_algorithm == "des-ede3-cbc");
    if (length < 500) CHECK(envelope->content_algorithm.empty());
  }
}

TEST_CASE("what is no envelope is refused") {
  for (const char* text : {"", "hello", "////", "MIIB", "MAsGCSqGSIb3DQEHAg=="})  // the last: id-signedData
    CHECK_FALSE(witness::read_envelope(text));
}

TEST_CASE("protected settings are opened with the certificate's key, whatever they and the PFX are sealed with") {
  const Made made;
  if (!made) return;
  for (const char* name : {"old.pfx", "new.pfx", "both.pem", "sealed.pem"}) {
    CAPTURE(name);
    const std::string bytes = made.file(name);
    const auto certificate = Certificate::open(view(bytes), "secret");
    if (!certificate) MESSAGE(certificate.error().what);
    REQUIRE(certificate);
    CHECK(certificate->has_key());
    CHECK(certificate->issuer() == "CN=vm,DC=Windows Azure CRP Certificate Generator");
    CHECK(certificate->subject() == certificate->issuer());
    CHECK(certificate->serial() == "1063DE757D8F4109");
    CHECK(certificate->not_after().ticks - certificate->not_before().ticks == 30 * 86400 * ticks_per_second);
    CHECK(made.run("openssl x509 -in c.pem -noout -fingerprint -sha1 | sed 's/.*=//;s/://g' | tr -d '\\n' > print"));
    CHECK(certificate->thumbprint() == made.file("print"));
    for (const auto& [options, algorithm] : {std::pair{"-aes-256-cbc", "aes-256-cbc"},
                                             {"-aes-128-cbc", "aes-128-cbc"},
                                             {"-des3", "des-ede3-cbc"},
                                             {"-aes-256-cbc -keyid", "aes-256-cbc"},
                                             {"-aes-256-cbc -stream", "aes-256-cbc"}}) {
      CAPTURE(options);
      const auto envelope = witness::read_envelope(made.sealed(options));
      REQUIRE(envelope);
      CHECK_FALSE(envelope->cut);
      CHECK(envelope->content_algorithm == algorithm);
      CHECK(envelope->content_length % 8 == 0);
      CHECK(envelope->content_length >= Made::settings().size());
      REQUIRE(envelope->recipients.size() == 1);
      CHECK(envelope->recipients[0].key_id ==
            (std::string_view(options).find("-keyid") != std::string_view::npos ? certificate->key_id() : ""));
      CHECK(certificate->matches(envelope->recipients[0]));
      const auto text = witness::decrypt(*envelope, *certificate);
      if (!text) MESSAGE(text.error().what);
      REQUIRE(text);
      CHECK(*text == Made::settings());
    }
  }
}

TEST_CASE("what cannot be opened is said why") {
  const Made made;
  if (!made) return;
  const auto error = [&](const char* name, const char* password) {
    const std::string bytes = made.file(name);
    const auto certificate = Certificate::open(view(bytes), password);
    return certificate ? std::string("-") : certificate.error().what;
  };
  CHECK(error("old.pfx", "wrong") == "the PFX file cannot be opened: wrong password");
  CHECK(error("new.pfx", "") == "the PFX file cannot be opened: wrong password");
  CHECK(error("empty.pfx", "") == "-");
  CHECK(error("settings.json", "") == "not a PFX file, or damaged");
  CHECK(error("sealed.pem", "wrong") == "the PEM file's key cannot be opened: wrong password, or damaged");
  CHECK(error("k.pem", "") == "the PEM file holds no certificate");
  CHECK(error("mixed.pem", "") == "the PEM file's key does not belong to its certificate");

  const std::string without = made.file("nokey.pfx");
  const auto shown = Certificate::open(view(without), "secret");
  if (!shown) MESSAGE(shown.error().what);
  REQUIRE(shown);
  CHECK_FALSE(shown->has_key());
  CHECK(shown->serial() == "1063DE757D8F4109");

  const auto open = [&](const char* name) {
    const std::string bytes = made.file(name);
    auto certificate = Certificate::open(view(bytes), "");
    REQUIRE(certificate);
    return *certificate;
  };
  const auto why = [&](const witness::Envelope& envelope, const Certificate& certificate) {
    const auto text = witness::decrypt(envelope, certificate);
    return text ? std::string("-") : text.error().what;
  };
  const std::string blob = made.sealed("-aes-256-cbc");
  const auto envelope = witness::read_envelope(blob);
  REQUIRE(envelope);
  CHECK(why(*envelope, open("c.pem")) == "the certificate comes without its private key");
  // Same issuer and serial, another key.
  CHECK(why(*envelope, open("x.pem")) == "the protected settings do not decrypt: damaged, or sealed with another key");
  auto stranger = *envelope;
  stranger.recipients[0].serial = "01";
  CHECK(why(stranger, open("both.pem")) == "the protected settings are not sealed for this certificate");
  const auto half = witness::read_envelope(std::string_view(blob).substr(0, blob.size() - 40));
  REQUIRE(half);
  CHECK(why(*half, open("both.pem")) == "the protected settings are cut short");
  // One bit of each of the content's last blocks, and of the sealed key.
  auto damaged = *envelope;
  damaged.der.back() ^= std::byte{1};
  CHECK(why(damaged, open("both.pem")) != "-");
  damaged = *envelope;
  damaged.der[damaged.der.size() - 70] ^= std::byte{1};
  CHECK(why(damaged, open("both.pem")) != "-");
}
