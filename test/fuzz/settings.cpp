// The extension's settings and status JSON, whole or in fragments. What is handed on is well-formed UTF-8, whatever was read.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "findings/settings.hpp"
#include "trimcarve/text.hpp"

namespace {
void check(const std::string& text) {
  if (trimcarve::to_utf8(trimcarve::to_utf16(text)) != text) __builtin_trap();
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto settings = trimcarve::findings::read_settings(text)) {
    if (settings->whole && settings->command_cut) __builtin_trap();
    check(settings->command);
    check(settings->thumbprint);
    for (const std::string& uri : settings->file_uris) check(uri);
  }
  if (const auto status = trimcarve::findings::read_status(text))
    for (const std::string& part : {status->time, status->status, status->message, status->output, status->error_output}) check(part);
  (void)trimcarve::findings::file_name_of_uri(text);
  return 0;
}
