// Hives are written by test/fixtures/hive_writer (checked here against libregf's tools, reglookup and hivex) or changed by hivex, an
// independent writer. Layouts of values come from public documents: winreg-kb for AppCompatCache, Microsoft's for certificates.
#include "witness/hive.hpp"

#include <doctest/doctest.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstring>

#include "hive_support.hpp"
#include "trimcarve/text.hpp"
#include "witness/hive_cells.hpp"
#include "witness/hive_rules.hpp"
#include "witness/program_cache.hpp"

using namespace trimcarve;
using namespace trimcarve::test;
using namespace trimcarve::fixtures;
using witness::HiveKind;

namespace {

constexpr std::uint64_t at_install = 132'000'000'000'000'000, at_run = 133'000'000'000'000'000;
const std::string handlers = R"(Microsoft\Windows Azure\HandlerState\)";
const std::string custom = "Microsoft.Compute.CustomScriptExtension";

RegistryKey software() {
  RegistryKey root{"{root}", at_install, {}, {}, false};
  make_key(root, handlers + custom + "_1.10.15", at_run).values = {
      text_value("InstallState", "Enabled"), number_value("SequenceNumber", 3),
      text_value("StatusFolder", R"(C:\Packages\Plugins\Microsoft.Compute.CustomScriptExtension\1.10.15\Status)")};
  make_key(root, R"(Microsoft\Windows Azure)", at_install).values = {text_value("VmId", "6f0e7c2c-6b65-4a6f-9a4c-4f1f5b2a1e57")};
  make_key(root, R"(Microsoft\GuestAgent)", at_install).values = {text_value("Incarnation", "2.7.41491.1095")};
  make_key(root, R"(Microsoft\Windows NT\CurrentVersion)", at_run).values = {text_value("ProductName", "Windows Server 2022 Datacenter"),
                                                                             number_value("InstallDate", 1'700'000'000),
                                                                             long_value("InstallTime", at_install + 5)};
  make_key(root, R"(Classes\.txt)", at_install);
  return root;
}

void put(std::vector<std::byte>& out, auto number) {
  const auto* bytes = reinterpret_cast<const std::byte*>(&number);
  out.insert(out.end(), bytes, bytes + sizeof number);
}
void put_text(std::vector<std::byte>& out, const std::string& text) {
  for (const char16_t unit : to_utf16(text)) put(out, unit);
}

// An entry of Windows 10, or with `eight` of Windows 8.1 (an empty package and two flags before the time).
void add_cached(std::vector<std::byte>& cache, const std::string& path, std::uint64_t time, bool eight) {
  const auto length = static_cast<std::uint16_t>(path.size() * 2);
  for (const char c : {'1', '0', 't', 's'}) cache.push_back(static_cast<std::byte>(c));
  put(cache, std::uint32_t{0x12345678});
  put(cache, static_cast<std::uint32_t>(2U + length + (eight ? 10U : 0U) + 8 + 4 + 3));
  put(cache, length);
  put_text(cache, path);
  if (eight) cache.insert(cache.end(), 10, std::byte{0});
  put(cache, time);
  put(cache, std::uint32_t{3});
  cache.insert(cache.end(), 3, std::byte{0xEE});
}
std::vector<std::byte> cache_header(std::uint32_t size) {
  std::vector<std::byte> cache(size);
  std::memcpy(cache.data(), &size, 4);
  return cache;
}

RegistryKey system_with(std::vector<std::byte> cache) {
  RegistryKey root{"{root}", at_install, {}, {}, false};
  make_key(root, R"(ControlSet001\Control\Session Manager\AppCompatCache)", at_run).values = {
      binary_value("AppCompatCache", std::move(cache))};
  return root;
}

}  // namespace

TEST_CASE("independent readers agree with the writer of the fixtures") {
  RegistryKey root = software();
  make_key(root, "Big", at_run).values = {binary_value("data", std::vector<std::byte>(40'000, std::byte{7}))};
  const TemporaryFile file(write_hive(root, {.last_written = at_run}));
  if (const std::string text = output_of("reglookup", file.path()); !text.empty()) {
    CHECK(text.find("/"
                    "Microsoft/Windows Azure/HandlerState/" +
                    custom + "_1.10.15/InstallState,SZ,Enabled") != std::string::npos);
    CHECK(text.find("SequenceNumber,DWORD,0x00000003") != std::string::npos);
    CHECK(text.find(custom + "_1.10.15,KEY,,2022-06-18 04:26:40") != std::string::npos);  // at_run
  }
  if (const std::string text = output_of("regfinfo", file.path()); !text.empty()) {
    CHECK(text.find("(key:) " + custom + "_1.10.15") != std::string::npos);
    CHECK(text.find("corrupt") == std::string::npos);
  }
  if (const std::string text = output_of("hivexget", file.path() + R"( 'Big' data | wc -c)"); !text.empty())
    CHECK(std::stol(text) >= 40'000);
}

TEST_CASE("a live handler's state is stated with its values, its last write and its cell") {
  const auto bytes = write_hive(software(), {});
  const HiveRead read = read_hive(bytes, "x");
  const Statement* s = read.one(Deed::registered, custom);
  REQUIRE(s != nullptr);
  CHECK(s->handler == custom);
  CHECK(s->version == "1.10.15");
  CHECK(s->sequence == "3");
  CHECK(s->status == "Enabled");
  CHECK(s->time.ticks == at_run);
  CHECK(s->event == "SOFTWARE HandlerState");
  CHECK(field_of(*s, "StatusFolder").ends_with(R"(1.10.15\Status)"));
  CHECK_FALSE(s->carved);
  // The cell: an allocated size, then the record with this very name.
  REQUIRE(s->offset + s->length <= bytes.size());
  CHECK(std::memcmp(bytes.data() + s->offset + 4, "nk", 2) == 0);
  const std::string_view cell(reinterpret_cast<const char*>(bytes.data()) + s->offset, s->length);
  CHECK(cell.find(custom + "_1.10.15") == 4 + 76);
  CHECK(read.tally.damaged == 0);
  CHECK(read.tally.emitted == read.statements.size());
  CHECK(read.tally.window.last->ticks == at_run);
}

TEST_CASE("what else the agent keeps is stated, other keys are not") {
  const HiveRead read = read_hive(write_hive(software(), {}));
  const Statement* azure = read.one(Deed::other, R"(Microsoft\Windows Azure)");
  REQUIRE(azure != nullptr);
  CHECK(field_of(*azure, "VmId") == "6f0e7c2c-6b65-4a6f-9a4c-4f1f5b2a1e57");
  const Statement* agent = read.one(Deed::other, "GuestAgent");
  REQUIRE(agent != nullptr);
  CHECK(field_of(*agent, "Incarnation") == "2.7.41491.1095");
  CHECK(read.statements.size() == 4);
}

TEST_CASE("the installation's time is InstallTime's, and the statement says so") {
  const HiveRead read = read_hive(write_hive(software(), {}));
  const Statement* s = read.one(Deed::provisioned, "CurrentVersion");
  REQUIRE(s != nullptr);
  CHECK(s->time.ticks == at_install + 5);
  CHECK(field_of(*s, "time is") == "InstallTime");
  CHECK(field_of(*s, "key last written") == to_iso8601({at_run}));
  CHECK(field_of(*s, "ProductName") == "Windows Server 2022 Datacenter");

  RegistryKey root = software();
  auto& values = make_key(root, R"(Microsoft\Windows NT\CurrentVersion)", 0).values;
  values.pop_back();
  const HiveRead older = read_hive(write_hive(root, {}));
  CHECK(older.one(Deed::provisioned, "CurrentVersion")->time == FileTime{unix_epoch_ticks + 1'700'000'000 * ticks_per_second});
}

// Updates of Windows write the key too: its last write is not the installation.
TEST_CASE("a key of Windows without the installation's time does not say when Windows was set up") {
  RegistryKey root = software();
  auto& values = make_key(root, R"(Microsoft\Windows NT\CurrentVersion)", 0).values;
  std::erase_if(values, [](const auto& v) { return v.name == "InstallTime" || v.name == "InstallDate"; });
  const HiveRead read = read_hive(write_hive(root, {}));
  for (const Statement& s : read.statements) CHECK(s.deed != Deed::provisioned);
  const Statement* kept = read.one(Deed::other, "CurrentVersion");
  REQUIRE(kept != nullptr);
  CHECK(field_of(*kept, "ProductName") == "Windows Server 2022 Datacenter");
}

TEST_CASE("a key below a handler's is that handler's, and no handler of its own name") {
  RegistryKey root = software();
  make_key(root, handlers + custom + R"(_1.10.15\Settings)", at_run).values = {text_value("a", "b")};
  make_key(root, handlers + R"(Contoso.Agent\Settings)", at_run).values = {text_value("a", "b")};
  const HiveRead read = read_hive(write_hive(root, {}));
  const Statement* s = read.one(Deed::other, R"(_1.10.15\Settings)");
  REQUIRE(s != nullptr);
  CHECK(s->handler == custom);
  CHECK(s->version == "1.10.15");
  s = read.one(Deed::other, R"(Contoso.Agent\Settings)");
  REQUIRE(s != nullptr);
  CHECK(s->handler == "Contoso.Agent");
  for (const Statement& each : read.statements) CHECK(each.handler != "Settings");
}

TEST_CASE("hivex, an independent writer, adds a handler's key and it is read") {
  const TemporaryFile file(write_hive(software(), {}));
  const TemporaryFile script([] {
    const std::string text =
        "cd \\Microsoft\\Windows Azure\\HandlerState\nadd Microsoft.CPlat.Core.RunCommandWindows_1.1.11\n"
        "cd Microsoft.CPlat.Core.RunCommandWindows_1.1.11\nsetval 2\nInstallState\nstring:NotInstalled\nSequenceNumber\ndword:7\n"
        "cd \\Microsoft\\Windows Azure\\HandlerState\\" +
        custom + "_1.10.15\ndel\ncommit\n";
    const auto* begin = reinterpret_cast<const std::byte*>(text.data());
    return std::vector<std::byte>(begin, begin + text.size());
  }());
  if (output_of("hivexsh", "-w -f " + script.path() + " " + file.path() + "; echo done").empty()) return;
  const HiveRead read = read_hive(file.bytes());
  const Statement* s = read.one(Deed::registered, "RunCommandWindows");
  REQUIRE(s != nullptr);
  CHECK(s->version == "1.1.11");
  CHECK(s->sequence == "7");
  CHECK(s->status == "NotInstalled");
  CHECK_FALSE(s->carved);
  // What it deleted is no live key any more, but is still there to be carved.
  const Statement* gone = read.one(Deed::registered, custom);
  REQUIRE(gone != nullptr);
  CHECK(gone->carved);
  CHECK(gone->version == "1.10.15");
  CHECK(gone->time.ticks == at_run);
}

TEST_CASE("which hive it is: by the root's keys, else by the name Windows gave it, else by its path") {
  CHECK(witness::recognise_hive({"Classes", "Microsoft"}, "", "SYSTEM") == HiveKind::software);
  CHECK(witness::recognise_hive({"ControlSet001", "Setup"}, "", "SOFTWARE") == HiveKind::system);
  CHECK(witness::recognise_hive({"Root"}, "", "") == HiveKind::amcache);
  CHECK(witness::recognise_hive({}, R"(emRoot\System32\Config\SOFTWARE)", "SYSTEM") == HiveKind::software);
  CHECK(witness::recognise_hive({}, "", "/evidence/system") == HiveKind::system);
  CHECK(witness::recognise_hive({"Environment"}, R"(\??\C:\Users\x\ntuser.dat)", "NTUSER.DAT") == HiveKind::unknown);
}

TEST_CASE("ShimCache of Windows 10 and 8.1 gives a handler's programs with the file's time, said to be no execution") {
  for (const bool eight : {false, true}) {
    CAPTURE(eight);
    auto cache = cache_header(eight ? 0x80 : 0x34);
    add_cached(cache, R"(C:\Windows\System32\cmd.exe)", at_install, eight);
    add_cached(cache, R"(C:\Packages\Plugins\Microsoft.Compute.CustomScriptExtension\1.10.15\bin\CustomScriptHandler.exe)", at_run, eight);
    // Longer than one data segment, so that the value stands in a "db" record.
    for (int i = 0; i < 200; ++i) add_cached(cache, R"(C:\Program Files\Some Program Or Other\program.exe)", at_install, eight);
    const HiveRead read = read_hive(write_hive(system_with(cache), {}), "SYSTEM");
    REQUIRE(read.statements.size() == 1);
    const Statement& s = read.statements[0];
    CHECK(s.deed == Deed::program_seen);
    CHECK(s.event == "SYSTEM AppCompatCache");
    CHECK(s.handler == custom);
    CHECK(s.version == "1.10.15");
    CHECK(s.time.ticks == at_run);
    CHECK(field_of(s, "position") == "1");
    CHECK(field_of(s, "time is").find("not an execution") != std::string::npos);
  }
}

TEST_CASE("ShimCache of Windows 7 is a table with paths elsewhere, of 64 or 32 bits") {
  for (const bool wide : {true, false}) {
    CAPTURE(wide);
    const std::string path = R"(\??\C:\Packages\Plugins\Microsoft.Compute.CustomScriptExtension\1.4\bin\CustomScriptHandler.exe)";
    std::vector<std::byte> cache(128 + (wide ? 48 : 32));
    const std::uint32_t signature = 0xBADC0FEE, count = 1, place = static_cast<std::uint32_t>(cache.size());
    const auto length = static_cast<std::uint16_t>(path.size() * 2);
    std::memcpy(cache.data(), &signature, 4);
    std::memcpy(cache.data() + 4, &count, 4);
    std::memcpy(cache.data() + 128, &length, 2);
    std::memcpy(cache.data() + 128 + (wide ? 8 : 4), &place, 4);
    std::memcpy(cache.data() + 128 + (wide ? 16 : 8), &at_run, 8);
    put_text(cache, path);
    const HiveRead read = read_hive(write_hive(system_with(cache), {}));
    REQUIRE(read.statements.size() == 1);
    CHECK(read.statements[0].path == path);
    CHECK(read.statements[0].version == "1.4");
    CHECK(read.statements[0].time.ticks == at_run);
  }
}

TEST_CASE("a broken entry of ShimCache costs itself") {
  auto cache = cache_header(0x30);
  add_cached(cache, "a.exe", 1, false);
  const std::size_t bad = cache.size();
  add_cached(cache, "b.exe", 2, false);
  add_cached(cache, "c.exe", 3, false);
  cache[bad + 8] = std::byte{0xFF};
  std::vector<std::string> paths;
  const auto tally = witness::decode_program_cache(cache, [&](const witness::CachedProgram& p) { paths.push_back(p.path); });
  CHECK(paths == std::vector<std::string>{"a.exe", "c.exe"});
  CHECK(tally.entries == 2);
  CHECK(tally.damaged == 1);
  CHECK(tally.format == "Windows 10");
}

TEST_CASE("Amcache gives a handler's programs with their SHA-1, of both layouts") {
  RegistryKey root{"{root}", at_install, {}, {}, false};
  const std::string sha1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709",
                    path = R"(c:\packages\plugins\microsoft.cplat.core.runcommandwindows\1.1.11\bin\runcommandextension.exe)";
  make_key(root, R"(Root\InventoryApplicationFile\runcommandextens|1)", at_run).values = {text_value("LowerCaseLongPath", path),
                                                                                          text_value("FileId", "0000" + sha1)};
  make_key(root, R"(Root\InventoryApplicationFile\other|1)", at_run).values = {
      text_value("LowerCaseLongPath", R"(c:\windows\notepad.exe)")};
  make_key(root, R"(Root\File\{volume}\1000054a6)", at_run).values = {text_value("15", path), text_value("101", "0000" + sha1)};
  const HiveRead read = read_hive(write_hive(root, {.file_name = "Amcache.hve"}));
  REQUIRE(read.statements.size() == 2);
  for (const Statement& s : read.statements) {
    CHECK(s.deed == Deed::program_seen);
    CHECK(s.path == path);
    CHECK(s.version == "1.1.11");
    CHECK(field_of(s, "sha1") == sha1);
    CHECK(s.time.ticks == at_run);
    CHECK(s.event.starts_with("Amcache "));
  }
}

TEST_CASE("a certificate is described, and its thumbprint compared with the key's name") {
  // OpenSSL makes the certificate; the properties around it are laid out by hand.
  X509* x = X509_new();
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509_set_version(x, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(x), 0x1A2B);
  ASN1_TIME_set_string(X509_getm_notBefore(x), "20240102030405Z");
  ASN1_TIME_set_string(X509_getm_notAfter(x), "20340102030405Z");
  X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "DC", MBSTRING_ASC,
                             reinterpret_cast<const unsigned char*>("Windows Azure CRP Certificate Generator"), -1, -1, 0);
  X509_set_issuer_name(x, X509_get_subject_name(x));
  X509_set_pubkey(x, key);
  X509_sign(x, key, EVP_sha256());
  unsigned char* der = nullptr;
  const int size = i2d_X509(x, &der);
  unsigned char digest[20];
  X509_digest(x, EVP_sha1(), digest, nullptr);
  std::string thumbprint;
  for (const unsigned char b : digest) {
    char hex[3];
    std::snprintf(hex, sizeof hex, "%02X", b);
    thumbprint += hex;
  }
  std::vector<std::byte> blob;
  std::vector<std::byte> friendly;
  put_text(friendly, std::string("TenantEncryptionCert") + '\0');
  put(blob, std::uint32_t{11}), put(blob, std::uint32_t{1}), put(blob, static_cast<std::uint32_t>(friendly.size()));
  blob.insert(blob.end(), friendly.begin(), friendly.end());
  put(blob, std::uint32_t{32}), put(blob, std::uint32_t{1}), put(blob, static_cast<std::uint32_t>(size));
  blob.insert(blob.end(), reinterpret_cast<std::byte*>(der), reinterpret_cast<std::byte*>(der) + size);
  OPENSSL_free(der);
  EVP_PKEY_free(key);
  X509_free(x);

  RegistryKey root = software();
  const std::string store = R"(Microsoft\SystemCertificates\MY\Certificates\)";
  make_key(root, store + thumbprint, at_run).values = {binary_value("Blob", blob)};
  make_key(root, store + "0123456789012345678901234567890123456789", at_run).values = {binary_value("Blob", blob)};
  // A name that no random thumbprint contains.
  make_key(root, store + "no-thumbprint", at_run).values = {binary_value("Blob", {std::byte{32}})};
  const HiveRead read = read_hive(write_hive(root, {}));
  const Statement* s = read.one(Deed::certificate, thumbprint);
  REQUIRE(s != nullptr);
  CHECK(field_of(*s, "thumbprint") == thumbprint);
  CHECK(field_of(*s, "sha1") == thumbprint);
  CHECK(field_of(*s, "thumbprint agrees") == "yes");
  CHECK(field_of(*s, "friendly name") == "TenantEncryptionCert");
  CHECK(field_of(*s, "subject") == "DC=Windows Azure CRP Certificate Generator");
  CHECK(field_of(*s, "issuer") == "DC=Windows Azure CRP Certificate Generator");
  CHECK(field_of(*s, "serial") == "1A2B");
  CHECK(field_of(*s, "not before") == "2024-01-02T03:04:05Z");
  CHECK(field_of(*s, "not after") == "2034-01-02T03:04:05Z");
  const Statement* wrong = read.one(Deed::certificate, "0123456789");
  REQUIRE(wrong != nullptr);
  CHECK(field_of(*wrong, "thumbprint agrees") == "no");
  REQUIRE(read.one(Deed::certificate, "no-thumbprint") != nullptr);
}

TEST_CASE("services of the agent and of handlers, the computer's name and Setup are stated") {
  RegistryKey root{"{root}", at_install, {}, {}, false};
  make_key(root, R"(ControlSet001\Services\WindowsAzureGuestAgent)", at_run).values = {
      text_value("ImagePath", R"(C:\WindowsAzure\GuestAgent_2.7\GuestAgent\WindowsAzureGuestAgent.exe)", 2)};
  make_key(root, R"(ControlSet001\Services\Tcpip)", at_run).values = {text_value("ImagePath", R"(System32\drivers\tcpip.sys)", 2)};
  make_key(root, R"(ControlSet001\Services\Handler)", at_run).values = {
      text_value("ImagePath", R"("C:\Packages\Plugins\A.B\1.2.3\bin\x.exe" -s)", 2)};
  make_key(root, R"(ControlSet001\Control\ComputerName\ComputerName)", at_run).values = {text_value("ComputerName", "VM-01")};
  make_key(root, "Setup", at_run).values = {text_value("CmdLine", "oobe\\windeploy.exe"), number_value("OOBEInProgress", 0)};
  const HiveRead read = read_hive(write_hive(root, {}));
  CHECK(read.statements.size() == 4);
  REQUIRE(read.one(Deed::other, "WindowsAzureGuestAgent") != nullptr);
  const Statement* handler = read.one(Deed::other, "Handler");
  REQUIRE(handler != nullptr);
  CHECK(handler->handler == "A.B");
  CHECK(handler->version == "1.2.3");
  const Statement* name = read.one(Deed::other, "ComputerName");
  REQUIRE(name != nullptr);
  CHECK(name->computer == "VM-01");
  const Statement* setup = read.one(Deed::other, "Setup");
  REQUIRE(setup != nullptr);
  CHECK(field_of(*setup, "CmdLine") == "oobe\\windeploy.exe");
}

TEST_CASE("what is no hive is said to be none, and a hive libregf refuses is still carved") {
  const HiveRead none = read_hive(std::vector<std::byte>(10'000, std::byte{0x41}));
  CHECK_FALSE(none.tally.readable);
  CHECK(none.statements.empty());
  CHECK_FALSE(read_hive({std::byte{1}}).tally.readable);

  auto bytes = write_hive(software(), {});
  std::memset(bytes.data(), 0, 4096);
  const HiveRead carved = read_hive(bytes, "SOFTWARE");
  CHECK(carved.tally.readable);
  const Statement* s = carved.one(Deed::registered, custom);
  REQUIRE(s != nullptr);
  CHECK(s->carved);
  CHECK(s->status == "Enabled");
  CHECK(s->event == "SOFTWARE HandlerState");
  CHECK(carved.tally.note.find("base block is damaged") != std::string::npos);
}

TEST_CASE("a list of subkeys that is gone costs no key below it: they are found as allocated and linked by none") {
  auto bytes = write_hive(software(), {});
  // The list of HandlerState's children: the "lh" record whose only entry is the handler's key.
  const HiveRead before = read_hive(bytes);
  const auto cell = static_cast<std::uint32_t>(before.one(Deed::registered, custom)->offset - 4096);
  std::vector<std::byte> list{std::byte{'l'}, std::byte{'h'}, std::byte{1}, std::byte{0}};
  put(list, cell);
  const auto found = std::search(bytes.begin(), bytes.end(), list.begin(), list.end());
  REQUIRE(found != bytes.end());
  std::fill(found, found + 12, std::byte{0});
  const HiveRead after = read_hive(bytes);
  const Statement* s = after.one(Deed::registered, custom);
  REQUIRE(s != nullptr);
  CHECK(s->carved);
  CHECK(s->offset == cell + 4096);
  CHECK(s->sequence == "3");
  CHECK(after.tally.damaged > 0);
}

TEST_CASE("an index root that names index roots, or itself, is left out: libregf would follow it without end") {
  // The root's list becomes an index root. libregf 20201007 overflows its stack on the first form and does not come back from the second.
  const auto bytes = write_hive(software(), {});
  const auto root = 4096 + le<std::uint32_t>(bytes, 36) + 4;
  const auto list = le<std::uint32_t>(bytes, root + 28);
  REQUIRE(std::memcmp(bytes.data() + 4096 + list + 4, "lh", 2) == 0);

  auto self = bytes;
  std::memcpy(self.data() + 4096 + list + 4, "ri\x01", 4);
  std::memcpy(self.data() + 4096 + list + 8, &list, 4);

  auto levels = bytes;
  std::uint32_t next = list;
  for (int level = 0; level < 4; ++level) {
    const auto offset = static_cast<std::uint32_t>(levels.size() - 4096), size = std::uint32_t{4096},
               free_size = std::uint32_t{4096 - 32 - 808};
    const std::uint32_t allocated = 0U - 808U;
    std::vector<std::byte> bin(4096);
    std::memcpy(bin.data(), "hbin", 4);
    std::memcpy(bin.data() + 4, &offset, 4);
    std::memcpy(bin.data() + 8, &size, 4);
    std::memcpy(bin.data() + 32, &allocated, 4);
    std::memcpy(bin.data() + 36, "ri\xC8", 4);  // 200 entries
    for (std::size_t i = 0; i < 200; ++i) std::memcpy(bin.data() + 40 + i * 4, &next, 4);
    std::memcpy(bin.data() + 32 + 808, &free_size, 4);
    levels.insert(levels.end(), bin.begin(), bin.end());
    next = offset + 32;
  }
  std::memcpy(levels.data() + root + 28, &next, 4);
  const auto bins = static_cast<std::uint32_t>(levels.size() - 4096);
  std::memcpy(levels.data() + 40, &bins, 4);

  for (auto* hive : {&self, &levels}) {
    const std::uint32_t sum = witness::base_block_checksum(*hive);
    std::memcpy(hive->data() + 508, &sum, 4);
    const HiveRead read = read_hive(*hive);
    CHECK(read.tally.damaged >= 1);
    CHECK(read.tally.note.find("1 broken list of subkeys left out") != std::string::npos);
    const Statement* s = read.one(Deed::registered, custom);  // found by the carver, linked by none
    REQUIRE(s != nullptr);
    CHECK(s->carved);
    CHECK(s->status == "Enabled");
  }
}

// Found by fuzzing: libregf reads as many as the key states, past the end of the hive.
TEST_CASE("a key that states more values than its list has room for keeps those that are there") {
  auto bytes = write_hive(software(), {});
  const Statement before = *read_hive(bytes).one(Deed::registered, custom);
  const auto record = static_cast<std::size_t>(before.offset) + 4;
  for (const std::uint32_t stated : {std::uint32_t{0x00C0'0000}, std::uint32_t{0xFFFF'FFFF}, std::uint32_t{5000}}) {
    CAPTURE(stated);
    auto hive = bytes;
    std::memcpy(hive.data() + record + 36, &stated, 4);
    const std::uint32_t sum = witness::base_block_checksum(hive);
    std::memcpy(hive.data() + 508, &sum, 4);
    const HiveRead read = read_hive(hive);
    const Statement* s = read.one(Deed::registered, custom);
    REQUIRE(s != nullptr);
    CHECK(s->status == before.status);
    CHECK(s->sequence == before.sequence);
    CHECK(read.tally.note.find("of values shorter than stated") != std::string::npos);
  }
}

TEST_CASE("a list that names one big value again and again costs no more than the hive's size") {
  RegistryKey root = software();
  auto& key = make_key(root, handlers + custom + "_1.10.15", at_run);
  key.values = {binary_value("a", std::vector<std::byte>(16'000)), text_value("InstallState", "Enabled")};
  auto bytes = write_hive(root, {});
  const Statement before = *read_hive(bytes).one(Deed::registered, custom);
  const auto record = static_cast<std::size_t>(before.offset) + 4;
  // The key's list becomes one of 16,000 times its first value: it would be 256 MB.
  const auto first = le<std::uint32_t>(bytes, 4096 + le<std::uint32_t>(bytes, record + 40) + 4);
  const std::uint32_t bin = static_cast<std::uint32_t>(bytes.size() - 4096), size = 69'632, cell = 0U - (size - 32), many = 16'000;
  std::vector<std::byte> extra(size);
  std::memcpy(extra.data(), "hbin", 4);
  std::memcpy(extra.data() + 4, &bin, 4);
  std::memcpy(extra.data() + 8, &size, 4);
  std::memcpy(extra.data() + 32, &cell, 4);
  for (std::size_t i = 0; i < many; ++i) std::memcpy(extra.data() + 36 + i * 4, &first, 4);
  bytes.insert(bytes.end(), extra.begin(), extra.end());
  const std::uint32_t bins = static_cast<std::uint32_t>(bytes.size() - 4096), list = bin + 32;
  std::memcpy(bytes.data() + 40, &bins, 4);
  std::memcpy(bytes.data() + record + 36, &many, 4);
  std::memcpy(bytes.data() + record + 40, &list, 4);
  const std::uint32_t sum = witness::base_block_checksum(bytes);
  std::memcpy(bytes.data() + 508, &sum, 4);
  const HiveRead read = read_hive(bytes);
  const Statement* s = read.one(Deed::registered, custom);
  REQUIRE(s != nullptr);
  CHECK(s->cut);
  const auto read_whole = static_cast<std::uint64_t>(std::ranges::count_if(s->fields, [](const auto& f) { return !f.second.empty(); }));
  CHECK(read_whole > 100);
  CHECK(read_whole * 16'000 <= bytes.size() * 4 + witness::most_text);
}

TEST_CASE("a bin whose header is damaged does not shift or hide the others") {
  // libregf 20201007 steps over such a bin and reads later offsets 4 KiB too far, or stops there.
  RegistryKey root = software();
  make_key(root, "Aaa", at_run).values = {binary_value("x", std::vector<std::byte>(9'000))};
  auto bytes = write_hive(root, {.free_bins = 2});
  const Statement before = *read_hive(bytes).one(Deed::registered, custom);
  for (std::size_t bin = 8192; bin < bytes.size(); bin += le<std::uint32_t>(bytes, bin + 8)) {
    if (before.offset >= bin && before.offset < bin + le<std::uint32_t>(bytes, bin + 8)) continue;
    CAPTURE(bin);
    for (const std::size_t length : {4U, 32U}) {
      auto damaged = bytes;
      std::memset(damaged.data() + bin, 0, length);
      const HiveRead read = read_hive(damaged);
      const Statement* s = read.one(Deed::registered, custom);
      REQUIRE(s != nullptr);
      CHECK(s->offset == before.offset);
      CHECK_FALSE(s->carved);
      CHECK(s->status == "Enabled");
      CHECK(read.tally.damaged > 0);
    }
  }
}
